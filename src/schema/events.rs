//! The viewer's events: everything durable that concerns them, as one union.

use std::sync::{Arc, LazyLock};

use async_graphql::{Context, ID, Object, SimpleObject, Subscription, Union};
use futures_util::Stream;

use crate::domains::accounts::types::User;
use crate::domains::chat::model::MessageCard;
use crate::domains::chat::subscription::followed;
use crate::domains::chat::types::event::{
    ConversationChanged, ConversationDelivered, ConversationRead, MembershipChanged, MessageCreated, MessageDeleted,
    MessageRevoked, MessageUpdated, ReactionsChanged,
};
use crate::domains::chat::types::{Conversation, Message, ReadMarker};
use crate::domains::friends::types::{
    FriendRemoved, FriendRequest, FriendRequestAnswered, FriendRequestCreated, Friendship, FriendshipChanged,
};
use crate::domains::groups::types::event::{
    GroupDissolved, GroupJoinRequestAnswered, GroupJoinRequestCreated, GroupMemberChanged, GroupUpdated,
};
use crate::domains::groups::types::{Group, GroupJoinRequest, GroupMember};
use crate::domains::items::types::{Item, ItemTraded};
use crate::domains::merchants::types::{Merchant, MerchantChanged};
use crate::domains::orders::types::{Order, OrderChanged};
use crate::domains::tasks::types::{Task, TaskChanged};
use crate::domains::tickets::types::{Ticket, TicketChanged};
use crate::error::{AppError, AppResult};
use crate::events::{EventKind, StreamCursor};
use crate::graphql::connection::PageInfo;
use crate::graphql::context::PlazaContext;
use crate::graphql::eager::{Concrete, one_of};
use crate::graphql::live::{resume, visible};
use crate::graphql::scalars::DateTime;
use crate::live;
use crate::live::subscription::PulledEvents;
use crate::live::visible::{Shown, Viewpoint};
use crate::live::{Event, EventFilter, EventPayload};

/// The kinds of event that clients know.
static PUBLIC_KINDS: LazyLock<Vec<EventKind>> =
    LazyLock::new(|| EventKind::ALL.iter().copied().filter(|kind| kind.is_public()).collect());

/// What happened; later releases add kinds, so have a default branch.
#[derive(Clone, Union)]
#[graphql(crate = "crate::graphql::eager")]
pub enum ViewerEventPayload {
    /// A message was sent.
    Created(MessageCreated),
    /// A message was edited.
    Updated(MessageUpdated),
    /// A message was revoked.
    Revoked(MessageRevoked),
    /// A message was deleted.
    MessageDeleted(MessageDeleted),
    /// The reactions to a message changed.
    Reactions(ReactionsChanged),
    /// A member has read on.
    Read(ConversationRead),
    /// The other person's devices have fetched messages.
    Delivered(ConversationDelivered),
    /// The viewer pinned, muted, hid or cleared a conversation.
    ConversationChanged(ConversationChanged),
    /// Members of a group's conversation came or went.
    Members(MembershipChanged),
    /// A request to become friends was sent to the viewer.
    FriendRequestCreated(FriendRequestCreated),
    /// A request of the viewer's was answered, or one to them was withdrawn.
    FriendRequestAnswered(FriendRequestAnswered),
    /// A friendship of the viewer's ended.
    FriendRemoved(FriendRemoved),
    /// What the viewer sees of another user changed.
    FriendshipChanged(FriendshipChanged),
    /// What a group is, how it is run or whose it is changed.
    GroupUpdated(GroupUpdated),
    /// What a member is in a group changed.
    GroupMemberChanged(GroupMemberChanged),
    /// A group was dissolved.
    GroupDissolved(GroupDissolved),
    /// A user asked to join a group that the viewer runs.
    GroupJoinRequestCreated(GroupJoinRequestCreated),
    /// A request to join a group was answered or withdrawn.
    GroupJoinRequestAnswered(GroupJoinRequestAnswered),
    /// A merchant that the viewer owns or is the contact of changed.
    Merchant(MerchantChanged),
    /// An item was traded, or opened again.
    Traded(ItemTraded),
    /// A task was published or changed.
    Task(TaskChanged),
    /// An order was made or changed.
    Order(OrderChanged),
    /// A ticket was made or changed.
    Ticket(TicketChanged),
}

