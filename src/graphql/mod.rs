//! The GraphQL layer, independent of the schema: documents and their limits, scope and loaders of an execution, payloads,
//! errors, connections, scalars.

pub mod connection;
pub mod context;
pub mod dispatch;
pub mod document;
pub mod eager;
pub mod engine;
pub mod errors;
pub mod json;
pub mod live;
pub mod loader;
pub mod loaders;
pub mod mutation;
pub mod payload;
pub mod ranges;
pub mod scalars;
pub mod shared;
