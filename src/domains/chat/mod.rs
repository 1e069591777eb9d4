//! Chat: conversations, their members, and messages.
//!
//! Invariants:
//! - A direct conversation is unique per pair (`conversations_direct_key`), oneself included.
//! - `seq` numbers a conversation's messages from 1 without gaps; it is taken under the conversation's row lock, in the
//!   statement that also inserts the message and its event.
//! - `version` counts what happens in a conversation, under its row lock: messages, edits, markers of direct ones, changes of
//!   members. Every event of the conversation's topic carries the version it made. A marker in a group is none of these: it is its
//!   reader's alone, and has no version.
//! - A member's row stays when they leave; its window says what they may still see ([`crate::domains::chat::model::MembershipWindow`]).
//! - Markers never move back, and never past the last message that the member may see.
//! - Members of a group come and go through [`membership`]: one version and one event, however many they are.
//! - The same `clientMessageId` of the same sender is one message, for ever.
//! - A message that shows a file refers to it by `media_id`, so that the file stays as long as the content does. What is shown of the
//!   file is read from the file; `localPath` is shown to the sender alone.
//! - A revoked or deleted message has no content, mentions and reactions, in any table: the statement that takes the content away takes
//!   these along, with the conversation and the message locked in this order. A reaction locks the message alone.
//! - `reaction_count` and `hidden_count` are the rows of `reactions` and of a member's `hidden_messages`; a message's named mentions
//!   are in `message_mentions` as well, without its sender.
//! - A member's own message moves their read marker, so that nothing of theirs lies behind it.
//! - What happens to the members of a group is told by a message of type SYSTEM, in the same transaction: behind the last message that
//!   those who went may see, and before what those who came see next. It is in the name of the user who acted, who is not shown as its
//!   sender; it is none of their own messages.
//! - A message answers an earlier one of its conversation (`reply_to_seq`), which is shown to those whose window it lies in.
//!
//! A message: NORMAL → REVOKED or DELETED, whose content is null and whose seq stays.

pub mod loader;
pub mod membership;
pub mod model;
pub mod mutation;
pub mod policy;
pub mod query;
pub mod service;
pub mod store;
pub mod subscription;
pub mod types;
