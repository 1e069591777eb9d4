//! Signing in, staying signed in, and signing out.

use diesel_async::{AsyncConnection, AsyncPgConnection};

use crate::app::App;
use crate::auth::refresh::RefreshToken;
use crate::auth::token::LONGEST_LIFETIME;
use crate::clock::random_bytes;
use crate::domains::accounts::model::{AccountError, Device, NewSession, Platform, PresentedToken, SignedIn, Tokens};
use crate::domains::accounts::policy::{self, Refresh, SESSION_LIFETIME};
use crate::domains::accounts::store::{self, Which};
use crate::error::{AppError, AppResult};
use crate::events::outbox;
use crate::ids::{SessionId, UserId};
use crate::rates;
use crate::scope::Scope;

/// Opens a session and gives its first tokens, within the caller's transaction.
pub(super) async fn open(
    scope: &Scope,
    conn: &AsyncPgConnection,
    user_id: UserId,
    device: Device,
) -> AppResult<Tokens> {
    let now = scope.app.clock.now();
    let session = NewSession {
        user_id,
        platform: device.platform,
        device_name: device.name,
        ip: scope.requester.ip.map(|ip| ip.to_string()),
        created_at: now,
        expires_at: now + SESSION_LIFETIME,
    };
    let session_id = store::insert_session(conn, session).await?;
    give_tokens(scope, conn, user_id, session_id).await
}

/// Gives a session a first refresh token and an access token, within the caller's transaction.
pub(super) async fn give_tokens(
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

/// Signs in with a username and a password.
///
/// # Errors
/// `INVALID_CREDENTIALS` for an unknown account and for a wrong password alike, `RATE_LIMITED`; overloaded when too many wait.
pub async fn login(scope: &Scope, account: String, password: String, device: Device) -> AppResult<SignedIn> {
    policy::check_device_name(device.name.as_deref()).map_err(|error| error.at("input.deviceName"))?;
    let key = policy::username_key(&account);
    let buckets = policy::login_buckets(&scope.app.config.rates, &scope.requester, &key);
    let conn = scope.db.read().await?;
    rates::spend(&conn, &buckets, scope.app.clock.now()).await?;
    let found = store::find_login(&conn, &key).await?;
    // Hashing takes long: others may have the connection meanwhile.
    drop(conn);
    scope.db.release().await;
    let (user, hash) = found.unzip();
    let matches = scope.app.passwords.verify(password, hash.flatten()).await?;
    let Some(user) = user.filter(|_| matches) else {
        return Err(AccountError::CredentialsMismatch.at("input.credential.password").into());
    };
    let mut conn = scope.db.write().await?;
    let tokens = conn.transaction(async |conn| open(scope, conn, user.id, device).await).await?;
    // Only wrong passwords count.
    rates::refund(&conn, &buckets).await?;
    Ok(SignedIn { tokens, user })
}

/// What became of a presented refresh token; reuse commits, so it is no error inside the transaction.
enum Exchanged {
    Tokens(UserId, Tokens),
    Refused,
}

/// Exchanges a refresh token for new tokens.
///
/// # Errors
/// `INVALID_CREDENTIALS` when it is unknown, used up, expired or revoked; reuse also revokes the session.
pub async fn refresh_session(scope: &Scope, presented: String) -> AppResult<(UserId, Tokens)> {
    let presented = RefreshToken::presented(presented);
    let mut conn = scope.db.write().await?;
    let exchanged = conn
        .transaction(async |conn| match store::lock_refresh_token(conn, &presented.hash()).await? {
            Some(token) => exchange(scope, conn, &presented, token).await,
            None => Ok(Exchanged::Refused),
        })
        .await?;
    scope.app.events.nudge();
    match exchanged {
        Exchanged::Tokens(user_id, tokens) => Ok((user_id, tokens)),
        Exchanged::Refused => Err(AccountError::RefreshTokenInvalid.at("refreshToken").into()),
    }
}

async fn exchange(
    scope: &Scope,
    conn: &AsyncPgConnection,
    presented: &RefreshToken,
    token: PresentedToken,
) -> AppResult<Exchanged> {
    let now = scope.app.clock.now();
    let successor_used = match token.successor_id {
        Some(successor) => store::is_rotated(conn, successor).await?,
        None => false,
    };
    let successor = match policy::judge_refresh(&token, successor_used, now) {
        Refresh::Gone => return Ok(Exchanged::Refused),
        Refresh::Reuse => {
            tracing::warn!(session = token.session_id.0, "a used-up refresh token came back: session revoked");
            revoke(conn, token.user_id, Which::One(token.session_id), scope).await?;
            return Ok(Exchanged::Refused);
        }
        Refresh::Repeat(salt) => presented.successor(&salt),
        Refresh::Rotate => {
            let salt = random_bytes::<16>();
            let successor = presented.successor(&salt);
            let row = store::insert_refresh_token(conn, token.session_id, &successor.hash(), now).await?;
            store::update_rotated(conn, token.id, (row, &salt), now).await?;
            successor
        }
    };
    store::update_session_used(conn, token.session_id, now, now + SESSION_LIFETIME).await?;
    Ok(Exchanged::Tokens(token.user_id, tokens(scope, token.user_id, token.session_id, successor)?))
}

async fn revoke(conn: &AsyncPgConnection, user_id: UserId, which: Which, scope: &Scope) -> AppResult<()> {
    let ended = store::revoke_sessions(conn, user_id, which, scope.app.clock.now()).await?;
    outbox::insert_session_revoked(conn, user_id, &ended).await?;
    Ok(())
}

/// Ends the session of the request.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn logout(scope: &Scope) -> AppResult<()> {
    let viewer = scope.viewer()?;
    let mut conn = scope.db.write().await?;
    conn.transaction(async |conn| revoke(conn, viewer.user_id, Which::One(viewer.session_id), scope).await).await?;
    scope.app.revoked.insert(viewer.session_id, scope.app.clock.now());
    scope.app.events.nudge();
    Ok(())
}

/// An access token for somebody, without their password; for the operator's command and load tests.
///
/// # Errors
/// When there is nobody of this name.
pub async fn issue_operator_token(scope: &Scope, username: &str) -> AppResult<Tokens> {
    let user_id = super::get_user_id(&scope.app, username).await?;
    let device = Device { platform: Platform::Desktop, name: Some("plaza token".into()) };
    let mut conn = scope.db.write().await?;
    conn.transaction(async |conn| open(scope, conn, user_id, device).await).await
}

/// The sessions revoked so lately that access tokens of theirs may be alive.
///
/// # Errors
/// When the database fails.
pub async fn list_lately_revoked(app: &App) -> AppResult<Vec<SessionId>> {
    let conn = app.database.get().await?;
    Ok(store::list_revoked_since(&conn, app.clock.now() - LONGEST_LIFETIME).await?)
}

/// Forgets sessions that ended so long ago that nobody can ask for them; run now and then.
///
/// # Errors
/// When the database fails.
pub async fn sweep(app: &App) -> Result<usize, AppError> {
    let conn = app.database.get().await?;
    Ok(store::delete_ended_sessions(&conn, app.clock.now() - SESSION_LIFETIME).await?)
}
