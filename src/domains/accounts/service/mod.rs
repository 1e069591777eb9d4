//! Use cases of accounts: finding people here; [`register`], [`sign_in`] and [`sessions`], [`passwords`],
//! [`codes`] and [`contacts`], the [`profile`], [`administration`] and [`erasure`] apart.

pub mod administration;
pub mod codes;
pub mod contacts;
pub mod erasure;
pub mod passwords;
pub mod profile;
pub mod register;
pub mod sessions;
pub mod sign_in;

use std::collections::HashMap;
use std::sync::Arc;

use diesel_async::AsyncPgConnection;
use futures_util::future::BoxFuture;

use super::model::{Access, AccountError, Person, Profile, Role, User, UserChanges};
use super::policy::{self, AccountName, access};
use super::store;
use crate::app::App;
use crate::auth::Viewer;
use crate::contact::Contact;
use crate::db::violated_constraint;
use crate::domains::media::model::MediaError;
use crate::domains::search;
use crate::error::{AppError, AppResult};
use crate::ids::UserId;
use crate::rate_limit;
use crate::scope::Scope;
use crate::validation::DomainError;

/// What follows where others show a person, once the person has changed, within the transaction that holds the account. It is an
/// argument, as accounts know nothing of those who do.
pub type ProfileFollower =
    for<'a> fn(&'a Scope, &'a AsyncPgConnection, &'a UserChanges, &'a User) -> BoxFuture<'a, AppResult<()>>;

/// Whether anybody has registered.
///
/// # Errors
/// When the database fails.
pub async fn any_user(app: &App) -> AppResult<bool> {
    let conn = app.database.get().await?;
    Ok(store::any_user(&conn).await?)
}

/// Gives an account a role; for the operator's command.
///
/// # Errors
/// When no account has this name.
pub async fn promote(app: &App, username: &str, role: Role) -> AppResult<()> {
    let conn = app.database.get().await?;
    if store::update_role(&conn, &policy::username_key(username), role).await? {
        Ok(())
    } else {
        Err(AppError::bad_input(format!("There is nobody called {username}.")))
    }
}

