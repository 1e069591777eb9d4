//! Plaza: one GraphQL API with live subscriptions for a community.
//!
//! | module | what it is |
//! |---|---|
//! | [`app`] | everything that is built once and shared |
//! | [`config`], [`telemetry`], [`metrics`], [`clock`] | settings; logs; metrics; time and randomness |
//! | [`http`] | transport: HTTP, WebSocket, event streams, GraphiQL, health |
//! | [`graphql`] | the GraphQL layer: documents and their limits, context, loaders, connections, errors |
//! | [`schema`] | the merged roots, the viewer, nodes, the union of events |
//! | [`domains`] | one folder per domain, the same file names in each |
//! | [`events`] | the event stream's write side: outbox, sequencer, partitions |
//! | [`live`] | its read side: feed, hub, subscriptions that lose nothing |
//! | [`background`] | background tasks: sequencing, mail, jobs, cleanup |
//! | [`files`], [`storage`] | uploaded files: sanitising; object storage |
//! | [`auth`] | tokens, passwords, codes, captchas |
//! | [`rate_limit`] | rate limits per account and address, shared by all instances |
//! | [`idempotency`] | idempotency keys of mutations |
//! | [`audit`] | consistency checks of the database |
//! | [`db`] | pool, embedded PostgreSQL, migrations |
//! | [`error`], [`ids`], [`keyed_semaphore`], [`money`], [`page`], [`permit`], [`price`], [`scope`], [`text`], [`validation`] | what all domains share |
//!
//! Dependencies point down through the layers of `docs/development/architecture.md`, which a test enforces.

pub mod app;
pub mod attempt;
pub mod audit;
pub mod auth;
pub mod background;
pub mod batches;
pub mod clock;
pub mod config;
pub mod contact;
pub mod db;
pub mod domains;
pub mod error;
pub mod events;
pub mod files;
pub mod geo;
pub mod graphql;
pub mod http;
pub mod idempotency;
pub mod ids;
pub mod jobs;
pub mod keyed_semaphore;
pub mod live;
pub mod mailer;
pub mod metrics;
pub mod money;
pub mod page;
pub mod permit;
pub mod price;
pub mod rate_limit;
pub mod run;
pub mod schema;
pub mod scope;
pub mod seed;
pub mod seen;
pub mod storage;
pub mod telemetry;
pub mod text;
pub mod validation;
