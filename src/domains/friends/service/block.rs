//! Blocking: nothing more comes from a person, and they are not told.

use std::sync::Arc;

use diesel_async::AsyncPgConnection;

use super::requests::event;
use super::{friendship_changed, lock_people};
use crate::domains::accounts::model::User;
use crate::domains::accounts::service::{load_users, lock_viewer_shared};
use crate::domains::friends::model::{FriendError, RequestStatus};
use crate::domains::friends::store;
use crate::domains::relations::model::Block;
use crate::domains::{chat, relations};
use crate::error::AppResult;
use crate::events::EventKind;
use crate::ids::UserId;
use crate::page::{Page, PageRequest};
use crate::scope::Scope;
use crate::validation::DomainError;

/// Blocks another user: hides the friendship from the viewer, and what waits between the two. Done again, nothing changes.
///
/// # Errors
/// `NOT_FOUND`, `SELF_TARGET`.
pub async fn block(scope: &Scope, other: UserId) -> AppResult<User> {
    let now = scope.app.clock.now();
    scope
        .transaction(async |conn| {
            let viewer = lock_people(scope, conn, other, "userId").await?;
            relations::service::lock_pair(conn, viewer, other).await?;
            if relations::service::insert_block(conn, viewer, other, now).await? {
                store::friendships::update_hidden(conn, viewer, other, true).await?;
                store::requests::hide_waiting(conn, other, viewer).await?;
                let own = store::requests::find_last(conn, viewer, other).await?;
                if let Some(own) = own.filter(|request| request.status_at(now) == RequestStatus::Waiting) {
                    let own = store::requests::end_request(conn, own.id, RequestStatus::Cancelled, None, now).await?;
                    if !own.hidden {
                        scope.record(conn, &[event(EventKind::FriendRequestAnswered, &own, other)]).await?;
                    }
                }
                chat::membership::set_blocked(conn, viewer, other, true).await?;
                scope.record(conn, &[friendship_changed(viewer, other)]).await?;
            }
            find_user(conn, other).await
        })
        .await
}

/// Unblocks another user; a friendship that was hidden is there again. Done again, nothing changes.
///
/// # Errors
/// `NOT_FOUND`, `SELF_TARGET`.
pub async fn unblock(scope: &Scope, other: UserId) -> AppResult<User> {
    scope
        .transaction(async |conn| {
            // Also of an account that was deleted since: else it would stay in the list.
            let viewer = lock_viewer_shared(scope, conn).await?;
            if viewer == other {
                return Err(FriendError::SelfTarget.at("userId").into());
            }
            if relations::service::is_known(conn, viewer, other).await? {
                relations::service::lock_pair(conn, viewer, other).await?;
            }
            if relations::service::delete_block(conn, viewer, other).await? {
                store::friendships::update_hidden(conn, viewer, other, false).await?;
                chat::membership::set_blocked(conn, viewer, other, false).await?;
                scope.record(conn, &[friendship_changed(viewer, other)]).await?;
            }
            find_user(conn, other).await
        })
        .await
}

async fn find_user(conn: &AsyncPgConnection, id: UserId) -> AppResult<User> {
    let user = load_users(conn, &[id]).await?.remove(&id);
    user.map(|user| (*user).clone()).ok_or_else(|| FriendError::NoSuchUser.at("userId").into())
}

/// A page of those whom the viewer blocks, the last first.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn list(scope: &Scope, page: &PageRequest<i64>) -> AppResult<Page<Arc<User>>> {
    let viewer = scope.viewer()?.user_id;
    let conn = scope.db.read().await?;
    let blocks = relations::service::list_blocks(&conn, viewer, page).await?;
    let ids: Vec<UserId> = blocks.iter().map(|block| block.blocked_id).collect();
    let people = load_users(&conn, &ids).await?;
    let found = |block: Block| people.get(&block.blocked_id).map(|user| (block.id, Arc::clone(user)));
    let rows: Vec<(i64, Arc<User>)> = blocks.into_iter().filter_map(found).collect();
    Ok(page.page(rows, |(id, _)| *id).map(|(_, user)| user))
}

/// How many people the viewer blocks, up to a bound.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn count(scope: &Scope, bound: i64) -> AppResult<i64> {
    let viewer = scope.viewer()?.user_id;
    Ok(relations::service::count_blocks(&*scope.db.read_long().await?, viewer, bound).await?)
}
