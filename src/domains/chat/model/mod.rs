//! Rows and enums of chat.

mod card;
mod content;
mod error;
mod listing;
mod marks;
mod pending;
mod sending;
mod system;
pub mod typing;
mod window;
mod words;

use std::sync::Arc;

use async_graphql::Enum;
use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};

use crate::db::pg_enum;
use crate::db::schema::{self, sql_types};
use crate::domains::relations::model::BlockState;
use crate::ids::{ConversationId, MessageId, UserId};

pub use card::{ConversationCard, ConversationView, HeldMessage, MessageCard, RepliedMessage, TargetView};
pub use content::{AttachedFile, Content, MessagePlace};
pub use error::ChatError;
pub use listing::{
    ConversationPlace, MessageList, MessageSpot, MessageView, PulledMessages, ReviewFilter, SentFilter, UnreadTotals,
    UpdateConversation,
};
pub use marks::{CardKind, CardTarget, MessageMarks, Reaction};
pub use pending::PendingReactions;
pub use sending::{Appended, ClientId, Draft, Mentions, NewMessage, ReplyTarget, SendMessage, SentMessage, Target};
pub use system::{SystemChange, SystemNote};
pub use window::{MemberProgress, MembershipWindow};
pub use words::{IndexProgress, IndexedText, MessageQuery, conversation_word};

pg_enum! {
    /// What kind of conversation it is.
    #[derive(Enum)]
    pub enum ConversationKind: sql_types::ConversationKind {
        /// Between two people, or with oneself.
        Direct = "DIRECT",
        /// Of a group.
        Group = "GROUP",
    }
    unknown:
        /// Of a kind that this version of the server doesn't know: show its title and its messages.
        new Unsupported
}

pg_enum! {
    /// What a message holds.
    #[derive(Enum)]
    pub enum MessageType: sql_types::MessageType {
        /// Words.
        Text = "TEXT",
        /// A picture.
        Picture = "PICTURE",
        /// Sound.
        Voice = "VOICE",
        /// Moving pictures.
        Video = "VIDEO",
        /// A place.
        Location = "LOCATION",
        /// Any file, to be downloaded.
        File = "FILE",
        /// Something of Plaza's own: an item, a task, an order, a user or a group.
        Card = "CARD",
        /// What happened to the members of a group: no user sent it.
        System = "SYSTEM",
    }
    unknown:
        /// A type that this version of the server doesn't know; for what to show, see `UnsupportedContent`.
        new Unsupported
}

pg_enum! {
    /// What became of a message.
    #[derive(Enum)]
    pub enum MessageStatus: sql_types::MessageStatus {
        /// As it was sent, or edited.
        Normal = "NORMAL",
        /// Taken back by its sender; the content is gone.
        Revoked = "REVOKED",
        /// Deleted for everyone; the content is gone.
        Deleted = "DELETED",
    }
    unknown:
        /// A status that this version of the server doesn't know; the content is not shown.
        new Unsupported
}

/// A conversation.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::conversations)]
#[expect(clippy::struct_excessive_bools, reason = "columns")]
pub struct Conversation {
    /// Key.
    pub id: ConversationId,
    /// Direct or of a group.
    pub kind: ConversationKind,
    /// The person with the lower id, of a direct one.
    pub low_user_id: Option<UserId>,
    /// The person with the higher id, of a direct one; the same one in a conversation with oneself.
    pub high_user_id: Option<UserId>,
    /// The seq of the newest message.
    pub last_seq: i32,
    /// Counts everything that happened here.
    pub version: i64,
    /// Counts the changes of who may send here.
    pub membership_version: i32,
    /// When something was last said.
    pub last_activity_at: DateTime<Utc>,
    /// Who sent the first message of a direct one.
    pub opened_by: Option<UserId>,
    /// Whether the opener may send without bound: the other person has answered, or there is none.
    pub answered: bool,
    /// The person with the lower id blocks the other one.
    pub low_blocks: bool,
    /// The person with the higher id blocks the other one.
    pub high_blocks: bool,
    /// The name of a group.
    pub title: Option<String>,
    /// Of a group's members, only those who run it may send.
    pub mute_all: bool,
}

