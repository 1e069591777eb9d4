//! Staying signed in, and signing out, here and elsewhere.

use std::collections::HashMap;

use diesel_async::AsyncPgConnection;

use crate::app::App;
use crate::auth::refresh::RefreshToken;
use crate::auth::stream_ticket::{self, StreamTicket};
use crate::auth::token::LIFETIME_LIMIT;
use crate::clock::random_bytes;
use crate::domains::accounts::model::{
    AccountError, Device, NewSession, Platform, PresentedToken, Session, SessionEnd, Tokens,
};
use crate::domains::accounts::policy::{self, Refresh, SESSION_LIFETIME};
use crate::domains::accounts::store::sessions::{self as store, SessionSelection};
use crate::error::{AppError, AppResult};
use crate::events::model::NewEvent;
use crate::events::{EventKind, Topic};
use crate::ids::{SessionId, UserId};
use crate::rate_limit;
use crate::scope::Scope;

/// Opens a session and gives its first tokens, within the caller's transaction. None when the account can't be signed in
/// to (any more), or its password is not the one that was compared with.
pub(super) async fn open(
    scope: &Scope,
    conn: &AsyncPgConnection,
    user_id: UserId,
    compared: Option<&str>,
    device: Device,
) -> AppResult<Option<Tokens>> {
    let now = scope.app.clock.now();
    let session = NewSession {
        user_id,
        platform: device.platform,
        device_name: device.name,
        ip: scope.requester().ip.map(|ip| ip.to_string()),
        created_at: now,
        expires_at: now + SESSION_LIFETIME,
    };
    match store::insert_session(conn, &session, compared).await? {
        Some(id) => give_tokens(scope, conn, user_id, id).await.map(Some),
        None => Ok(None),
    }
}

/// Asks for a proof of who the viewer is that is not old, and holds their session, within the caller's transaction.
///
/// # Errors
/// `REAUTHENTICATION_REQUIRED`.
pub(super) async fn require_recent(scope: &Scope, conn: &AsyncPgConnection) -> AppResult<()> {
    let viewer = scope.viewer()?;
    let since = scope.app.clock.now() - policy::AUTHENTICATION_AGE;
    let recent = store::lock_authenticated_since(conn, viewer.user_id, viewer.session_id, since).await?;
    if recent { Ok(()) } else { Err(AccountError::AuthenticationTooOld.at("").into()) }
}

/// Whether an account was signed in to from the requester's address before; never where there is no account. It costs a
/// statement whether or not there is one.
pub(super) async fn is_known_address(scope: &Scope, conn: &AsyncPgConnection, user: Option<UserId>) -> AppResult<bool> {
    let Some(ip) = scope.requester().ip.map(rate_limit::network) else { return Ok(false) };
    // No user has the id 0.
    let before = store::list_addresses(conn, user.unwrap_or(UserId(0))).await?;
    Ok(before.iter().filter_map(|address| address.parse().ok()).any(|address| rate_limit::network(address) == ip))
}

/// Gives a session a first refresh token and an access token, within the caller's transaction.
async fn give_tokens(
    scope: &Scope,
    conn: &AsyncPgConnection,
    user_id: UserId,
    session_id: SessionId,
) -> AppResult<Tokens> {
    let now = scope.app.clock.now();
    let refresh = RefreshToken::generate();
    store::insert_refresh_token(conn, session_id, &refresh.hash(), now).await?;
    tokens(scope, user_id, session_id, refresh)
}

fn tokens(scope: &Scope, user_id: UserId, session_id: SessionId, refresh: RefreshToken) -> AppResult<Tokens> {
    let now = scope.app.clock.now();
    let (access, access_expires_at) = scope.app.tokens.issue(user_id, session_id, now)?;
    Ok(Tokens {
        access,
        access_expires_at,
        refresh: refresh.into_text(),
        refresh_expires_at: now + SESSION_LIFETIME,
        needs_password_update: false,
    })
}

/// What became of a presented refresh token; reuse commits, so it is no error inside the transaction.
enum RefreshOutcome {
    Tokens(UserId, Tokens),
    /// These sessions were ended.
    Reused(Vec<SessionId>),
    Refused,
}

