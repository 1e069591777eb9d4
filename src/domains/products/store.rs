//! All SQL of products.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::BigInt;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::model::{NewProduct, Product, ProductChanges, ProductFilter, ProductOrderField};
use crate::db::keyset::{ColumnType, Keyset, KeysetColumn};
use crate::db::schema::products;
use crate::db::{columns, push_number_literal, statement};
use crate::domains::search::list_query::{ListPredicate, ListRows, SearchedTable};
use crate::domains::search::model::SearchKind;
use crate::domains::search::terms::Terms;
use crate::ids::ProductId;

columns!(
    /// The columns of a product.
    static PRODUCT: Product
);

type ProductColumns = diesel::dsl::SqlTypeOf<diesel::dsl::AsSelect<Product, Pg>>;

/// Joins products to what search found.
const FOUND: SearchedTable = SearchedTable {
    kind: SearchKind::Product,
    join: " cross join lateral (select products.* from products where products.id = search_entries.subject_id offset 0) products",
};

/// The column of an order.
#[must_use]
pub fn column(field: ProductOrderField) -> KeysetColumn {
    let (name, column_type) = match field {
        ProductOrderField::CreatedAt => ("products.created_at", ColumnType::Instants),
        ProductOrderField::Price => ("products.price", ColumnType::Numbers),
        ProductOrderField::Name => ("products.name", ColumnType::Texts),
    };
    KeysetColumn { name, id: "products.id", column_type }
}

/// What has to hold: products have no states.
pub struct ProductConditions<'a>(pub &'a ProductFilter);

impl ProductConditions<'_> {
    /// All that has to hold.
    #[must_use]
    pub fn predicate(&self) -> ListPredicate<'_> {
        ListPredicate { table: "products", states: None, more: self }
    }
}

impl QueryFragment<Pg> for ProductConditions<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let ProductFilter { min_price, max_price, in_stock, query: _ } = self.0;
        out.push_sql("products.deleted_at is null");
        out.push_sql(match in_stock {
            None => "",
            Some(true) => " and products.stock > 0",
            Some(false) => " and products.stock = 0",
        });
        for (lead, price) in [(" and products.price >= ", min_price), (" and products.price <= ", max_price)] {
            if let Some(price) = price {
                out.push_sql(lead);
                push_number_literal(&mut out, price.fen());
            }
        }
        Ok(())
    }
}

statement! {
    by text
    /// A page of products.
    struct ListedProducts<'a> { rows: ListRows<'a> } -> ProductColumns
    |this|
    "select " {&*PRODUCT} " from " {&this.rows} {&this.rows.cut}
}

statement! {
    by text
    /// How many products a list has, up to a bound.
    struct CountProducts<'a> { rows: ListRows<'a> } -> BigInt
    |this|
    "select count(*) from " {&this.rows}
}

/// The rows of a page, of those that have these words.
#[must_use]
pub fn rows<'a>(predicate: &'a ListPredicate<'a>, terms: Option<&'a Terms>, cut: Keyset) -> ListRows<'a> {
    ListRows::matching(predicate, cut, FOUND, terms)
}

/// A page of products.
pub async fn list_products(
    mut conn: &AsyncPgConnection,
    filter: &ProductFilter,
    terms: Option<&Terms>,
    cut: Keyset,
) -> QueryResult<Vec<Product>> {
    let conditions = ProductConditions(filter);
    ListedProducts { rows: rows(&conditions.predicate(), terms, cut) }.load(&mut conn).await
}

/// How many products there are, up to a bound.
pub async fn count_products(
    mut conn: &AsyncPgConnection,
    filter: &ProductFilter,
    terms: Option<&Terms>,
    bound: i64,
) -> QueryResult<i64> {
    let conditions = ProductConditions(filter);
    let cut = Keyset::count(column(ProductOrderField::CreatedAt), bound);
    CountProducts { rows: rows(&conditions.predicate(), terms, cut) }.get_result(&mut conn).await
}

/// The products with these ids that are in the store.
pub async fn list_present(mut conn: &AsyncPgConnection, ids: &[ProductId]) -> QueryResult<Vec<Product>> {
    let found = products::table.filter(products::id.eq_any(ids)).filter(products::deleted_at.is_null());
    found.select(Product::as_select()).load(&mut conn).await
}

/// Adds a product.
pub async fn insert_product(mut conn: &AsyncPgConnection, product: &NewProduct) -> QueryResult<Product> {
    let inserted = diesel::insert_into(products::table).values(product).returning(Product::as_returning());
    inserted.get_result(&mut conn).await
}

/// Locks a product, deleted or not, against concurrent changes.
pub async fn lock_product(mut conn: &AsyncPgConnection, id: ProductId) -> QueryResult<Option<Product>> {
    products::table.find(id).select(Product::as_select()).for_no_key_update().get_result(&mut conn).await.optional()
}

/// Changes a product that is held.
pub async fn update_product(
    mut conn: &AsyncPgConnection,
    id: ProductId,
    changes: &ProductChanges,
) -> QueryResult<Product> {
    let product = products::table.find(id);
    diesel::update(product).set(changes).returning(Product::as_returning()).get_result(&mut conn).await
}

/// Takes pieces from the stock of a product, or puts them back, by so many.
pub async fn change_stock(mut conn: &AsyncPgConnection, id: ProductId, by: i32) -> QueryResult<usize> {
    let product = products::table.find(id);
    diesel::update(product).set(products::stock.eq(products::stock + by)).execute(&mut conn).await
}
