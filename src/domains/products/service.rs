//! Use cases of products.

use std::collections::HashMap;
use std::sync::Arc;

use diesel_async::AsyncPgConnection;

use super::model::{
    CreateProduct, NewProduct, Product, ProductChanges, ProductError, ProductFilter, ProductOrderField, ProductSort,
    UpdateProduct,
};
use super::{policy, store};
use crate::db::keyset::{KeyValue, Keyset, KeysetPosition};
use crate::db::violated_constraint;
use crate::domains::accounts::model::Role;
use crate::domains::accounts::service::{lock_viewer_shared, require_role};
use crate::domains::media::model::MediaError;
use crate::domains::search::model::SearchKind;
use crate::domains::search::terms::{Terms, asked};
use crate::domains::{media, search};
use crate::error::{AppError, AppResult};
use crate::idempotency::{self, Key};
use crate::ids::ProductId;
use crate::money::Money;
use crate::page::{Page, PageArgs, PageRequest};
use crate::scope::Scope;
use crate::validation::DomainError;

/// Products by id, of those that are in the store; no statement when nothing is asked.
///
/// # Errors
/// When the database fails.
pub async fn load_present(scope: &Scope, ids: &[ProductId]) -> AppResult<HashMap<ProductId, Arc<Product>>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let products = list_findable(&*scope.db.read().await?, ids).await?;
    Ok(products.into_iter().map(|product| (product.id, Arc::new(product))).collect())
}

/// The products with these ids that can be found, for search.
///
/// # Errors
/// When the database fails.
pub async fn list_findable(conn: &AsyncPgConnection, ids: &[ProductId]) -> AppResult<Vec<Product>> {
    Ok(store::list_present(conn, ids).await?)
}

/// A list of products whose arguments were looked at.
#[derive(Clone, Debug)]
pub struct ProductListQuery {
    filter: ProductFilter,
    sort: ProductSort,
}

impl ProductListQuery {
    /// A list with this filter, in this order.
    #[must_use]
    pub fn new(mut filter: ProductFilter, sort: Option<ProductSort>) -> Self {
        filter.query = asked(filter.query);
        let sort = sort.unwrap_or(ProductSort { field: ProductOrderField::CreatedAt, descending: true });
        Self { filter, sort }
    }

    /// The page that the arguments ask for.
    ///
    /// # Errors
    /// Bad input.
    pub fn page(&self, args: PageArgs) -> AppResult<PageRequest<KeysetPosition>> {
        args.request(serde_json::to_string(&("products", &self.filter, self.sort)).unwrap_or_default())
    }

    /// What is looked for; none where nothing can be found.
    async fn terms(&self, scope: &Scope) -> AppResult<Option<Option<Terms>>> {
        search::service::terms_of_list(scope, self.filter.query.as_deref(), &[SearchKind::Product]).await
    }

    fn place(&self, product: &Product) -> KeysetPosition {
        let mark = match self.sort.field {
            ProductOrderField::CreatedAt => KeyValue::Number(product.created_at.timestamp_micros()),
            ProductOrderField::Price => KeyValue::Number(product.price.fen()),
            ProductOrderField::Name => KeyValue::Text(product.name.clone()),
        };
        (mark, product.id.0)
    }
}

/// A page of products.
///
/// # Errors
/// Bad input.
pub async fn list_products(
    scope: &Scope,
    list: &ProductListQuery,
    page: &PageRequest<KeysetPosition>,
) -> AppResult<Page<Product>> {
    let rows = match list.terms(scope).await? {
        None => Vec::new(),
        Some(terms) => {
            let descending = list.sort.descending != page.backward;
            let cut = Keyset::new(store::column(list.sort.field), descending, page.cursor.clone(), page.limit())?;
            store::list_products(&*scope.db.read().await?, &list.filter, terms.as_ref(), cut).await?
        }
    };
    Ok(page.page(rows, |product| list.place(product)))
}

/// How many products a list has, up to a bound.
///
/// # Errors
/// When the database fails.
pub async fn count_products(scope: &Scope, list: &ProductListQuery, bound: i64) -> AppResult<i64> {
    match list.terms(scope).await? {
        None => Ok(0),
        Some(terms) => {
            Ok(store::count_products(&*scope.db.read_long().await?, &list.filter, terms.as_ref(), bound).await?)
        }
    }
}

/// A picture that was there a moment ago.
fn gone(error: diesel::result::Error) -> AppError {
    match violated_constraint(&error) {
        Some("products_image_id_fkey") => MediaError::NoSuchFile.at("input.imageId").into(),
        _ => error.into(),
    }
}

