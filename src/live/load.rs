//! Loading what events refer to, in a constant number of statements.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use diesel_async::AsyncPgConnection;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::event::{ChangedMembers, EventPayload};
use super::reference::Reference;
use crate::app::App;
use crate::domains::accounts::model::User;
use crate::domains::chat::model::{ConversationCard, MessageCard};
use crate::domains::friends::model::{FriendRequest, Friendship};
use crate::domains::groups::model::{Group, GroupJoinRequest, GroupMember, GroupStaff};
use crate::domains::merchants::model::Merchant;
use crate::domains::orders::model::Order;
use crate::domains::tasks::model::TaskCard;
use crate::domains::tickets::model::Ticket;
use crate::domains::{accounts, chat, friends, groups, media, merchants, orders, tasks, tickets};
use crate::error::AppResult;
use crate::events::model::StoredEvent;
use crate::ids::{
    ConversationId, FriendRequestId, GroupId, GroupJoinRequestId, MediaId, MerchantId, MessageId, OrderId, TaskId,
    TicketId, UserId,
};

/// What the payloads of some events are made of.
#[derive(Default)]
struct ReferenceIds {
    messages: Vec<MessageId>,
    conversations: Vec<ConversationId>,
    users: Vec<UserId>,
    tasks: Vec<TaskId>,
    orders: Vec<OrderId>,
    tickets: Vec<TicketId>,
    friend_requests: Vec<FriendRequestId>,
    friendships: Vec<(UserId, UserId)>,
    groups: Vec<GroupId>,
    /// Groups whose members may be hidden.
    staff: Vec<GroupId>,
    group_members: Vec<(GroupId, UserId)>,
    join_requests: Vec<GroupJoinRequestId>,
    merchants: Vec<MerchantId>,
}

impl ReferenceIds {
    fn add(&mut self, reference: &Reference<'_>) {
        match reference {
            Reference::Message(id) => self.messages.push(*id),
            Reference::Marker { conversation, user, .. } => {
                self.conversations.push(*conversation);
                self.users.push(*user);
            }
            Reference::Conversation(id) => self.conversations.push(*id),
            Reference::Members { conversation, actor, changes } => {
                self.conversations.push(*conversation);
                self.staff.push(conversation.group());
                self.users.extend(actor);
                self.users.extend(changes.added.iter().take(ChangedMembers::LOADED));
                self.users.extend(changes.removed.iter().take(ChangedMembers::LOADED));
            }
            Reference::Task(id) => self.tasks.push(*id),
            Reference::Order(id) => self.orders.push(*id),
            Reference::Ticket(id) => self.tickets.push(*id),
            Reference::FriendRequest(id) => self.friend_requests.push(*id),
            Reference::Friend { owner, friend } => {
                self.users.push(*friend);
                self.friendships.push((*owner, *friend));
            }
            Reference::Group(id) => self.groups.push(*id),
            Reference::GroupMember { group, user, .. } => {
                self.groups.push(*group);
                self.group_members.push((*group, *user));
            }
            Reference::JoinRequest(id) => self.join_requests.push(*id),
            Reference::Merchant(id) => self.merchants.push(*id),
            Reference::Member { .. }
            | Reference::Session(_)
            | Reference::Topics(_)
            | Reference::Person(_)
            | Reference::GroupDissolved(_)
            | Reference::Item(_) => {}
        }
    }
}

/// What was found of it.
struct LoadedReferences {
    messages: HashMap<MessageId, Arc<MessageCard>>,
    conversations: HashMap<ConversationId, Arc<ConversationCard>>,
    users: HashMap<UserId, Arc<User>>,
    tasks: HashMap<TaskId, Arc<TaskCard>>,
    orders: HashMap<OrderId, Arc<Order>>,
    tickets: HashMap<TicketId, Arc<Ticket>>,
    friend_requests: HashMap<FriendRequestId, Arc<FriendRequest>>,
    friendships: HashMap<(UserId, UserId), Arc<Friendship>>,
    groups: HashMap<GroupId, Arc<Group>>,
    staff: HashMap<GroupId, Arc<GroupStaff>>,
    group_members: HashMap<(GroupId, UserId), Arc<GroupMember>>,
    join_requests: HashMap<GroupJoinRequestId, Arc<GroupJoinRequest>>,
    merchants: HashMap<MerchantId, Arc<Merchant>>,
}

