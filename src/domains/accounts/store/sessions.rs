//! All SQL of sign-ins and the tokens that keep them alive.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::db::schema::{refresh_tokens, sessions, sql_types, users};
use crate::db::statement;
use crate::domains::accounts::model::{NewSession, PresentedToken, Session, SessionEnd};
use crate::ids::{SessionId, UserId};

statement! {
    /// Opens a session for a user who may sign in, and locks their row meanwhile: a suspension, a departure or a new
    /// password comes before it, and then there is none, or after it, and then ends it. `hash` is what the given password
    /// was compared with, where one was.
    struct InsertSession<'a> { session: &'a NewSession, hash: Option<&'a str> } -> BigInt
    |this|
    "insert into sessions (user_id, platform, device_name, ip, created_at, last_used_at, authenticated_at, expires_at) select id, "
    [sql_types::Platform: &this.session.platform] ", " [Nullable<Text>: &this.session.device_name] ", "
    [Nullable<Text>: &this.session.ip] ", " [Timestamptz: &this.session.created_at] ", "
    [Timestamptz: &this.session.created_at] ", " [Timestamptz: &this.session.created_at] ", "
    [Timestamptz: &this.session.expires_at]
    " from users where id = " [BigInt: &this.session.user_id]
    " and deleted_at is null and (suspended_at is null or suspended_until <= " [Timestamptz: &this.session.created_at]
    ") and (" [Nullable<Text>: &this.hash] " is null or password_hash = " [Nullable<Text>: &this.hash]
    ") for share returning id"
}

/// Opens a session; none when they may not sign in (any more). See `InsertSession`.
pub async fn insert_session(
    mut conn: &AsyncPgConnection,
    session: &NewSession,
    hash: Option<&str>,
) -> QueryResult<Option<SessionId>> {
    InsertSession { session, hash }.get_result::<i64>(&mut conn).await.optional().map(|id| id.map(SessionId))
}

/// Stores the hash of a refresh token and returns its row's key.
pub async fn insert_refresh_token(
    mut conn: &AsyncPgConnection,
    session: SessionId,
    token_hash: &[u8],
    now: DateTime<Utc>,
) -> QueryResult<i64> {
    diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::session_id.eq(session),
            refresh_tokens::token_hash.eq(token_hash),
            refresh_tokens::created_at.eq(now),
        ))
        .returning(refresh_tokens::id)
        .get_result(&mut conn)
        .await
}

/// Finds a refresh token and locks its session, so that of two who present it one comes second.
pub async fn lock_refresh_token(mut conn: &AsyncPgConnection, hash: &[u8]) -> QueryResult<Option<PresentedToken>> {
    let session: Option<SessionId> = refresh_tokens::table
        .filter(refresh_tokens::token_hash.eq(hash))
        .select(refresh_tokens::session_id)
        .get_result(&mut conn)
        .await
        .optional()?;
    let Some(session) = session else { return Ok(None) };
    // First the lock, then the read: a statement of its own sees what the lock's last holder did.
    sessions::table.find(session).select(sessions::id).for_update().first::<SessionId>(&mut conn).await.optional()?;
    refresh_tokens::table
        .inner_join(sessions::table.inner_join(users::table))
        .filter(refresh_tokens::token_hash.eq(hash))
        .select((
            refresh_tokens::id,
            refresh_tokens::rotated_at,
            refresh_tokens::successor_salt,
            refresh_tokens::successor_id,
            sessions::id,
            sessions::user_id,
            sessions::expires_at,
            sessions::revoked_at,
            users::password_hash.is_not_null(),
        ))
        .get_result(&mut conn)
        .await
        .optional()
}

/// Whether a refresh token was exchanged.
pub async fn is_rotated(mut conn: &AsyncPgConnection, token: i64) -> QueryResult<bool> {
    refresh_tokens::table.find(token).select(refresh_tokens::rotated_at.is_not_null()).get_result(&mut conn).await
}

/// Marks a refresh token as exchanged for its successor.
pub async fn update_rotated(
    mut conn: &AsyncPgConnection,
    token: i64,
    successor: i64,
    salt: &[u8],
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    diesel::update(refresh_tokens::table.find(token))
        .set((
            refresh_tokens::rotated_at.eq(now),
            refresh_tokens::successor_salt.eq(salt),
            refresh_tokens::successor_id.eq(successor),
        ))
        .execute(&mut conn)
        .await
}

/// Holds a live session whose user has proved who they are since a time, so that it does not end meanwhile; false when it is
/// none.
pub async fn lock_authenticated_since(
    mut conn: &AsyncPgConnection,
    user: UserId,
    session: SessionId,
    since: DateTime<Utc>,
) -> QueryResult<bool> {
    let live = sessions::table
        .filter(sessions::id.eq(session).and(sessions::user_id.eq(user)).and(sessions::revoked_at.is_null()))
        .filter(sessions::authenticated_at.gt(since));
    let held: Option<SessionId> =
        live.select(sessions::id).for_no_key_update().get_result(&mut conn).await.optional()?;
    Ok(held.is_some())
}

/// Notes that a live session's user has proved who they are; false when it is over.
pub async fn update_authenticated(
    mut conn: &AsyncPgConnection,
    user: UserId,
    session: SessionId,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let live = sessions::table
        .filter(sessions::id.eq(session).and(sessions::user_id.eq(user)).and(sessions::revoked_at.is_null()));
    diesel::update(live).set(sessions::authenticated_at.eq(now)).execute(&mut conn).await.map(|changed| changed == 1)
}

