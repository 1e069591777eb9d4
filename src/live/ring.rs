//! The last minutes of the stream in memory: events in order, without gaps, in chunks that readers share.
//!
//! A reader takes a stretch under the hub's lock, which costs some counted references, and looks through it without the lock.
//! All events of a subject share one payload: what was changed is no longer read as it was.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::event::{Event, SharedPayload};
use super::reference::{Reference, Subject};
use crate::events::model::Position;

/// Events kept, in number and bytes; up to a chunk more, for a chunk goes as a whole.
const MOST_EVENTS: usize = 20_000;
const MOST_BYTES: usize = 64 << 20;

/// Events of a chunk.
const CHUNK: usize = 256;

/// See the module.
#[derive(Default)]
pub(super) struct Ring {
    /// Full ones, the oldest first.
    full: VecDeque<Arc<Vec<Arc<Event>>>>,
    /// The newest events, fewer than a chunk.
    newest: Vec<Arc<Event>>,
    bytes: usize,
    /// The payload of each subject that events here tell of, and how many do.
    payloads: HashMap<Subject, (SharedPayload, usize)>,
}

/// Some events of the ring, in order.
pub(super) struct Stretch {
    chunks: Vec<Arc<Vec<Arc<Event>>>>,
    skip: usize,
    take: usize,
}

impl Stretch {
    /// The events.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Event>> {
        self.chunks.iter().flat_map(|chunk| chunk.iter()).skip(self.skip).take(self.take)
    }
}

impl Ring {
    /// Takes in the next event, and gives it as it is shared.
    pub(super) fn push(&mut self, mut event: Event) -> Arc<Event> {
        self.share_payload(&mut event);
        let event = Arc::new(event);
        self.newest.push(Arc::clone(&event));
        if self.newest.len() == CHUNK {
            self.full.push_back(Arc::new(std::mem::take(&mut self.newest)));
        }
        self.bytes += event.count_bytes().1;
        self.drop_oldest();
        event
    }

