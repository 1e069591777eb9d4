//! One folder per domain, the same file names in each; the file name is the layer.
//!
//! `types`, `query`, `mutation`, `subscription` speak GraphQL and never see diesel; `store` holds all SQL and never
//! sees async-graphql; `service` stands between. A domain calls another's `service` or `loader`, never its `store`.

pub mod accounts;
pub mod chat;
pub mod departure;
pub mod favorites;
pub mod friends;
pub mod groups;
pub mod items;
pub mod media;
pub mod merchants;
pub mod nearby;
pub mod orders;
pub mod presence;
pub mod products;
pub mod relations;
pub mod search;
pub mod tasks;
pub mod tickets;
pub mod wallet;