impl Conversation {
    /// The other one of a direct conversation; oneself in a conversation with oneself.
    #[must_use]
    pub fn peer_id(&self, viewer: UserId) -> Option<UserId> {
        if self.low_user_id == Some(viewer) { self.high_user_id } else { self.low_user_id }
    }

    /// Who of the two people of a direct conversation blocks the other.
    #[must_use]
    pub fn blocks(&self, viewer: UserId) -> BlockState {
        let (own, theirs) = if self.low_user_id == Some(viewer) {
            (self.low_blocks, self.high_blocks)
        } else {
            (self.high_blocks, self.low_blocks)
        };
        BlockState { own, theirs }
    }
}

/// A member's row.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::members)]
pub struct Member {
    /// Where.
    pub conversation_id: ConversationId,
    /// Who.
    pub user_id: UserId,
    /// First message of the window.
    pub from_seq: i32,
    /// Last message of the window, for a member who left.
    pub until_seq: Option<i32>,
    /// First version of the window.
    pub from_version: i64,
    /// Last version of the window.
    pub until_version: Option<i64>,
    /// Read up to here.
    pub read_seq: i32,
    /// When the read marker moved.
    pub read_at: Option<DateTime<Utc>>,
    /// Some device received up to here.
    pub delivered_seq: i32,
    /// Own messages behind the read marker.
    pub own_since_read: i32,
    /// They run the group.
    pub is_staff: bool,
    /// Until when they can't send.
    pub muted_until: Option<DateTime<Utc>>,
    /// First in their list.
    pub is_pinned: bool,
    /// Their clients don't alert them.
    pub is_silent: bool,
    /// How many messages they deleted for themselves.
    pub hidden_count: i32,
    /// Not in their list while nothing newer was said.
    pub hidden_through: Option<i32>,
}

impl Member {
    /// What the member may see, but for what they deleted for themselves.
    #[must_use]
    pub fn window(&self) -> MembershipWindow {
        MembershipWindow {
            from_seq: self.from_seq,
            until_seq: self.until_seq,
            from_version: self.from_version,
            until_version: self.until_version,
            is_staff: self.is_staff,
            hidden: None,
        }
    }

    /// The last seq that the member may see, given the conversation's.
    #[must_use]
    pub fn last_visible(&self, last_seq: i32) -> i32 {
        self.until_seq.map_or(last_seq, |until| until.min(last_seq))
    }

    /// Until when they are muted, if they are.
    #[must_use]
    pub fn muted_at(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.muted_until.filter(|until| *until > now)
    }

    /// Whether it is not in their list for now, given the conversation's last seq.
    #[must_use]
    pub fn is_hidden(&self, last_seq: i32) -> bool {
        self.hidden_through.is_some_and(|through| self.last_visible(last_seq) <= through)
    }

    /// Messages of others behind the read marker.
    #[must_use]
    pub fn unread(&self, last_seq: i32) -> i32 {
        let seen = self.read_seq.max(self.from_seq - 1);
        (self.last_visible(last_seq) - seen - self.own_since_read).max(0)
    }
}

/// A message.
#[derive(Clone, Debug)]
pub struct Message {
    /// Key.
    pub id: MessageId,
    /// Where.
    pub conversation_id: ConversationId,
    /// Place in the conversation.
    pub seq: i32,
    /// Who sent it; of one that tells of a group's members the user who acted.
    pub sender_id: UserId,
    /// What it holds.
    pub type_: MessageType,
    /// What it says; none once revoked or deleted.
    pub content: Option<Content>,
    /// Encrypted by the clients.
    pub is_private: bool,
    /// What became of it.
    pub status: MessageStatus,
    /// The sender's own name for it.
    pub client_message_id: Option<String>,
    /// What few messages have; none for nothing of it.
    pub marks: Option<Arc<MessageMarks>>,
    /// When it was sent.
    pub created_at: DateTime<Utc>,
    /// When anything of it changed.
    pub updated_at: DateTime<Utc>,
}

impl Message {
    /// Roughly the bytes that its texts take.
    #[must_use]
    pub fn approximate_bytes(&self) -> usize {
        self.content.as_ref().map_or(0, Content::approximate_bytes)
    }

    /// How many reactions it has.
    #[must_use]
    pub fn reaction_count(&self) -> i32 {
        self.marks.as_ref().map_or(0, |marks| marks.reactions)
    }
}