one_of!(ViewerEventPayload {
    Created(MessageCreated),
    Updated(MessageUpdated),
    Revoked(MessageRevoked),
    MessageDeleted(MessageDeleted),
    Reactions(ReactionsChanged),
    Read(ConversationRead),
    Delivered(ConversationDelivered),
    ConversationChanged(ConversationChanged),
    Members(MembershipChanged),
    FriendRequestCreated(FriendRequestCreated),
    FriendRequestAnswered(FriendRequestAnswered),
    FriendRemoved(FriendRemoved),
    FriendshipChanged(FriendshipChanged),
    GroupUpdated(GroupUpdated),
    GroupMemberChanged(GroupMemberChanged),
    GroupDissolved(GroupDissolved),
    GroupJoinRequestCreated(GroupJoinRequestCreated),
    GroupJoinRequestAnswered(GroupJoinRequestAnswered),
    Merchant(MerchantChanged),
    Traded(ItemTraded),
    Task(TaskChanged),
    Order(OrderChanged),
    Ticket(TicketChanged),
});

/// Something durable that concerns the viewer.
#[derive(Clone, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct ViewerEvent {
    /// Resume point: subscribe with it as `after`, and nothing is missed or doubled.
    pub cursor: String,
    /// When it happened.
    at: DateTime,
    /// What happened.
    payload: Concrete<ViewerEventPayload>,
}

impl ViewerEvent {
    /// The delivery of an event, if clients know its kind.
    #[must_use]
    pub fn of(event: &Event, shown: Shown) -> Option<Self> {
        let at = DateTime(event.row.at);
        let payload = match (event.row.kind, shown) {
            (kind, Shown::Payload(EventPayload::Message(card))) => Self::of_message(kind, card)?,
            (kind, Shown::Payload(EventPayload::Marker { conversation, user, seq })) => {
                let marker = ReadMarker { user: User(user), seq, read_at: at };
                Self::of_marker(kind, Conversation::shared(conversation), marker)?
            }
            (EventKind::ConversationChanged, Shown::Payload(EventPayload::Conversation(card))) => {
                ViewerEventPayload::ConversationChanged(ConversationChanged {
                    conversation: Conversation::shared(card),
                })
            }
            (EventKind::MembersChanged, Shown::Payload(EventPayload::Members(members))) => {
                ViewerEventPayload::Members(MembershipChanged::of(&members))
            }
            (EventKind::FriendRequestCreated, Shown::Payload(EventPayload::FriendRequest(request))) => {
                ViewerEventPayload::FriendRequestCreated(FriendRequestCreated {
                    friend_request: FriendRequest(request),
                })
            }
            (EventKind::FriendRequestAnswered, Shown::Payload(EventPayload::FriendRequest(request))) => {
                ViewerEventPayload::FriendRequestAnswered(FriendRequestAnswered {
                    friend_request: FriendRequest(request),
                })
            }
            (EventKind::FriendRemoved, Shown::Payload(EventPayload::Friend { user, .. })) => {
                ViewerEventPayload::FriendRemoved(FriendRemoved { user: User(user) })
            }
            (EventKind::FriendshipChanged, Shown::Payload(EventPayload::Friend { user, friendship })) => {
                let friendship = friendship.map(Friendship);
                ViewerEventPayload::FriendshipChanged(FriendshipChanged { friendship, user: User(user) })
            }
            (EventKind::GroupUpdated, Shown::Payload(EventPayload::Group(group))) => {
                ViewerEventPayload::GroupUpdated(GroupUpdated { group: Group(group) })
            }
            (EventKind::GroupMemberChanged, Shown::Payload(EventPayload::GroupMember { group, member, change })) => {
                let member = member.map(GroupMember);
                ViewerEventPayload::GroupMemberChanged(GroupMemberChanged { group: Group(group), member, change })
            }
            (EventKind::GroupDissolved, Shown::Payload(EventPayload::GroupDissolved(id))) => {
                ViewerEventPayload::GroupDissolved(GroupDissolved { group_id: id.global() })
            }
            (EventKind::GroupJoinRequestCreated, Shown::Payload(EventPayload::JoinRequest(request))) => {
                let join_request = GroupJoinRequest(request);
                ViewerEventPayload::GroupJoinRequestCreated(GroupJoinRequestCreated { join_request })
            }
            (EventKind::GroupJoinRequestAnswered, Shown::Payload(EventPayload::JoinRequest(request))) => {
                let join_request = GroupJoinRequest(request);
                ViewerEventPayload::GroupJoinRequestAnswered(GroupJoinRequestAnswered { join_request })
            }
            (EventKind::MerchantChanged, Shown::Payload(EventPayload::Merchant(merchant))) => {
                ViewerEventPayload::Merchant(MerchantChanged { merchant: Merchant(merchant) })
            }
            (EventKind::ItemTraded, Shown::Item(card)) => ViewerEventPayload::Traded(ItemTraded { item: Item(card) }),
            (EventKind::TaskChanged, Shown::Payload(EventPayload::Task(card))) => {
                ViewerEventPayload::Task(TaskChanged { task: Task(card) })
            }
            (EventKind::OrderChanged, Shown::Payload(EventPayload::Order(order))) => {
                ViewerEventPayload::Order(OrderChanged { order: Order(order) })
            }
            (EventKind::TicketChanged, Shown::Payload(EventPayload::Ticket(ticket))) => {
                ViewerEventPayload::Ticket(TicketChanged { ticket: Ticket(ticket) })
            }
            // What it was about is no more, or the kind is for instances only. A new kind is named here by the compiler.
            (
                EventKind::MessageCreated
                | EventKind::MessageUpdated
                | EventKind::MessageRevoked
                | EventKind::MessageDeleted
                | EventKind::ReactionsChanged
                | EventKind::ConversationRead
                | EventKind::ConversationDelivered
                | EventKind::ConversationChanged
                | EventKind::MembersChanged
                | EventKind::FriendRequestCreated
                | EventKind::FriendRequestAnswered
                | EventKind::FriendRemoved
                | EventKind::FriendshipChanged
                | EventKind::GroupUpdated
                | EventKind::GroupMemberChanged
                | EventKind::GroupDissolved
                | EventKind::GroupJoinRequestCreated
                | EventKind::GroupJoinRequestAnswered
                | EventKind::MerchantChanged
                | EventKind::ItemTraded
                | EventKind::TaskChanged
                | EventKind::OrderChanged
                | EventKind::TicketChanged
                | EventKind::MembershipChanged
                | EventKind::SessionRevoked
                | EventKind::TopicsChanged
                | EventKind::PersonChanged
                | EventKind::Unknown,
                _,
            ) => return None,
        };
        Some(Self { cursor: event.cursor().encode(), at, payload: Concrete(payload) })
    }

