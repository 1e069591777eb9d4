//! The last minutes of the stream in memory: events in order, without gaps, in chunks that readers share.
//!
//! A reader takes a stretch under the hub's lock, which costs some counted references, and looks through it without the lock.
//! All events of a message share one card: what is edited is no longer read as it was.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::events::model::Position;
use crate::ids::MessageId;
use crate::live::event::{Event, Payload, SharedCard};

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
    /// The card of each message that events here tell of, and how many do.
    cards: HashMap<MessageId, (SharedCard, usize)>,
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
        self.share_card(&mut event);
        let event = Arc::new(event);
        self.bytes += event.weight;
        self.newest.push(Arc::clone(&event));
        if self.newest.len() == CHUNK {
            self.full.push_back(Arc::new(std::mem::take(&mut self.newest)));
        }
        while self.full.len() * CHUNK > MOST_EVENTS || self.bytes > MOST_BYTES {
            let Some(oldest) = self.full.pop_front() else { break };
            oldest.iter().for_each(|event| self.forget(event));
        }
        event
    }

    /// Gives all events of the message its newest card.
    fn share_card(&mut self, event: &mut Event) {
        let Payload::Message(card) = &mut event.payload else { return };
        let newest = card.get();
        let (shared, events) = self.cards.entry(newest.message.id).or_insert_with(|| (card.clone(), 0));
        shared.set(newest);
        *card = shared.clone();
        *events += 1;
    }

    fn forget(&mut self, event: &Event) {
        self.bytes -= event.weight;
        let Payload::Message(card) = &event.payload else { return };
        let id = card.get().message.id;
        if let Some((_, events)) = self.cards.get_mut(&id) {
            *events -= 1;
            if *events == 0 {
                self.cards.remove(&id);
            }
        }
    }

    /// At most `most` events behind a position; none when the ring doesn't reach back that far. `head` is where the stream
    /// is.
    pub(super) fn behind(&self, after: Position, head: Position, most: usize) -> Option<Stretch> {
        let oldest = self.full.front().and_then(|chunk| chunk.first()).or(self.newest.first());
        let first = oldest.map_or(head + 1, |event| event.position);
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
    use crate::events::model::{Audience, EventKind};
    use crate::ids::UserId;

    fn event(position: Position) -> Event {
        Event {
            position,
            at: chrono::DateTime::from_timestamp(0, 0).unwrap(),
            kind: EventKind::ItemTraded,
            audience: Audience::User(UserId(1)),
            version: None,
            seq: None,
            payload: Payload::Gone,
            weight: 100,
        }
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
                let found: Vec<Position> = stretch.iter().map(|event| event.position).collect();
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
        for position in 1..=1000 {
            ring.push(Event { weight: 1 << 20, ..event(3 * most + position) });
        }
        assert!(ring.bytes <= MOST_BYTES + (CHUNK << 20));
    }
}
