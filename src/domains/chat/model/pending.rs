//! Messages whose reactions an instance is to tell of.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::ids::MessageId;

/// More are left to the leader.
const PENDING_LIMIT: usize = 4096;

/// Messages whose reactions this instance is to tell of, each once.
#[derive(Debug, Default)]
pub struct PendingReactions(Mutex<HashSet<MessageId>>);

impl PendingReactions {
    fn pending(&self) -> MutexGuard<'_, HashSet<MessageId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a message, and returns whether it is the first one that waits.
    pub fn add(&self, id: MessageId) -> bool {
        let mut pending = self.pending();
        let is_first = pending.is_empty();
        if pending.len() < PENDING_LIMIT {
            pending.insert(id);
        }
        is_first
    }

    /// All that wait.
    pub fn take(&self) -> HashSet<MessageId> {
        std::mem::take(&mut self.pending())
    }
}
