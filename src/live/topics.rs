//! What a person listens to: topics, each with how far it reaches for them.

use std::collections::HashMap;

use crate::db::Lease;
use crate::domains::accounts;
use crate::domains::accounts::model::SessionEnd;
use crate::domains::accounts::policy::access::{RANK_OF_ADMINS, rank};
use crate::domains::chat;
use crate::domains::chat::model::MembershipWindow;
use crate::error::AppResult;
use crate::events::model::StoredEvent;
use crate::events::{Position, Topic, TopicKind};
use crate::ids::{ConversationId, SessionId, UserId};

/// How much of a topic's events a person may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// All of them.
    All,
    /// What lies in the window of a conversation's member.
    Window(MembershipWindow),
}

impl Reach {
    fn shows(&self, row: &StoredEvent) -> bool {
        match self {
            Self::All => true,
            Self::Window(window) => window.shows(row.version, row.message_seq()),
        }
    }
}

/// The topics of a person.
#[derive(Clone, Debug, Default)]
pub struct Topics(HashMap<Topic, Reach>);

/// That a person's topic begins, changes or ends; None for its end.
#[derive(Clone, Debug)]
pub struct TopicChange {
    /// Whose.
    pub user: UserId,
    /// The topic.
    pub topic: Topic,
    /// How far it reaches from now on.
    pub reach: Option<Reach>,
}

impl TopicChange {
    /// A member's window as it is now; None for a person who never was a member.
    #[must_use]
    pub fn window(user: UserId, conversation: ConversationId, window: Option<MembershipWindow>) -> Self {
        Self { user, topic: Topic::conversation(conversation), reach: window.map(Reach::Window) }
    }

    /// The roles' topics of a person whose role has a rank.
    pub fn roles(user: UserId, rank: i64) -> impl Iterator<Item = Self> {
        let change = move |role| Self { user, topic: Topic::role(role), reach: (role <= rank).then_some(Reach::All) };
        (1..=RANK_OF_ADMINS).map(change)
    }
}

impl Topics {
    /// Whether an event is for the person to see, by the topic it is published to.
    #[must_use]
    pub fn show(&self, row: &StoredEvent) -> bool {
        self.0.get(&row.topic()).is_some_and(|reach| reach.shows(row))
    }

    /// The topics.
    pub fn iter(&self) -> impl Iterator<Item = Topic> {
        self.0.keys().copied()
    }

    /// The person's window of a conversation that they are in now.
    fn open_window(&self, conversation: ConversationId) -> Option<&MembershipWindow> {
        match self.0.get(&Topic::conversation(conversation)) {
            Some(Reach::Window(window)) => Some(window).filter(|window| window.until_version.is_none()),
            Some(Reach::All) | None => None,
        }
    }

    /// Whether the person is in a conversation now.
    #[must_use]
    pub fn is_member(&self, conversation: ConversationId) -> bool {
        self.open_window(conversation).is_some()
    }

    /// Whether the person runs the group of a conversation now.
    #[must_use]
    pub fn is_staff(&self, conversation: ConversationId) -> bool {
        self.open_window(conversation).is_some_and(|window| window.is_staff)
    }

    /// How far the person's role goes.
    #[must_use]
    pub fn rank(&self) -> i64 {
        let roles = self.0.keys().filter(|topic| topic.kind == TopicKind::Role);
        roles.map(|topic| topic.id).max().unwrap_or(0)
    }

    /// Applies a change.
    pub fn apply(&mut self, change: &TopicChange) {
        match change.reach.clone() {
            Some(reach) => self.0.insert(change.topic, reach),
            None => self.0.remove(&change.topic),
        };
    }
}

/// All topics of a person: themselves, their conversations, past ones included, and the roles that theirs includes.
///
/// # Errors
/// When the database fails.
pub async fn list_topics(lease: &Lease, user: UserId) -> AppResult<Topics> {
    let conn = lease.read().await?;
    let (windows, role) =
        futures_util::try_join!(chat::service::list_windows(lease, user), accounts::service::role_of(&conn, user))?;
    let mut topics = Topics(HashMap::from([(Topic::user(user), Reach::All)]));
    let windows =
        windows.into_iter().map(|(conversation, window)| TopicChange::window(user, conversation, Some(window)));
    windows.chain(TopicChange::roles(user, rank(role))).for_each(|change| topics.apply(&change));
    Ok(topics)
}

/// The roles' topics of a person, as they are now.
///
/// # Errors
/// When the database fails.
pub async fn list_role_topics(lease: &Lease, user: UserId) -> AppResult<Vec<TopicChange>> {
    let role = accounts::service::role_of(&*lease.read().await?, user).await?;
    Ok(TopicChange::roles(user, rank(role)).collect())
}

/// What some events change on this instance.
#[derive(Default)]
pub struct Effects {
    /// Roles' topics of people here, before the first of the events.
    pub(super) roles: Vec<TopicChange>,
    /// Windows, with the event of that position.
    pub(super) windows: HashMap<Position, Vec<TopicChange>>,
    /// Sessions that ended.
    pub(super) sessions: Vec<(SessionId, SessionEnd)>,
    /// Users whose public fields have changed.
    pub(super) people: Vec<UserId>,
}

impl Effects {
    /// Every change of a topic.
    pub(super) fn changes(&self) -> impl Iterator<Item = &TopicChange> {
        self.roles.iter().chain(self.windows.values().flatten())
    }
}