/// Exchanges a refresh token for new tokens.
///
/// # Errors
/// `INVALID_CREDENTIALS` when it is unknown, used up, expired or revoked; reuse also revokes the session.
pub async fn refresh_session(scope: &Scope, presented: String) -> AppResult<(UserId, Tokens)> {
    let presented = RefreshToken::presented(presented);
    let exchanged = scope
        .transaction(async |conn| match store::lock_refresh_token(conn, &presented.hash()).await? {
            Some(token) => exchange(scope, conn, &presented, token).await,
            None => Ok(RefreshOutcome::Refused),
        })
        .await?;
    match exchanged {
        RefreshOutcome::Tokens(user_id, tokens) => return Ok((user_id, tokens)),
        RefreshOutcome::Reused(ended) => announce(scope, &ended, SessionEnd::Revoked),
        RefreshOutcome::Refused => {}
    }
    Err(AccountError::RefreshTokenInvalid.at("refreshToken").into())
}

async fn exchange(
    scope: &Scope,
    conn: &AsyncPgConnection,
    presented: &RefreshToken,
    token: PresentedToken,
) -> AppResult<RefreshOutcome> {
    let now = scope.app.clock.now();
    let successor_used = match token.successor_id {
        Some(successor) => store::is_rotated(conn, successor).await?,
        None => false,
    };
    let successor = match policy::check_refresh(&token, successor_used, now) {
        Refresh::Gone => return Ok(RefreshOutcome::Refused),
        Refresh::Reuse => {
            tracing::warn!(session = token.session_id.0, "a used-up refresh token came back: session revoked");
            let family = SessionSelection::One(token.session_id);
            return Ok(RefreshOutcome::Reused(end(scope, conn, token.user_id, family, SessionEnd::Revoked).await?));
        }
        Refresh::Repeat(salt) => presented.successor(&salt),
        Refresh::Rotate => {
            let salt = random_bytes::<16>();
            let successor = presented.successor(&salt);
            let row = store::insert_refresh_token(conn, token.session_id, &successor.hash(), now).await?;
            // None: it was deleted since it was read, so its successor is not good either.
            if store::update_rotated(conn, token.id, row, &salt, now).await? == 0 {
                return Err(AccountError::RefreshTokenInvalid.at("refreshToken").into());
            }
            successor
        }
    };
    store::update_session_used(conn, token.session_id, now, now + SESSION_LIFETIME).await?;
    let tokens = tokens(scope, token.user_id, token.session_id, successor)?;
    Ok(RefreshOutcome::Tokens(token.user_id, Tokens { needs_password_update: !token.has_password, ..tokens }))
}

/// Ends sessions of a user and tells all instances, within the caller's transaction; [`announce`] follows the commit.
pub(super) async fn end(
    scope: &Scope,
    conn: &AsyncPgConnection,
    user: UserId,
    which: SessionSelection,
    reason: SessionEnd,
) -> AppResult<Vec<SessionId>> {
    let ended = store::revoke_sessions(conn, user, which, reason, scope.app.clock.now()).await?;
    let event = |session: &SessionId| NewEvent {
        subject_id: Some(session.0),
        user_id: Some(user),
        ..NewEvent::new(EventKind::SessionRevoked, Topic::user(user))
    };
    scope.record(conn, &ended.iter().map(event).collect::<Vec<_>>()).await?;
    Ok(ended)
}

/// Stops the tokens and sockets of ended sessions here at once, and elsewhere as soon as the event gets there.
pub(super) fn announce(scope: &Scope, ended: &[SessionId], reason: SessionEnd) {
    for session in ended {
        scope.app.revoked.insert(*session, reason, scope.app.clock.now());
    }
}

/// Ends sessions of a user in a transaction of its own, and announces it.
async fn end_now(
    scope: &Scope,
    user: UserId,
    which: SessionSelection,
    reason: SessionEnd,
) -> AppResult<Vec<SessionId>> {
    let ended = scope.transaction(async |conn| end(scope, conn, user, which, reason).await).await?;
    announce(scope, &ended, reason);
    Ok(ended)
}

/// A ticket for event streams of the viewer's.
///
/// # Errors
/// Unauthenticated without a token.
pub fn create_stream_ticket(scope: &Scope) -> AppResult<StreamTicket> {
    stream_ticket::issue(&scope.app.keys, scope.viewer()?, scope.app.clock.now())
}

