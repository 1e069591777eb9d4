//! Metrics for `/metrics`, in the `OpenMetrics` text format.

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

/// Histogram buckets in seconds; an operation takes some milliseconds.
const SECONDS_BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

type FloatGauge = Gauge<f64, AtomicU64>;

/// Labels of the operation histogram.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OperationLabels {
    /// `http`, `socket` or `sse`.
    pub transport: &'static str,
    /// `query`, `mutation`, `subscription`, or `refused` for requests rejected before execution.
    pub kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ErrorCodeLabel {
    code: String,
}

/// Metrics that are updated as events happen.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<OperationLabels, Counter>,
    seconds: Family<OperationLabels, Histogram>,
    errors: Family<ErrorCodeLabel, Counter>,
    /// Caught panics, each answered with an internal error.
    pub panics: Counter,
    /// HTTP requests being answered.
    pub in_flight: Gauge,
    /// Open sockets.
    pub sockets: Gauge,
    /// Open event streams.
    pub event_streams: Gauge,
    /// Operations running on sockets and event streams.
    pub operations: Gauge,
    /// Frames and events queued for slow readers.
    pub queued_frames: Gauge,
    now: SampledGauges,
}

/// Gauges set at each scrape.
#[derive(Debug, Default)]
struct SampledGauges {
    event_head: FloatGauge,
    feed_lag: FloatGauge,
    feed_behind: FloatGauge,
    outbox: FloatGauge,
    outbox_age: FloatGauge,
    sequencer: FloatGauge,
    subscriptions: FloatGauge,
    queued_events: FloatGauge,
    tasks: FloatGauge,
    mutations: FloatGauge,
    connections: FloatGauge,
    idle: FloatGauge,
    statements: Counter,
}

/// Values sampled at each scrape.
#[derive(Clone, Copy, Debug)]
pub struct MetricsSample {
    /// Backlog of the stream; none without a database, which gives NaN.
    pub backlog: Option<Backlog>,
    /// Position of this instance's head of the stream.
    pub event_head: i64,
    /// Whether this instance sequences the events.
    pub is_leading: bool,
    /// Subscriptions in the hub.
    pub subscriptions: usize,
    /// Events queued for subscribers.
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
    /// All metrics at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("plaza");
        let seconds = Family::new_with_constructor((|| Histogram::new(SECONDS_BUCKETS)) as fn() -> Histogram);
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
            now: SampledGauges::default(),
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

    /// Counts an answered operation; events of a subscription do not count.
    pub fn record_operation(&self, transport: &'static str, kind: Option<OperationType>, took: Duration) {
        let kind = match kind {
            Some(OperationType::Query) => "query",
            Some(OperationType::Mutation) => "mutation",
            Some(OperationType::Subscription) => "subscription",
            None => "refused",
        };
        let operation = OperationLabels { transport, kind };
        self.requests.get_or_create(&operation).inc();
        self.seconds.get_or_create(&operation).observe(took.as_secs_f64());
    }

    /// Counts an error of a response.
    pub fn count_error(&self, code: &str) {
        self.errors.get_or_create(&ErrorCodeLabel { code: code.to_owned() }).inc();
    }

    /// All metrics as text.
    #[must_use]
    pub fn encode(&self, sample: &MetricsSample) -> String {
        let (now, backlog) = (&self.now, sample.backlog);
        now.feed_lag.set(backlog.map_or(f64::NAN, |backlog| backlog.feed_seconds));
        now.outbox_age.set(backlog.map_or(f64::NAN, |backlog| backlog.outbox_seconds));
        #[expect(clippy::cast_precision_loss, reason = "a figure of 2^52 would be no concern of precision")]
        {
            now.event_head.set(sample.event_head as f64);
            now.feed_behind.set(backlog.map_or(f64::NAN, |backlog| backlog.feed as f64));
            now.outbox.set(backlog.map_or(f64::NAN, |backlog| backlog.outbox as f64));
            now.subscriptions.set(sample.subscriptions as f64);
            now.queued_events.set(sample.queued_events as f64);
            now.tasks.set(sample.tasks as f64);
            now.mutations.set(sample.mutations as f64);
        }
        now.sequencer.set(f64::from(u8::from(sample.is_leading)));
        now.connections.set(f64::from(sample.connections));
        now.idle.set(f64::from(sample.idle_connections));
        now.statements.inner().store(sample.statements, std::sync::atomic::Ordering::Relaxed);
        let mut out = String::new();
        // Writing to a text does not fail.
        let _ = text::encode(&mut out, &self.registry);
        out
    }
}

/// Increments a gauge while it lives.
#[derive(Debug)]
pub struct GaugeGuard(Gauge);

impl GaugeGuard {
    /// Increments the gauge.
    #[must_use]
    pub fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}