    /// Counts anew what an event takes, if it is here.
    pub(super) fn recount(&mut self, event: &Event) {
        let is_here = self.first_position().is_some_and(|first| first <= event.row.position);
        if is_here {
            let (before, now) = event.count_bytes();
            self.bytes = self.bytes.saturating_sub(before) + now;
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        while self.full.len() * CHUNK > MOST_EVENTS || self.bytes > MOST_BYTES {
            let Some(oldest) = self.full.pop_front() else { break };
            oldest.iter().for_each(|event| self.forget(event));
        }
    }

    fn first_position(&self) -> Option<Position> {
        let oldest = self.full.front().and_then(|chunk| chunk.first()).or(self.newest.first());
        oldest.map(|event| event.row.position)
    }

    /// Gives all events of the subject what the newest one refers to.
    fn share_payload(&mut self, event: &mut Event) {
        let Some(subject) = Reference::of(&event.row).and_then(|reference| reference.subject()) else { return };
        if let Some((shared, events)) = self.payloads.get_mut(&subject) {
            event.share(shared);
            *events += 1;
        } else {
            self.payloads.insert(subject, (event.shared_payload().clone(), 1));
        }
    }

    fn forget(&mut self, event: &Event) {
        self.bytes = self.bytes.saturating_sub(event.counted_bytes());
        let Some(subject) = Reference::of(&event.row).and_then(|reference| reference.subject()) else { return };
        if let Some((_, events)) = self.payloads.get_mut(&subject) {
            *events -= 1;
            if *events == 0 {
                self.payloads.remove(&subject);
            }
        }
    }

    /// At most `most` events behind a position; none when the ring doesn't reach back that far. `head` is where the stream
    /// is.
    pub(super) fn behind(&self, after: Position, head: Position, most: usize) -> Option<Stretch> {
        let first = self.first_position().unwrap_or(head + 1);
        let start = usize::try_from(after + 1 - first).ok()?;
        let mut chunks: Vec<_> = self.full.iter().skip(start / CHUNK).take(most.div_ceil(CHUNK) + 1).cloned().collect();
        let in_full = self.full.len() * CHUNK;
        let mut skip = start % CHUNK;
        if start >= in_full {
            // Of the newest, those alone that are asked for.
            let wanted = self.newest.get(start - in_full..).unwrap_or_default();
            (chunks, skip) = (vec![Arc::new(wanted.to_vec())], 0);
        } else if start + most > in_full {
            chunks.push(Arc::new(self.newest.clone()));
        }
        Some(Stretch { chunks, skip, take: most })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domains::accounts::model::{Role, User};
    use crate::domains::chat::model::{Content, Message, MessageCard, MessageStatus, MessageType};
    use crate::events::model::StoredEvent;
    use crate::events::{EventKind, Topic};
    use crate::ids::{ConversationId, MessageId, UserId};
    use crate::live::event::EventPayload;

    fn row(position: Position, kind: EventKind, subject_id: i64) -> StoredEvent {
        let topic = Topic::user(UserId(1));
        StoredEvent {
            position,
            at: chrono::DateTime::from_timestamp(0, 0).unwrap(),
            kind,
            topic_kind: topic.kind,
            topic_id: topic.id,
            conversation_id: None,
            version: None,
            subject_id: Some(subject_id),
            seq: None,
            user_id: None,
            actor_id: None,
            target_id: None,
            data: None,
        }
    }

    fn event(position: Position) -> Event {
        Event::loaded(row(position, EventKind::ItemTraded, 1), EventPayload::Deleted)
    }

    #[test]
    fn a_stretch_begins_right_behind_a_position_wherever_the_chunks_end() {
        let mut ring = Ring::default();
        assert_eq!(ring.behind(6, 6, 10).unwrap().iter().count(), 0);
        assert!(ring.behind(5, 6, 10).is_none(), "it begins behind the head");
        for position in 7..=1000 {
            ring.push(event(position));
        }
        assert!(ring.behind(5, 1000, 10).is_none());
        for after in (6..=1000).step_by(3).chain([6 + 255, 6 + 256, 6 + 257, 6 + 768, 999, 1000]) {
            for most in [1, 255, 256, 257, 700, 2000] {
                let stretch = ring.behind(after, 1000, most).unwrap();
                let found: Vec<Position> = stretch.iter().map(|event| event.row.position).collect();
                let until = 1000.min(after + i64::try_from(most).unwrap());
                assert_eq!(found, (after + 1..=until).collect::<Vec<_>>(), "{most} behind {after}");
            }
        }
    }

    #[test]
    fn what_is_too_much_goes() {
        let mut ring = Ring::default();
        let most = i64::try_from(MOST_EVENTS).unwrap();
        for position in 1..=3 * most {
            ring.push(event(position));
        }
        let oldest = 2 * most - i64::try_from(CHUNK).unwrap();
        assert!(ring.behind(oldest, 3 * most, 1).is_none());
        assert_eq!(ring.behind(3 * most - 1000, 3 * most, 2000).unwrap().iter().count(), 1000);
        // What is loaded later counts as well.
        for position in 1..=1000 {
            let event = ring.push(Event::stub(row(3 * most + position, EventKind::MessageCreated, position)));
            let version = event.shared_payload().missing_version().unwrap();
            event.shared_payload().fill(version, message(1 << 20));
            ring.recount(&event);
        }
        assert!(ring.bytes <= MOST_BYTES + (CHUNK << 20));
        assert!(ring.bytes > MOST_BYTES / 2);
    }

    fn message(bytes: usize) -> EventPayload {
        let at = chrono::DateTime::from_timestamp(0, 0).unwrap();
        let message = Message {
            id: MessageId(1),
            conversation_id: ConversationId(1),
            seq: 1,
            sender_id: UserId(1),
            type_: MessageType::Text,
            content: Some(Content::Text { text: "a".repeat(bytes) }),
            is_private: false,
            status: MessageStatus::Normal,
            client_message_id: None,
            marks: None,
            created_at: at,
            updated_at: at,
        };
        let sender = User {
            id: UserId(1),
            account_number: 1,
            username: String::new(),
            nickname: String::new(),
            avatar_id: None,
            role: Role::User,
            deleted_at: None,
            created_at: at,
            updated_at: at,
        };
        EventPayload::Message(Arc::new(MessageCard {
            message,
            sender: Arc::new(sender),
            conversation: None,
            reactions: None,
        }))
    }

    #[test]
    fn a_later_event_of_a_subject_changes_what_the_earlier_ones_show() {
        let mut ring = Ring::default();
        let first = ring.push(Event::loaded(row(1, EventKind::TaskChanged, 7), EventPayload::Deleted));
        let other = ring.push(Event::loaded(row(2, EventKind::OrderChanged, 7), EventPayload::Deleted));
        let began = first.shared_payload().missing_version();
        assert_eq!(began, None, "it is loaded");
        let second = ring.push(Event::stub(row(3, EventKind::TaskChanged, 7)));
        assert!(first.payload().is_none() && second.payload().is_none(), "to be loaded anew, once for both");
        assert!(other.payload().is_some());
        let version = first.shared_payload().missing_version().unwrap();
        ring.push(Event::stub(row(4, EventKind::TaskChanged, 7)));
        first.shared_payload().fill(version, EventPayload::Deleted);
        assert!(second.payload().is_none(), "what was loaded before the last event is not shown after it");
    }
}
