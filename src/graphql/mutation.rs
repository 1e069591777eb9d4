//! The frame of every mutation field.

use std::future::Future;

use async_graphql::Context;

use super::context::PlazaContext;
use super::payload::Payload;
use crate::error::{AppError, AppResult};

/// Runs a use case for a nullable mutation field. Clears the loaders, as later fields may load changed rows. User errors go
/// into the payload, others become an error of this field.
pub async fn mutation<T, P: Payload>(
    ctx: &Context<'_>,
    use_case: impl Future<Output = AppResult<T>>,
    into_payload: impl FnOnce(T) -> P,
) -> Option<AppResult<P>> {
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
