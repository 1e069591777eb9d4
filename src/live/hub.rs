//! Who listens here, and the last minutes of the stream in memory.
//!
//! One lock around everything; nothing is awaited under it, and what many ask for is looked through outside of it. The feed
//! hands over batches in order, so the state between two batches is the state of the stream at [`Hub::head`].

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use crate::domains::chat::model::Window;
use crate::events::cursor::StreamCursor;
use crate::events::model::{Audience, Position};
use crate::ids::{ConversationId, UserId};
use crate::live::Interest;
use crate::live::event::{Event, Payload};
use crate::live::ring::Ring;

/// Events that wait for one subscriber before it has to catch up instead.
pub const QUEUE: usize = 256;

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
    /// Those with live subscribers here whose role something may speak to.
    staff: HashSet<UserId>,
    /// Which people with subscribers here are, or were, in a conversation.
    conversations: HashMap<ConversationId, HashSet<UserId>>,
    next_id: SubscriberId,
    subscriptions: usize,
}

/// One person with at least one subscription here.
#[derive(Default)]
struct Listener {
    /// Shared with those who look through what memory holds.
    windows: Arc<HashMap<ConversationId, Window>>,
    /// The windows were read from the database.
    loaded: bool,
    /// Changes that came by while they were being read; the changes win.
    early: Vec<(ConversationId, Option<Window>)>,
    live: HashMap<SubscriberId, Live>,
    subscriptions: usize,
}

struct Live {
    queue: mpsc::Sender<Queued>,
    queued: Arc<AtomicUsize>,
    interest: Interest,
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
            staff: HashSet::new(),
            conversations: HashMap::new(),
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

    /// Subscriptions here that have caught up.
    #[must_use]
    pub fn live(&self) -> usize {
        self.state().listeners.values().map(|listener| listener.live.len()).sum()
    }

    /// Events that wait for subscribers here.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }

    /// Announces a subscription. True when the person's windows have to be read and handed to [`Hub::set_windows`].
    pub fn register(&self, user: UserId) -> (SubscriberId, bool) {
        let mut state = self.state();
        state.next_id += 1;
        state.subscriptions += 1;
        let id = state.next_id;
        let listener = state.listeners.entry(user).or_default();
        listener.subscriptions += 1;
        (id, !listener.loaded)
    }

    /// Hands over the windows that were read after [`Hub::register`]; what the stream said meanwhile wins.
    pub fn set_windows(&self, user: UserId, windows: Vec<(ConversationId, Window)>) {
        let mut guard = self.state();
        let state = &mut *guard;
        let Some(listener) = state.listeners.get_mut(&user).filter(|listener| !listener.loaded) else { return };
        listener.loaded = true;
        listener.windows = Arc::new(windows.into_iter().collect());
        for (conversation, window) in std::mem::take(&mut listener.early) {
            listener.set_window(conversation, window);
        }
        for conversation in listener.windows.keys() {
            state.conversations.entry(*conversation).or_default().insert(user);
        }
    }

    /// Takes a subscription off.
    pub fn unregister(&self, user: UserId, id: SubscriberId) {
        let mut guard = self.state();
        let state = &mut *guard;
        let Some(listener) = state.listeners.get_mut(&user) else { return };
        listener.live.remove(&id);
        listener.subscriptions -= 1;
        state.subscriptions -= 1;
        if listener.subscriptions > 0 {
            return;
        }
        let listener = state.listeners.remove(&user).unwrap_or_default();
        state.staff.remove(&user);
        for conversation in listener.windows.keys() {
            if let Some(people) = state.conversations.get_mut(conversation) {
                people.remove(&user);
                if people.is_empty() {
                    state.conversations.remove(conversation);
                }
            }
        }
    }

