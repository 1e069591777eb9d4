//! All SQL of accounts.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::model::{NewSession, NewUser, PresentedToken, Role, User};
use crate::db::schema::{refresh_tokens, sessions, users};
use crate::ids::{SessionId, UserId};

/// The users with these ids, in no order.
pub async fn list_users(mut conn: &AsyncPgConnection, ids: &[UserId]) -> QueryResult<Vec<User>> {
    users::table.filter(users::id.eq_any(ids)).select(User::as_select()).load(&mut conn).await
}

/// The user with this account number.
pub async fn find_user_by_account_number(mut conn: &AsyncPgConnection, number: i32) -> QueryResult<Option<User>> {
    users::table.filter(users::account_number.eq(number)).select(User::as_select()).first(&mut conn).await.optional()
}

/// The user of this name who has not left, with the hash of their password.
pub async fn find_login(
    mut conn: &AsyncPgConnection,
    username_key: &str,
) -> QueryResult<Option<(User, Option<String>)>> {
    users::table
        .filter(users::username_key.eq(username_key))
        .filter(users::deleted_at.is_null())
        .select((User::as_select(), users::password_hash))
        .first(&mut conn)
        .await
        .optional()
}

/// Whether there is anybody.
pub async fn any_user(mut conn: &AsyncPgConnection) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(users::table.select(users::id))).get_result(&mut conn).await
}

/// The user's password hash.
pub async fn find_password_hash(mut conn: &AsyncPgConnection, id: UserId) -> QueryResult<Option<Option<String>>> {
    users::table.find(id).select(users::password_hash).first(&mut conn).await.optional()
}

/// Adds a user.
pub async fn insert_user(mut conn: &AsyncPgConnection, user: NewUser) -> QueryResult<User> {
    diesel::insert_into(users::table).values(user).returning(User::as_select()).get_result(&mut conn).await
}

/// Sets a password, if the old hash is still what it was, and returns the user.
pub async fn update_password(
    mut conn: &AsyncPgConnection,
    id: UserId,
    (old_hash, new_hash): (Option<&str>, &str),
    now: DateTime<Utc>,
) -> QueryResult<Option<User>> {
    diesel::update(users::table.find(id))
        .filter(users::password_hash.is_not_distinct_from(old_hash))
        .set((users::password_hash.eq(new_hash), users::updated_at.eq(now)))
        .returning(User::as_select())
        .get_result(&mut conn)
        .await
        .optional()
}

/// Gives somebody a role; false when there is nobody of this name.
pub async fn update_role(mut conn: &AsyncPgConnection, username_key: &str, role: Role) -> QueryResult<bool> {
    diesel::update(users::table.filter(users::username_key.eq(username_key)).filter(users::deleted_at.is_null()))
        .set(users::role.eq(role))
        .execute(&mut conn)
        .await
        .map(|changed| changed == 1)
}

/// Opens a session.
pub async fn insert_session(mut conn: &AsyncPgConnection, session: NewSession) -> QueryResult<SessionId> {
    diesel::insert_into(sessions::table).values(session).returning(sessions::id).get_result(&mut conn).await
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
        .first(&mut conn)
        .await
        .optional()?;
    let Some(session) = session else { return Ok(None) };
    // First the lock, then the read: a statement of its own sees what the lock's last holder did.
    sessions::table.find(session).select(sessions::id).for_update().first::<SessionId>(&mut conn).await?;
    refresh_tokens::table
        .inner_join(sessions::table)
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
        ))
        .first(&mut conn)
        .await
        .optional()
}

/// Whether a refresh token was exchanged.
pub async fn is_rotated(mut conn: &AsyncPgConnection, token: i64) -> QueryResult<bool> {
    refresh_tokens::table.find(token).select(refresh_tokens::rotated_at.is_not_null()).first(&mut conn).await
}

/// Marks a refresh token as exchanged for its successor.
pub async fn update_rotated(
    mut conn: &AsyncPgConnection,
    token: i64,
    (successor, salt): (i64, &[u8]),
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

/// Forgets all refresh tokens of a session, so that only a new one keeps it alive.
pub async fn delete_refresh_tokens(mut conn: &AsyncPgConnection, session: SessionId) -> QueryResult<usize> {
    diesel::delete(refresh_tokens::table.filter(refresh_tokens::session_id.eq(session))).execute(&mut conn).await
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

/// Revokes the user's live sessions, one or all but one, and returns which they were.
pub async fn revoke_sessions(
    mut conn: &AsyncPgConnection,
    user: UserId,
    which: Which,
    now: DateTime<Utc>,
) -> QueryResult<Vec<SessionId>> {
    let live = sessions::user_id.eq(user).and(sessions::revoked_at.is_null());
    let update = diesel::update(sessions::table).filter(live);
    let set = sessions::revoked_at.eq(now);
    match which {
        Which::One(id) => update.filter(sessions::id.eq(id)).set(set).returning(sessions::id).load(&mut conn).await,
        Which::AllBut(id) => update.filter(sessions::id.ne(id)).set(set).returning(sessions::id).load(&mut conn).await,
    }
}

/// Which of somebody's sessions.
#[derive(Clone, Copy, Debug)]
pub enum Which {
    /// This one.
    One(SessionId),
    /// All others.
    AllBut(SessionId),
}

/// Sessions revoked since a time.
pub async fn list_revoked_since(mut conn: &AsyncPgConnection, since: DateTime<Utc>) -> QueryResult<Vec<SessionId>> {
    sessions::table.filter(sessions::revoked_at.gt(since)).select(sessions::id).load(&mut conn).await
}

/// Deletes sessions that ended before a time, with their tokens.
pub async fn delete_ended_sessions(mut conn: &AsyncPgConnection, before: DateTime<Utc>) -> QueryResult<usize> {
    diesel::delete(sessions::table.filter(sessions::expires_at.lt(before).or(sessions::revoked_at.lt(before))))
        .execute(&mut conn)
        .await
}
