//! Use cases of accounts: registering and passwords here, sign-ins in [`sessions`].

pub mod sessions;

use std::collections::HashMap;
use std::sync::Arc;

use diesel_async::{AsyncConnection, AsyncPgConnection};

use super::model::{AccountError, NewUser, Registration, Role, SignedIn, User};
use super::{policy, store};
use crate::app::App;
use crate::db::violated_constraint;
use crate::error::{AppError, AppResult, UserError};
use crate::events::outbox;
use crate::ids::UserId;
use crate::rates;
use crate::scope::Scope;

pub use sessions::{login, logout, refresh_session};

/// Makes an account and signs it in. All that is wrong with the input is told at once.
///
/// # Errors
/// User errors of the input, `USERNAME_TAKEN`, `RATE_LIMITED`; overloaded when too many passwords are being hashed.
pub async fn register(scope: &Scope, registration: Registration) -> AppResult<SignedIn> {
    let username = check_registration(&registration).map_err(AppError::User)?;
    let app = &scope.app;
    let buckets = policy::registration_buckets(&app.config.rates, &scope.requester);
    if !buckets.is_empty() {
        rates::spend(&*scope.db.read().await?, &buckets, app.clock.now()).await?;
        scope.db.release().await;
    }
    let nickname = registration.nickname.as_deref().unwrap_or(&username).trim().to_owned();
    let hash = app.passwords.hash(registration.password).await?;
    let now = app.clock.now();
    let user = NewUser {
        username_key: policy::username_key(&username),
        username,
        nickname,
        password_hash: Some(hash),
        created_at: now,
    };
    let mut conn = scope.db.write().await?;
    conn.transaction(async |conn| {
        let user = store::insert_user(conn, user).await.map_err(name_taken)?;
        let tokens = sessions::open(scope, conn, user.id, registration.device).await?;
        Ok(SignedIn { tokens, user })
    })
    .await
}

/// The username, when the whole registration is acceptable.
fn check_registration(registration: &Registration) -> Result<String, Vec<UserError>> {
    let mut errors = Vec::new();
    let mut check = |result: Result<(), AccountError>, path: &str| {
        if let Err(error) = result {
            errors.push(error.at(path));
        }
    };
    let username = registration.username.clone().unwrap_or_default();
    match registration.username.as_deref() {
        None => check(Err(AccountError::UsernameMissing), "input.username"),
        Some(username) => check(policy::check_username(username), "input.username"),
    }
    check(policy::check_password(&registration.password), "input.password");
    if let Some(nickname) = &registration.nickname {
        check(policy::check_nickname(nickname), "input.nickname");
    }
    check(policy::check_device_name(registration.device.name.as_deref()), "input.deviceName");
    if errors.is_empty() { Ok(username) } else { Err(errors) }
}

fn name_taken(error: diesel::result::Error) -> AppError {
    match violated_constraint(&error) {
        Some("users_username_key") => AccountError::UsernameTaken.at("input.username").into(),
        _ => error.into(),
    }
}

/// Replaces the viewer's password, ends all their other sessions, and gives this one new tokens.
///
/// # Errors
/// `INVALID_CREDENTIALS`, `WEAK_PASSWORD`; overloaded when too many passwords are being hashed.
pub async fn change_password(scope: &Scope, current: Option<String>, new: String) -> AppResult<SignedIn> {
    let viewer = scope.viewer()?;
    policy::check_password(&new).map_err(|error| error.at("input.newPassword"))?;
    let app = &scope.app;
    let conn = scope.db.read().await?;
    let old_hash = store::find_password_hash(&conn, viewer.user_id).await?.flatten();
    // Hashing takes long, twice: others may have the connection meanwhile.
    drop(conn);
    scope.db.release().await;
    let wrong = || AppError::from(AccountError::CurrentPasswordWrong.at("input.currentPassword"));
    if old_hash.is_some() {
        let current = current.ok_or_else(wrong)?;
        if !app.passwords.verify(current, old_hash.clone()).await? {
            return Err(wrong());
        }
    }
    let new_hash = app.passwords.hash(new).await?;
    let now = app.clock.now();
    let mut conn = scope.db.write().await?;
    let signed_in = conn
        .transaction(async |conn| {
            let user = store::update_password(conn, viewer.user_id, (old_hash.as_deref(), &new_hash), now).await?;
            // Somebody else changed it while we were hashing: then the current one is not current any more.
            let user = user.ok_or_else(wrong)?;
            let ended =
                store::revoke_sessions(conn, viewer.user_id, store::Which::AllBut(viewer.session_id), now).await?;
            outbox::insert_session_revoked(conn, viewer.user_id, &ended).await?;
            store::delete_refresh_tokens(conn, viewer.session_id).await?;
            let tokens = sessions::give_tokens(scope, conn, viewer.user_id, viewer.session_id).await?;
            Ok::<_, AppError>(SignedIn { tokens, user })
        })
        .await?;
    app.events.nudge();
    Ok(signed_in)
}

/// Whether anybody has registered.
///
/// # Errors
/// When the database fails.
pub async fn any_user(app: &App) -> AppResult<bool> {
    let conn = app.database.get().await?;
    Ok(store::any_user(&conn).await?)
}

/// Gives somebody a role; for the operator's command.
///
/// # Errors
/// When there is nobody of this name.
pub async fn promote(app: &App, username: &str, role: Role) -> AppResult<()> {
    let conn = app.database.get().await?;
    if store::update_role(&conn, &policy::username_key(username), role).await? {
        Ok(())
    } else {
        Err(AppError::bad_input(format!("There is nobody called {username}.")))
    }
}

/// The id of somebody by name; for the operator's commands.
///
/// # Errors
/// When there is nobody of this name.
pub async fn get_user_id(app: &App, username: &str) -> AppResult<UserId> {
    let conn = app.database.get().await?;
    match store::find_login(&conn, &policy::username_key(username)).await? {
        Some((user, _)) => Ok(user.id),
        None => Err(AppError::bad_input(format!("There is nobody called {username}."))),
    }
}

/// Users by id, those who left included; no statement when nothing is asked.
///
/// # Errors
/// When the database fails.
pub async fn load_users(conn: &AsyncPgConnection, ids: &[UserId]) -> AppResult<HashMap<UserId, Arc<User>>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let users = store::list_users(conn, ids).await?;
    Ok(users.into_iter().map(|user| (user.id, Arc::new(user))).collect())
}

/// The user with this account number, if there is one.
///
/// # Errors
/// When the database fails.
pub async fn find_by_account_number(scope: &Scope, number: i32) -> AppResult<Option<User>> {
    let conn = scope.db.read().await?;
    Ok(store::find_user_by_account_number(&conn, number).await?)
}
