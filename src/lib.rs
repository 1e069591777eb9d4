//! Plaza: one GraphQL API with live subscriptions for a community.
//!
//! | module | what it is |
//! |---|---|
//! | [`app`] | everything that is built once and shared |
//! | [`config`], [`telemetry`], [`metrics`], [`clock`] | settings; logs; figures; time and randomness |
//! | [`http`] | transport: HTTP, WebSocket, event streams, GraphiQL, health |
//! | [`graphql`] | the seam: merged roots, documents and their limits, context, loaders, connections, errors |
//! | [`domains`] | one folder per domain, the same file names in each |
//! | [`events`] | outbox, sequencer, feed, hub: live delivery that loses nothing |
//! | [`files`], [`storage`] | what people upload: made fit to be served; where it lies |
//! | [`auth`] | who is asking |
//! | [`rates`] | how often an account or address may try, over all instances |
//! | [`idempotency`] | mutations that take effect once, however often they are sent |
//! | [`audit`] | looking whether everything adds up |
//! | [`db`] | pool, embedded PostgreSQL, migrations |
//! | [`change`], [`error`], [`ids`], [`keyed_semaphore`], [`money`], [`page`], [`permit`], [`scope`], [`text`] | what all domains share |
//!
//! Dependencies point one way: `http → graphql → domains::{query, mutation, types} → service → {policy, store} →
//! {model, db}`.

pub mod app;
pub mod audit;
pub mod auth;
pub mod change;
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
pub mod mailer;
pub mod metrics;
pub mod money;
pub mod page;
pub mod permit;
pub mod rates;
pub mod run;
pub mod scope;
pub mod seed;
pub mod storage;
pub mod telemetry;
pub mod text;
