//! GraphQL types of chat: the conversation here; [`message`]s, their [`content`], [`input`]s and payloads, [`event`]s apart.

pub mod card;
pub mod content;
pub mod event;
pub mod filters;
pub mod input;
pub mod message;
pub mod system;

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};

use super::model::{ConversationCard, ConversationKind, ConversationView, Member, MessageList, SentFilter};
use super::service;
use crate::domains::accounts::loader::PersonById;
use crate::domains::accounts::types::{User, UserRelation};
use crate::domains::chat::loader::{
    ConversationById, LastShownIn, MessageAt, ReadMarkersIn, UnreadMentionsIn, ViewerMembership,
};
use crate::domains::groups;
use crate::domains::groups::types::Group;
use crate::error::AppResult;
use crate::graphql::connection::Connection;
use crate::graphql::context::PlazaContext;
use crate::graphql::eager::{Relation, plain, plain_enums, plain_struct};
use crate::graphql::scalars::DateTime;
use crate::ids::UserId;
use crate::page::PageArgs;

use filters::MessageFilter;
pub use message::Message;

/// A conversation, as the viewer sees it. What depends on the viewer (`unreadCount`, `mentionCount`, `lastReadSeq`,
/// `maxSeq`, `pinned`, `muted`, `hidden`, `lastMessage`, `messages`) costs a statement when the conversation was reached through a message or an
/// event.
#[derive(Clone, Debug)]
pub struct Conversation {
    card: Arc<ConversationCard>,
    member: Option<Member>,
}

impl Conversation {
    /// As its member sees it.
    #[must_use]
    pub fn seen(view: ConversationView) -> Self {
        let ConversationView { card, member } = view;
        Self { card: Arc::new(card), member: Some(member) }
    }

    /// As it is shared among those who get an event; the membership is loaded when asked for.
    #[must_use]
    pub fn shared(card: Arc<ConversationCard>) -> Self {
        Self { card, member: None }
    }

    fn peer_id(&self, ctx: &Context<'_>) -> AppResult<Option<UserId>> {
        Ok(self.card.conversation.peer_id(ctx.viewer()?.user_id))
    }

    /// One of the two people.
    fn person(&self, id: UserId) -> UserRelation {
        let pair = self.card.pair.iter().flat_map(|(low, high)| [low, high]);
        let loaded = pair.into_iter().find(|user| user.id == id);
        loaded.map_or_else(|| User::by_id(id), |user| Relation::Here(User(Arc::clone(user))))
    }

    async fn member(&self, ctx: &Context<'_>) -> AppResult<Member> {
        if let Some(member) = &self.member {
            return Ok(member.clone());
        }
        let loaders = ctx.loaders()?;
        loaders.get::<ViewerMembership>(self.card.conversation.id).await
    }

    /// The newest seq, read anew where the card was shared long ago.
    async fn last_seq(&self, ctx: &Context<'_>) -> AppResult<i32> {
        if self.member.is_some() {
            return Ok(self.card.conversation.last_seq);
        }
        let loaders = ctx.loaders()?;
        Ok(loaders.get::<ConversationById>(self.card.conversation.id).await?.conversation.last_seq)
    }
}

/// A conversation, as the viewer sees it. What depends on the viewer (`unreadCount`, `mentionCount`, `lastReadSeq`,
/// `maxSeq`, `pinned`, `muted`, `hidden`, `lastMessage`, `messages`) costs a statement when the conversation was reached through a message or an
/// event.
#[Object(crate = "crate::graphql::eager")]
impl Conversation {
    /// Opaque global id.
    pub async fn id(&self) -> ID {
        self.card.conversation.id.global()
    }

    /// Direct, or of a group.
    fn kind(&self) -> ConversationKind {
        self.card.conversation.kind
    }

    /// The other user of a direct conversation; oneself in a conversation with oneself.
    fn peer(&self, ctx: &Context<'_>) -> Option<AppResult<UserRelation>> {
        let peer = self.peer_id(ctx).transpose()?;
        Some(peer.map(|id| self.person(id)))
    }

    /// Both people of a direct conversation; null for groups.
    fn participants(&self) -> Option<Vec<UserRelation>> {
        let conversation = &self.card.conversation;
        let (low, high) = conversation.low_user_id.zip(conversation.high_user_id)?;
        Some(vec![self.person(low), self.person(high)])
    }

    /// The group whose conversation it is; null for direct ones, and once the group was dissolved. Costs a statement for a whole
    /// list of conversations.
    async fn group(&self, ctx: &Context<'_>) -> Option<AppResult<Group>> {
        let conversation = &self.card.conversation;
        match conversation.kind {
            ConversationKind::Direct | ConversationKind::Unsupported => None,
            ConversationKind::Group => groups::query::find_group(ctx, conversation.id.group()).await.transpose(),
        }
    }

    /// What to show as its name: the peer's nickname, or the group's name.
    fn title(&self, ctx: &Context<'_>) -> AppResult<Relation<PersonById, String>> {
        let Some(peer) = self.peer_id(ctx)? else {
            return Ok(Relation::Here(self.card.conversation.title.clone().unwrap_or_default()));
        };
        Ok(match self.person(peer) {
            Relation::Here(user) => Relation::Here(user.0.nickname.clone()),
            Relation::ByKey { key, .. } => Relation::ByKey { key, show: |person| person.user.nickname.clone() },
        })
    }

