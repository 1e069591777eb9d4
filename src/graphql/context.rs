//! Access to the scope and the loaders of an execution from its resolvers.
//!
//! An execution is a query, a mutation, or one event of a subscription. Each has its own scope and loaders, so caches are
//! never shared between users and never stale. Opening a subscription's stream is outside an execution: there is only the
//! requester.

use std::sync::Arc;

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute, NextValidation};
use async_graphql::{CacheControl, Context, Data, Request, Response, ServerError, ValidationResult};

use super::dispatch;
use super::engine::Engine;
use super::loaders::Loaders;
use super::shared::{CurrentEvent, OperationKey, SharedAnswers};
use crate::app::App;
use crate::auth::{Requester, Viewer};
use crate::db::within_execution;
use crate::error::{AppError, AppResult};
use crate::live::Live;
use crate::scope::Scope;

/// Runs a query or a mutation with its own scope and loaders.
pub async fn execute(engine: &dyn Engine, scope: Scope, request: Request) -> Response {
    let scope = Arc::new(scope);
    let request = request.data(Loaders::new(Arc::clone(&scope))).data(scope);
    dispatch::run(within_execution(engine.execute(request))).await
}

/// Gives every event of a subscription its own scope and loaders; for queries and mutations [`execute`] does, with less work.
pub struct ScopePerEvent;

impl ExtensionFactory for ScopePerEvent {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for ScopePerEvent {
    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let (Ok(app), Ok(requester)) = (ctx.data::<Arc<App>>(), ctx.data::<Requester>()) else {
            return next.run(ctx, operation_name).await;
        };
        let scope = Arc::new(Scope::reading(Arc::clone(app), requester.clone()));
        let mut data = Data::default();
        data.insert(Loaders::new(Arc::clone(&scope)));
        data.insert(Arc::clone(&scope));
        let resolve = dispatch::run(within_execution(next.run_with_data(ctx, operation_name, data)));
        let event = ctx.data::<CurrentEvent>().ok().and_then(CurrentEvent::shareable);
        match (event, ctx.data::<SharedAnswers>(), ctx.data::<OperationKey>()) {
            (Some(event), Ok(answers), Ok(operation)) => {
                let viewer = requester.viewer.map(|viewer| viewer.user_id);
                answers.answer(&event, *operation, &scope, viewer, resolve).await
            }
            _ => resolve.await,
        }
    }
}

/// Keeps the library from validating once more: [`super::document`] has validated what is executed, and analysed its cost.
pub struct SkipValidation;

impl ExtensionFactory for SkipValidation {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for SkipValidation {
    async fn validation(
        &self,
        _: &ExtensionContext<'_>,
        _: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        Ok(ValidationResult { cache_control: CacheControl::default(), complexity: 0, depth: 0 })
    }
}

/// Typed access to the context's data.
pub trait PlazaContext {
    /// The execution's scope.
    ///
    /// # Errors
    /// Internal when the schema is executed without one.
    fn scope(&self) -> AppResult<&Arc<Scope>>;

    /// The execution's loaders.
    ///
    /// # Errors
    /// Internal when the schema is executed without them.
    fn loaders(&self) -> AppResult<&Loaders>;

    /// The requester; also available while a subscription is being opened.
    ///
    /// # Errors
    /// Internal when the schema is executed without one.
    fn requester(&self) -> AppResult<&Requester>;

    /// The signed-in user.
    ///
    /// # Errors
    /// Unauthenticated when no token was sent.
    fn viewer(&self) -> AppResult<Viewer> {
        self.requester()?.require_viewer()
    }

    /// Live delivery; also available while a subscription is being opened.
    ///
    /// # Errors
    /// Internal when the schema is executed without it.
    fn live(&self) -> AppResult<&Arc<Live>>;

    /// The app; also available while a subscription is being opened.
    ///
    /// # Errors
    /// Internal when the schema is executed without one.
    fn app(&self) -> AppResult<&Arc<App>>;
}

fn missing<T>(_: async_graphql::Error) -> AppResult<T> {
    Err(AppError::internal("the schema is executed without its context"))
}

impl PlazaContext for Context<'_> {
    fn scope(&self) -> AppResult<&Arc<Scope>> {
        self.data::<Arc<Scope>>().or_else(missing)
    }

    fn loaders(&self) -> AppResult<&Loaders> {
        self.data::<Loaders>().or_else(missing)
    }

    fn requester(&self) -> AppResult<&Requester> {
        match self.data_opt::<Arc<Scope>>() {
            Some(scope) => Ok(scope.requester()),
            None => self.data::<Requester>().or_else(missing),
        }
    }

    fn live(&self) -> AppResult<&Arc<Live>> {
        self.data::<Arc<Live>>().or_else(missing)
    }

    fn app(&self) -> AppResult<&Arc<App>> {
        self.data::<Arc<App>>().or_else(missing)
    }
}
