//! The frame of every mutation field.

use std::future::Future;

use async_graphql::Context;

use super::context::PlazaContext;
use super::payload::Payload;
use crate::error::{AppError, AppResult};

/// Runs a use case for a nullable mutation field. What the execution had loaded before is forgotten: the same operation
/// may show it once more. Business failures go into the payload, all others become an error of this field alone.
pub async fn mutation<T, P: Payload>(
    ctx: &Context<'_>,
    use_case: impl Future<Output = AppResult<T>>,
    done: impl FnOnce(T) -> P,
) -> Option<AppResult<P>> {
    let result = use_case.await;
    if let Ok(loaders) = ctx.loaders() {
        loaders.clear();
    }
    Some(match result {
        Ok(value) => Ok(done(value)),
        Err(AppError::User(errors)) => Ok(P::refused(errors.into_iter().map(Into::into).collect())),
        Err(error) => Err(error),
    })
}
