//! All SQL of friends: [`requests`], [`friendships`], and the [`groups`] in which people sort their friends.

pub mod friendships;
pub mod groups;
pub mod requests;
