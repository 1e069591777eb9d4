//! Work of many requests done together: the items that come while a batch runs are the next batch.
//!
//! Invariants:
//! - An item that comes alone runs at once: nothing waits for others to come.
//! - One batch runs at a time, so that no batch waits for what another one holds. Items in conflict are in different batches,
//!   in the order in which they came.
//! - A batch runs to its end even when its requests are gone. An item whose request is gone before does not run.
//! - What waits is bounded; more is refused as overloaded.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use crate::error::{AppError, AppResult};

/// Items of a batch at most.
const BATCH_LIMIT: usize = 64;

/// Items that are passed over for others of a batch.
const POSTPONED_LIMIT: usize = 256;

/// Items that wait.
const WAITING_LIMIT: usize = 4096;

/// What can be done together with others of its kind.
pub trait BatchItem: Send + 'static {
    /// What it gives.
    type Outcome: Send + 'static;

    /// Whether both can't be in one batch.
    fn conflicts_with(&self, other: &Self) -> bool;
}

/// The queue of one kind of item.
pub struct Batches<I: BatchItem>(Arc<Mutex<Queue<I>>>);

struct Queue<I: BatchItem> {
    waiting: VecDeque<QueuedItem<I>>,
    /// A batch runs.
    is_running: bool,
}

struct QueuedItem<I: BatchItem> {
    item: I,
    outcome: oneshot::Sender<AppResult<I::Outcome>>,
}

impl<I: BatchItem> Default for Batches<I> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Queue { waiting: VecDeque::new(), is_running: false })))
    }
}

impl<I: BatchItem> Batches<I> {
    /// Runs an item, with those that wait, by `perform`, which gives an outcome for each of its items in their order.
    ///
    /// # Errors
    /// Overloaded when too many wait; what `perform` failed with, for all items of the batch.
    pub async fn run<F, R>(&self, item: I, tracker: &TaskTracker, perform: F) -> AppResult<I::Outcome>
    where
        F: Fn(Vec<I>) -> R + Send + Sync + 'static,
        R: Future<Output = AppResult<Vec<I::Outcome>>> + Send + 'static,
    {
        let (sender, outcome) = oneshot::channel();
        let is_first = {
            let mut queue = lock(&self.0);
            if queue.waiting.len() >= WAITING_LIMIT {
                return Err(AppError::overloaded());
            }
            queue.waiting.push_back(QueuedItem { item, outcome: sender });
            !std::mem::replace(&mut queue.is_running, true)
        };
        if is_first {
            tracker.spawn(run_all(Arc::clone(&self.0), perform));
        }
        outcome.await.map_err(AppError::internal)?
    }
}

/// Runs batches until nothing waits.
async fn run_all<I, F, R>(queue: Arc<Mutex<Queue<I>>>, perform: F)
where
    I: BatchItem,
    F: Fn(Vec<I>) -> R,
    R: Future<Output = AppResult<Vec<I::Outcome>>>,
{
    while let Some((items, senders)) = next_batch(&queue) {
        let performed = AssertUnwindSafe(async { perform(items).await }).catch_unwind().await;
        match performed.unwrap_or_else(|_| Err(AppError::internal("a batch panicked"))) {
            Ok(outcomes) => {
                for (sender, outcome) in senders.into_iter().zip(outcomes) {
                    let _ = sender.send(Ok(outcome));
                }
            }
            Err(error) => {
                for sender in senders {
                    let _ = sender.send(Err(error.clone()));
                }
            }
        }
    }
}

type TakenItems<I> = (Vec<I>, Vec<oneshot::Sender<AppResult<<I as BatchItem>::Outcome>>>);

/// Takes the items that can run together; none when none wait.
fn next_batch<I: BatchItem>(queue: &Mutex<Queue<I>>) -> Option<TakenItems<I>> {
    let mut queue = lock(queue);
    let (mut items, mut senders) = (Vec::<I>::new(), Vec::new());
    let mut later = VecDeque::new();
    while items.len() < BATCH_LIMIT
        && later.len() < POSTPONED_LIMIT
        && let Some(next) = queue.waiting.pop_front()
    {
        let precedes = |other: &I| other.conflicts_with(&next.item);
        if next.outcome.is_closed() {
            continue;
        }
        if items.iter().any(precedes) || later.iter().any(|other: &QueuedItem<I>| precedes(&other.item)) {
            later.push_back(next);
        } else {
            items.push(next.item);
            senders.push(next.outcome);
        }
    }
    later.append(&mut queue.waiting);
    queue.waiting = later;
    if items.is_empty() {
        queue.is_running = false;
        return None;
    }
    Some((items, senders))
}

