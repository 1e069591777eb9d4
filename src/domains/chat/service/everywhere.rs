//! Messages of all conversations: all that the viewer sees, to fetch anew; and those that an administrator looks at, which is noted.

use crate::domains::accounts::model::Role;
use crate::domains::accounts::service::require_role;
use crate::domains::chat::model::{Message, MessageSpot, MessageView, ReviewFilter, SentFilter};
use crate::domains::chat::store::everywhere;
use crate::error::{AppError, AppResult};
use crate::ids::MessageId;
use crate::page::{Page, PageRequest};
use crate::scope::Scope;

/// A page of all messages that the viewer sees, by conversation and seq; of those that none of their devices has fetched where that
/// is asked for.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn list_seen(
    scope: &Scope,
    only_unfetched: bool,
    page: &PageRequest<MessageSpot>,
) -> AppResult<Page<Message>> {
    let viewer = scope.viewer()?.user_id;
    if page.cursor.is_some_and(|spot| !(1..i32::MAX).contains(&spot.seq)) {
        return Err(AppError::foreign_cursor());
    }
    let conn = scope.db.read().await?;
    Ok(page.page(everywhere::list_seen(&conn, viewer, only_unfetched, page).await?, MessageSpot::of))
}

/// How many they are, up to a bound.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn count_seen(scope: &Scope, only_unfetched: bool, bound: i64) -> AppResult<i64> {
    let viewer = scope.viewer()?.user_id;
    let conn = scope.db.read_long().await?;
    Ok(everywhere::count_seen(&conn, viewer, only_unfetched, bound).await?)
}

/// A page of all messages, the newest first. Who asked for what, and how much they were shown, is noted before they are.
///
/// # Errors
/// Forbidden but to administrators.
pub async fn review(scope: &Scope, filter: &ReviewFilter, page: &PageRequest<MessageId>) -> AppResult<Page<Message>> {
    let admin = require_role(scope, Role::Admin).await?.user_id;
    let rows = everywhere::list_reviewed(&*scope.db.read_long().await?, filter, page).await?;
    let ReviewFilter { conversation, types, sent: SentFilter { sender, from, until } } = filter;
    let types: Option<Vec<&str>> = types.as_ref().map(|types| types.iter().map(|type_| type_.name()).collect());
    let asked = serde_json::json!({
        "conversation": conversation, "sender": sender, "types": types, "from": from, "until": until,
        "cursor": page.cursor, "backward": page.backward,
    })
    .to_string();
    let page = page.page(rows, |message| message.id);
    let messages = i32::try_from(page.rows.len()).map_err(AppError::internal)?;
    let view = MessageView { admin, asked: &asked, messages };
    everywhere::insert_view(&*scope.db.read().await?, &view, scope.app.clock.now()).await?;
    Ok(page)
}

/// How many they are, up to a bound; asked only by an administrator who was given a page of them.
///
/// # Errors
/// When the database fails.
pub async fn count_reviewed(scope: &Scope, filter: &ReviewFilter, bound: i64) -> AppResult<i64> {
    let conn = scope.db.read_long().await?;
    Ok(everywhere::count_reviewed(&conn, filter, bound).await?)
}
