//! Use cases of presence.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;

use super::model::{Follower, Presence};
use super::store;
use crate::app::App;
use crate::error::AppResult;
use crate::ids::UserId;
use crate::scope::Scope;

/// Whether some users are online, of those who let the viewer see it.
///
/// # Errors
/// When the database fails.
pub async fn load_visible(scope: &Scope, users: &[UserId]) -> AppResult<HashMap<UserId, Presence>> {
    let Some(viewer) = scope.requester().viewer else { return Ok(HashMap::new()) };
    let conn = scope.db.read().await?;
    let visible = store::list_visible(&conn, viewer.user_id, users).await?;
    Ok(visible.into_iter().map(|(user, used_at)| (user, find_presence(&scope.app, user, used_at))).collect())
}

/// Whether a user is online; `used_at` is when one of their sessions was last used.
#[must_use]
pub fn find_presence(app: &App, user: UserId, used_at: Option<DateTime<Utc>>) -> Presence {
    let seen = app.events.presence.look(user);
    Presence { last_seen_at: seen.last_seen_at.max(used_at), ..seen }
}

/// Those of some people who are friends of some users, while neither blocks the other.
///
/// # Errors
/// When the database fails.
pub async fn list_followers(conn: &AsyncPgConnection, users: &[UserId], people: &[UserId]) -> AppResult<Vec<Follower>> {
    Ok(store::list_followers(conn, users, people).await?)
}
