//! The parts of a value, fields or items, attempted and awaited together.

use std::future::poll_fn;
use std::task::Poll;

use async_graphql::{ContextSelectionSet, ServerResult, Value};
use futures_util::future::{BoxFuture, try_join};

use crate::attempt::Obstacle;
use crate::graphql::loaders::Loaders;

/// Attempts of a part, each after a batch; relations that are nested more deeply get futures.
const ATTEMPT_LIMIT: usize = 8;

/// What an attempt of a part came to.
pub type Attempted = Result<ServerResult<Value>, Obstacle>;

/// The fields of an object or the items of a list.
pub trait Parts: Sync {
    /// How many.
    fn count(&self) -> usize;

    /// The context that they are resolved in.
    fn context(&self) -> &ContextSelectionSet<'_>;

    /// Attempts one.
    fn attempt(&self, n: usize) -> Attempted;

    /// Resolves one with a future.
    fn resolve(&self, n: usize) -> BoxFuture<'_, ServerResult<Value>>;

    /// Whether it is worth an attempt.
    fn is_attempted(&self, _n: usize) -> bool {
        true
    }
}

/// Attempts a part; what is not ready leaves nothing behind.
fn attempt_part(parts: &impl Parts, n: usize) -> Attempted {
    let errors = &parts.context().query_env.errors;
    let before = errors.lock().map_or(0, |errors| errors.len());
    let attempted = parts.attempt(n);
    if attempted.is_err()
        && let Ok(mut errors) = errors.lock()
    {
        errors.truncate(before);
    }
    attempted
}

/// Resolves all parts concurrently.
pub async fn resolve_parts(parts: &impl Parts) -> ServerResult<Vec<Value>> {
    let mut values = vec![Value::Null; parts.count()];
    let (mut batched, mut waiting) = (Vec::new(), Vec::new());
    for (n, place) in values.iter_mut().enumerate() {
        match if parts.is_attempted(n) { attempt_part(parts, n) } else { Err(Obstacle::Other) } {
            Ok(value) => *place = value?,
            Err(Obstacle::Batch) => batched.push(n),
            Err(Obstacle::Other) => waiting.push((n, parts.resolve(n))),
        }
    }
    let (later, others) = try_join(attempt_again(parts, batched), join(waiting)).await?;
    for (n, value) in later.into_iter().chain(others) {
        if let Some(place) = values.get_mut(n) {
            *place = value;
        }
    }
    Ok(values)
}

/// Attempts parts again after each batch.
async fn attempt_again(parts: &impl Parts, mut batched: Vec<usize>) -> ServerResult<Vec<(usize, Value)>> {
    let mut values = Vec::with_capacity(batched.len());
    let mut waiting = Vec::new();
    for _ in 0..ATTEMPT_LIMIT {
        let loaders = parts.context().data_opt::<Loaders>().filter(|_| !batched.is_empty());
        let Some(loaders) = loaders else { break };
        loaders.settle().await;
        for n in std::mem::take(&mut batched) {
            match attempt_part(parts, n) {
                Ok(value) => values.push((n, value?)),
                Err(Obstacle::Batch) => batched.push(n),
                Err(Obstacle::Other) => waiting.push((n, parts.resolve(n))),
            }
        }
    }
    waiting.extend(batched.into_iter().map(|n| (n, parts.resolve(n))));
    values.extend(join(waiting).await?);
    Ok(values)
}

/// Awaits parts. They wait for the same batches, so that one wake-up mostly serves all.
async fn join(mut waiting: Vec<(usize, BoxFuture<'_, ServerResult<Value>>)>) -> ServerResult<Vec<(usize, Value)>> {
    let mut values = Vec::with_capacity(waiting.len());
    poll_fn(|cx| {
        let mut failed = None;
        waiting.retain_mut(|(n, part)| match part.as_mut().poll(cx) {
            Poll::Pending => true,
            Poll::Ready(Ok(value)) => {
                values.push((*n, value));
                false
            }
            Poll::Ready(Err(error)) => {
                failed.get_or_insert(error);
                false
            }
        });
        match failed {
            Some(error) => Poll::Ready(Err(error)),
            None if waiting.is_empty() => Poll::Ready(Ok(())),
            None => Poll::Pending,
        }
    })
    .await?;
    Ok(values)
}
