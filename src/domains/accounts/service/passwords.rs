//! Changing a password, and setting a new one by a code.

use diesel_async::AsyncPgConnection;

use super::codes::{self, CodeAttempt};
use super::sessions;
use crate::auth::Viewer;
use crate::contact::Contact;
use crate::domains::accounts::model::{AccountError, CodePurpose, Device, SessionEnd, SignedIn, UserChanges};
use crate::domains::accounts::policy::{self, AccountName};
use crate::domains::accounts::store::{self, sessions::SessionSelection};
use crate::error::{AppError, AppResult};
use crate::ids::{SessionId, UserId};
use crate::rate_limit;
use crate::scope::Scope;

/// Replaces the viewer's password, ends all their sessions, that of the request included, and opens a new one on this device:
/// a copied access token is of no use any more.
///
/// # Errors
/// `INVALID_CREDENTIALS`, `REAUTHENTICATION_REQUIRED` for a first password, `WEAK_PASSWORD`, `RATE_LIMITED`; overloaded when too
/// many passwords are being hashed.
pub async fn change_password(scope: &Scope, current: Option<String>, new: String) -> AppResult<SignedIn> {
    let viewer = scope.viewer()?;
    policy::check_password(&new).map_err(|error| error.at("input.newPassword"))?;
    let app = &scope.app;
    app.passwords.check_queue()?;
    let (old_hash, device) = find_current(scope, &*scope.db.read().await?, viewer).await?;
    let wrong = || AppError::from(AccountError::CurrentPasswordWrong.at("input.currentPassword"));
    if old_hash.is_some() {
        let current = current.ok_or_else(wrong)?;
        check_current(scope, viewer.user_id, old_hash.clone(), current).await?;
    } else {
        sessions::require_recent(scope, &*scope.db.read().await?).await?;
    }
    // Hashing takes long: others may have the connection meanwhile.
    scope.db.release().await;
    let new_hash = app.passwords.hash(new).await?;
    let now = app.clock.now();
    let (signed_in, ended) = scope
        .transaction(async |conn| {
            if old_hash.is_none() {
                // The account comes before its sessions.
                store::lock_user(conn, viewer.user_id).await?.ok_or_else(AppError::unauthenticated)?;
                sessions::require_recent(scope, conn).await?;
            }
            let user = store::update_password(conn, viewer.user_id, old_hash.as_deref(), &new_hash, now).await?;
            scope.note_changed(viewer.user_id);
            // None: another request changed it meanwhile, so the current one is not current any more.
            let user = user.ok_or_else(wrong)?;
            let ended = sessions::end(scope, conn, viewer.user_id, SessionSelection::All, SessionEnd::Revoked).await?;
            store::profiles::clear_all_pending(conn, viewer.user_id).await?;
            let tokens = sessions::open(scope, conn, viewer.user_id, None, device.clone()).await?;
            // None: suspended meanwhile.
            let tokens = tokens.ok_or_else(AppError::unauthenticated)?;
            Ok::<_, AppError>((SignedIn { tokens, user }, ended))
        })
        .await?;
    sessions::announce(scope, &ended, SessionEnd::Revoked);
    Ok(signed_in)
}

/// The hash of the viewer's password, if they have one, and the device of their session.
async fn find_current(scope: &Scope, conn: &AsyncPgConnection, viewer: Viewer) -> AppResult<(Option<String>, Device)> {
    let found = store::profiles::find_details(conn, viewer.user_id).await?;
    let ids = [viewer.session_id];
    let sessions = store::sessions::list_sessions_by_ids(conn, viewer.user_id, &ids, scope.app.clock.now());
    let session = sessions.await?.pop().ok_or_else(AppError::unauthenticated)?;
    let device = Device { platform: session.platform, name: session.device_name };
    Ok((found.ok_or_else(AppError::unauthenticated)?.0.password_hash, device))
}

/// Counts a try at the viewer's current password and compares it; only wrong ones stay counted.
async fn check_current(scope: &Scope, user: UserId, hash: Option<String>, current: String) -> AppResult<()> {
    let app = &scope.app;
    let buckets = policy::password_change_buckets(&app.config.rates, scope.requester(), user);
    rate_limit::consume(&*scope.db.read().await?, &buckets, app.clock.now()).await?;
    // Hashing takes long: others may have the connection meanwhile.
    scope.db.release().await;
    if !app.passwords.verify(current, hash).await? {
        return Err(AccountError::CurrentPasswordWrong.at("input.currentPassword").into());
    }
    rate_limit::refund(&*scope.db.read().await?, &buckets).await
}

/// Sets a new password by a code that was sent to a contact of the account's, and ends all its sessions.
///
/// # Errors
/// `WEAK_PASSWORD`, `CODE_INVALID` (for an unknown account as well), `CODE_EXPIRED`; overloaded when too many passwords
/// are being hashed.
pub async fn reset_password(scope: &Scope, contact: Contact, code: &str, new: String) -> AppResult<()> {
    policy::check_password(&new).map_err(|error| error.at("input.newPassword"))?;
    let name = AccountName::Contact(contact.clone());
    let said = CodeAttempt { contact, purpose: CodePurpose::ResetPassword, code, path: "input.code" };
    let proof = codes::check_code(scope, said).await?;
    // Hashing takes long: others may have the connection meanwhile.
    scope.db.release().await;
    let hash = scope.app.passwords.hash(new).await?;
    let ended = scope
        .transaction(async |conn| {
            codes::use_up(conn, std::slice::from_ref(&proof)).await?;
            let found = store::find_login(conn, &name).await?;
            let (user, _) = found.ok_or_else(|| AccountError::CodeWrong.at("input.code"))?;
            set_password(scope, conn, user.id, hash.clone()).await
        })
        .await?;
    sessions::announce(scope, &ended, SessionEnd::Revoked);
    Ok(())
}

/// Sets a user's password and ends all their sessions, within the caller's transaction. A contact that waited goes as
/// well: a thief of the session may have put it there, and have its code or link.
pub(super) async fn set_password(
    scope: &Scope,
    conn: &AsyncPgConnection,
    user: UserId,
    hash: String,
) -> AppResult<Vec<SessionId>> {
    let changes =
        UserChanges { password_hash: Some(hash), updated_at: Some(scope.app.clock.now()), ..UserChanges::default() };
    store::update_user(conn, user, &changes).await?;
    scope.note_changed(user);
    store::profiles::clear_all_pending(conn, user).await?;
    sessions::end(scope, conn, user, SessionSelection::All, SessionEnd::Revoked).await
}