/// Ends the session of the request.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn logout(scope: &Scope) -> AppResult<()> {
    let viewer = scope.viewer()?;
    let own = SessionSelection::One(viewer.session_id);
    let ended = end_now(scope, viewer.user_id, own, SessionEnd::SignedOut).await?;
    // An operator's token, or one whose session ended this moment: it stops all the same.
    if ended.is_empty() {
        announce(scope, &[viewer.session_id], SessionEnd::SignedOut);
    }
    Ok(())
}

/// Ends a session of the viewer's; it may be the one of the request.
///
/// # Errors
/// `NOT_FOUND` when the viewer has no such live session.
pub async fn revoke_session(scope: &Scope, id: SessionId) -> AppResult<()> {
    let viewer = scope.viewer()?;
    let reason = if id == viewer.session_id { SessionEnd::SignedOut } else { SessionEnd::Revoked };
    let ended = end_now(scope, viewer.user_id, SessionSelection::One(id), reason).await?;
    if ended.is_empty() { Err(AccountError::NoSuchSession.at("id").into()) } else { Ok(()) }
}

/// Ends all sessions of the viewer's but the one of the request.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn revoke_other_sessions(scope: &Scope) -> AppResult<()> {
    let viewer = scope.viewer()?;
    let others = SessionSelection::AllBut(viewer.session_id);
    end_now(scope, viewer.user_id, others, SessionEnd::Revoked).await.map(drop)
}

/// The viewer's live sessions, the last used first.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn list_sessions(scope: &Scope) -> AppResult<Vec<Session>> {
    let viewer = scope.viewer()?.user_id;
    let conn = scope.db.read().await?;
    Ok(store::list_sessions(&conn, viewer, scope.app.clock.now()).await?)
}

/// Live sessions of the viewer's, by id.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn load_sessions(scope: &Scope, ids: &[SessionId]) -> AppResult<HashMap<SessionId, Session>> {
    let viewer = scope.viewer()?.user_id;
    let conn = scope.db.read().await?;
    let found = store::list_sessions_by_ids(&conn, viewer, ids, scope.app.clock.now()).await?;
    Ok(found.into_iter().map(|session| (session.id, session)).collect())
}

/// An access token for a user, without their password; for the operator's command and load tests.
///
/// # Errors
/// When no account has this name.
pub async fn issue_operator_token(scope: &Scope, username: &str) -> AppResult<Tokens> {
    let user_id = super::get_user_id(&scope.app, username).await?;
    let device = Device { platform: Platform::Desktop, name: Some("plaza token".into()) };
    let opened = scope.transaction(async |conn| open(scope, conn, user_id, None, device.clone()).await).await?;
    opened.ok_or_else(|| AppError::bad_input(format!("{username} is suspended.")))
}

/// Reads which sessions were revoked so lately that access tokens of theirs may be alive, and why.
///
/// # Errors
/// When the database fails.
pub async fn restore_revoked(app: &App) -> AppResult<()> {
    let (conn, now) = (app.database.get().await?, app.clock.now());
    for (id, reason) in store::list_revoked_since(&conn, now - LIFETIME_LIMIT).await? {
        app.revoked.insert(id, reason.unwrap_or(SessionEnd::Revoked), now);
    }
    Ok(())
}

/// Why these sessions ended; no statement when nothing is asked.
///
/// # Errors
/// When the database fails.
pub async fn load_ends(conn: &AsyncPgConnection, ids: &[SessionId]) -> AppResult<HashMap<SessionId, SessionEnd>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ends = store::list_ends(conn, ids).await?;
    Ok(ends.into_iter().filter_map(|(id, reason)| Some((id, reason?))).collect())
}

/// Deletes sessions that ended, and refresh tokens that were exchanged, a session's lifetime ago; run now and then.
///
/// # Errors
/// When the database fails.
pub async fn delete_expired_sessions(app: &App) -> Result<usize, AppError> {
    let conn = app.database.get().await?;
    let before = app.clock.now() - SESSION_LIFETIME;
    Ok(store::delete_ended_sessions(&conn, before).await? + store::delete_old_tokens(&conn, before).await?)
}
