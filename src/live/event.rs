//! An event here: its row, and what it refers to once that is loaded, shared by all that get it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::domains::accounts::model::User;
use crate::domains::chat::model::{ConversationCard, MessageCard};
use crate::domains::friends::model::{FriendRequest, Friendship};
use crate::domains::groups::model::{Group, GroupJoinRequest, GroupMember, GroupStaff, MembershipChange};
use crate::domains::merchants::model::Merchant;
use crate::domains::orders::model::Order;
use crate::domains::tasks::model::TaskCard;
use crate::domains::tickets::model::Ticket;
use crate::events::StreamCursor;
use crate::events::model::StoredEvent;
use crate::ids::{GroupId, ItemId, UserId};

/// An event of the stream on this instance.
#[derive(Debug)]
pub struct Event {
    /// The row.
    pub row: StoredEvent,
    payload: SharedPayload,
    counted_bytes: AtomicUsize,
}

impl Event {
    /// An event whose payload is not loaded.
    #[must_use]
    pub fn stub(row: StoredEvent) -> Self {
        Self { row, payload: SharedPayload::default(), counted_bytes: AtomicUsize::new(0) }
    }

    /// An event with its payload.
    #[must_use]
    pub fn loaded(row: StoredEvent, payload: EventPayload) -> Self {
        let event = Self::stub(row);
        event.payload.replace(Some(payload));
        event
    }

    /// The cursor behind it.
    #[must_use]
    pub fn cursor(&self) -> StreamCursor {
        StreamCursor { position: self.row.position, at: self.row.at }
    }

    /// What it refers to, as it was when that was last told of; None while it is not loaded.
    #[must_use]
    pub fn payload(&self) -> Option<EventPayload> {
        self.payload.get()
    }

    /// Counts what has replaced its payload.
    #[must_use]
    pub fn payload_version(&self) -> u64 {
        self.payload.read().version
    }

    /// The payload, which other events of the same subject may share.
    pub(super) fn shared_payload(&self) -> &SharedPayload {
        &self.payload
    }

    /// Makes it share the payload of earlier events of its subject, which then show what this one shows.
    pub(super) fn share(&mut self, earlier: &SharedPayload) {
        earlier.replace(self.payload());
        self.payload = earlier.clone();
    }

    /// Roughly the bytes it takes in memory.
    fn approximate_bytes(&self) -> usize {
        size_of::<Self>() + 512 + self.payload().map_or(0, |payload| payload.approximate_bytes())
    }

    /// Notes the bytes that are counted for it, and returns those counted before and now.
    pub(super) fn count_bytes(&self) -> (usize, usize) {
        let now = self.approximate_bytes();
        (self.counted_bytes.swap(now, Ordering::Relaxed), now)
    }

    /// The bytes that are counted for it.
    pub(super) fn counted_bytes(&self) -> usize {
        self.counted_bytes.load(Ordering::Relaxed)
    }
}

/// What an event refers to.
#[derive(Clone, Debug)]
pub enum EventPayload {
    /// A message.
    Message(Arc<MessageCard>),
    /// A read marker.
    Marker {
        /// Where.
        conversation: Arc<ConversationCard>,
        /// Whose.
        user: Arc<User>,
        /// Read up to here.
        seq: i32,
    },
    /// A conversation that its member pinned or muted, or no longer does.
    Conversation(Arc<ConversationCard>),
    /// Members of a group's conversation who came or went.
    Members(Arc<ChangedMembers>),
    /// An item; what of it the viewer may see is loaded when it is delivered, for it goes to one person.
    Item(ItemId),
    /// A task.
    Task(Arc<TaskCard>),
    /// An order.
    Order(Arc<Order>),
    /// A ticket.
    Ticket(Arc<Ticket>),
    /// A request to become friends.
    FriendRequest(Arc<FriendRequest>),
    /// What a person notes of another one.
    Friend {
        /// The other one.
        user: Arc<User>,
        /// The person's side of the friendship, if they see one.
        friendship: Option<Arc<Friendship>>,
    },
    /// A group.
    Group(Arc<Group>),
    /// What a member is in a group.
    GroupMember {
        /// The group.
        group: Arc<Group>,
        /// The member; none where they left since.
        member: Option<Arc<GroupMember>>,
        /// What changed.
        change: MembershipChange,
    },
    /// A group that is no more.
    GroupDissolved(GroupId),
    /// A request to join a group.
    JoinRequest(Arc<GroupJoinRequest>),
    /// A merchant.
    Merchant(Arc<Merchant>),
    /// Nothing to tell clients: it was deleted, is for instances only, or only newer instances can read it.
    Deleted,
}

