//! Who listens here, and the last minutes of the stream in memory.
//!
//! One lock around everything; nothing is awaited under it, and what many ask for is looked through outside of it. The feed
//! hands over batches in order, so the state between two batches is the state of the stream at [`Hub::head`].

mod presence;
mod typing;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use self::presence::PresenceSubscriber;
use self::typing::TypingSubscriber;
use super::event::Event;
use super::filter::EventFilter;
use super::ring::Ring;
use super::topics::{Effects, TopicChange, Topics};
use crate::events::Topic;
use crate::events::cursor::StreamCursor;
use crate::events::model::Position;
use crate::ids::UserId;

/// Events that wait for one subscriber before it has to catch up instead.
pub const QUEUE_LIMIT: usize = 256;

/// Names one subscription in the hub.
pub type SubscriberId = u64;

/// See the module.
pub struct Hub {
    state: Mutex<State>,
    queued: Arc<AtomicUsize>,
}

/// An event that waits for one subscriber; it is counted for as long as it does.
pub struct Queued {
    /// The event.
    pub event: Arc<Event>,
    _counted: Counted,
}

struct Counted(Arc<AtomicUsize>);

impl Queued {
    fn new(event: &Arc<Event>, count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self { event: Arc::clone(event), _counted: Counted(Arc::clone(count)) }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

struct State {
    head: StreamCursor,
    ring: Ring,
    listeners: HashMap<UserId, Listener>,
    /// Who of the listeners has each topic.
    topics: HashMap<Topic, HashSet<UserId>>,
    next_id: SubscriberId,
    subscriptions: usize,
}

/// One person with at least one subscription here.
#[derive(Default)]
struct Listener {
    /// Shared with those who look through what memory holds.
    topics: Arc<Topics>,
    /// The topics were read from the database.
    is_loaded: bool,
    /// Changes that came by while they were being read; the changes win.
    pending_changes: Vec<TopicChange>,
    active: HashMap<SubscriberId, Subscriber>,
    /// Those that follow typing, apart from the stream.
    typing: HashMap<SubscriberId, TypingSubscriber>,
    /// Those that follow who is online.
    presence: HashMap<SubscriberId, PresenceSubscriber>,
    subscriptions: usize,
}

/// A subscription that has caught up.
struct Subscriber {
    queue: mpsc::Sender<Queued>,
    queued: Arc<AtomicUsize>,
    filter: EventFilter,
    /// Seen already: a cursor may come from an instance that is ahead of this one.
    reached: Position,
}

/// What memory holds behind a position.
pub enum Recent {
    /// These, and with them everything up to the position.
    Events(Vec<Arc<Event>>, Position),
    /// Memory doesn't reach back that far.
    TooOld,
}

impl Hub {
    /// A hub at the present end of the stream.
    #[must_use]
    pub fn new(head: StreamCursor) -> Self {
        let state = State {
            head,
            ring: Ring::default(),
            listeners: HashMap::new(),
            topics: HashMap::new(),
            next_id: 0,
            subscriptions: 0,
        };
        Self { state: Mutex::new(state), queued: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far the stream has come here.
    #[must_use]
    pub fn head(&self) -> StreamCursor {
        self.state().head
    }

    /// Subscriptions here.
    #[must_use]
    pub fn subscriptions(&self) -> usize {
        self.state().subscriptions
    }

    /// Subscriptions here that have caught up, and those that follow typing or presence.
    #[must_use]
    pub fn live(&self) -> usize {
        let live = |listener: &Listener| listener.active.len() + listener.typing.len() + listener.presence.len();
        self.state().listeners.values().map(live).sum()
    }

    /// Events that wait for subscribers here.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }

    /// Whether a person has a subscription here.
    #[must_use]
    pub fn is_listening(&self, user: UserId) -> bool {
        self.state().listeners.contains_key(&user)
    }

    /// Who listens to a topic here.
    #[must_use]
    pub fn listeners_of(&self, topic: Topic) -> Vec<UserId> {
        self.state().topics.get(&topic).into_iter().flatten().copied().collect()
    }

    /// Those of the topics that are listened to here, once some changes are made.
    #[must_use]
    pub fn heard<'a>(
        &self,
        topics: impl Iterator<Item = Topic>,
        changes: impl Iterator<Item = &'a TopicChange>,
    ) -> HashSet<Topic> {
        let state = self.state();
        let begun = changes.filter(|change| state.listeners.contains_key(&change.user)).map(|change| change.topic);
        topics.filter(|topic| state.topics.contains_key(topic)).chain(begun).collect()
    }

    /// Announces a subscription. True when the person's topics have to be read and handed to [`Hub::set_topics`].
    pub fn register(&self, user: UserId) -> (SubscriberId, bool) {
        let mut state = self.state();
        state.next_id += 1;
        state.subscriptions += 1;
        let id = state.next_id;
        let listener = state.listeners.entry(user).or_default();
        listener.subscriptions += 1;
        (id, !listener.is_loaded)
    }

    /// Hands over the topics that were read after [`Hub::register`]; what the stream said meanwhile wins.
    pub fn set_topics(&self, user: UserId, topics: Topics) {
        let mut guard = self.state();
        let state = &mut *guard;
        let Some(listener) = state.listeners.get_mut(&user).filter(|listener| !listener.is_loaded) else { return };
        listener.is_loaded = true;
        listener.topics = Arc::new(topics);
        for change in std::mem::take(&mut listener.pending_changes) {
            Arc::make_mut(&mut listener.topics).apply(&change);
        }
        for topic in listener.topics.iter() {
            state.topics.entry(topic).or_default().insert(user);
        }
    }

    /// Makes changes of topics that were read just now.
    pub fn change_topics(&self, changes: &[TopicChange]) {
        let mut state = self.state();
        for change in changes {
            state.change_topic(change);
        }
    }

    /// Takes a subscription off.
    pub fn unregister(&self, user: UserId, id: SubscriberId) {
        let mut guard = self.state();
        let state = &mut *guard;
        let Some(listener) = state.listeners.get_mut(&user) else { return };
        listener.active.remove(&id);
        listener.typing.remove(&id);
        listener.presence.remove(&id);
        listener.subscriptions -= 1;
        state.subscriptions -= 1;
        if listener.subscriptions > 0 {
            return;
        }
        let listener = state.listeners.remove(&user).unwrap_or_default();
        for topic in listener.topics.iter() {
            state.forget_listener(topic, user);
        }
    }

    /// The person's topics.
    #[must_use]
    pub fn topics(&self, user: UserId) -> Arc<Topics> {
        self.state().listeners.get(&user).map(|listener| Arc::clone(&listener.topics)).unwrap_or_default()
    }

    /// What the person may see and asks for behind a position, from at most `scan` events in memory.
    #[must_use]
    pub fn recent(&self, user: UserId, filter: &EventFilter, after: Position, scan: usize) -> Recent {
        // Both at one moment: no event is looked at with topics from before it.
        let (stretch, topics) = {
            let state = self.state();
            let Some(stretch) = state.ring.behind(after, state.head.position, scan) else { return Recent::TooOld };
            let Some(listener) = state.listeners.get(&user) else { return Recent::Events(Vec::new(), after) };
            (stretch, Arc::clone(&listener.topics))
        };
        let mut through = after;
        let mut events = Vec::new();
        for event in stretch.iter() {
            through = event.row.position;
            if filter.matches(user, &topics, &event.row) {
                events.push(Arc::clone(event));
            }
        }
        Recent::Events(events, through)
    }

    /// Makes a subscription live if it has caught up with the head; the queue then gets everything behind `reached`.
    #[must_use]
    pub fn go_live(
        &self,
        user: UserId,
        id: SubscriberId,
        filter: EventFilter,
        reached: Position,
    ) -> Option<mpsc::Receiver<Queued>> {
        let mut state = self.state();
        if state.head.position > reached {
            return None;
        }
        let (queue, receiver) = mpsc::channel(QUEUE_LIMIT);
        let listener = state.listeners.get_mut(&user)?;
        listener.active.insert(id, Subscriber { queue, queued: Arc::clone(&self.queued), filter, reached });
        Some(receiver)
    }

    /// Takes in the next events of the stream, in order and without gaps, and hands them to all that are live.
    pub fn dispatch(&self, batch: Vec<Event>, effects: &Effects) {
        let mut guard = self.state();
        let state = &mut *guard;
        for change in &effects.roles {
            state.change_topic(change);
        }
        for event in batch {
            state.head = event.cursor();
            for change in effects.windows.get(&event.row.position).into_iter().flatten() {
                state.change_topic(change);
            }
            let event = state.ring.push(event);
            state.deliver(&event);
        }
    }

    /// Counts what was loaded since the ring took in these events.
    pub fn count_bytes(&self, events: &[Arc<Event>]) {
        let mut state = self.state();
        for event in events {
            state.ring.recount(event);
        }
    }
}

impl State {
    fn change_topic(&mut self, change: &TopicChange) {
        let Some(listener) = self.listeners.get_mut(&change.user) else { return };
        if !listener.is_loaded {
            listener.pending_changes.push(change.clone());
            return;
        }
        Arc::make_mut(&mut listener.topics).apply(change);
        if change.reach.is_some() {
            self.topics.entry(change.topic).or_default().insert(change.user);
        } else {
            self.forget_listener(change.topic, change.user);
        }
    }

    fn forget_listener(&mut self, topic: Topic, user: UserId) {
        if let Some(users) = self.topics.get_mut(&topic) {
            users.remove(&user);
            if users.is_empty() {
                self.topics.remove(&topic);
            }
        }
    }

    fn deliver(&mut self, event: &Arc<Event>) {
        let Some(users) = self.topics.get(&event.row.topic()) else { return };
        for user in users {
            if let Some(listener) = self.listeners.get_mut(user) {
                listener.deliver(*user, event);
            }
        }
    }
}

impl Listener {
    /// A full queue is closed: its subscriber drains it, then catches up by position and comes back.
    fn deliver(&mut self, user: UserId, event: &Arc<Event>) {
        let topics = &self.topics;
        self.active.retain(|_, subscriber| {
            event.row.position <= subscriber.reached
                || !subscriber.filter.matches(user, topics, &event.row)
                || subscriber.queue.try_send(Queued::new(event, &subscriber.queued)).is_ok()
        });
    }
}
