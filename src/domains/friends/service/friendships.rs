//! Friendships: the list of them, what their owners note, and their end.

use std::collections::HashMap;
use std::sync::Arc;

use diesel_async::AsyncPgConnection;

use super::{friendship_changed, lock_people};
use crate::db::keyset::{KeyValue, Keyset, KeysetPosition};
use crate::domains::accounts::service::lock_nicknames;
use crate::domains::friends::model::{FriendError, FriendFilter, Friendship, FriendshipEdit};
use crate::domains::friends::store::friendships::COLUMN;
use crate::domains::friends::{names, policy, store};
use crate::domains::relations;
use crate::error::{AppError, AppResult};
use crate::events::model::NewEvent;
use crate::events::{EventKind, Topic};
use crate::ids::{FriendshipId, UserId};
use crate::page::{Page, PageArgs, PageRequest};
use crate::scope::Scope;
use crate::validation::DomainError;

/// Ends a friendship, for both; the id of the viewer's side.
///
/// # Errors
/// `NOT_FOUND`, `SELF_TARGET`, `NOT_FRIENDS`.
pub async fn remove(scope: &Scope, friend: UserId) -> AppResult<FriendshipId> {
    scope
        .transaction(async |conn| {
            let viewer = lock_pair(scope, conn, friend).await?;
            let sides = store::friendships::delete_pair(conn, viewer, friend).await?;
            let own = sides.iter().find(|side| side.owner_id == viewer);
            let own = own.ok_or_else(|| FriendError::NotFriends.at("userId"))?.id;
            store::friendships::count_less(conn, &[viewer, friend]).await?;
            relations::service::update_friends_since(conn, viewer, friend, None).await?;
            let seen = sides.iter().filter(|side| !side.hidden);
            let events: Vec<NewEvent> = seen.map(|side| removed(side.owner_id, side.friend_id)).collect();
            scope.record(conn, &events).await?;
            Ok::<_, AppError>(own)
        })
        .await
}

/// That a person has a friend less.
pub(super) fn removed(owner: UserId, friend: UserId) -> NewEvent {
    NewEvent { target_id: Some(friend.0), ..NewEvent::new(EventKind::FriendRemoved, Topic::user(owner)) }
}

/// Gives a friend another remark; empty for none.
///
/// # Errors
/// `TOO_LONG`, `INVALID_INPUT`, `NOT_FOUND`, `SELF_TARGET`, `NOT_FRIENDS`.
pub async fn set_remark(scope: &Scope, friend: UserId, remark: &str) -> AppResult<Friendship> {
    let remark = policy::check_remark(remark)?;
    scope
        .transaction(async |conn| {
            let viewer = lock_pair(scope, conn, friend).await?;
            let names = lock_nicknames(conn, &[friend]).await?;
            let nickname = names.get(&friend).map_or("", String::as_str);
            let sort_key = names::sort_key(if remark.is_empty() { nickname } else { &remark });
            edit(scope, conn, viewer, friend, &FriendshipEdit::Remark { remark: remark.clone(), sort_key }).await
        })
        .await
}

/// Gives a friend other labels.
///
/// # Errors
/// `OUT_OF_RANGE`, `REQUIRED`, `TOO_LONG`, `INVALID_INPUT`, `NOT_FOUND`, `SELF_TARGET`, `NOT_FRIENDS`.
pub async fn set_labels(scope: &Scope, friend: UserId, labels: &[String]) -> AppResult<Friendship> {
    let labels = policy::check_labels(labels).map_err(AppError::User)?;
    let edited = FriendshipEdit::Labels(labels);
    scope
        .transaction(async |conn| {
            let viewer = lock_pair(scope, conn, friend).await?;
            edit(scope, conn, viewer, friend, &edited).await
        })
        .await
}

/// The viewer, once their account, the friend's, and the row of the two are held.
async fn lock_pair(scope: &Scope, conn: &AsyncPgConnection, friend: UserId) -> AppResult<UserId> {
    let viewer = lock_people(scope, conn, friend, "userId").await?;
    relations::service::lock_pair(conn, viewer, friend).await?;
    Ok(viewer)
}

/// Changes the viewer's side of a friendship; the row of the two is held.
async fn edit(
    scope: &Scope,
    conn: &AsyncPgConnection,
    viewer: UserId,
    friend: UserId,
    edit: &FriendshipEdit,
) -> AppResult<Friendship> {
    let changed = store::friendships::update_friendship(conn, viewer, friend, edit).await?;
    let changed = changed.ok_or_else(|| FriendError::NotFriends.at("userId"))?;
    scope.record(conn, &[friendship_changed(viewer, friend)]).await?;
    Ok(changed)
}

/// A list of the viewer's friends whose arguments were looked at.
#[derive(Clone, Debug)]
pub struct FriendListQuery {
    filter: FriendFilter,
}

impl FriendListQuery {
    /// A list with this filter.
    #[must_use]
    pub fn new(filter: FriendFilter) -> Self {
        Self { filter }
    }

    /// The page that the arguments ask for.
    ///
    /// # Errors
    /// Bad input.
    pub fn page(&self, args: PageArgs) -> AppResult<PageRequest<KeysetPosition>> {
        let Self { filter } = self;
        policy::check_filter(filter)?;
        args.request(serde_json::to_string(&("friends", filter)).unwrap_or_default())
    }
}

/// A page of the viewer's friends, by name.
///
/// # Errors
/// Bad input.
pub async fn list(
    scope: &Scope,
    list: &FriendListQuery,
    page: &PageRequest<KeysetPosition>,
) -> AppResult<Page<Friendship>> {
    let viewer = scope.viewer()?.user_id;
    let cut = Keyset::new(COLUMN, page.backward, page.cursor.clone(), page.limit())?;
    let rows = store::friendships::list_friends(&*scope.db.read().await?, viewer, &list.filter, cut).await?;
    Ok(page.page(rows, |friendship| (KeyValue::Text(friendship.sort_key.clone()), friendship.id.0)))
}

/// How many friends a list has, up to a bound.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn count(scope: &Scope, list: &FriendListQuery, bound: i64) -> AppResult<i64> {
    let viewer = scope.viewer()?.user_id;
    Ok(store::friendships::count_friends(&*scope.db.read_long().await?, viewer, &list.filter, bound).await?)
}

/// Friendships of the viewer's, by id.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn load(scope: &Scope, ids: &[FriendshipId]) -> AppResult<HashMap<FriendshipId, Arc<Friendship>>> {
    let viewer = scope.viewer()?.user_id;
    let found = store::friendships::list_by_ids(&*scope.db.read().await?, viewer, ids).await?;
    Ok(found.into_iter().map(|friendship| (friendship.id, Arc::new(friendship))).collect())
}
