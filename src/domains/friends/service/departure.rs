//! What goes with an account.

use diesel_async::AsyncPgConnection;

use super::friendships::removed;
use crate::domains::friends::store;
use crate::domains::relations;
use crate::error::AppResult;
use crate::events::model::NewEvent;
use crate::ids::UserId;
use crate::scope::Scope;

/// Ends the friendships of a user who leaves, within the caller's transaction, which holds their account; their requests and
/// groups go with them. Blocks stay: those of a person who comes back under another name do not, as that is another account.
///
/// # Errors
/// When the database fails.
pub async fn forget(scope: &Scope, conn: &AsyncPgConnection, user: UserId) -> AppResult<()> {
    relations::service::lock_all_of(conn, user).await?;
    let sides = store::friendships::delete_all_of(conn, user).await?;
    let friends: Vec<UserId> = sides.iter().map(|(friend, _)| *friend).collect();
    store::friendships::count_less(conn, &friends).await?;
    store::friendships::delete_count(conn, user).await?;
    relations::service::end_friendships_of(conn, user).await?;
    store::requests::delete_all_of(conn, user).await?;
    store::groups::delete_all_of(conn, user).await?;
    let told: Vec<UserId> = sides.into_iter().filter_map(|(friend, sees)| sees.then_some(friend)).collect();
    for friends in told.chunks(EVENTS_AT_ONCE) {
        let events: Vec<NewEvent> = friends.iter().map(|friend| removed(*friend, user)).collect();
        scope.record(conn, &events).await?;
    }
    Ok(())
}

/// Events of one statement, which has a bound of parameters.
const EVENTS_AT_ONCE: usize = 1000;