/// The id of an account by name; for the operator's commands.
///
/// # Errors
/// When no account has this name.
pub async fn get_user_id(app: &App, username: &str) -> AppResult<UserId> {
    let conn = app.database.get().await?;
    match store::find_login(&conn, &AccountName::Username(policy::username_key(username))).await? {
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

/// People as others may know them, those who left included, for what shows them; kept in memory until they change.
///
/// # Errors
/// When the database fails.
pub async fn load_people(scope: &Scope, ids: &[UserId]) -> AppResult<HashMap<UserId, Arc<Person>>> {
    let conn = scope.db.read().await?;
    let seen = &scope.app.seen_people;
    let before = seen.before_read();
    let rows = store::profiles::list_public(&conn, ids).await?;
    let people = rows.into_iter().map(|(user, profile)| {
        let id = user.id;
        let person = Arc::new(Person { user: Arc::new(user), profile: Arc::new(profile) });
        seen.keep(before, id, Arc::clone(&person));
        (id, person)
    });
    Ok(people.collect())
}

/// What people say of themselves, and how they sign in, by id. Whether the asker may see it is asked before.
///
/// # Errors
/// When the database fails.
pub async fn load_details(
    conn: &AsyncPgConnection,
    ids: &[UserId],
) -> AppResult<HashMap<UserId, Arc<(Access, Profile)>>> {
    let details = store::profiles::list_details(conn, ids).await?;
    Ok(details.into_iter().map(|(id, access, profile)| (id, Arc::new((access, profile)))).collect())
}

/// The user with this account number, if there is one.
///
/// # Errors
/// When the database fails.
pub async fn find_by_account_number(scope: &Scope, number: i32) -> AppResult<Option<User>> {
    let conn = scope.db.read().await?;
    Ok(store::find_user_by_account_number(&conn, number).await?)
}

/// Holds the viewer's account against their leaving, within a transaction, before anything else is held: what the
/// transaction creates is there before they leave, or not at all.
///
/// # Errors
/// Unauthenticated when they left.
pub async fn lock_viewer_shared(scope: &Scope, conn: &AsyncPgConnection) -> AppResult<UserId> {
    let viewer = scope.viewer()?.user_id;
    if store::lock_user_shared(conn, viewer).await? { Ok(viewer) } else { Err(AppError::unauthenticated()) }
}

/// As [`lock_viewer_shared`], against all others that hold the viewer's account: what they count of the viewer's stays as it is
/// until the end.
///
/// # Errors
/// Unauthenticated when they left.
pub async fn lock_viewer_exclusive(scope: &Scope, conn: &AsyncPgConnection) -> AppResult<UserId> {
    let viewer = scope.viewer()?.user_id;
    if store::lock_user_exclusive(conn, viewer).await? { Ok(viewer) } else { Err(AppError::unauthenticated()) }
}

/// The nicknames of some users, which stay as they are until the caller's transaction ends.
///
/// # Errors
/// When the database fails.
pub async fn lock_nicknames(conn: &AsyncPgConnection, ids: &[UserId]) -> AppResult<HashMap<UserId, String>> {
    Ok(store::lock_nicknames(conn, ids).await?.into_iter().collect())
}

/// Locks another user's account against deletion, within a transaction, as [`lock_viewer_shared`] does; false when there is no
/// such account.
///
/// # Errors
/// When the database fails.
pub async fn lock_person_shared(conn: &AsyncPgConnection, id: UserId) -> AppResult<bool> {
    Ok(store::lock_user_shared(conn, id).await?)
}

/// The account that has proven this contact; each look-up is counted.
///
/// # Errors
/// Unauthenticated without a token; `RATE_LIMITED` for too many in an hour, by the viewer or from their address.
pub async fn find_by_contact(scope: &Scope, contact: Contact) -> AppResult<Option<User>> {
    let viewer = scope.viewer()?.user_id;
    let conn = scope.db.read().await?;
    let buckets = policy::lookup_buckets(scope.requester(), viewer);
    rate_limit::consume(&conn, &buckets, scope.app.clock.now()).await.map_err(AppError::into_request)?;
    let is_email = matches!(contact, Contact::Email(_));
    let found = store::find_login(&conn, &AccountName::Contact(contact)).await?;
    let proven = found.filter(|(_, access)| if is_email { access.email_verified } else { access.phone_verified });
    Ok(proven.map(|(user, _)| user))
}

/// The viewer's role as it is now; a user's where they left.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn role_of_viewer(scope: &Scope) -> AppResult<Role> {
    let viewer = scope.viewer()?.user_id;
    role_of(&*scope.db.read().await?, viewer).await
}

/// An account's role as it is now; `USER` for a deleted one.
///
/// # Errors
/// When the database fails.
pub async fn role_of(conn: &AsyncPgConnection, user: UserId) -> AppResult<Role> {
    let found = store::list_users(conn, &[user]).await?;
    Ok(found.first().filter(|user| user.deleted_at.is_none()).map_or(Role::User, |user| user.role))
}

/// Whether the viewer is an administrator.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn is_admin(scope: &Scope) -> AppResult<bool> {
    Ok(role_of_viewer(scope).await? == Role::Admin)
}

/// The viewer, if their role goes at least this far.
///
/// # Errors
/// Unauthenticated without a token, forbidden with a lesser role.
pub async fn require_role(scope: &Scope, needed: Role) -> AppResult<Viewer> {
    let viewer = scope.viewer()?;
    access::check_role(role_of_viewer(scope).await?, needed)?;
    Ok(viewer)
}

/// Writes the search entry of a user whose names were changed.
async fn reindex(conn: &AsyncPgConnection, changes: &UserChanges, user: &User) -> AppResult<()> {
    if changes.username.is_none() && changes.nickname.is_none() {
        return Ok(());
    }
    search::service::index(conn, user).await
}

/// What a constraint of the users table says, at an input's fields.
fn taken(error: diesel::result::Error) -> AppError {
    match violated_constraint(&error) {
        Some("users_username_key") => AccountError::UsernameTaken.at("input.username").into(),
        Some("users_email_key") => AccountError::EmailTaken.at("input.email").into(),
        // It was there a moment ago.
        Some("users_avatar_id_fkey") => MediaError::NoSuchFile.at("input.avatarId").into(),
        Some("users_phone_key") => AccountError::PhoneTaken.at("input.phone").into(),
        _ => error.into(),
    }
}
