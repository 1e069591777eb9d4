//! What is refused in chat.

use chrono::{DateTime, Utc};

use crate::error::{UserError, UserErrorCode};

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
    /// No such file of the sender's.
    #[error("You have no such file.")]
    NoSuchFile,
    /// A file of another kind.
    #[error("This file is no {0}.")]
    OtherKind(&'static str),
    /// A duration that no recording has.
    #[error("A recording plays 0 to {0} seconds.")]
    DurationOutOfRange(i32),
    /// A duration of something that does not play.
    #[error("A picture has no duration.")]
    DurationOfPicture,
    /// There is no such place.
    #[error("A longitude lies between -180 and 180, a latitude between -90 and 90.")]
    CoordinatesOutOfRange,
    /// More than a path on a device may have.
    #[error("A localPath has at most {0} characters.")]
    LocalPathTooLong(usize),
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
    /// The other person has not answered.
    #[error("They have not answered yet: you can react once they do.")]
    NotAnswered,
    /// Enough messages of a conversation are deleted for oneself.
    #[error("You can delete at most {0} messages of a conversation for yourself: clear it instead.")]
    TooManyHidden(i32),
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
    /// Enough conversations are pinned.
    #[error("You can pin at most {0} conversations: unpin another one first.")]
    TooManyPinned(i64),
    /// No such message, or not visible.
    #[error("There is no such message.")]
    NoSuchMessage,
    /// Another person's message, one that was revoked or deleted, or one that holds no words.
    #[error("Only the sender can edit a message, and only while it has a text.")]
    NotEditable,
    /// Sent too long ago.
    #[error("A message can be edited for 24 hours.")]
    EditWindowPassed,
    /// Another user's message, in a conversation that the viewer does not run.
    #[error("Only the sender can take a message back, and in a group its owner and managers.")]
    NotRevocable,
    /// Sent too long ago.
    #[error("A message can be taken back for 2 minutes; its sender can delete it for everyone later.")]
    RevokeWindowPassed,
    /// Another user's message.
    #[error("Only the sender and administrators can delete a message for everyone.")]
    NotDeletable,
    /// Its content is gone.
    #[error("This message was revoked or deleted.")]
    Gone,
    /// No emoji, or more than one.
    #[error("A reaction is a single emoji.")]
    NotEmoji,
    /// Enough reactions.
    #[error("A message takes no more than {0} different emoji, and {1} reactions.")]
    TooManyReactions(i64, i64),
    /// Not a member, or one hidden from the viewer.
    #[error("This user can't be mentioned here.")]
    NotMentionable,
    /// Too many mentions.
    #[error("A message mentions at most {0} users by name.")]
    TooManyMentions(usize),
    /// A mention of all, by a member who does not run the group.
    #[error("Only a group's owner and managers can mention all members.")]
    MentionsAll,
    /// The server can't read it, so it can't be sent on.
    #[error("A message that is encrypted, or tells of a group's members, can't be forwarded.")]
    NotForwardable,
    /// Not there, or not for the viewer to see.
    #[error("There is nothing of this id that you may see.")]
    NoSuchCard,
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
            Self::Empty
            | Self::NotText
            | Self::ClientIdUnusable
            | Self::SeqOutOfRange
            | Self::SeqWithoutTarget
            | Self::DurationOutOfRange(_)
            | Self::DurationOfPicture
            | Self::CoordinatesOutOfRange
            | Self::NotEmoji
            | Self::TooManyMentions(_) => UserErrorCode::InvalidInput,
            Self::LocalPathTooLong(_) => UserErrorCode::TooLong,
            Self::OtherKind(_) => UserErrorCode::FileTypeNotAllowed,
            Self::TooLarge => UserErrorCode::MessageTooLarge,
            Self::ClientIdMismatch => UserErrorCode::IdempotencyMismatch,
            Self::NoSuchUser
            | Self::NoSuchConversation
            | Self::NoSuchMessage
            | Self::NoSuchFile
            | Self::NoSuchCard
            | Self::NotMentionable => UserErrorCode::NotFound,
            Self::NotMember => UserErrorCode::NotMember,
            Self::Unanswered(_)
            | Self::NotAnswered
            | Self::TooManyPinned(_)
            | Self::TooManyHidden(_)
            | Self::Gone
            | Self::TooManyReactions(..) => UserErrorCode::Conflict,
            Self::Blocked => UserErrorCode::Blocked,
            Self::Muted(_) | Self::AllMuted => UserErrorCode::MemberMuted,
            Self::NotEditable
            | Self::NotTaken
            | Self::NotRevocable
            | Self::NotDeletable
            | Self::MentionsAll
            | Self::NotForwardable => UserErrorCode::Forbidden,
            Self::RevokeWindowPassed => UserErrorCode::RevokeWindowPassed,
            Self::EditWindowPassed => UserErrorCode::EditWindowPassed,
        };
        UserError::new(code, self.to_string(), path)
    }
}