fn lock<I: BatchItem>(queue: &Mutex<Queue<I>>) -> MutexGuard<'_, Queue<I>> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures_util::future::{join, join_all};
    use tokio::sync::Semaphore;

    use super::*;

    const FAILS: usize = 1000;
    const PANICS: usize = 1001;

    /// A number; two of the same subject are in conflict.
    struct Numbered {
        subject: usize,
        number: usize,
    }

    impl BatchItem for Numbered {
        type Outcome = usize;

        fn conflicts_with(&self, other: &Self) -> bool {
            self.subject == other.subject
        }
    }

    struct Fixture {
        batches: Batches<Numbered>,
        tracker: TaskTracker,
        /// Batches may end.
        end: Arc<Semaphore>,
        /// The numbers of each batch.
        seen: Arc<Mutex<Vec<Vec<usize>>>>,
    }

    impl Fixture {
        fn new() -> Self {
            let (tracker, end) = (TaskTracker::new(), Arc::new(Semaphore::new(0)));
            Self { batches: Batches::default(), tracker, end, seen: Arc::default() }
        }

        async fn run(&self, subject: usize, number: usize) -> AppResult<usize> {
            let (end, seen) = (Arc::clone(&self.end), Arc::clone(&self.seen));
            let perform = move |items: Vec<Numbered>| {
                let (end, seen) = (Arc::clone(&end), Arc::clone(&seen));
                async move {
                    seen.lock().unwrap().push(items.iter().map(|item| item.number).collect());
                    end.acquire().await.unwrap().forget();
                    assert!(items.iter().all(|item| item.subject != PANICS), "as the test wants");
                    if items.iter().any(|item| item.subject == FAILS) {
                        return Err(AppError::forbidden());
                    }
                    Ok(items.iter().map(|item| item.number).collect())
                }
            };
            self.batches.run(Numbered { subject, number }, &self.tracker, perform).await
        }

        /// Runs items of these subjects, numbered as they come, all at once; the batches, and what came of each item.
        async fn run_all(&self, subjects: impl IntoIterator<Item = usize>) -> (Vec<Vec<usize>>, Vec<AppResult<usize>>) {
            let items = subjects.into_iter().enumerate().map(|(number, subject)| self.run(subject, number));
            let (outcomes, ()) = join(join_all(items), async { self.end.add_permits(1000) }).await;
            (std::mem::take(&mut *self.seen.lock().unwrap()), outcomes)
        }
    }

    #[tokio::test]
    async fn items_are_batched_and_each_has_its_own_outcome() {
        let (batches, outcomes) = Fixture::new().run_all(0..100).await;
        assert_eq!(batches, [(0..64).collect::<Vec<_>>(), (64..100).collect()]);
        for (number, outcome) in outcomes.into_iter().enumerate() {
            assert_eq!(outcome.unwrap(), number);
        }
    }

    #[tokio::test]
    async fn items_in_conflict_follow_each_other() {
        let (batches, _) = Fixture::new().run_all([1, 2, 1, 3, 1]).await;
        assert_eq!(batches, [vec![0, 1, 3], vec![2], vec![4]]);
    }

    #[tokio::test]
    async fn a_failure_and_a_panic_are_those_of_their_batch_alone() {
        for (subject, message) in [(FAILS, "You may not do this."), (PANICS, "panicked")] {
            let fixture = Fixture::new();
            let (batches, outcomes) = fixture.run_all([subject, 1, subject, 2, 2]).await;
            assert_eq!(batches.concat().len(), 5);
            for (number, outcome) in outcomes.into_iter().enumerate() {
                let batch = batches.iter().find(|batch| batch.contains(&number)).unwrap();
                let error = outcome.err().map(|error| error.describe()).unwrap_or_default();
                assert_eq!(error.contains(message), batch.contains(&0) || batch.contains(&2), "{number}: {error}");
            }
            assert_eq!(fixture.run_all([3]).await.1[0].as_ref().unwrap(), &0, "the queue goes on");
        }
    }

    #[tokio::test]
    async fn an_item_whose_request_is_gone_does_not_run() {
        let fixture = Fixture::new();
        let mut gone = Box::pin(fixture.run(1, 7));
        assert!(futures_util::poll!(&mut gone).is_pending());
        drop(gone);
        let (batches, _) = fixture.run_all([2]).await;
        assert_eq!(batches, [[0]]);
    }
}
