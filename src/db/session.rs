//! What every connection for statements has: its settings, and a counter.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use diesel::connection::{Instrumentation, InstrumentationEvent};

/// Session settings: timeouts against stuck statements, locks and transactions; plans are made once for all values, which
/// `tests/api/plans` says is enough; no JIT and parallel workers, as statements are short; data is mostly cached. Similarity 0.2 matches short words with one typo.
pub(super) const SESSION_SETTINGS: &str = "set statement_timeout = '20s'; set lock_timeout = '10s'; \
     set idle_in_transaction_session_timeout = '10s'; set timezone = 'UTC'; set jit = off; set plan_cache_mode = force_generic_plan; \
     set max_parallel_workers_per_gather = 0; set random_page_cost = 1.1; set pg_trgm.similarity_threshold = 0.2";

/// Counts statements sent through the pool, without BEGIN, COMMIT and ROLLBACK.
#[derive(Clone, Debug, Default)]
pub struct StatementCounter(Arc<AtomicI64>);

impl StatementCounter {
    /// Statements so far.
    #[must_use]
    pub fn total(&self) -> u64 {
        u64::try_from(self.0.load(Ordering::Relaxed)).unwrap_or(0)
    }
}

impl Instrumentation for StatementCounter {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        // Transaction control is reported as a query as well.
        match event {
            InstrumentationEvent::StartQuery { query, .. } => {
                self.0.fetch_add(1, Ordering::Relaxed);
                tracing::trace!(target: "plaza::sql", statement = %query);
            }
            InstrumentationEvent::BeginTransaction { .. }
            | InstrumentationEvent::CommitTransaction { .. }
            | InstrumentationEvent::RollbackTransaction { .. } => {
                self.0.fetch_sub(1, Ordering::Relaxed);
            }
            _ => {}
        }
    }
}
