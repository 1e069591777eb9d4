//! The outbox's floor: an id below which there is nothing, and never will be.
//!
//! While a long snapshot is held, as by a dump, rows that were moved stay in the outbox's index as dead entries, and each move
//! would walk through all of them to the few that live. So `event_stream.outbox_floor` says where to begin. Ids are given out
//! before their transactions commit, in any order, and a move that left out one that is still to come would break the
//! order of its conversation. So the floor rises in three steps, half a minute apart, longer than any statement may run:
//!
//! 1. The last id that was given out is noted. Each transaction that inserts one of those has its transaction id by step 2.
//! 2. A transaction id is taken: those given out before are all below it.
//! 3. When all transactions before that one are over, the ids of step 1 are in the outbox, moved, or gone: the floor rises to
//!    them, or to the first that is still in the outbox.
//!
//! Who begins to lead lets it down first, and each hour as well: an outbox whose ids were set back by hand heals.

use std::time::Duration;

use diesel_async::AsyncPgConnection;
use tokio::time::Instant;

use super::store;
use crate::error::AppResult;

/// From step to step.
const INTERVAL: Duration = Duration::from_secs(30);

/// How far the floor's rise has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing is noted.
    Begin,
    /// Ids up to this one were given out.
    Given {
        /// The last id.
        id: i64,
    },
    /// As before, by transactions before this one.
    Written {
        /// The last id.
        id: i64,
        /// An id above those of all of them.
        before: i64,
    },
}

impl Step {
    /// The next step, if it can be made now; the same again while an old transaction is open.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next(self, conn: &AsyncPgConnection) -> AppResult<Self> {
        Ok(match self {
            Self::Begin => Self::Given { id: store::get_last_outbox_id(conn).await? },
            Self::Given { id } => Self::Written { id, before: store::get_next_transaction(conn).await? },
            Self::Written { id, before } if store::raise_outbox_floor(conn, id, before).await? => Self::Begin,
            waiting @ Self::Written { .. } => waiting,
        })
    }
}

/// Raises the floor while this instance leads.
pub(super) struct Rise {
    step: Step,
    due: Instant,
}

impl Rise {
    /// Lets the floor down, and begins anew.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn begin(conn: &AsyncPgConnection) -> AppResult<Self> {
        store::lower_outbox_floor(conn).await?;
        Ok(Self { step: Step::Begin, due: Instant::now() })
    }

    /// Makes the next step when it is time for it.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn go_on(&mut self, conn: &AsyncPgConnection) -> AppResult<()> {
        if Instant::now() >= self.due {
            self.step = self.step.next(conn).await?;
            self.due = Instant::now() + INTERVAL;
        }
        Ok(())
    }
}
