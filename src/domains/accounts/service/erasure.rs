//! What of an account is erased when its holder leaves; `departure` does the rest.
//!
//! Locks: the account is held as for any change from the first statement on, so that those who hold it shared come before the
//! departure, or after it and find no account. Foreign keys are checked beside that lock: who holds a group or a conversation
//! and refers to the account goes on, and the departure waits for them. The unique keys are erased last ([`erase_keys`]).

use diesel_async::AsyncPgConnection;

use super::{codes, require_role, sessions};
use crate::domains::accounts::model::{AccountError, Role, SessionEnd, User};
use crate::domains::accounts::store;
use crate::domains::accounts::store::sessions::SessionSelection;
use crate::error::{AppError, AppResult};
use crate::ids::{SessionId, UserId};
use crate::mailer;
use crate::scope::Scope;

/// What was erased, for [`erase_keys`] and [`announce`].
pub struct Erased {
    user: User,
    sessions: Vec<SessionId>,
    contacts: Vec<String>,
}

/// Whether the viewer may delete an account: their own, or as an administrator who signed in lately.
///
/// # Errors
/// Forbidden to anyone but the holder and administrators; `REAUTHENTICATION_REQUIRED`.
pub async fn require_allowed(scope: &Scope, id: UserId) -> AppResult<()> {
    if scope.viewer()?.user_id != id {
        require_role(scope, Role::Admin).await?;
        sessions::require_recent(scope, &*scope.db.read().await?).await?;
    }
    Ok(())
}

/// Locks an account and erases its nickname, profile and sessions, within the caller's transaction, which calls [`erase_keys`] at
/// its end.
///
/// # Errors
/// `NOT_FOUND`; `REAUTHENTICATION_REQUIRED` for the viewer's own.
pub async fn erase(scope: &Scope, conn: &AsyncPgConnection, id: UserId) -> AppResult<Erased> {
    let found = store::lock_user(conn, id).await?;
    let (user, access) = found.ok_or_else(|| AppError::from(AccountError::NoSuchUser.at("id")))?;
    if scope.viewer()?.user_id == id {
        sessions::require_recent(scope, conn).await?;
    }
    let sessions = sessions::end(scope, conn, id, SessionSelection::All, SessionEnd::Revoked).await?;
    store::sessions::erase_devices(conn, id).await?;
    store::erase_user(conn, &user, scope.app.clock.now()).await?;
    scope.note_changed(id);
    Ok(Erased { user, sessions, contacts: codes::proven_contacts(&access) })
}

/// Erases the username and the contacts of an account: the last statement of the caller's transaction.
///
/// # Errors
/// When the database fails.
pub async fn erase_keys(conn: &AsyncPgConnection, erased: &Erased) -> AppResult<()> {
    Ok(store::erase_keys(conn, &erased.user).await?)
}

/// Ends the sessions here and withdraws what was to be sent, after the commit: who uses a code holds it before the account.
/// What is left behind here goes with the cleanup.
///
/// # Errors
/// When the database fails.
pub async fn announce(scope: &Scope, erased: &Erased) -> AppResult<()> {
    sessions::announce(scope, &erased.sessions, SessionEnd::Revoked);
    let conn = scope.db.read().await?;
    store::codes::delete_codes_of(&conn, &erased.contacts).await?;
    mailer::withdraw(&conn, &erased.contacts).await
}
