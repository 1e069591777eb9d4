//! Lists of products.

use async_graphql::resolver_utils::EnumType;
use plaza::db::keyset::Keyset;
use plaza::domains::products::model::{ProductFilter, ProductOrderField};
use plaza::domains::products::store::{ProductConditions, column, rows};
use plaza::domains::search::terms::Terms;
use plaza::money::Money;

use super::{first_page, page_before, sql_of, terms};

fn sql(filter: &ProductFilter, terms: Option<&Terms>, cut: Keyset) -> String {
    sql_of(&rows(&ProductConditions(filter).predicate(), terms, cut))
}

fn all_filters() -> ProductFilter {
    ProductFilter {
        query: Some("fan".to_owned()),
        min_price: Some(Money::from_fen(100)),
        max_price: Some(Money::from_fen(200)),
        in_stock: Some(true),
    }
}

#[test]
fn a_list_of_products_is_this_sql() {
    let newest = || first_page(column(ProductOrderField::CreatedAt));
    let (none, all, found) = (ProductFilter::default(), all_filters(), terms());
    insta::assert_snapshot!("unfiltered", sql(&none, None, newest()));
    insta::assert_snapshot!("with_all_filters", sql(&all, None, newest()));
    let sold_out = ProductFilter { in_stock: Some(false), ..none.clone() };
    insta::assert_snapshot!("sold_out", sql(&sold_out, None, newest()));
    let by_name = page_before(column(ProductOrderField::Name));
    insta::assert_snapshot!("found", sql(&all, Some(&found), by_name));
    let counted = Keyset::count(column(ProductOrderField::CreatedAt), 1000);
    insta::assert_snapshot!("counted", sql(&none, None, counted));
}

#[test]
fn a_list_of_products_has_these_orders() {
    for order in ProductOrderField::items() {
        let column = column(order.value);
        let pages = [first_page(column), page_before(column)].map(|cut| sql(&ProductFilter::default(), None, cut));
        insta::assert_snapshot!(format!("by_{}", order.name.to_lowercase()), pages.join("\n\n"));
    }
}