    /// The newest message that the viewer sees. Costs a statement for a whole list of conversations, and one more where they deleted
    /// messages for themselves.
    async fn last_message(&self, ctx: &Context<'_>) -> Option<AppResult<Message>> {
        let find = async {
            let member = self.member(ctx).await?;
            let mut seq = member.last_visible(self.last_seq(ctx).await?);
            let loaders = ctx.loaders()?;
            if member.hidden_count > 0 {
                seq = loaders.find::<LastShownIn>(self.card.conversation.id).await?.unwrap_or_default();
            }
            if seq < member.from_seq {
                return Ok(None);
            }
            let found = loaders.find::<MessageAt>((self.card.conversation.id, seq)).await?;
            Ok(found.map(|card| Message::within(card, Arc::clone(&self.card))))
        };
        find.await.transpose()
    }

    /// Messages of others that the viewer has not read.
    async fn unread_count(&self, ctx: &Context<'_>) -> AppResult<i32> {
        Ok(self.member(ctx).await?.unread(self.last_seq(ctx).await?))
    }

    /// Messages of others that the viewer has not read and that mention them, by name or with all members; counted up to 1,000.
    /// Costs a statement for a whole list of conversations.
    async fn mention_count(&self, ctx: &Context<'_>) -> AppResult<i32> {
        if self.member(ctx).await?.unread(self.last_seq(ctx).await?) == 0 {
            return Ok(0);
        }
        let loaders = ctx.loaders()?;
        Ok(loaders.find::<UnreadMentionsIn>(self.card.conversation.id).await?.unwrap_or_default())
    }

    /// The viewer has read up to here; 0 for nothing.
    async fn last_read_seq(&self, ctx: &Context<'_>) -> AppResult<i32> {
        Ok(self.member(ctx).await?.read_seq)
    }

    /// The seq of the newest message that the viewer may see; 0 for none.
    async fn max_seq(&self, ctx: &Context<'_>) -> AppResult<i32> {
        Ok(self.member(ctx).await?.last_visible(self.last_seq(ctx).await?))
    }

    /// Whether the viewer has pinned it: it stands before the others in their list. Other members don't see it.
    async fn pinned(&self, ctx: &Context<'_>) -> AppResult<bool> {
        Ok(self.member(ctx).await?.is_pinned)
    }

    /// Whether the viewer's clients are to show its messages without an alert. It is a flag for clients: messages are delivered
    /// and counted as those of other conversations. Other members don't see it.
    async fn muted(&self, ctx: &Context<'_>) -> AppResult<bool> {
        Ok(self.member(ctx).await?.is_silent)
    }

    /// Whether it is not in the viewer's list for now: they hid it, and nothing was said since.
    async fn hidden(&self, ctx: &Context<'_>) -> AppResult<bool> {
        Ok(self.member(ctx).await?.is_hidden(self.last_seq(ctx).await?))
    }

    /// How far members have read, of those who have read anything: the 30 who read last, the last first. In a group that the
    /// viewer is no longer in, their own marker alone. `Message.readByCount` counts all members. Costs a statement for a whole
    /// list of conversations.
    async fn read_markers(&self, ctx: &Context<'_>) -> AppResult<Vec<ReadMarker>> {
        let loaders = ctx.loaders()?;
        let members = loaders.find::<ReadMarkersIn>(self.card.conversation.id).await?.unwrap_or_default();
        let markers = members.iter().filter_map(|(member, user)| {
            let read_at = member.read_at?.into();
            Some(ReadMarker { user: User(Arc::clone(user)), seq: member.read_seq, read_at })
        });
        Ok(markers.collect())
    }

    /// Messages that the viewer may see, by `seq`, the oldest first. Revoked and deleted ones keep their place, and their type.
    /// Costs a statement for each conversation.
    async fn messages(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Those of them that fit; all of them where none is given.")] filter: Option<MessageFilter>,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> AppResult<Connection<Message>> {
        let id = self.card.conversation.id;
        let page = PageArgs { first, after, last, before }.request(format!("messages:{}", id.0))?;
        let (member, last_seq) = (self.member(ctx).await?, self.last_seq(ctx).await?);
        let scope = ctx.scope()?;
        let card = Arc::clone(&self.card);
        let mut list = MessageList {
            conversation: id,
            from_seq: member.from_seq,
            until_seq: member.last_visible(last_seq),
            types: None,
            sent: SentFilter::default(),
            hidden_from: (member.hidden_count > 0).then_some(member.user_id),
        };
        if let Some(filter) = filter {
            filter.apply(&mut list)?;
            service::narrow_to_times(scope, &mut list).await?;
        }
        let rows = service::list_messages(scope, &list, &page).await?;
        let list = Arc::new(list);
        Ok(Connection::new(
            rows,
            move |message| Message::row(message, Some(Arc::clone(&card))),
            move |scope, bound| {
                let list = Arc::clone(&list);
                Box::pin(async move { service::count_messages(scope, &list, bound).await })
            },
        ))
    }

    /// When something was last said.
    fn updated_at(&self) -> DateTime {
        self.card.conversation.last_activity_at.into()
    }
}

plain_enums!(ConversationKind);

plain!(Conversation [|conversation: &Conversation| conversation.card.conversation.id.parts()] {
    "kind" => kind,
    "peer" => peer,
    "participants" => participants,
    "title" => title,
    "updatedAt" => updated_at,
});

/// How far a member has read.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct ReadMarker {
    /// Whose marker.
    pub user: User,
    /// Read up to this message.
    pub seq: i32,
    /// When the marker moved there.
    pub read_at: DateTime,
}

plain_struct!(ReadMarker { "user" => user, "seq" => seq, "readAt" => read_at });
