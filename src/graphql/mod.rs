//! The GraphQL layer: what has to hold for every operation, whatever the schema. Documents and their limits, the scope and
//! the loaders of each execution, payloads, the mapping of errors, connections, scalars.

pub mod connection;
pub mod context;
pub mod dispatch;
pub mod document;
pub mod engine;
pub mod errors;
pub mod live;
pub mod loader;
pub mod loaders;
pub mod mutation;
pub mod payload;
pub mod ranges;
pub mod scalars;