/// Puts a product into the store.
///
/// # Errors
/// Forbidden but to administrators; what is wrong with the input; `NOT_FOUND` and `FILE_TYPE_NOT_ALLOWED` for what is no
/// picture of theirs; those of a key.
pub async fn create(scope: &Scope, draft: CreateProduct, key: Option<String>) -> AppResult<Product> {
    let viewer = require_role(scope, Role::Admin).await?.user_id;
    let key = Key::new(viewer, "createProduct", key, &draft)?;
    let reload = async |id| replayed(&*scope.db.read().await?, id).await;
    if let Some(made) = idempotency::find_replayed(&scope.db, key.as_ref(), reload).await? {
        return Ok(made);
    }
    policy::validate_create(&draft).map_err(AppError::User)?;
    media::service::check_picture(scope, &[viewer], draft.image, "input.imageId").await?;
    let now = scope.app.clock.now();
    let product = NewProduct {
        name: draft.name.trim().to_owned(),
        price: draft.price,
        stock: draft.stock,
        supplied: draft.stock.into(),
        image_id: draft.image,
        created_at: now,
        updated_at: now,
    };
    scope
        .transaction(async |conn| {
            lock_viewer_shared(scope, conn).await?;
            if let Some(made) = idempotency::claim(conn, key.as_ref(), scope.app.clock.now()).await? {
                return replayed(conn, made).await;
            }
            let product = store::insert_product(conn, &product).await.map_err(gone)?;
            search::service::index(conn, &product).await?;
            idempotency::complete(conn, key.as_ref(), product.id.0).await?;
            Ok(product)
        })
        .await
}

/// A product that was made before with the same key.
async fn replayed(conn: &AsyncPgConnection, id: i64) -> AppResult<Product> {
    let found = store::list_present(conn, &[ProductId(id)]).await?.into_iter().next();
    found.ok_or_else(|| ProductError::NoSuchProduct.at("idempotencyKey").into())
}

/// A product that is held and in the store.
async fn lock_present(conn: &AsyncPgConnection, id: ProductId) -> AppResult<Product> {
    let found = store::lock_product(conn, id).await?.filter(|product| product.deleted_at.is_none());
    found.ok_or_else(|| ProductError::NoSuchProduct.at("id").into())
}

/// Changes a product. Its stock is replaced where it still is what the administrator saw, or changed by some pieces.
///
/// # Errors
/// Forbidden but to administrators; what is wrong with the input; `NOT_FOUND`; `CONFLICT` for another stock than expected.
pub async fn update(scope: &Scope, id: ProductId, update: UpdateProduct) -> AppResult<Product> {
    let viewer = require_role(scope, Role::Admin).await?.user_id;
    let changes_content = update.changes_content();
    let (mut wanted, stock) = policy::validate_update(update).map_err(AppError::User)?;
    if let Some(image) = wanted.image_id {
        media::service::check_picture(scope, &[viewer], image, "input.imageId").await?;
    }
    wanted.updated_at = Some(scope.app.clock.now());
    scope
        .transaction(async |conn| {
            let product = lock_present(conn, id).await?;
            let next = policy::next_stock(product.stock, stock).map_err(|(error, path)| error.at(path))?;
            if !changes_content {
                return Ok(product);
            }
            let supplied = next.map(|next| product.supplied + i64::from(next) - i64::from(product.stock));
            let changes = ProductChanges { stock: next, supplied, ..wanted.clone() };
            let product = store::update_product(conn, id, &changes).await.map_err(gone)?;
            search::service::index(conn, &product).await?;
            Ok(product)
        })
        .await
}

/// Takes a product out of the store; orders keep what they say of it.
///
/// # Errors
/// Forbidden but to administrators; `NOT_FOUND`.
pub async fn delete(scope: &Scope, id: ProductId) -> AppResult<()> {
    require_role(scope, Role::Admin).await?;
    let now = scope.app.clock.now();
    let changes = ProductChanges { deleted_at: Some(now), updated_at: Some(now), ..ProductChanges::default() };
    scope
        .transaction(async |conn| {
            lock_present(conn, id).await?;
            store::update_product(conn, id, &changes).await?;
            search::service::forget(conn, SearchKind::Product, &[id.0]).await
        })
        .await
}

/// Takes a piece of a product out of stock, at the price that was seen, within the caller's transaction.
///
/// # Errors
/// `NOT_FOUND`, `CONFLICT`, `OUT_OF_STOCK`.
pub async fn reserve_stock(conn: &AsyncPgConnection, id: ProductId, expected: Option<Money>) -> AppResult<Product> {
    let product = lock_present(conn, id).await?;
    policy::check_exchange(&product, expected).map_err(|(error, path)| error.at(path))?;
    store::change_stock(conn, id, -1).await?;
    Ok(product)
}

/// Puts a piece of a product back into stock, deleted or not, within the caller's transaction.
///
/// # Errors
/// When the database fails.
pub async fn restock(conn: &AsyncPgConnection, id: ProductId) -> AppResult<()> {
    store::change_stock(conn, id, 1).await?;
    Ok(())
}
