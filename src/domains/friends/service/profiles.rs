//! What follows for friends when a person is shown in another way.

use chrono::TimeDelta;
use diesel_async::AsyncPgConnection;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::domains::accounts::model::{User, UserChanges};
use crate::domains::friends::names::sort_key;
use crate::domains::friends::store::friendships;
use crate::error::AppResult;
use crate::rate_limit::{self, Bucket};
use crate::scope::Scope;

/// How often a person's friends are told of changes in an hour; of more they are not.
const MOST_TOLD: u32 = 10;

/// Sorts a person who has another nickname anew among the friends of those who have no remark for them, and tells friends of
/// another name or picture, within the caller's transaction, which holds the account. Accounts know nothing of friends: it is passed to their use cases
/// ([`ProfileFollower`](crate::domains::accounts::service::ProfileFollower)).
///
/// # Errors
/// When the database fails.
pub fn follow<'a>(
    scope: &'a Scope,
    conn: &'a AsyncPgConnection,
    changes: &'a UserChanges,
    user: &'a User,
) -> BoxFuture<'a, AppResult<()>> {
    tell_and_sort(scope, conn, changes, user).boxed()
}

async fn tell_and_sort(scope: &Scope, conn: &AsyncPgConnection, changes: &UserChanges, user: &User) -> AppResult<()> {
    let is_shown = changes.username.is_some() || changes.nickname.is_some() || changes.avatar_id.is_some();
    if !is_shown || !friendships::has_friends(conn, user.id).await? {
        return Ok(());
    }
    if changes.nickname.is_some() {
        friendships::update_sort_keys(conn, user.id, &sort_key(&user.nickname)).await?;
    }
    let told = Bucket::new("told friends", &user.id.0.to_string(), MOST_TOLD, TimeDelta::hours(1));
    if rate_limit::try_consume(conn, &[told], scope.app.clock.now()).await? {
        friendships::tell_friends(conn, user.id).await?;
        scope.note_recorded();
    }
    Ok(())
}
