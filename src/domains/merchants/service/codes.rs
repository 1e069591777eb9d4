//! Activation codes, for administrators.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::clock::random_bytes;
use crate::domains::accounts::model::Role;
use crate::domains::accounts::service::require_role;
use crate::domains::merchants::model::{ActivationCode, MerchantError, NewActivationCode};
use crate::domains::merchants::{policy, store};
use crate::error::{AppError, AppResult};
use crate::ids::ActivationCodeId;
use crate::page::{Page, PageRequest};
use crate::scope::Scope;
use crate::validation::DomainError;

/// Makes codes, each for one merchant.
///
/// # Errors
/// Forbidden but to administrators; `OUT_OF_RANGE`, `INVALID_INPUT` for a time that is over.
pub async fn create(scope: &Scope, count: i32, expires_at: Option<DateTime<Utc>>) -> AppResult<Vec<ActivationCode>> {
    require_role(scope, Role::Admin).await?;
    let now = scope.app.clock.now();
    policy::check_codes(count, expires_at, now).map_err(AppError::User)?;
    let new = |_| NewActivationCode { code: policy::code_of(random_bytes()), created_at: now, expires_at };
    let codes: Vec<NewActivationCode> = (0..count).map(new).collect();
    scope.transaction(async |conn| Ok(store::codes::insert_codes(conn, &codes).await?)).await
}

/// Revokes a code that no merchant was made with: it is no more.
///
/// # Errors
/// Forbidden but to administrators; `NOT_FOUND`; `CONFLICT` for one that was used.
pub async fn revoke(scope: &Scope, id: ActivationCodeId) -> AppResult<()> {
    require_role(scope, Role::Admin).await?;
    scope
        .transaction(async |conn| {
            let code = store::codes::lock_by_id(conn, id).await?;
            let code = code.ok_or_else(|| MerchantError::NoSuchCode.at("id"))?;
            if code.merchant_id.is_some() {
                return Err(MerchantError::CodeSpent.at("id").into());
            }
            Ok(store::codes::delete_code(conn, id).await?)
        })
        .await
}

/// When codes have to be usable for a list to have them.
fn usable_at(scope: &Scope, unused_only: bool) -> Option<DateTime<Utc>> {
    unused_only.then(|| scope.app.clock.now())
}

/// A page of codes, the newest first: all, or those that can still be used.
///
/// # Errors
/// Forbidden but to administrators.
pub async fn list(
    scope: &Scope,
    unused_only: bool,
    page: &PageRequest<ActivationCodeId>,
) -> AppResult<Page<ActivationCode>> {
    require_role(scope, Role::Admin).await?;
    let rows = store::codes::list_codes(&*scope.db.read().await?, usable_at(scope, unused_only), page).await?;
    Ok(page.page(rows, |code| code.id))
}

/// How many codes a list has, up to a bound.
///
/// # Errors
/// Forbidden but to administrators.
pub async fn count(scope: &Scope, unused_only: bool, bound: i64) -> AppResult<i64> {
    require_role(scope, Role::Admin).await?;
    Ok(store::codes::count_codes(&*scope.db.read_long().await?, usable_at(scope, unused_only), bound).await?)
}

/// Codes by key; whether the viewer is an administrator is asked before.
///
/// # Errors
/// When the database fails.
pub async fn load(scope: &Scope, ids: &[ActivationCodeId]) -> AppResult<HashMap<ActivationCodeId, ActivationCode>> {
    let found = store::codes::list_by_ids(&*scope.db.read().await?, ids).await?;
    Ok(found.into_iter().map(|code| (code.id, code)).collect())
}
