//! Groups: people who talk together, who runs them, and who asks to join.
//!
//! Invariants:
//! - A group has the id of its conversation, and its members are the conversation's: they come and go through
//!   [`membership`](super::chat::membership), in the transaction that changes `group_members`.
//! - A group has one owner (`group_members_owner_key`), at most [`policy::MANAGER_LIMIT`] managers, and
//!   [`policy::MEMBER_LIMIT`] members in all (`groups_member_count_check`).
//! - Who may do what is decided in one place: [`policy::allows`].
//! - Who runs a group, and who is muted, stands in the conversation as well, so that a send looks at one row.
//! - A mute belongs to the membership's row in chat, which stays: leaving and coming back does not lift it, becoming the owner
//!   does.
//! - A group that was dissolved is found no more; its former members keep what they have seen.
//! - Where a group is, is known as the number of a cell of some 500 m, as positions of people are
//!   ([`nearby`](super::nearby)). Its owner and managers see the centre, all others how far away that is. It does not expire,
//!   and goes with the group.
//!
//! Locks: accounts, those of an invitation in the order of their keys, then the group, then its position, its members and
//! requests, then its conversation. Who gets a group or is let in is held as an account first, so that they do not leave
//! meanwhile.

pub mod loader;
pub mod model;
pub mod mutation;
pub mod policy;
pub mod query;
pub mod service;
pub mod store;
pub mod subscription;
pub mod types;
