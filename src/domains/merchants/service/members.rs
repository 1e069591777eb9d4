//! Members of merchants: who joins, who leaves, and lists of them.

use std::collections::HashMap;
use std::sync::Arc;

use diesel_async::AsyncPgConnection;

use super::{departure, lock_merchant};
use crate::domains::accounts::model::User;
use crate::domains::accounts::service::load_users;
use crate::domains::merchants::model::{JoinedMerchant, MerchantError, MerchantMembership};
use crate::domains::merchants::store::members::MembershipScope;
use crate::domains::merchants::{policy, store};
use crate::error::AppResult;
use crate::ids::{MerchantId, MerchantMembershipId, UserId};
use crate::page::{Page, PageRequest};
use crate::scope::Scope;
use crate::validation::DomainError;

/// Joins a merchant. Joined again, nothing changes.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn join(scope: &Scope, id: MerchantId) -> AppResult<JoinedMerchant> {
    let now = scope.app.clock.now();
    scope
        .transaction(async |conn| {
            let held = lock_merchant(scope, conn, id, "merchantId").await?;
            match store::members::insert_membership(conn, id, held.viewer, now).await? {
                None => {
                    let membership = store::members::find_membership(conn, id, held.viewer).await?;
                    Ok(JoinedMerchant { merchant: held.merchant, membership })
                }
                membership => {
                    let merchant = store::change_member_count(conn, id, 1).await?;
                    Ok(JoinedMerchant { merchant, membership })
                }
            }
        })
        .await
}

/// Leaves a merchant. Its contact stays that; who is in its groups stays there. An owner who is its only member closes it by that.
///
/// # Errors
/// `NOT_FOUND`, `NOT_MEMBER`, `OWNER_MUST_TRANSFER`.
pub async fn leave(scope: &Scope, id: MerchantId) -> AppResult<MerchantMembershipId> {
    scope
        .transaction(async |conn| {
            let held = lock_merchant(scope, conn, id, "merchantId").await?;
            let membership = store::members::find_membership(conn, id, held.viewer).await?;
            let membership = membership.ok_or_else(|| MerchantError::NotMember.at("merchantId"))?;
            policy::check_leave(&held.merchant, held.viewer).map_err(|error| error.at("merchantId"))?;
            if held.merchant.owner_id == held.viewer {
                departure::close(scope, conn, id).await?;
                return Ok(membership.id);
            }
            store::members::delete_membership(conn, membership.id).await?;
            store::change_member_count(conn, id, -1).await?;
            Ok(membership.id)
        })
        .await
}

/// Whether a user has joined a merchant that was not closed.
///
/// # Errors
/// When the database fails.
pub async fn has_joined(conn: &AsyncPgConnection, id: MerchantId, user: UserId) -> AppResult<bool> {
    Ok(store::members::find_membership(conn, id, user).await?.is_some())
}

/// The viewer's memberships of some merchants.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn load_own(scope: &Scope, ids: &[MerchantId]) -> AppResult<HashMap<MerchantId, MerchantMembership>> {
    load_joined(&*scope.db.read().await?, scope.viewer()?.user_id, ids).await
}

/// A user's memberships of some merchants.
///
/// # Errors
/// When the database fails.
pub async fn load_joined(
    conn: &AsyncPgConnection,
    user: UserId,
    ids: &[MerchantId],
) -> AppResult<HashMap<MerchantId, MerchantMembership>> {
    let found = store::members::list_of_user_in(conn, user, ids).await?;
    Ok(found.into_iter().map(|membership| (membership.merchant_id, membership)).collect())
}

/// Memberships by key, of the viewer's.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn load_own_by_ids(
    scope: &Scope,
    ids: &[MerchantMembershipId],
) -> AppResult<HashMap<MerchantMembershipId, MerchantMembership>> {
    let viewer = scope.viewer()?.user_id;
    let found = store::members::list_by_ids(&*scope.db.read().await?, ids).await?;
    let own = found.into_iter().filter(|membership| membership.user_id == viewer);
    Ok(own.map(|membership| (membership.id, membership)).collect())
}

/// A page of the viewer's memberships, the last joined first.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn list_own(scope: &Scope, page: &PageRequest<MerchantMembershipId>) -> AppResult<Page<MerchantMembership>> {
    let own = MembershipScope::OfUser(scope.viewer()?.user_id);
    let rows = store::members::list_memberships(&*scope.db.read().await?, own, page).await?;
    Ok(page.page(rows, |membership| membership.id))
}

/// How many merchants the viewer has joined, up to a bound.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn count_own(scope: &Scope, bound: i64) -> AppResult<i64> {
    let own = MembershipScope::OfUser(scope.viewer()?.user_id);
    Ok(store::members::count_memberships(&*scope.db.read_long().await?, own, bound).await?)
}

/// A page of the members of a merchant, the last joined first; none for those who have not joined it.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn list(
    scope: &Scope,
    id: MerchantId,
    page: &PageRequest<MerchantMembershipId>,
) -> AppResult<Page<Arc<User>>> {
    let viewer = scope.viewer()?.user_id;
    let conn = scope.db.read().await?;
    if !has_joined(&conn, id, viewer).await? {
        return Ok(page.page(Vec::new(), |(id, _)| *id).map(|(_, user)| user));
    }
    let memberships = store::members::list_memberships(&conn, MembershipScope::In(id), page).await?;
    let ids: Vec<UserId> = memberships.iter().map(|membership| membership.user_id).collect();
    let users = load_users(&conn, &ids).await?;
    let found = |membership: MerchantMembership| Some((membership.id, Arc::clone(users.get(&membership.user_id)?)));
    let rows: Vec<(MerchantMembershipId, Arc<User>)> = memberships.into_iter().filter_map(found).collect();
    Ok(page.page(rows, |(id, _)| *id).map(|(_, user)| user))
}

/// How many members of a merchant the viewer sees, up to a bound.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn count(scope: &Scope, id: MerchantId, bound: i64) -> AppResult<i64> {
    let viewer = scope.viewer()?.user_id;
    let conn = scope.db.read_long().await?;
    if !has_joined(&conn, id, viewer).await? {
        return Ok(0);
    }
    Ok(store::members::count_memberships(&conn, MembershipScope::In(id), bound).await?)
}
