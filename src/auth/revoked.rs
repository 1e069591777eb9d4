//! Revoked sessions whose access tokens may not have expired, and the sockets to close with them.
//!
//! Loaded from the database at startup, then maintained from the event stream; removed once all tokens have expired.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::SessionEnd;
use super::token::LIFETIME_LIMIT;
use crate::ids::SessionId;

/// See the module docs.
#[derive(Debug, Default)]
pub struct RevokedSessions(Mutex<RevokedState>);

#[derive(Debug, Default)]
struct RevokedState {
    /// Reason, and the time of removal.
    revoked: HashMap<SessionId, (SessionEnd, DateTime<Utc>)>,
    /// Cancelled when the session ends, and the number of watching sockets.
    watched: HashMap<SessionId, (CancellationToken, usize)>,
}

impl RevokedSessions {
    fn state(&self) -> MutexGuard<'_, RevokedState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Revokes the access tokens of a session.
    pub fn insert(&self, session: SessionId, reason: SessionEnd, now: DateTime<Utc>) {
        let mut state = self.state();
        // Amortised: only when the map would grow.
        if state.revoked.len() == state.revoked.capacity() {
            state.revoked.retain(|_, (_, forget_at)| *forget_at > now);
        }
        state.revoked.entry(session).or_insert((reason, now + LIFETIME_LIMIT));
        if let Some((ended, _)) = state.watched.get(&session) {
            ended.cancel();
        }
    }

    /// Why a session ended; none if it has not.
    #[must_use]
    pub fn find(&self, session: SessionId) -> Option<SessionEnd> {
        self.state().revoked.get(&session).map(|(reason, _)| *reason)
    }

    /// Watches a session for a socket.
    #[must_use]
    pub fn watch(&self, session: SessionId) -> SessionWatch<'_> {
        let mut state = self.state();
        let over = state.revoked.contains_key(&session);
        let (ended, watchers) = state.watched.entry(session).or_default();
        *watchers += 1;
        if over {
            ended.cancel();
        }
        SessionWatch { sessions: self, session, ended: ended.clone() }
    }
}

/// A socket's watch on its session.
#[derive(Debug)]
pub struct SessionWatch<'a> {
    sessions: &'a RevokedSessions,
    session: SessionId,
    ended: CancellationToken,
}

impl SessionWatch<'_> {
    /// Waits for the end of the session.
    pub async fn ended(&self) -> SessionEnd {
        self.ended.cancelled().await;
        self.sessions.find(self.session).unwrap_or(SessionEnd::Revoked)
    }
}

impl Drop for SessionWatch<'_> {
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
