//! Who is typing, as members of a conversation are told: past the stream, without a place in it, and never again.
//!
//! Every instance hears who types anywhere ([`TypingRelay`](crate::events::typing::TypingRelay)). Where members follow it here,
//! it is handed out in a constant number of statements for all that came at once, and none for each subscriber.
//!
//! Who is told is decided by the database as it is at that moment, and not by the windows in memory, which are behind it by as
//! much as the feed is: members who are present, without the one who types; neither person of a direct conversation where one
//! blocks the other; of a group that hides its members, only those who run it, unless the one who types does.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::Stream;
use tokio::sync::mpsc;

use super::Live;
use super::place::HubPlace;
use crate::domains::accounts::model::User;
use crate::domains::chat::model::typing::{TypingChange, TypingState};
use crate::domains::chat::model::{ConversationCard, ConversationKind, Member};
use crate::domains::{accounts, chat, groups, media};
use crate::error::AppResult;
use crate::ids::{ConversationId, GroupId, MediaId, UserId};

/// Changes that are handed out together.
const BATCH_LIMIT: usize = 256;

/// That a member is typing, or no longer is, shared by all who are told.
#[derive(Debug)]
pub struct TypingNotice {
    /// Where.
    pub conversation: Arc<ConversationCard>,
    /// Who.
    pub user: Arc<User>,
    /// Whether they are typing now.
    pub state: TypingState,
    /// When they said so.
    pub at: DateTime<Utc>,
}

/// Hands out who is typing, until told to stop.
pub(super) async fn run(live: Arc<Live>) {
    let Some(mut changes) = live.app.events.typing.take_receiver() else { return };
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            () = live.app.stop.cancelled() => return,
            _ = changes.recv_many(&mut batch, BATCH_LIMIT) => {}
        }
        if let Err(error) = hand_out(&live, &batch).await {
            tracing::debug!(cause = %error.describe(), "who is typing can't be told just now");
        }
        batch.clear();
    }
}

/// A change with those who follow typing in its conversation here.
struct FollowedChange {
    change: TypingChange,
    followers: Vec<UserId>,
}

/// No statement where nothing of it is followed here.
async fn hand_out(live: &Live, batch: &[TypingChange]) -> AppResult<()> {
    let followed =
        batch.iter().map(|change| FollowedChange { change: *change, followers: live.hub.typing_followers(change) });
    let followed: Vec<_> = followed.filter(|followed| !followed.followers.is_empty()).collect();
    if followed.is_empty() {
        return Ok(());
    }
    let present = PresentPeople::load(live, &followed).await?;
    for FollowedChange { change, followers } in &followed {
        let Some(notice) = present.notice(change) else { continue };
        let notice = Arc::new(notice);
        for follower in followers.iter().filter(|follower| present.is_told(**follower, &notice)) {
            live.hub.tell_typing(*follower, &notice);
        }
    }
    Ok(())
}

/// Members of conversations in which members type, as they are now.
struct PresentPeople {
    members: HashMap<(ConversationId, UserId), Member>,
    conversations: HashMap<ConversationId, Arc<ConversationCard>>,
    users: HashMap<UserId, Arc<User>>,
    /// Groups whose members don't see who the others are.
    hidden: HashSet<GroupId>,
}

impl PresentPeople {
    async fn load(live: &Live, followed: &[FollowedChange]) -> AppResult<Self> {
        let (mut pairs, mut ids, mut typists) = (HashSet::new(), HashSet::new(), HashSet::new());
        for FollowedChange { change, followers } in followed {
            ids.insert(change.conversation);
            typists.insert(change.user);
            let people = followers.iter().chain([&change.user]);
            pairs.extend(people.map(|user| (change.conversation, *user)));
        }
        let (pairs, ids, typists): (Vec<_>, Vec<_>, Vec<_>) =
            (pairs.into_iter().collect(), ids.into_iter().collect(), typists.into_iter().collect());
        let lease = live.app.database.reading_lease();
        let conn = lease.read().await?;
        let (members, conversations, users) = futures_util::try_join!(
            chat::service::load_members(&conn, &pairs),
            chat::service::load_conversation_cards(&conn, &ids),
            accounts::service::load_users(&conn, &typists),
        )?;
        let is_group = |card: &&Arc<ConversationCard>| card.conversation.kind == ConversationKind::Group;
        let groups: Vec<GroupId> =
            conversations.values().filter(is_group).map(|card| card.conversation.id.group()).collect();
        let groups = groups::service::load_groups(&conn, &groups).await?;
        let hidden = groups.values().filter(|group| group.settings.disable_view_member).map(|group| group.id).collect();
        // Clients show them beside the name.
        let avatars: Vec<MediaId> = users.values().filter_map(|user| user.avatar_id).collect();
        media::service::preload(&live.app, &conn, &avatars).await?;
        let members = members.into_iter().filter(|member| member.until_seq.is_none());
        let members = members.map(|member| ((member.conversation_id, member.user_id), member)).collect();
        Ok(Self { members, conversations, users, hidden })
    }

    /// What is told of a change; None where no member is told.
    fn notice(&self, change: &TypingChange) -> Option<TypingNotice> {
        let conversation = self.conversations.get(&change.conversation)?;
        let is_blocked = conversation.conversation.low_blocks || conversation.conversation.high_blocks;
        if is_blocked || !self.members.contains_key(&(change.conversation, change.user)) {
            return None;
        }
        let user = Arc::clone(self.users.get(&change.user)?);
        Some(TypingNotice { conversation: Arc::clone(conversation), user, state: change.state, at: change.at })
    }

    fn is_told(&self, user: UserId, notice: &TypingNotice) -> bool {
        let id = notice.conversation.conversation.id;
        let runs_group = |user| self.members.get(&(id, user)).map(|member| member.is_staff);
        let sees_typist = !self.hidden.contains(&id.group()) || runs_group(notice.user.id) == Some(true);
        runs_group(user).is_some_and(|runs_group| runs_group || sees_typist)
    }
}

/// A person's subscription to typing. Dropping it takes it off the hub.
pub struct TypingSubscription {
    queue: mpsc::Receiver<Arc<TypingNotice>>,
    _place: HubPlace,
}

impl TypingSubscription {
    /// Subscribes a person, in one conversation or in all of theirs, from now on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open(live: Arc<Live>, user: UserId, conversation: Option<ConversationId>) -> AppResult<Self> {
        let place = HubPlace::open(Arc::clone(&live), user).await?;
        Ok(Self { queue: live.hub.follow_typing(user, place.id, conversation), _place: place })
    }

    /// The subscription as a stream without an end.
    pub fn into_stream(self) -> impl Stream<Item = Arc<TypingNotice>> + Send {
        futures_util::stream::unfold(self, |mut subscription| async move {
            subscription.queue.recv().await.map(|notice| (notice, subscription))
        })
    }
}
