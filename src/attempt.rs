//! Attempts: futures are polled once, and those that are not ready are dropped, to be made again when they may be.
//!
//! Most fields of an answer need nothing that is not in memory. In an attempt they are resolved in a plain loop. What is not
//! ready says why: for values that a loader will have after its next batch, after which it is worth another attempt, or for
//! anything else, as a statement of its own.
//!
//! Invariants:
//! - In an attempt nothing is begun that would have to be undone or repeated: a resolver that asks for a connection stops
//!   there.
//! - An attempt runs within one poll, on one thread.

use std::cell::Cell;
use std::future::{Future, pending};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// Why a future is not ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Obstacle {
    /// Values of the next batch of some loader.
    Batch,
    /// Anything else.
    Other,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Off,
    On,
    Met(Obstacle),
}

thread_local! {
    static PROGRESS: Cell<Progress> = const { Cell::new(Progress::Off) };
}

/// Puts the state back, even where a resolver panics.
struct Outer(Progress);

impl Drop for Outer {
    fn drop(&mut self) {
        PROGRESS.set(self.0);
    }
}

/// Whether this is an attempt.
#[must_use]
pub fn is_on() -> bool {
    PROGRESS.get() != Progress::Off
}

/// Polls a future once, in an attempt.
///
/// # Errors
/// Why it is not ready.
pub fn poll<F: Future>(future: Pin<&mut F>) -> Result<F::Output, Obstacle> {
    let outer = Outer(PROGRESS.replace(Progress::On));
    let polled = future.poll(&mut Context::from_waker(Waker::noop()));
    let met = PROGRESS.get();
    drop(outer);
    match (polled, met) {
        (Poll::Ready(output), _) => Ok(output),
        (Poll::Pending, Progress::Met(obstacle)) => Err(obstacle),
        (Poll::Pending, _) => Err(Obstacle::Other),
    }
}

/// Stops an attempt: the future is not ready, and this is why.
pub async fn stop<T>(obstacle: Obstacle) -> T {
    let worst = match PROGRESS.get() {
        Progress::Met(met) => met.max(obstacle),
        Progress::Off | Progress::On => obstacle,
    };
    PROGRESS.set(Progress::Met(worst));
    pending().await
}

/// Stops an attempt before anything but memory is reached for; does nothing outside an attempt.
pub async fn stop_before_io() {
    if is_on() {
        stop::<()>(Obstacle::Other).await;
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[test]
    fn what_is_ready_is_had_and_what_is_not_says_why() {
        assert!(!is_on());
        assert_eq!(poll(pin!(async { is_on() })), Ok(true));
        assert_eq!(poll(pin!(stop::<()>(Obstacle::Batch))), Err(Obstacle::Batch));
        assert_eq!(poll(pin!(stop_before_io())), Err(Obstacle::Other));
        assert_eq!(poll(pin!(pending::<()>())), Err(Obstacle::Other), "of which nothing is known");
        assert!(!is_on());
    }

    #[test]
    fn the_worst_obstacle_of_several_counts_and_attempts_within_attempts_are_apart() {
        let both = async {
            let inner = (poll(pin!(stop::<()>(Obstacle::Other))), is_on());
            assert_eq!(inner, (Err(Obstacle::Other), true));
            futures_util::join!(stop::<()>(Obstacle::Batch), stop::<()>(Obstacle::Other))
        };
        assert_eq!(poll(pin!(both)), Err(Obstacle::Other));
        let first = async {
            poll(pin!(stop::<()>(Obstacle::Other))).ok();
            stop::<()>(Obstacle::Batch).await;
        };
        assert_eq!(poll(pin!(first)), Err(Obstacle::Batch));
    }
}
