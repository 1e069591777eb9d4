//! Search: finding users, items, tasks and products by their words.
//!
//! Words are made in Rust ([`words`]) and put into a `tsvector` as they are: PostgreSQL's own parser knows no Chinese,
//! and reads `JD-2019` as `jd` and `-2019`. A query is cut the same way and becomes a few [`terms`]; PostgreSQL finds
//! by index and ranks.
//!
//! Invariants:
//! - Everything that can be found has a row of `search_entries`, written in the transaction that changes it; what can't be
//!   found any more has none. Who may see what was found is therefore asked before it is written.
//! - A row carries the version of the rules that made it; older ones are made anew in the background.
//! - At most 1,000 rows of a kind are ranked for a query.
//! - Contacts are never put into words: they are found by themselves, whole, and never shown.

pub mod list_query;
pub mod model;
pub mod query;
pub mod service;
pub mod store;
pub mod terms;
pub mod types;
pub mod words;