/// Prolongs a session.
pub async fn update_session_used(
    mut conn: &AsyncPgConnection,
    session: SessionId,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> QueryResult<usize> {
    diesel::update(sessions::table.find(session))
        .set((sessions::last_used_at.eq(now), sessions::expires_at.eq(expires_at)))
        .execute(&mut conn)
        .await
}

/// Ends live sessions of a user's and returns which they were.
pub async fn revoke_sessions(
    mut conn: &AsyncPgConnection,
    user: UserId,
    which: SessionSelection,
    reason: SessionEnd,
    now: DateTime<Utc>,
) -> QueryResult<Vec<SessionId>> {
    let live = sessions::user_id.eq(user).and(sessions::revoked_at.is_null());
    let update = diesel::update(sessions::table).filter(live);
    let set = (sessions::revoked_at.eq(now), sessions::end_reason.eq(reason));
    match which {
        SessionSelection::One(id) => {
            update.filter(sessions::id.eq(id)).set(set).returning(sessions::id).load(&mut conn).await
        }
        SessionSelection::AllBut(id) => {
            update.filter(sessions::id.ne(id)).set(set).returning(sessions::id).load(&mut conn).await
        }
        SessionSelection::All => update.set(set).returning(sessions::id).load(&mut conn).await,
    }
}

/// Which of a user's sessions.
#[derive(Clone, Copy, Debug)]
pub enum SessionSelection {
    /// This one.
    One(SessionId),
    /// All others.
    AllBut(SessionId),
    /// All.
    All,
}

/// A user's live sessions, the last used first, at most a hundred.
pub async fn list_sessions(
    mut conn: &AsyncPgConnection,
    user: UserId,
    now: DateTime<Utc>,
) -> QueryResult<Vec<Session>> {
    sessions::table
        .filter(sessions::user_id.eq(user).and(sessions::revoked_at.is_null()).and(sessions::expires_at.gt(now)))
        .order((sessions::last_used_at.desc(), sessions::id.desc()))
        .limit(100)
        .select(Session::as_select())
        .load(&mut conn)
        .await
}

/// Live sessions of a user, by id, in no order.
pub async fn list_sessions_by_ids(
    mut conn: &AsyncPgConnection,
    user: UserId,
    ids: &[SessionId],
    now: DateTime<Utc>,
) -> QueryResult<Vec<Session>> {
    sessions::table
        .filter(sessions::id.eq_any(ids).and(sessions::user_id.eq(user)))
        .filter(sessions::revoked_at.is_null().and(sessions::expires_at.gt(now)))
        .select(Session::as_select())
        .load(&mut conn)
        .await
}

/// The addresses that a user signed in from, those of the last sessions, ended or not.
pub async fn list_addresses(mut conn: &AsyncPgConnection, user: UserId) -> QueryResult<Vec<String>> {
    sessions::table
        .filter(sessions::user_id.eq(user).and(sessions::ip.is_not_null()))
        .order((sessions::last_used_at.desc(), sessions::id.desc()))
        .limit(100)
        .select(sessions::ip.assume_not_null())
        .load(&mut conn)
        .await
}

/// Erases the devices and addresses that a user signed in from.
pub async fn erase_devices(mut conn: &AsyncPgConnection, user: UserId) -> QueryResult<usize> {
    diesel::update(sessions::table.filter(sessions::user_id.eq(user)))
        .set((sessions::device_name.eq(None::<String>), sessions::ip.eq(None::<String>)))
        .execute(&mut conn)
        .await
}

/// Why these sessions ended; those that live are left out.
pub async fn list_ends(
    mut conn: &AsyncPgConnection,
    ids: &[SessionId],
) -> QueryResult<Vec<(SessionId, Option<SessionEnd>)>> {
    sessions::table
        .filter(sessions::id.eq_any(ids).and(sessions::end_reason.is_not_null()))
        .select((sessions::id, sessions::end_reason))
        .load(&mut conn)
        .await
}

/// Sessions revoked since a time, and why.
pub async fn list_revoked_since(
    mut conn: &AsyncPgConnection,
    since: DateTime<Utc>,
) -> QueryResult<Vec<(SessionId, Option<SessionEnd>)>> {
    let revoked = sessions::table.filter(sessions::revoked_at.gt(since));
    revoked.select((sessions::id, sessions::end_reason)).load(&mut conn).await
}

/// Deletes refresh tokens that were exchanged before a time: if one is presented after that, it is refused all the same.
pub async fn delete_old_tokens(mut conn: &AsyncPgConnection, before: DateTime<Utc>) -> QueryResult<usize> {
    diesel::delete(refresh_tokens::table.filter(refresh_tokens::rotated_at.lt(before))).execute(&mut conn).await
}

/// Deletes sessions that ended before a time, with their tokens.
pub async fn delete_ended_sessions(mut conn: &AsyncPgConnection, before: DateTime<Utc>) -> QueryResult<usize> {
    diesel::delete(sessions::table.filter(sessions::expires_at.lt(before).or(sessions::revoked_at.lt(before))))
        .execute(&mut conn)
        .await
}
