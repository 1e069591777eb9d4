//! Work of many requests done together: the items that come while a batch runs are the next batch.
//!
//! Invariants:
//! - An item that comes alone runs at once: nothing waits for others to come.
//! - Two batches run at a time: one works while the other one is written to disk. They hold different things, so that none
//!   waits for the other. Items in conflict are in different batches, in the order in which they came.
//! - A batch runs to its end even when its requests are gone. An item whose request is gone before does not run.
//! - What waits is bounded; more is refused as overloaded.

use std::collections::{HashSet, VecDeque};
use std::hash::Hash;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use crate::error::{AppError, AppResult};

/// Items of a batch at most.
const BATCH_LIMIT: usize = 64;

/// Batches that run at once.
const RUNNING_LIMIT: usize = 2;

/// Items that are passed over for others of a batch.
const POSTPONED_LIMIT: usize = 256;

/// Items that wait.
const WAITING_LIMIT: usize = 4096;

/// What can be done together with others of its kind.
pub trait BatchItem: Send + 'static {
    /// What it gives.
    type Outcome: Send + 'static;

    /// What it locks.
    type Held: Eq + Hash + Send + 'static;

    /// What it locks: other items that do may be in its batch, but in no other one that runs.
    fn held(&self) -> Self::Held;

    /// Whether both can't be in one batch.
    fn conflicts_with(&self, other: &Self) -> bool;
}

/// The queue of one kind of item.
pub struct Batches<I: BatchItem>(Arc<Mutex<Queue<I>>>);

struct Queue<I: BatchItem> {
    waiting: VecDeque<QueuedItem<I>>,
    /// What each batch that runs holds.
    running: [Option<HashSet<I::Held>>; RUNNING_LIMIT],
}

struct QueuedItem<I: BatchItem> {
    item: I,
    outcome: oneshot::Sender<AppResult<I::Outcome>>,
}

impl<I: BatchItem> Default for Batches<I> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Queue { waiting: VecDeque::new(), running: Default::default() })))
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
        let free = {
            let mut queue = lock(&self.0);
            if queue.waiting.len() >= WAITING_LIMIT {
                return Err(AppError::overloaded());
            }
            queue.waiting.push_back(QueuedItem { item, outcome: sender });
            let free = queue.running.iter().position(Option::is_none);
            if let Some(running) = free.and_then(|place| queue.running.get_mut(place)) {
                *running = Some(HashSet::new());
            }
            free
        };
        if let Some(place) = free {
            tracker.spawn(run_all(Arc::clone(&self.0), place, perform));
        }
        outcome.await.map_err(AppError::internal)?
    }
}

/// Runs batches in a place until nothing waits but for the other one.
async fn run_all<I, F, R>(queue: Arc<Mutex<Queue<I>>>, place: usize, perform: F)
where
    I: BatchItem,
    F: Fn(Vec<I>) -> R,
    R: Future<Output = AppResult<Vec<I::Outcome>>>,
{
    while let Some((items, senders)) = next_batch(&queue, place) {
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

/// Takes the items that can run together, in this place; none when none wait, or those that wait have to wait for another
/// batch, which takes them when it ends.
fn next_batch<I: BatchItem>(queue: &Mutex<Queue<I>>, place: usize) -> Option<TakenItems<I>> {
    let mut queue = lock(queue);
    let Queue { waiting, running } = &mut *queue;
    if let Some(running) = running.get_mut(place) {
        *running = None;
    }
    let (mut items, mut senders, mut held) = (Vec::<I>::new(), Vec::new(), HashSet::new());
    let mut later = VecDeque::new();
    while items.len() < BATCH_LIMIT
        && later.len() < POSTPONED_LIMIT
        && let Some(next) = waiting.pop_front()
    {
        if next.outcome.is_closed() {
            continue;
        }
        let precedes = |other: &I| other.conflicts_with(&next.item);
        let wanted = next.item.held();
        if running.iter().flatten().any(|other| other.contains(&wanted))
            || items.iter().any(precedes)
            || later.iter().any(|other: &QueuedItem<I>| precedes(&other.item))
        {
            later.push_back(next);
        } else {
            held.insert(wanted);
            items.push(next.item);
            senders.push(next.outcome);
        }
    }
    later.append(waiting);
    *waiting = later;
    if items.is_empty() {
        return None;
    }
    if let Some(running) = running.get_mut(place) {
        *running = Some(held);
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

    /// A number; two of the same subject are in conflict, and ten subjects hold the same.
    struct Numbered {
        subject: usize,
        number: usize,
    }

    impl BatchItem for Numbered {
        type Outcome = usize;
        type Held = usize;

        fn held(&self) -> usize {
            self.subject / 10
        }

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
    async fn two_batches_run_that_hold_different_things() {
        let fixture = Fixture::new();
        let running = async |batches: usize| {
            while fixture.seen.lock().unwrap().len() < batches {
                tokio::task::yield_now().await;
            }
        };
        let later = async {
            running(1).await;
            let end = async {
                running(2).await;
                assert_eq!(*fixture.seen.lock().unwrap(), [[0], [2]], "the first one holds what the second item needs");
                fixture.end.add_permits(3);
            };
            tokio::join!(fixture.run(2, 1), fixture.run(11, 2), end)
        };
        let (first, (second, third, ())) = tokio::join!(fixture.run(1, 0), later);
        assert_eq!([first.unwrap(), second.unwrap(), third.unwrap()], [0, 1, 2]);
        assert_eq!(*fixture.seen.lock().unwrap(), [[0], [2], [1]]);
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
