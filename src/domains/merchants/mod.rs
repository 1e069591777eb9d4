//! Merchants: businesses of the community's, who has joined them, and the codes that they are made with.
//!
//! Invariants:
//! - A merchant is made with an activation code, and each code makes one (`activation_codes_merchant_id_key`).
//! - The owner is a member. The contact, who answers customers, is the owner or any other user; they may resign.
//! - An owner can't leave before they transfer the merchant, unless they are its only member, which closes it. One whose account
//!   is deleted gives it to the contact; a merchant without another contact, or whose contact is suspended or in a block with the
//!   owner, is closed: it is found no more, it has neither members nor a picture, and its groups go on without it.
//! - Groups refer to their merchant, never the other way: what a merchant's members may do in groups is decided there.
//!
//! Locks: accounts, then the merchant, then its members and codes; groups after that.

pub mod loader;
pub mod model;
pub mod mutation;
pub mod policy;
pub mod query;
pub mod service;
pub mod store;
pub mod types;
