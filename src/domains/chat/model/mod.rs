//! Rows and enums of chat.

mod card;
mod sending;
mod window;

use std::borrow::Cow;

use async_graphql::Enum;
use chrono::{DateTime, Utc};
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Jsonb;
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};

use crate::db::pg_enum;
use crate::db::schema::{self, sql_types};
use crate::domains::relations::model::BlockState;
use crate::error::{UserError, UserErrorCode};
use crate::ids::{ConversationId, MessageId, UserId};

pub use card::{ConversationCard, ConversationView, MessageCard, TargetView};
pub use sending::{Appended, ClientId, Draft, NewMessage, SendMessage, SentMessage, Target};
pub use window::MembershipWindow;

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

/// What a message says, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Content {
    /// Words.
    Text {
        /// The words.
        text: String,
    },
    /// What only newer instances know. It can't be written.
    #[serde(skip)]
    Unknown {
        /// The type, as it is stored; empty where there is none.
        tag: String,
    },
}

/// The type of a content that is not known.
#[derive(Default, Deserialize)]
struct Tag {
    #[serde(rename = "type", default)]
    tag: String,
}

/// A content as it is stored: read at once, as serde reads a tagged enum twice.
#[derive(Deserialize)]
struct StoredContent<'a> {
    #[serde(rename = "type", default, borrow)]
    tag: Cow<'a, str>,
    text: Option<String>,
}

impl From<StoredContent<'_>> for Content {
    fn from(StoredContent { tag, text }: StoredContent<'_>) -> Self {
        match (tag.as_ref(), text) {
            ("TEXT", Some(text)) => Self::Text { text },
            _ => Self::Unknown { tag: tag.into_owned() },
        }
    }
}

impl diesel::serialize::ToSql<Jsonb, diesel::pg::Pg> for Content {
    fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>) -> diesel::serialize::Result {
        std::io::Write::write_all(out, &[1])?;
        serde_json::to_writer(out, self)?;
        Ok(diesel::serialize::IsNull::No)
    }
}

impl diesel::deserialize::FromSql<Jsonb, diesel::pg::Pg> for Content {
    fn from_sql(value: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
        match value.as_bytes().split_first() {
            Some((1, json)) => Ok(Self::of_json(json)),
            _ => Err("unknown jsonb format".into()),
        }
    }
}

impl Content {
    fn of_json(json: &[u8]) -> Self {
        match serde_json::from_slice::<StoredContent<'_>>(json) {
            Ok(content) => content.into(),
            Err(_) => Self::Unknown { tag: serde_json::from_slice::<Tag>(json).unwrap_or_default().tag },
        }
    }

    /// The type of message that holds it.
    #[must_use]
    pub fn message_type(&self) -> MessageType {
        match self {
            Self::Text { .. } => MessageType::Text,
            Self::Unknown { .. } => MessageType::Unsupported,
        }
    }
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

/// How far a member is in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberProgress {
    /// Who.
    pub user_id: UserId,
    /// Read up to here.
    pub read_seq: i32,
    /// Some device received up to here.
    pub delivered_seq: i32,
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
}

impl Member {
    /// What the member may see.
    #[must_use]
    pub fn window(&self) -> MembershipWindow {
        MembershipWindow {
            from_seq: self.from_seq,
            until_seq: self.until_seq,
            from_version: self.from_version,
            until_version: self.until_version,
            is_staff: self.is_staff,
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
    /// Who sent it.
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
    /// When it was edited.
    pub edited_at: Option<DateTime<Utc>>,
    /// When it was sent.
    pub created_at: DateTime<Utc>,
    /// When anything of it changed.
    pub updated_at: DateTime<Utc>,
}

impl Message {
    /// Roughly the bytes that its text takes.
    #[must_use]
    pub fn approximate_bytes(&self) -> usize {
        match &self.content {
            Some(Content::Text { text } | Content::Unknown { tag: text }) => text.len(),
            None => 0,
        }
    }
}

/// What can go wrong in chat, for the person to act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChatError {
    /// Nothing but white space.
    #[error("A message can't be empty.")]
    Empty,
    /// More than 8,000 characters, or 64,000 bytes.
    #[error("A message has at most 8,000 characters, and 64,000 bytes.")]
    TooLarge,
    /// A character that no text has.
    #[error("A text can't hold the character U+0000.")]
    NotText,
    /// A client message id that is empty or too long.
    #[error("A clientMessageId has 1 to 64 characters.")]
    ClientIdUnusable,
    /// The client message id stands for another message.
    #[error("This clientMessageId was used for another message.")]
    ClientIdMismatch,
    /// No such person, or they left.
    #[error("There is no such user.")]
    NoSuchUser,
    /// No such conversation, or never a member of it.
    #[error("There is no such conversation.")]
    NoSuchConversation,
    /// A member once, but no longer.
    #[error("You are no longer a member of this conversation.")]
    NotMember,
    /// Enough messages to a person who has not answered.
    #[error("They have not answered yet: until they do you can send them no more than {0} messages.")]
    Unanswered(i32),
    /// The viewer blocks the other person.
    #[error("You block them: unblock them first.")]
    Blocked,
    /// The other person does not take it.
    #[error("They take no messages from you.")]
    NotTaken,
    /// The viewer is muted in the group.
    #[error("You are muted in this group until {}.", .0.format("%Y-%m-%d %H:%M UTC"))]
    Muted(DateTime<Utc>),
    /// All members of the group are muted but those who run it.
    #[error("In this group only its owner and managers send.")]
    AllMuted,
    /// No such message, or not visible.
    #[error("There is no such message.")]
    NoSuchMessage,
    /// Another person's message, one that was revoked or deleted, or one that holds no words.
    #[error("Only the sender can edit a message, and only while it has a text.")]
    NotEditable,
    /// Sent too long ago.
    #[error("A message can be edited for 24 hours.")]
    EditWindowPassed,
    /// A seq, but of which conversation?
    #[error("upToSeq needs a conversation to belong to: give `to` as well.")]
    SeqWithoutTarget,
    /// Not a seq of the conversation.
    #[error("upToSeq has to be 0 or more.")]
    SeqOutOfRange,
}

impl ChatError {
    /// The failure with its code, at an argument's dotted path.
    #[must_use]
    pub fn at(self, path: &str) -> UserError {
        let code = match self {
            Self::Empty | Self::NotText | Self::ClientIdUnusable | Self::SeqOutOfRange | Self::SeqWithoutTarget => {
                UserErrorCode::InvalidInput
            }
            Self::TooLarge => UserErrorCode::MessageTooLarge,
            Self::ClientIdMismatch => UserErrorCode::IdempotencyMismatch,
            Self::NoSuchUser | Self::NoSuchConversation | Self::NoSuchMessage => UserErrorCode::NotFound,
            Self::NotMember => UserErrorCode::NotMember,
            Self::Unanswered(_) => UserErrorCode::Conflict,
            Self::Blocked => UserErrorCode::Blocked,
            Self::Muted(_) | Self::AllMuted => UserErrorCode::MemberMuted,
            Self::NotEditable | Self::NotTaken => UserErrorCode::Forbidden,
            Self::EditWindowPassed => UserErrorCode::EditWindowPassed,
        };
        UserError::new(code, self.to_string(), path)
    }
}