/// Who came and who went, of them at most [`ChangedMembers::LOADED`] each.
#[derive(Debug)]
pub struct ChangedMembers {
    /// The conversation.
    pub conversation: Arc<ConversationCard>,
    /// Who did it; None where it was no person's doing, or the account is gone.
    pub actor: Option<Arc<User>>,
    /// Those who came.
    pub added: Vec<Arc<User>>,
    /// How many came.
    pub added_count: usize,
    /// Those who went.
    pub removed: Vec<Arc<User>>,
    /// How many went.
    pub removed_count: usize,
    /// Who runs the group.
    pub staff: Option<Arc<GroupStaff>>,
}

impl ChangedMembers {
    /// How many are loaded: as many as a group can have, so that each finds themselves.
    pub const LOADED: usize = 500;

    /// How many a user is told of by name; `graphql/document/sizes` counts as many.
    const NAMED: usize = 20;

    /// Whether all users are told the same of it.
    #[must_use]
    pub fn is_same_for_all(&self) -> bool {
        let hides = self.staff.as_ref().is_some_and(|staff| staff.are_members_hidden);
        !hides && self.added.len().max(self.removed.len()) <= Self::NAMED
    }

    /// As a user is told of it: themselves first, who are to know it in any case. Where members are hidden, those who do not run
    /// the group are told of themselves and of those who run it.
    #[must_use]
    pub fn shown_to(self: &Arc<Self>, viewer: UserId, runs_group: bool) -> Arc<Self> {
        let hidden = self.staff.as_ref().filter(|staff| staff.are_members_hidden && !runs_group);
        if hidden.is_none() && self.added.len().max(self.removed.len()) <= Self::NAMED {
            return Arc::clone(self);
        }
        let is_shown = |user: &&Arc<User>| hidden.is_none_or(|staff| user.id == viewer || staff.has(user.id));
        let shown = |users: &[Arc<User>]| {
            let users = users.iter().filter(is_shown).cloned();
            let (own, others): (Vec<_>, Vec<_>) = users.partition(|user| user.id == viewer);
            own.into_iter().chain(others).take(Self::NAMED).collect()
        };
        Arc::new(Self {
            conversation: Arc::clone(&self.conversation),
            actor: self.actor.as_ref().filter(is_shown).cloned(),
            added: shown(&self.added),
            added_count: self.added_count,
            removed: shown(&self.removed),
            removed_count: self.removed_count,
            staff: self.staff.clone(),
        })
    }
}

impl EventPayload {
    /// Roughly the bytes that it takes beside its own size.
    fn approximate_bytes(&self) -> usize {
        match self {
            Self::Message(card) => card.approximate_bytes(),
            Self::Members(members) => (members.added.len() + members.removed.len()) * size_of::<User>(),
            Self::Marker { .. }
            | Self::Conversation(_)
            | Self::Item(_)
            | Self::Task(_)
            | Self::Order(_)
            | Self::Ticket(_)
            | Self::FriendRequest(_)
            | Self::Friend { .. }
            | Self::Group(_)
            | Self::GroupMember { .. }
            | Self::GroupDissolved(_)
            | Self::JoinRequest(_)
            | Self::Merchant(_)
            | Self::Deleted => 0,
        }
    }
}

/// A payload that all events of one subject share in memory, so that none shows what was changed since.
#[derive(Clone, Debug, Default)]
pub(super) struct SharedPayload(Arc<RwLock<Versioned>>);

#[derive(Debug, Default)]
struct Versioned {
    /// Counts the replacements: what was loaded before one is not put in place after it.
    version: u64,
    payload: Option<EventPayload>,
}

impl SharedPayload {
    fn read(&self) -> RwLockReadGuard<'_, Versioned> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Versioned> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self) -> Option<EventPayload> {
        self.read().payload.clone()
    }

    /// Puts what a later event shows in its place; None where that is not loaded.
    fn replace(&self, payload: Option<EventPayload>) {
        let mut current = self.write();
        current.version += 1;
        current.payload = payload;
    }

    /// The version to be loaded; None when it is.
    pub(super) fn missing_version(&self) -> Option<u64> {
        let current = self.read();
        current.payload.is_none().then_some(current.version)
    }

    /// Puts in what was loaded for a version, if it is still that one and missing.
    pub(super) fn fill(&self, version: u64, payload: EventPayload) {
        let mut current = self.write();
        if current.version == version {
            current.payload.get_or_insert(payload);
        }
    }
}