/// Loads the payloads of some events, in their order: at most one statement per kind of thing they refer to.
///
/// # Errors
/// When the database fails.
pub(super) async fn load_payloads(
    app: &App,
    conn: &AsyncPgConnection,
    rows: &[&StoredEvent],
) -> AppResult<Vec<EventPayload>> {
    let references: Vec<Option<Reference<'_>>> = rows.iter().map(|row| Reference::of(row)).collect();
    let mut wanted = ReferenceIds::default();
    references.iter().flatten().for_each(|reference| wanted.add(reference));
    let found = LoadedReferences {
        messages: chat::service::load_message_cards(conn, &wanted.messages).await?,
        conversations: chat::service::load_conversation_cards(conn, &wanted.conversations).await?,
        users: accounts::service::load_users(conn, &wanted.users).await?,
        tasks: load_readable(&wanted.tasks, |ids| tasks::service::load_tasks(conn, ids).boxed()).await?,
        orders: load_readable(&wanted.orders, |ids| orders::service::load_orders(conn, ids).boxed()).await?,
        tickets: load_readable(&wanted.tickets, |ids| tickets::service::load_tickets(conn, ids).boxed()).await?,
        friend_requests: load_readable(&wanted.friend_requests, |ids| {
            friends::service::load_requests(conn, ids).boxed()
        })
        .await?,
        friendships: friends::service::load_friendships_at(conn, &wanted.friendships).await?,
        groups: groups::service::load_groups(conn, &wanted.groups).await?,
        group_members: groups::service::load_members_at(conn, &wanted.group_members).await?,
        staff: groups::service::load_staff(conn, &wanted.staff).await?,
        join_requests: load_readable(&wanted.join_requests, |ids| groups::service::load_requests(conn, ids).boxed())
            .await?,
        merchants: merchants::service::load_merchants(conn, &wanted.merchants).await?,
    };
    // Subscribers show them beside what was said.
    let people = found.messages.values().map(|card| &*card.sender).chain(found.users.values().map(|user| &**user));
    let avatars = people.filter_map(|user| user.avatar_id);
    let files = found.messages.values().filter_map(|card| card.message.content.as_ref()?.file().map(|file| file.media));
    let shown: Vec<MediaId> = avatars.chain(files).collect();
    media::service::preload(app, conn, &shown).await?;
    let payload = |reference: &Option<Reference<'_>>| reference.as_ref().and_then(|reference| found.payload(reference));
    Ok(references.iter().map(|reference| payload(reference).unwrap_or(EventPayload::Deleted)).collect())
}

impl LoadedReferences {
    fn payload(&self, reference: &Reference<'_>) -> Option<EventPayload> {
        Some(match reference {
            Reference::Message(id) => EventPayload::Message(Arc::clone(self.messages.get(id)?)),
            Reference::Marker { conversation, user, seq } => EventPayload::Marker {
                conversation: Arc::clone(self.conversations.get(conversation)?),
                user: Arc::clone(self.users.get(user)?),
                seq: *seq,
            },
            Reference::Members { conversation, actor, changes } => EventPayload::Members(Arc::new(ChangedMembers {
                conversation: Arc::clone(self.conversations.get(conversation)?),
                actor: actor.and_then(|actor| self.users.get(&actor)).cloned(),
                added: self.named(&changes.added),
                added_count: changes.added.len(),
                removed: self.named(&changes.removed),
                removed_count: changes.removed.len(),
                staff: self.staff.get(&conversation.group()).cloned(),
            })),
            Reference::Conversation(id) => EventPayload::Conversation(Arc::clone(self.conversations.get(id)?)),
            Reference::Group(id) => EventPayload::Group(Arc::clone(self.groups.get(id)?)),
            Reference::GroupMember { group, user, change } => EventPayload::GroupMember {
                group: Arc::clone(self.groups.get(group)?),
                member: self.group_members.get(&(*group, *user)).cloned(),
                change: *change,
            },
            Reference::GroupDissolved(id) => EventPayload::GroupDissolved(*id),
            Reference::JoinRequest(id) => EventPayload::JoinRequest(Arc::clone(self.join_requests.get(id)?)),
            Reference::Merchant(id) => EventPayload::Merchant(Arc::clone(self.merchants.get(id)?)),
            Reference::Item(id) => EventPayload::Item(*id),
            Reference::Task(id) => EventPayload::Task(Arc::clone(self.tasks.get(id)?)),
            Reference::Order(id) => EventPayload::Order(Arc::clone(self.orders.get(id)?)),
            Reference::Ticket(id) => EventPayload::Ticket(Arc::clone(self.tickets.get(id)?)),
            Reference::FriendRequest(id) => EventPayload::FriendRequest(Arc::clone(self.friend_requests.get(id)?)),
            Reference::Friend { owner, friend } => EventPayload::Friend {
                user: Arc::clone(self.users.get(friend)?),
                friendship: self.friendships.get(&(*owner, *friend)).cloned(),
            },
            Reference::Member { .. } | Reference::Session(_) | Reference::Topics(_) | Reference::Person(_) => {
                return None;
            }
        })
    }

    fn named(&self, ids: &[UserId]) -> Vec<Arc<User>> {
        ids.iter().take(ChangedMembers::LOADED).filter_map(|id| self.users.get(id)).cloned().collect()
    }
}

type Loaded<'a, K, V> = BoxFuture<'a, AppResult<HashMap<K, V>>>;

/// Loads things of one kind; where a newer instance wrote one that can't be read here, the others one by one.
pub(super) async fn load_readable<'a, K, V>(
    ids: &'a [K],
    load: impl Fn(&'a [K]) -> Loaded<'a, K, V>,
) -> AppResult<HashMap<K, V>>
where
    K: Eq + Hash,
{
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    match load(ids).await {
        Err(error) if error.is_unreadable() => {}
        loaded => return loaded,
    }
    let mut found = HashMap::new();
    for id in ids {
        match load(std::slice::from_ref(id)).await {
            Ok(one) => found.extend(one),
            Err(error) if error.is_unreadable() => {
                tracing::warn!(cause = %error.describe(), "event hidden: its subject is unreadable for this version");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}
