//! Finding messages by what they say, in the conversations of the viewer alone.
//!
//! Words are made by the leader, behind the stream: a second after a message was sent or edited it is found by them. A message
//! loses its words in the statement that takes its content away; while it is changed, none are written. Once it is edited, the words
//! that it had find nothing.

use diesel_async::{AsyncConnection, AsyncPgConnection};

use crate::domains::chat::model::{IndexProgress, IndexedText, Message, MessageQuery, SentFilter, conversation_word};
use crate::domains::chat::store::words as store;
use crate::domains::search;
use crate::domains::search::words::{SearchDocument, VERSION};
use crate::error::{AppError, AppResult};
use crate::ids::{ConversationId, MessageId};
use crate::page::{Page, PageRequest};
use crate::scope::Scope;

/// Positions of the stream, or messages, that are dealt with at once.
const BATCH_SIZE: i64 = 500;

/// Conversations that are searched: the latest of the viewer's.
const CONVERSATIONS_LIMIT: i64 = 1000;

/// What to look for, in one of the viewer's conversations or in all; none where nothing can be found.
///
/// # Errors
/// Unauthenticated without a token; bad input for a query that is too long.
pub async fn parse_query(
    scope: &Scope,
    text: &str,
    conversation: Option<ConversationId>,
    sent: SentFilter,
) -> AppResult<Option<MessageQuery>> {
    let viewer = scope.viewer()?.user_id;
    let Some(terms) = search::service::own_terms(text).await? else { return Ok(None) };
    let conversations = match conversation {
        Some(conversation) => vec![conversation],
        None => store::list_conversations_of(&*scope.db.read().await?, viewer, CONVERSATIONS_LIMIT).await?,
    };
    let places: Vec<String> = conversations.into_iter().map(conversation_word).collect();
    let words = format!("({}) & ({})", places.join(" | "), terms.all());
    Ok((!places.is_empty()).then_some(MessageQuery { words, sent }))
}

/// A page of the messages that a query finds, the newest first.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn list_found(
    scope: &Scope,
    query: &MessageQuery,
    page: &PageRequest<MessageId>,
) -> AppResult<Page<Message>> {
    let viewer = scope.viewer()?.user_id;
    let conn = scope.db.read_long().await?;
    Ok(page.page(store::list_found(&conn, query, viewer, page).await?, |message| message.id))
}

/// How many messages a query finds, up to a bound.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn count_found(scope: &Scope, query: &MessageQuery, bound: i64) -> AppResult<i64> {
    let viewer = scope.viewer()?.user_id;
    let conn = scope.db.read_long().await?;
    Ok(store::count_found(&conn, query, viewer, bound).await?)
}

/// Makes the words of some messages that have none yet, and returns whether more wait.
///
/// # Errors
/// When the database fails.
pub async fn index_some(conn: &mut AsyncPgConnection) -> AppResult<bool> {
    let seen = store::get_progress(conn).await?;
    let (ids, now) = if seen.version == VERSION { next_of_stream(conn, seen).await? } else { begin_anew(seen) };
    let (ids, now) = match (ids.is_empty(), now.rest_after) {
        (true, Some(after)) if now.position == seen.position || now.position == now.head => {
            next_of_rest(conn, now, after).await?
        }
        _ => (ids, now),
    };
    let texts = if ids.is_empty() { Vec::new() } else { store::list_texts(conn, &ids).await? };
    let words = make_words(&texts).await?;
    if now != seen {
        conn.transaction(async |conn| {
            let (ids, texts): (Vec<MessageId>, Vec<String>) =
                texts.into_iter().map(|text| (text.id, text.text)).unzip();
            if !ids.is_empty() {
                store::write_words(conn, &ids, &texts, &words).await?;
            }
            // Another instance that leads for a moment has done it.
            store::move_progress(conn, &seen, &now).await?;
            Ok::<_, AppError>(())
        })
        .await?;
    }
    Ok(now.position < now.head || now.rest_after.is_some())
}

/// After a change of the rules all words are made again.
fn begin_anew(seen: IndexProgress) -> (Vec<MessageId>, IndexProgress) {
    let rest_after = if seen.rest_until > 0 || seen.head > 0 { Some(0) } else { None };
    (Vec::new(), IndexProgress { version: VERSION, rest_after, rest_until: i64::MAX, ..seen })
}

async fn next_of_stream(conn: &AsyncPgConnection, seen: IndexProgress) -> AppResult<(Vec<MessageId>, IndexProgress)> {
    let position = seen.head.min(seen.position + BATCH_SIZE);
    if position == seen.position {
        return Ok((Vec::new(), seen));
    }
    let ids = store::list_told(conn, seen.position, position).await?;
    Ok((ids, IndexProgress { position, ..seen }))
}

async fn next_of_rest(
    conn: &AsyncPgConnection,
    now: IndexProgress,
    after: i64,
) -> AppResult<(Vec<MessageId>, IndexProgress)> {
    let ids = store::list_rest(conn, after, now.rest_until, BATCH_SIZE).await?;
    let is_full = i64::try_from(ids.len()).is_ok_and(|count| count == BATCH_SIZE);
    let rest_after = ids.last().filter(|_| is_full).map(|id| id.0);
    Ok((ids, IndexProgress { rest_after, ..now }))
}

/// The words of texts, made where they hold up no other task.
async fn make_words(texts: &[IndexedText]) -> AppResult<Vec<String>> {
    if texts.is_empty() {
        return Ok(Vec::new());
    }
    search::words::ready().await;
    let texts = texts.to_vec();
    let words = |IndexedText { conversation, text, .. }: &IndexedText| {
        format!("{}{}", SearchDocument::with_pinyin(text).tsvector(), conversation_word(*conversation))
    };
    let made = tokio::task::spawn_blocking(move || texts.iter().map(words).collect());
    made.await.map_err(AppError::internal)
}
