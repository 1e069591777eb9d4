//! What events refer to, as the viewer may see it when it is delivered.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::FutureExt;

use super::load::load_readable;
use super::topics::Topics;
use super::{Event, EventPayload};
use crate::db::Lease;
use crate::domains::accounts::policy::access::RANK_OF_ADMINS;
use crate::domains::items;
use crate::domains::items::model::ItemCard;
use crate::domains::tasks::model::TaskStatus;
use crate::error::AppResult;
use crate::events::TopicKind;
use crate::ids::{ItemId, UserId};

/// The viewer of some events, with what of theirs the events show.
pub struct Viewpoint {
    viewer: UserId,
    topics: Arc<Topics>,
    items: HashMap<ItemId, Arc<ItemCard>>,
}

/// What an event shows its viewer.
pub enum Shown {
    /// What it refers to.
    Payload(EventPayload),
    /// An item, as the viewer sees it.
    Item(Arc<ItemCard>),
}

/// Whether a viewer, whose topics these are, sees what an event refers to; that it is published to one of them was asked
/// before ([`EventFilter::matches`](super::EventFilter::matches)). An item is loaded as its viewer sees it.
#[must_use]
pub fn can_see(event: &Event, payload: &EventPayload, viewer: UserId, topics: &Topics) -> bool {
    let is_for_staff = match event.row.topic_kind {
        TopicKind::Role | TopicKind::GroupStaff | TopicKind::Merchant => true,
        TopicKind::Conversation | TopicKind::User | TopicKind::Unknown => false,
    };
    match payload {
        EventPayload::Message(_)
        | EventPayload::Marker { .. }
        | EventPayload::Conversation(_)
        | EventPayload::Members(_)
        | EventPayload::Item(_)
        | EventPayload::Friend { .. }
        | EventPayload::Group(_)
        | EventPayload::GroupMember { .. }
        | EventPayload::GroupDissolved(_)
        | EventPayload::Merchant(_) => true,
        // To those who run the group now, also of what they were told of when they did before.
        EventPayload::JoinRequest(request) => {
            request.user_id == viewer || topics.is_staff(request.group_id.conversation())
        }
        EventPayload::FriendRequest(request) => request.is_seen_by(viewer),
        // Parties are told as that, and not once more as administrators; what was cancelled is theirs and the administrators'.
        EventPayload::Task(card) => {
            let is_party = card.task.is_party(viewer);
            let is_seen = card.task.status != TaskStatus::Cancelled || topics.rank() >= RANK_OF_ADMINS;
            if is_for_staff { !is_party } else { is_seen || is_party }
        }
        EventPayload::Order(order) => is_for_staff || order.buyer_id == viewer,
        EventPayload::Ticket(ticket) => is_for_staff || ticket.author_id == viewer,
        EventPayload::Deleted => false,
    }
}

impl Viewpoint {
    /// Loads what is the viewer's own in some events: a statement where they refer to items, else none. `topics` are the viewer's
    /// as they are now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load(lease: &Lease, viewer: UserId, topics: Arc<Topics>, events: &[Arc<Event>]) -> AppResult<Self> {
        let ids: Vec<ItemId> = events
            .iter()
            .filter_map(|event| match event.payload() {
                Some(EventPayload::Item(id)) => Some(id),
                Some(
                    EventPayload::Message(_)
                    | EventPayload::Marker { .. }
                    | EventPayload::Conversation(_)
                    | EventPayload::Members(_)
                    | EventPayload::Task(_)
                    | EventPayload::Order(_)
                    | EventPayload::Ticket(_)
                    | EventPayload::FriendRequest(_)
                    | EventPayload::Friend { .. }
                    | EventPayload::Group(_)
                    | EventPayload::GroupMember { .. }
                    | EventPayload::GroupDissolved(_)
                    | EventPayload::JoinRequest(_)
                    | EventPayload::Merchant(_)
                    | EventPayload::Deleted,
                )
                | None => None,
            })
            .collect();
        let mut items = HashMap::new();
        if !ids.is_empty() {
            let conn = lease.read().await?;
            items = load_readable(&ids, |ids| items::service::load_seen_by(&conn, Some(viewer), ids).boxed()).await?;
        }
        Ok(Self { viewer, topics, items })
    }

    /// What an event shows; None where the viewer may not see it, or it is no more.
    #[must_use]
    pub fn show(&self, event: &Event) -> Option<Shown> {
        let payload = event.payload().filter(|payload| can_see(event, payload, self.viewer, &self.topics))?;
        match payload {
            EventPayload::Item(id) => self.items.get(&id).map(Arc::clone).map(Shown::Item),
            EventPayload::Members(members) => {
                let runs_group = self.topics.is_staff(members.conversation.conversation.id);
                Some(Shown::Payload(EventPayload::Members(members.shown_to(self.viewer, runs_group))))
            }
            // What a member is now is for those who are in the group now.
            EventPayload::GroupMember { group, change, .. } if !self.topics.is_member(group.conversation_id()) => {
                Some(Shown::Payload(EventPayload::GroupMember { group, member: None, change }))
            }
            payload @ (EventPayload::Message(_)
            | EventPayload::Marker { .. }
            | EventPayload::Conversation(_)
            | EventPayload::Task(_)
            | EventPayload::Order(_)
            | EventPayload::Ticket(_)
            | EventPayload::FriendRequest(_)
            | EventPayload::Friend { .. }
            | EventPayload::Group(_)
            | EventPayload::GroupMember { .. }
            | EventPayload::GroupDissolved(_)
            | EventPayload::JoinRequest(_)
            | EventPayload::Merchant(_)
            | EventPayload::Deleted) => Some(Shown::Payload(payload)),
        }
    }
}
