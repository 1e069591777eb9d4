//! The sessions that were ended while access tokens of theirs may still be alive, and the sockets to close with them.
//!
//! Filled from the database at start and from the event stream ever after; forgotten once no such token can be alive.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::SessionEnd;
use super::token::LONGEST_LIFETIME;
use crate::ids::SessionId;

/// See the module.
#[derive(Debug, Default)]
pub struct RevokedSessions(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Each with why it ended, and the time from which it may be forgotten.
    revoked: HashMap<SessionId, (SessionEnd, DateTime<Utc>)>,
    /// Cancelled when the session ends; with the number of sockets that watch.
    watched: HashMap<SessionId, (CancellationToken, usize)>,
}

impl RevokedSessions {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Access tokens of this session are no longer good.
    pub fn insert(&self, session: SessionId, reason: SessionEnd, now: DateTime<Utc>) {
        let mut state = self.state();
        // Rarely worth the walk: only when the map would grow anyway.
        if state.revoked.len() == state.revoked.capacity() {
            state.revoked.retain(|_, (_, forget_at)| *forget_at > now);
        }
        state.revoked.entry(session).or_insert((reason, now + LONGEST_LIFETIME));
        if let Some((ended, _)) = state.watched.get(&session) {
            ended.cancel();
        }
    }

    /// Why this session was ended, if it was.
    #[must_use]
    pub fn find(&self, session: SessionId) -> Option<SessionEnd> {
        self.state().revoked.get(&session).map(|(reason, _)| *reason)
    }

    /// Watches a session for a socket.
    #[must_use]
    pub fn watch(&self, session: SessionId) -> Watch<'_> {
        let mut state = self.state();
        let over = state.revoked.contains_key(&session);
        let (ended, watchers) = state.watched.entry(session).or_default();
        *watchers += 1;
        if over {
            ended.cancel();
        }
        Watch { sessions: self, session, ended: ended.clone() }
    }
}

/// One socket's watch over its session.
#[derive(Debug)]
pub struct Watch<'a> {
    sessions: &'a RevokedSessions,
    session: SessionId,
    ended: CancellationToken,
}

impl Watch<'_> {
    /// Returns once the session was ended, and says why.
    pub async fn ended(&self) -> SessionEnd {
        self.ended.cancelled().await;
        self.sessions.find(self.session).unwrap_or(SessionEnd::Revoked)
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let mut state = self.sessions.state();
        if let Some((_, watchers)) = state.watched.get_mut(&self.session) {
            *watchers -= 1;
            if *watchers == 0 {
                state.watched.remove(&self.session);
            }
        }
    }
}
