//! Figures for `/metrics`, in the text format of `OpenMetrics` that Prometheus reads.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::events::backlog::Backlog;

/// Seconds; an operation of Plaza's takes some milliseconds.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

type Number = Gauge<f64, AtomicU64>;

/// By what transport, and what kind of operation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Operation {
    /// http, socket or sse.
    pub transport: &'static str,
    /// query, mutation, subscription, or refused for what was none of them.
    pub kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Code {
    code: String,
}

/// The figures that are counted as things happen.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Operation, Counter>,
    seconds: Family<Operation, Histogram>,
    errors: Family<Code, Counter>,
    /// Panics caught; each was answered as an internal error.
    pub panics: Counter,
    /// HTTP requests being answered.
    pub in_flight: Gauge,
    /// Open sockets.
    pub sockets: Gauge,
    /// Open event streams.
    pub event_streams: Gauge,
    /// Operations running on sockets and event streams.
    pub operations: Gauge,
    /// Frames and events that wait for slow readers.
    pub queued_frames: Gauge,
    now: Now,
}

/// What is looked up when it is asked for.
#[derive(Debug, Default)]
struct Now {
    event_head: Number,
    feed_lag: Number,
    feed_behind: Number,
    outbox: Number,
    outbox_age: Number,
    sequencer: Number,
    subscriptions: Number,
    queued_events: Number,
    tasks: Number,
    mutations: Number,
    connections: Number,
    idle: Number,
    statements: Counter,
}

/// What is looked up when the metrics are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Sampled {
    /// How far the stream is behind; none without a database: its metrics are then not numbers.
    pub backlog: Option<Backlog>,
    /// The position of the stream's head here.
    pub event_head: i64,
    /// Whether this instance sequences the events.
    pub is_leading: bool,
    /// Subscriptions in the hub.
    pub subscriptions: usize,
    /// Events that wait for subscribers.
    pub queued_events: usize,
    /// Running mutations, sockets and event streams.
    pub tasks: usize,
    /// Running mutations.
    pub mutations: usize,
    /// Open connections of the pool.
    pub connections: u32,
    /// Idle connections of the pool.
    pub idle_connections: u32,
    /// Statements sent through the pool.
    pub statements: u64,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All figures at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("plaza");
        let seconds = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram);
        let metrics = Self {
            requests: Family::default(),
            seconds,
            errors: Family::default(),
            panics: Counter::default(),
            in_flight: Gauge::default(),
            sockets: Gauge::default(),
            event_streams: Gauge::default(),
            operations: Gauge::default(),
            queued_frames: Gauge::default(),
            now: Now::default(),
            registry: Registry::default(),
        };
        registry.register("requests", "Operations answered", metrics.requests.clone());
        registry.register("request_seconds", "Time from an operation to its answer", metrics.seconds.clone());
        registry.register("errors", "Errors in answers, by code", metrics.errors.clone());
        registry.register("panics", "Panics caught, each answered as INTERNAL", metrics.panics.clone());
        registry.register("http_requests_in_flight", "HTTP requests being answered", metrics.in_flight.clone());
        registry.register("sockets", "Open sockets", metrics.sockets.clone());
        registry.register("event_streams", "Open event streams (SSE)", metrics.event_streams.clone());
        registry.register("stream_operations", "Operations on sockets and event streams", metrics.operations.clone());
        registry.register("queued_frames", "Frames that wait for slow readers", metrics.queued_frames.clone());
        let now = &metrics.now;
        registry.register("event_head", "Position of the stream's head here", now.event_head.clone());
        registry.register(
            "event_feed_lag_seconds",
            "Seconds since the first event that has not come here got its place; 0 for none, NaN without a database",
            now.feed_lag.clone(),
        );
        registry.register("event_feed_behind", "Events of the stream that have not come here", now.feed_behind.clone());
        registry.register("event_outbox", "Events without a place, counted up to 10,000", now.outbox.clone());
        registry.register("event_outbox_age_seconds", "Seconds since the oldest of them", now.outbox_age.clone());
        registry.register("event_sequencer", "1 on the instance that sequences the events", now.sequencer.clone());
        registry.register("subscriptions", "Subscriptions in the hub", now.subscriptions.clone());
        registry.register("queued_events", "Events that wait for subscribers", now.queued_events.clone());
        registry.register("tasks", "Running mutations, sockets and event streams", now.tasks.clone());
        registry.register("mutations", "Running mutations", now.mutations.clone());
        registry.register("db_connections", "Open connections of the pool", now.connections.clone());
        registry.register("db_connections_idle", "Idle connections of the pool", now.idle.clone());
        registry.register("db_statements", "Statements sent through the pool", now.statements.clone());
        Self { registry, ..metrics }
    }

    /// Counts an operation that was answered; one event of a subscription is none.
    pub fn answered(&self, transport: &'static str, kind: Option<OperationType>, took: Duration) {
        let kind = match kind {
            Some(OperationType::Query) => "query",
            Some(OperationType::Mutation) => "mutation",
            Some(OperationType::Subscription) => "subscription",
            None => "refused",
        };
        let operation = Operation { transport, kind };
        self.requests.get_or_create(&operation).inc();
        self.seconds.get_or_create(&operation).observe(took.as_secs_f64());
    }

    /// Counts an error of a response.
    pub fn count_error(&self, code: &str) {
        self.errors.get_or_create(&Code { code: code.to_owned() }).inc();
    }

    /// All metrics as text.
    #[must_use]
    pub fn encode(&self, sampled: &Sampled) -> String {
        let (now, backlog) = (&self.now, sampled.backlog);
        now.feed_lag.set(backlog.map_or(f64::NAN, |backlog| backlog.feed_seconds));
        now.outbox_age.set(backlog.map_or(f64::NAN, |backlog| backlog.outbox_seconds));
        #[expect(clippy::cast_precision_loss, reason = "a figure of 2^52 would be no concern of precision")]
        {
            now.event_head.set(sampled.event_head as f64);
            now.feed_behind.set(backlog.map_or(f64::NAN, |backlog| backlog.feed as f64));
            now.outbox.set(backlog.map_or(f64::NAN, |backlog| backlog.outbox as f64));
            now.subscriptions.set(sampled.subscriptions as f64);
            now.queued_events.set(sampled.queued_events as f64);
            now.tasks.set(sampled.tasks as f64);
            now.mutations.set(sampled.mutations as f64);
        }
        now.sequencer.set(f64::from(u8::from(sampled.is_leading)));
        now.connections.set(f64::from(sampled.connections));
        now.idle.set(f64::from(sampled.idle_connections));
        now.statements.inner().store(sampled.statements, std::sync::atomic::Ordering::Relaxed);
        let mut out = String::new();
        // Writing to a text does not fail.
        let _ = text::encode(&mut out, &self.registry);
        out
    }
}

/// Counts something up for as long as it lives.
#[derive(Debug)]
pub struct Counted(Gauge);

impl Counted {
    /// Counted from now on.
    #[must_use]
    pub fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}
