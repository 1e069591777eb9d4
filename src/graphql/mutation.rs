//! The frame of every mutation field.

use std::future::Future;

use async_graphql::Context;

use super::context::PlazaContext;
use super::payload::Payload;
use crate::error::{AppError, AppResult};

/// Runs a use case for a nullable mutation field. Clears the loaders, as later fields may load changed rows. User errors go
/// into the payload, others become an error of this field.
///
/// The use case is boxed at once: a future of any mutation has room for the largest one, and is moved several times.
pub fn mutation<'a, T, P: Payload>(
    ctx: &'a Context<'_>,
    use_case: impl Future<Output = AppResult<T>> + Send + 'a,
    into_payload: impl FnOnce(T) -> P + Send + 'a,
) -> impl Future<Output = Option<AppResult<P>>> + Send + 'a
where
    T: Send + 'a,
{
    let use_case = Box::pin(use_case);
    async move {
        let result = use_case.await;
        if let Ok(loaders) = ctx.loaders() {
            loaders.clear();
        }
        Some(match result {
            Ok(value) => Ok(into_payload(value)),
            Err(AppError::User(errors)) => Ok(P::with_errors(errors.into_iter().map(Into::into).collect())),
            Err(error) => Err(error),
        })
    }
}
