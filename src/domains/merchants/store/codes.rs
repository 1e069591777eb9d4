//! Activation codes.

use chrono::{DateTime, Utc};
use diesel::dsl::{delete, insert_into, update};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::db::schema::activation_codes;
use crate::domains::merchants::model::{ActivationCode, NewActivationCode};
use crate::ids::{ActivationCodeId, MerchantId};
use crate::page::PageRequest;

/// Adds codes.
pub async fn insert_codes(
    mut conn: &AsyncPgConnection,
    codes: &[NewActivationCode],
) -> QueryResult<Vec<ActivationCode>> {
    let inserted = insert_into(activation_codes::table).values(codes).returning(ActivationCode::as_returning());
    inserted.get_results(&mut conn).await
}

/// Locks a code that was typed.
pub async fn lock_code(mut conn: &AsyncPgConnection, code: &str) -> QueryResult<Option<ActivationCode>> {
    let found = activation_codes::table.filter(activation_codes::code.eq(code));
    found.select(ActivationCode::as_select()).for_update().get_result(&mut conn).await.optional()
}

/// Locks a code by its key.
pub async fn lock_by_id(mut conn: &AsyncPgConnection, id: ActivationCodeId) -> QueryResult<Option<ActivationCode>> {
    let found = activation_codes::table.find(id).select(ActivationCode::as_select());
    found.for_update().get_result(&mut conn).await.optional()
}

/// Notes the merchant that was made with a code that is held.
pub async fn use_code(mut conn: &AsyncPgConnection, id: ActivationCodeId, merchant: MerchantId) -> QueryResult<()> {
    let used = update(activation_codes::table.find(id)).set(activation_codes::merchant_id.eq(merchant));
    used.execute(&mut conn).await.map(drop)
}

/// Deletes a code that is held.
pub async fn delete_code(mut conn: &AsyncPgConnection, id: ActivationCodeId) -> QueryResult<()> {
    delete(activation_codes::table.find(id)).execute(&mut conn).await.map(drop)
}

/// Codes by key.
pub async fn list_by_ids(mut conn: &AsyncPgConnection, ids: &[ActivationCodeId]) -> QueryResult<Vec<ActivationCode>> {
    let found = activation_codes::table.filter(activation_codes::id.eq_any(ids));
    found.select(ActivationCode::as_select()).load(&mut conn).await
}

type Codes<'a> = diesel::helper_types::IntoBoxed<'a, activation_codes::table, diesel::pg::Pg>;

/// All codes, or those that can still be used.
fn codes<'a>(usable_at: Option<DateTime<Utc>>) -> Codes<'a> {
    let all = activation_codes::table.into_boxed();
    match usable_at {
        None => all,
        Some(now) => all
            .filter(activation_codes::merchant_id.is_null())
            .filter(activation_codes::expires_at.is_null().or(activation_codes::expires_at.gt(now))),
    }
}

/// A page of codes, the newest first: all, or those that can be used at a time.
pub async fn list_codes(
    mut conn: &AsyncPgConnection,
    usable_at: Option<DateTime<Utc>>,
    page: &PageRequest<ActivationCodeId>,
) -> QueryResult<Vec<ActivationCode>> {
    let found = codes(usable_at).select(ActivationCode::as_select()).limit(page.limit());
    let found = match (page.cursor, page.backward) {
        (Some(cursor), true) => found.filter(activation_codes::id.gt(cursor)),
        (Some(cursor), false) => found.filter(activation_codes::id.lt(cursor)),
        (None, _) => found,
    };
    let found =
        if page.backward { found.order(activation_codes::id.asc()) } else { found.order(activation_codes::id.desc()) };
    found.load(&mut conn).await
}

/// How many codes there are, up to a bound.
pub async fn count_codes(
    mut conn: &AsyncPgConnection,
    usable_at: Option<DateTime<Utc>>,
    bound: i64,
) -> QueryResult<i64> {
    let ids: Vec<ActivationCodeId> = codes(usable_at).select(activation_codes::id).limit(bound).load(&mut conn).await?;
    Ok(i64::try_from(ids.len()).unwrap_or(bound))
}
