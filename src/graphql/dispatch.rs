//! Dispatch of an execution's batches: once no field can make progress without them.
//!
//! Invariants:
//! - An execution is polled until nothing in it is ready; only then are pending loads released. So the keys of a level are
//!   one batch, at any depth and without a timer.
//! - Executions are exempt from Tokio's cooperative budget, which would suspend some fields of a level, so that they miss
//!   their batch. The document's cost bounds the work instead.
//! - A load outside an execution, as in a spawned task, does not wait.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;
use tokio::sync::Notify;

tokio::task_local! {
    static PENDING: Arc<PendingLoads>;
}

/// Loads of an execution that wait for dispatch.
#[derive(Default)]
struct PendingLoads {
    any: AtomicBool,
    sent: Notify,
}

impl PendingLoads {
    /// Releases all pending loads; false if there are none.
    fn release(&self) -> bool {
        let any = self.any.swap(false, Ordering::AcqRel);
        if any {
            self.sent.notify_waiters();
        }
        any
    }
}

/// Records wake-ups of the execution, and forwards them to its task.
#[derive(Default)]
struct ReadyWaker {
    woken: AtomicBool,
    task: AtomicWaker,
}

impl Wake for ReadyWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.task.wake();
    }
}

/// Runs an execution and dispatches its batches.
pub async fn run<F: Future>(execution: F) -> F::Output {
    let pending = Arc::<PendingLoads>::default();
    let ready = Arc::<ReadyWaker>::default();
    let waker = Waker::from(Arc::clone(&ready));
    let execution = PENDING.scope(Arc::clone(&pending), tokio::task::unconstrained(execution));
    let mut execution = pin!(execution);
    poll_fn(|cx| {
        ready.task.register(cx.waker());
        loop {
            ready.woken.store(false, Ordering::Release);
            if let Poll::Ready(output) = execution.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Poll::Ready(output);
            }
            if ready.woken.load(Ordering::Acquire) || !pending.release() {
                return Poll::Pending;
            }
        }
    })
    .await
}

/// Waits until no field of this execution can make progress.
pub async fn wait_for_batch() {
    let Ok(pending) = PENDING.try_with(Arc::clone) else {
        return;
    };
    let sent = pending.sent.notified();
    pending.any.store(true, Ordering::Release);
    sent.await;
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use futures_util::future::join_all;

    use super::*;

    /// Counts how many of `fields` fields have come before the first of them goes on.
    async fn level(fields: usize) -> usize {
        let came = AtomicUsize::new(0);
        let lock = tokio::sync::Mutex::new(());
        let field = async || {
            // More of these than a task has budget for.
            drop(lock.lock().await);
            came.fetch_add(1, Ordering::Relaxed);
            wait_for_batch().await;
            came.load(Ordering::Relaxed)
        };
        let seen = join_all((0..fields).map(|_| field())).await;
        seen.into_iter().min().unwrap_or_default()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn all_fields_that_can_come_have_come_before_one_goes_on() {
        for round in 1..200 {
            assert_eq!(run(level(300)).await, 300, "round {round}");
        }
    }

    #[tokio::test]
    async fn loads_outside_an_execution_do_not_wait() {
        assert_eq!(run(async { tokio::spawn(level(1)).await }).await.ok(), Some(1));
        assert_eq!(level(3).await, 1, "the first does not wait for the others");
    }

    #[tokio::test]
    async fn levels_follow_each_other_and_answers_from_elsewhere_are_awaited() {
        let twice = async {
            let first = level(50).await;
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            (first, level(40).await)
        };
        assert_eq!(run(twice).await, (50, 40));
    }
}