    /// The person's windows, as far as the interest goes.
    #[must_use]
    pub fn windows(&self, user: UserId, interest: &Interest) -> HashMap<ConversationId, Window> {
        let state = self.state();
        let Some(listener) = state.listeners.get(&user) else { return HashMap::new() };
        match interest.conversation {
            Some(id) => listener.windows.get(&id).map(|window| (id, *window)).into_iter().collect(),
            None => HashMap::clone(&listener.windows),
        }
    }

    /// What the person may see and cares for behind a position, from at most `scan` events in memory.
    #[must_use]
    pub fn recent(&self, user: UserId, interest: &Interest, after: Position, scan: usize) -> Recent {
        // Both at one moment: no event is looked at with a window from before it.
        let (stretch, windows) = {
            let state = self.state();
            let Some(stretch) = state.ring.behind(after, state.head.position, scan) else { return Recent::TooOld };
            let Some(listener) = state.listeners.get(&user) else { return Recent::Events(Vec::new(), after) };
            (stretch, Arc::clone(&listener.windows))
        };
        let mut through = after;
        let mut events = Vec::new();
        for event in stretch.iter() {
            through = event.position;
            if interest.admits(user, &windows, event) {
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
        interest: &Interest,
        reached: Position,
    ) -> Option<mpsc::Receiver<Queued>> {
        let mut state = self.state();
        if state.head.position > reached {
            return None;
        }
        let (queue, receiver) = mpsc::channel(QUEUE);
        if interest.rank > 0 {
            state.staff.insert(user);
        }
        let listener = state.listeners.get_mut(&user)?;
        listener.live.insert(id, Live { queue, queued: Arc::clone(&self.queued), interest: interest.clone(), reached });
        Some(receiver)
    }

    /// Takes in the next events of the stream, in order and without gaps, and hands them to whoever is live.
    pub fn dispatch(&self, batch: Vec<Event>) {
        let mut guard = self.state();
        let state = &mut *guard;
        for event in batch {
            state.head = event.cursor();
            if let Payload::Membership { conversation_id, user_id, window } = event.payload {
                state.change_window(user_id, conversation_id, window);
            }
            let event = state.ring.push(event);
            state.deliver(&event);
        }
    }
}

impl State {
    fn change_window(&mut self, user: UserId, conversation: ConversationId, window: Option<Window>) {
        let Some(listener) = self.listeners.get_mut(&user) else { return };
        if !listener.loaded {
            listener.early.push((conversation, window));
            return;
        }
        listener.set_window(conversation, window);
        if window.is_some() {
            self.conversations.entry(conversation).or_default().insert(user);
        }
    }

    fn deliver(&mut self, event: &Arc<Event>) {
        match event.audience {
            Audience::Conversation(id) => {
                let Some(people) = self.conversations.get(&id) else { return };
                for user in people {
                    if let Some(listener) = self.listeners.get_mut(user) {
                        listener.deliver(*user, event);
                    }
                }
            }
            Audience::User(user) => {
                if let Some(listener) = self.listeners.get_mut(&user) {
                    listener.deliver(user, event);
                }
            }
            Audience::Role(_) => {
                for user in &self.staff {
                    if let Some(listener) = self.listeners.get_mut(user) {
                        listener.deliver(*user, event);
                    }
                }
            }
            Audience::Unknown => {}
        }
    }
}

impl Listener {
    fn set_window(&mut self, conversation: ConversationId, window: Option<Window>) {
        match window {
            Some(window) => Arc::make_mut(&mut self.windows).insert(conversation, window),
            None => Arc::make_mut(&mut self.windows).remove(&conversation),
        };
    }

    /// A full queue is closed: its subscriber drains it, then catches up by position and comes back.
    fn deliver(&mut self, user: UserId, event: &Arc<Event>) {
        let windows = &self.windows;
        self.live.retain(|_, subscriber| {
            event.position <= subscriber.reached
                || !subscriber.interest.admits(user, windows, event)
                || subscriber.queue.try_send(Queued::new(event, &subscriber.queued)).is_ok()
        });
    }
}
