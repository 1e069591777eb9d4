//! Batches of chat.

use std::collections::HashMap;
use std::sync::Arc;

use super::model::{ConversationCard, ConversationView, Member, MemberProgress, MessageCard, Reaction, RepliedMessage};
use super::policy::MOST_READERS;
use super::{service, store};
use crate::domains::accounts::model::User;
use crate::error::AppResult;
use crate::graphql::loader::Batch;
use crate::ids::{ConversationId, MessageId, UserId};
use crate::scope::Scope;

/// Conversations with their people, by id.
pub struct ConversationById;

impl Batch for ConversationById {
    type Key = ConversationId;
    type Value = Arc<ConversationCard>;

    async fn load(scope: &Scope, keys: &[Self::Key]) -> AppResult<HashMap<Self::Key, Self::Value>> {
        let conn = scope.db.read().await?;
        service::load_conversation_cards(&conn, keys).await
    }
}

/// The viewer's direct conversations, by the other person.
pub struct ConversationWith;

impl Batch for ConversationWith {
    type Key = UserId;
    type Value = ConversationView;

    async fn load(scope: &Scope, keys: &[Self::Key]) -> AppResult<HashMap<Self::Key, Self::Value>> {
        let viewer = scope.viewer()?.user_id;
        let views = store::list_direct(&*scope.db.read().await?, viewer, keys).await?;
        let by_peer = |view: ConversationView| Some((view.card.conversation.peer_id(viewer)?, view));
        Ok(views.into_iter().filter_map(by_peer).collect())
    }
}

/// Messages with their senders, by conversation and seq. Whether the viewer may see them is for the caller to know.
pub struct MessageAt;

impl Batch for MessageAt {
    type Key = (ConversationId, i32);
    type Value = Arc<MessageCard>;

    async fn load(scope: &Scope, keys: &[Self::Key]) -> AppResult<HashMap<Self::Key, Self::Value>> {
        let conn = scope.db.read().await?;
        let rows = store::messages::list_messages_at(&conn, keys).await?;
        let cards = rows.into_iter().map(|(message, sender)| {
            let key = (message.conversation_id, message.seq);
            (key, Arc::new(MessageCard { message, sender: Arc::new(sender), conversation: None, reactions: None }))
        });
        Ok(cards.collect())
    }
}

/// Messages that others answer, by conversation and seq. Whether the viewer may see them is for the caller to know.
pub struct MessageRepliedTo;

impl Batch for MessageRepliedTo {
    type Key = (ConversationId, i32);
    type Value = RepliedMessage;

    async fn load(scope: &Scope, keys: &[Self::Key]) -> AppResult<HashMap<Self::Key, Self::Value>> {
        let conn = scope.db.read().await?;
        let found = store::messages::list_replied_messages(&conn, keys).await?;
        let by_place = |replied: RepliedMessage| {
            let message = &replied.card.message;
            ((message.conversation_id, message.seq), replied)
        };
        Ok(found.into_iter().map(by_place).collect())
    }
}

/// The viewer's memberships, by conversation.
pub struct ViewerMembership;

impl Batch for ViewerMembership {
    type Key = ConversationId;
    type Value = Member;

    async fn load(scope: &Scope, keys: &[Self::Key]) -> AppResult<HashMap<Self::Key, Self::Value>> {
        let viewer = scope.viewer()?.user_id;
        let pairs: Vec<_> = keys.iter().map(|id| (*id, viewer)).collect();
        let conn = scope.db.read().await?;
        let rows = store::members::list_at(&conn, &pairs).await?;
        Ok(rows.into_iter().map(|member| (member.conversation_id, member)).collect())
    }
}

/// The members of a conversation who read last, with the people, the last first: those whose markers the viewer sees.
pub struct ReadMarkersIn;

impl Batch for ReadMarkersIn {
    type Key = ConversationId;
    type Value = Arc<Vec<(Member, Arc<User>)>>;

    async fn load(scope: &Scope, keys: &[Self::Key]) -> AppResult<HashMap<Self::Key, Self::Value>> {
        let viewer = scope.viewer()?.user_id;
        let conn = scope.db.read().await?;
        let mut by_conversation: HashMap<ConversationId, Vec<(Member, Arc<User>)>> = HashMap::new();
        for (member, user) in store::members::list_last_readers(&conn, viewer, keys, MOST_READERS).await? {
            by_conversation.entry(member.conversation_id).or_default().push((member, Arc::new(user)));
        }
        Ok(by_conversation.into_iter().map(|(id, members)| (id, Arc::new(members))).collect())
    }
}

/// How far the members of a conversation are whose markers the viewer sees.
pub struct ProgressIn;

impl Batch for ProgressIn {
    type Key = ConversationId;
    type Value = Arc<Vec<MemberProgress>>;

    async fn load(scope: &Scope, keys: &[Self::Key]) -> AppResult<HashMap<Self::Key, Self::Value>> {
        let viewer = scope.viewer()?.user_id;
        let conn = scope.db.read().await?;
        let mut by_conversation: HashMap<ConversationId, Vec<MemberProgress>> = HashMap::new();
        for (id, progress) in store::members::list_progress(&conn, viewer, keys).await? {
            by_conversation.entry(id).or_default().push(progress);
        }
        Ok(by_conversation.into_iter().map(|(id, members)| (id, Arc::new(members))).collect())
    }
}

/// The reactions to messages. Whether the viewer may see these is for the caller to know.
pub struct ReactionsOf;

impl Batch for ReactionsOf {
    type Key = MessageId;
    type Value = Arc<Vec<Reaction>>;

    async fn load(scope: &Scope, keys: &[Self::Key]) -> AppResult<HashMap<Self::Key, Self::Value>> {
        let conn = scope.db.read().await?;
        service::load_reactions(&conn, keys).await
    }
}

/// The seq of the newest message that the viewer sees in conversations where they deleted messages for themselves.
pub struct LastShownIn;

impl Batch for LastShownIn {
    type Key = ConversationId;
    type Value = i32;

    async fn load(scope: &Scope, keys: &[Self::Key]) -> AppResult<HashMap<Self::Key, Self::Value>> {
        let viewer = scope.viewer()?.user_id;
        let conn = scope.db.read().await?;
        Ok(store::history::list_last_shown(&conn, keys, viewer).await?.into_iter().collect())
    }
}

/// How many unread messages of others mention the viewer, by conversation, without those where none does.
pub struct UnreadMentionsIn;

impl Batch for UnreadMentionsIn {
    type Key = ConversationId;
    type Value = i32;

    async fn load(scope: &Scope, keys: &[Self::Key]) -> AppResult<HashMap<Self::Key, Self::Value>> {
        let viewer = scope.viewer()?.user_id;
        let conn = scope.db.read().await?;
        Ok(store::mentions::count_mentions(&conn, viewer, keys).await?.into_iter().collect())
    }
}