    /// How far a member is.
    fn of_marker(kind: EventKind, conversation: Conversation, marker: ReadMarker) -> Option<ViewerEventPayload> {
        Some(match kind {
            EventKind::ConversationRead => ViewerEventPayload::Read(ConversationRead { conversation, marker }),
            EventKind::ConversationDelivered => {
                let ReadMarker { user, seq, .. } = marker;
                ViewerEventPayload::Delivered(ConversationDelivered { conversation, user, seq })
            }
            _ => return None,
        })
    }

    /// What happened to a message.
    fn of_message(kind: EventKind, card: Arc<MessageCard>) -> Option<ViewerEventPayload> {
        Some(match kind {
            EventKind::MessageCreated => ViewerEventPayload::Created(MessageCreated { message: Message::card(card) }),
            EventKind::MessageUpdated => ViewerEventPayload::Updated(MessageUpdated { message: Message::card(card) }),
            EventKind::MessageRevoked => ViewerEventPayload::Revoked(MessageRevoked(card)),
            EventKind::MessageDeleted => ViewerEventPayload::MessageDeleted(MessageDeleted::of(&card)?),
            EventKind::ReactionsChanged => {
                ViewerEventPayload::Reactions(ReactionsChanged { message: Message::card(card) })
            }
            _ => return None,
        })
    }
}

/// A page of events.
#[derive(SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct ViewerEventConnection {
    /// The events with their cursors.
    edges: Vec<ViewerEventEdge>,
    /// The events alone.
    nodes: Vec<ViewerEvent>,
    /// Whether more follow; `endCursor` is where to go on, also when nothing of what was read is for the viewer to see any more. When nothing was
    /// read it is null: keep the cursor you had.
    page_info: PageInfo,
}

/// An event of a page.
#[derive(Clone, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct ViewerEventEdge {
    /// The event's cursor.
    cursor: String,
    /// The event.
    node: ViewerEvent,
}

