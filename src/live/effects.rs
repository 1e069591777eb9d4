//! What events change on this instance, whether they are told to clients here or not: people's topics, and ended sessions.

use std::collections::{HashMap, HashSet};

use diesel_async::AsyncPgConnection;

use super::hub::Hub;
use super::reference::Reference;
use super::topics::{Effects, TopicChange};
use crate::domains::accounts::model::SessionEnd;
use crate::domains::accounts::policy::access::rank;
use crate::domains::groups::model::MembershipChange;
use crate::domains::{accounts, chat};
use crate::error::AppResult;
use crate::events::TopicKind;
use crate::events::model::{Position, StoredEvent};
use crate::ids::{ConversationId, SessionId, UserId};

/// What the effects of some events are about.
#[derive(Default)]
struct Affected {
    members: Vec<(Position, ConversationId, UserId)>,
    ranked: HashSet<UserId>,
    sessions: Vec<SessionId>,
    people: Vec<UserId>,
}

impl Affected {
    fn add(&mut self, row: &StoredEvent) {
        match Reference::of(row) {
            Some(Reference::Member { conversation, user }) => self.members.push((row.position, conversation, user)),
            Some(Reference::Members { conversation, changes, .. }) => {
                let users = changes.added.iter().chain(&changes.removed);
                self.members.extend(users.map(|user| (row.position, conversation, *user)));
            }
            // Who runs a group sees more of it.
            Some(Reference::GroupMember { group, user, change: MembershipChange::RoleChanged }) => {
                self.members.push((row.position, group.conversation(), user));
            }
            Some(Reference::Session(id)) => self.sessions.push(id),
            Some(Reference::Topics(user)) => drop(self.ranked.insert(user)),
            Some(Reference::Person(user)) => self.people.push(user),
            Some(
                Reference::Message(_)
                | Reference::Marker { .. }
                | Reference::Conversation(_)
                | Reference::Item(_)
                | Reference::FriendRequest(_)
                | Reference::Friend { .. }
                | Reference::Group(_)
                | Reference::GroupMember { .. }
                | Reference::GroupDissolved(_)
                | Reference::JoinRequest(_)
                | Reference::Merchant(_)
                | Reference::Task(_)
                | Reference::Order(_)
                | Reference::Ticket(_),
            )
            | None => {}
        }
    }
}

/// Loads the effects of some events, at most a statement for each kind of effect. Before events are told to a role, the roles
/// of all who listen to it here are read: they are for those who have it now.
///
/// # Errors
/// When the database fails.
pub(super) async fn load(conn: &AsyncPgConnection, hub: &Hub, rows: &[StoredEvent]) -> AppResult<Effects> {
    let mut affected = Affected::default();
    for row in rows {
        affected.add(row);
    }
    let roles: HashSet<_> = rows.iter().map(StoredEvent::topic).filter(|topic| topic.kind == TopicKind::Role).collect();
    affected.ranked.extend(roles.into_iter().flat_map(|topic| hub.listeners_of(topic)));
    // Topics of those who begin to listen from now on are read from the database, as they are after all of this.
    affected.ranked.retain(|user| hub.is_listening(*user));
    affected.members.retain(|(_, _, user)| hub.is_listening(*user));
    let sessions = affected.sessions;
    let ends = accounts::service::sessions::load_ends(conn, &sessions).await?;
    // A session's row may be gone already; its tokens are no good all the same.
    let end = |id: SessionId| (id, ends.get(&id).copied().unwrap_or(SessionEnd::Revoked));
    Ok(Effects {
        roles: load_roles(conn, affected.ranked).await?,
        windows: load_windows(conn, affected.members).await?,
        sessions: sessions.into_iter().map(end).collect(),
        people: affected.people,
    })
}

async fn load_roles(conn: &AsyncPgConnection, users: HashSet<UserId>) -> AppResult<Vec<TopicChange>> {
    let ids: Vec<UserId> = users.into_iter().collect();
    let found = accounts::service::load_users(conn, &ids).await?;
    let rank_of = |id| found.get(id).filter(|user| user.deleted_at.is_none()).map_or(0, |user| rank(user.role));
    Ok(ids.iter().flat_map(|id| TopicChange::roles(*id, rank_of(id))).collect())
}

async fn load_windows(
    conn: &AsyncPgConnection,
    members: Vec<(Position, ConversationId, UserId)>,
) -> AppResult<HashMap<Position, Vec<TopicChange>>> {
    let pairs: Vec<_> = members.iter().map(|(_, conversation, user)| (*conversation, *user)).collect();
    let found = chat::service::load_windows(conn, &pairs).await?;
    let mut windows: HashMap<Position, Vec<TopicChange>> = HashMap::new();
    for (position, conversation, user) in members {
        let window = found.get(&(conversation, user)).cloned();
        windows.entry(position).or_default().push(TopicChange::window(user, conversation, window));
    }
    Ok(windows)
}
