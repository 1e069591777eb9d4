//! Answers to identical subscriptions, shared: an event is resolved once for all who ask the same of it.
//!
//! What an answer may depend on is its key: the operation with its variables, the event, and what the event refers to at that
//! moment. Whether it depends on who asks as well is known once it was resolved ([`Scope::depends_on_requester`]): then each
//! person has their own. That a person may see the event is decided before, for each of them.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use std::time::Duration;

use async_graphql::parser::types::OperationDefinition;
use async_graphql::{Response, Value};
use bytes::Bytes;
use moka::sync::Cache;
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use super::json;
use crate::events::Position;
use crate::ids::UserId;
use crate::live::{Event, EventPayload};
use crate::scope::Scope;

/// Answers kept, and for how long: until the slowest of those who are live has read them.
const ANSWERS_LIMIT: u64 = 2048;
const ANSWER_LIFETIME: Duration = Duration::from_secs(5);

/// What an operation asks: equal for equal operations with equal variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OperationKey([u8; 32]);

impl OperationKey {
    /// The key of an operation without variables.
    #[must_use]
    pub fn of(operation: &OperationDefinition) -> Self {
        Self(Sha256::digest(format!("{operation:?}")).into())
    }
}

/// The event that a subscription resolves now.
#[derive(Clone, Default)]
pub struct CurrentEvent(Arc<SyncMutex<Option<Arc<Event>>>>);

impl CurrentEvent {
    /// Notes the event that comes next.
    pub fn set(&self, event: &Arc<Event>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(event));
    }

    /// The event, if what it shows is the same for all who see it.
    #[must_use]
    pub fn shareable(&self) -> Option<Arc<Event>> {
        let event = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let is_shareable = match event.payload()? {
            // Loaded as its viewer sees it.
            EventPayload::Item(_) => false,
            EventPayload::Members(members) => members.is_same_for_all(),
            _ => true,
        };
        is_shareable.then_some(event)
    }
}

type AnswerKey = (Position, u64, OperationKey);

/// Answers to one operation for one event.
#[derive(Default)]
enum Answers {
    /// The first is being resolved, by who holds the lock.
    #[default]
    None,
    /// The same for all.
    Shared(Bytes),
    /// It depends on who asks.
    PerViewer(HashMap<Option<UserId>, Bytes>),
}

/// The answers of the last seconds.
pub struct SharedAnswers(Cache<AnswerKey, Arc<Mutex<Answers>>>);

impl Default for SharedAnswers {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(ANSWERS_LIMIT).time_to_live(ANSWER_LIFETIME).build())
    }
}

impl SharedAnswers {
    /// The answer of an event to the requester of a scope; `resolve` runs where the same was not resolved before.
    pub async fn answer(
        &self,
        event: &Event,
        operation: OperationKey,
        scope: &Scope,
        viewer: Option<UserId>,
        resolve: impl Future<Output = Response>,
    ) -> Response {
        let key = (event.row.position, event.payload_version(), operation);
        let answers = self.0.get_with(key, Arc::default);
        let mut held = answers.lock().await;
        let known = match &*held {
            Answers::Shared(json) => Some(json),
            Answers::PerViewer(by_viewer) => by_viewer.get(&viewer),
            Answers::None => None,
        };
        if let Some(json) = known {
            return Response::new(Value::Binary(json.clone()));
        }
        if let Answers::None = *held {
            let response = resolve.await;
            *held = if scope.depends_on_requester() { Answers::PerViewer(HashMap::new()) } else { Answers::None };
            held.keep(viewer, &response);
            return response;
        }
        drop(held);
        let response = resolve.await;
        answers.lock().await.keep(viewer, &response);
        response
    }
}

impl Answers {
    /// Keeps an answer, if it is none that failed: errors are of one request.
    fn keep(&mut self, viewer: Option<UserId>, response: &Response) {
        if !response.errors.is_empty() {
            return;
        }
        let mut json = Vec::new();
        json::write_value(&mut json, &response.data);
        match self {
            Self::PerViewer(by_viewer) => drop(by_viewer.insert(viewer, json.into())),
            Self::None | Self::Shared(_) => *self = Self::Shared(json.into()),
        }
    }
}
