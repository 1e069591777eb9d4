//! Loading what a batch of events refers to, in a constant number of statements.

use std::collections::HashMap;
use std::sync::Arc;

use diesel_async::AsyncPgConnection;

use crate::app::App;
use crate::domains::accounts::model::SessionEnd;
use crate::domains::{accounts, chat, media};
use crate::error::AppResult;
use crate::events::model::{EventKind, StoredEvent};
use crate::ids::{ConversationId, ItemId, MediaId, MessageId, OrderId, SessionId, TaskId, TicketId, UserId};
use crate::live::event::{Event, Payload, SharedCard};

/// Turns rows into events: at most one statement per kind of thing they refer to.
pub(super) async fn load(app: &App, conn: &AsyncPgConnection, rows: Vec<StoredEvent>) -> AppResult<Vec<Event>> {
    let mut messages: Vec<MessageId> = Vec::new();
    let mut markers: Vec<(ConversationId, UserId)> = Vec::new();
    let mut memberships: Vec<(ConversationId, UserId)> = Vec::new();
    let mut sessions: Vec<SessionId> = Vec::new();
    for row in &rows {
        match (row.kind, row.conversation_id, row.user_id, row.subject_id) {
            (EventKind::MessageCreated | EventKind::MessageUpdated, _, _, Some(id)) => messages.push(MessageId(id)),
            (EventKind::ConversationRead, Some(conversation), Some(user), _) => markers.push((conversation, user)),
            (EventKind::MembershipChanged, Some(conversation), Some(user), _) => {
                memberships.push((conversation, user));
            }
            (EventKind::SessionRevoked, _, _, Some(id)) => sessions.push(SessionId(id)),
            _ => {}
        }
    }
    let cards = chat::service::load_message_cards(conn, &messages).await?;
    let marked: Vec<ConversationId> = markers.iter().map(|(conversation, _)| *conversation).collect();
    let conversations = chat::service::load_conversation_cards(conn, &marked).await?;
    let readers: Vec<UserId> = markers.iter().map(|(_, user)| *user).collect();
    let users = accounts::service::load_users(conn, &readers).await?;
    let windows = chat::service::load_windows(conn, &memberships).await?;
    let ends = accounts::service::sessions::load_ends(conn, &sessions).await?;
    // For subscribers, who show them beside what was said.
    let people = cards.values().map(|card| &*card.sender).chain(users.values().map(|user| &**user));
    let avatars: Vec<MediaId> = people.filter_map(|user| user.avatar_id).collect();
    media::service::preload(app, conn, &avatars).await?;
    let found = Found { cards, conversations, users, windows, ends };
    Ok(rows.iter().map(|row| found.event(row)).collect())
}

struct Found {
    cards: HashMap<MessageId, Arc<chat::model::MessageCard>>,
    conversations: HashMap<ConversationId, Arc<chat::model::ConversationCard>>,
    users: HashMap<UserId, Arc<accounts::model::User>>,
    windows: HashMap<(ConversationId, UserId), chat::model::Window>,
    ends: HashMap<SessionId, SessionEnd>,
}

impl Found {
    fn event(&self, row: &StoredEvent) -> Event {
        let payload = self.payload(row).unwrap_or(Payload::Gone);
        Event {
            position: row.position,
            at: row.at,
            kind: row.kind,
            audience: row.audience(),
            version: row.version,
            seq: row.seq,
            weight: payload.weight(),
            payload,
        }
    }

    fn payload(&self, row: &StoredEvent) -> Option<Payload> {
        Some(match row.kind {
            EventKind::MessageCreated | EventKind::MessageUpdated => {
                Payload::Message(SharedCard::new(Arc::clone(self.cards.get(&MessageId(row.subject_id?))?)))
            }
            EventKind::ConversationRead => Payload::Marker {
                conversation: Arc::clone(self.conversations.get(&row.conversation_id?)?),
                user: Arc::clone(self.users.get(&row.user_id?)?),
                seq: row.seq?,
            },
            EventKind::MembershipChanged => {
                let (conversation_id, user_id) = (row.conversation_id?, row.user_id?);
                let window = self.windows.get(&(conversation_id, user_id)).copied();
                Payload::Membership { conversation_id, user_id, window }
            }
            EventKind::ItemTraded => Payload::Item(ItemId(row.subject_id?)),
            EventKind::TaskChanged => Payload::Task(TaskId(row.subject_id?)),
            EventKind::OrderChanged => Payload::Order(OrderId(row.subject_id?), row.user_id?),
            EventKind::TicketChanged => Payload::Ticket(TicketId(row.subject_id?), row.user_id?),
            EventKind::SessionRevoked => {
                let session = SessionId(row.subject_id?);
                // Its row may be gone already; its tokens are no good all the same.
                Payload::Session(session, self.ends.get(&session).copied().unwrap_or(SessionEnd::Revoked))
            }
            EventKind::Unknown => return None,
        })
    }
}