impl ViewerEventConnection {
    /// A page of what followed a cursor.
    #[must_use]
    pub fn new(pulled: &PulledEvents, viewpoint: &Viewpoint) -> Self {
        let events = &pulled.events;
        let delivery = |event: &Arc<Event>| viewpoint.show(event).and_then(|shown| ViewerEvent::of(event, shown));
        let nodes: Vec<ViewerEvent> = events.iter().filter_map(delivery).collect();
        let edges = nodes.iter().map(|node| ViewerEventEdge { cursor: node.cursor.clone(), node: node.clone() });
        let page_info = PageInfo {
            has_next_page: pulled.has_more,
            has_previous_page: true,
            start_cursor: nodes.first().map(|node| node.cursor.clone()),
            // Of what was read, and not only of what is shown: the next page begins behind what was hidden.
            end_cursor: events.last().map(|event| event.cursor().encode()),
        };
        Self { edges: edges.collect(), page_info, nodes }
    }
}

/// The part of the viewer that tells of events.
#[derive(Default)]
pub struct EventViewer;

/// The part of the viewer that tells of events.
#[Object(crate = "crate::graphql::eager")]
impl EventViewer {
    /// The position now, read before everything else of the operation: take it together with a first fetch, then
    /// subscribe with it, and nothing falls between. Costs no statement.
    async fn event_cursor(&self, ctx: &Context<'_>) -> AppResult<String> {
        Ok(ctx.scope()?.started_at.encode())
    }

    /// Durable events since a cursor, the oldest first; the pull twin of the `events` subscription. An error with the
    /// code `CURSOR_EXPIRED` when the cursor is not among the events that are kept.
    async fn events_since(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Any stream cursor: eventCursor, or an event's.")] after: String,
        #[graphql(desc = "So many, 1 to 100.", default = 100)] first: i32,
    ) -> AppResult<ViewerEventConnection> {
        let limit = usize::try_from(first).ok().filter(|limit| (1..=100).contains(limit));
        let limit = limit.ok_or_else(|| AppError::bad_input("`first` has to be from 1 to 100."))?;
        let cursor = StreamCursor::parse(&after)?;
        let scope = ctx.scope()?;
        let viewer = scope.viewer()?.user_id;
        let filter = EventFilter { kinds: &PUBLIC_KINDS, conversation: None };
        let pulled = live::EventSubscription::pull(Arc::clone(ctx.live()?), scope, filter, cursor, limit).await?;
        let viewpoint = Viewpoint::load(&scope.db, viewer, Arc::clone(&pulled.topics), &pulled.events).await?;
        Ok(ViewerEventConnection::new(&pulled, &viewpoint))
    }
}

/// The subscription to all events.
#[derive(Default)]
pub struct ViewerEventSubscription;

/// What becomes of messages: the kinds of `messageChanged`.
const CHANGE_KINDS: &[EventKind] = &[
    EventKind::MessageUpdated,
    EventKind::MessageRevoked,
    EventKind::MessageDeleted,
    EventKind::ReactionsChanged,
    EventKind::ConversationRead,
    EventKind::ConversationDelivered,
];

/// The subscription to all events.
#[Subscription]
impl ViewerEventSubscription {
    /// Edits, revocations, deletions, reactions and markers, in one conversation of the viewer's or in all: those of `events`,
    /// and resumable as those. Errors: `CURSOR_EXPIRED`, `FORBIDDEN` for a conversation that the viewer never was a member of.
    async fn message_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "In this conversation alone.")] conversation_id: Option<ID>,
        #[graphql(desc = "Any stream cursor: eventCursor, or an event's. Without one, from now on.")] after: Option<
            String,
        >,
    ) -> Result<impl Stream<Item = AppResult<ViewerEvent>> + use<>, AppError> {
        ctx.viewer()?;
        let conversation = followed(ctx, conversation_id).await?;
        let events = resume(ctx, CHANGE_KINDS, conversation, after).await?;
        visible(ctx, events, ViewerEvent::of)
    }

    /// Everything durable that concerns the viewer, resumable from a cursor. Error: `CURSOR_EXPIRED`.
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Any stream cursor: eventCursor, or an event's. Without one, from now on.")] after: Option<
            String,
        >,
    ) -> Result<impl Stream<Item = AppResult<ViewerEvent>> + use<>, AppError> {
        let events = resume(ctx, &PUBLIC_KINDS, None, after).await?;
        visible(ctx, events, ViewerEvent::of)
    }
}
