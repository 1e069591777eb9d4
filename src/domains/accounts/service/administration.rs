//! What administrators do with accounts.

use chrono::{DateTime, Utc};

use super::{ProfileFollower, contacts, passwords, reindex, require_role, sessions, taken};
use crate::domains::accounts::model::{
    AccountError, AdminUpdateUser, ContactFlags, Role, SessionEnd, User, UserSearch,
};
use crate::domains::accounts::policy::access;
use crate::domains::accounts::store::sessions::SessionSelection;
use crate::domains::accounts::{policy, store};
use crate::domains::media;
use crate::error::{AppError, AppResult};
use crate::events::model::NewEvent;
use crate::events::{EventKind, Topic};
use crate::ids::UserId;
use crate::page::{Page, PageRequest};
use crate::scope::Scope;
use crate::text;

/// A page of people who have not left.
///
/// # Errors
/// Forbidden but to administrators; bad input for a query with U+0000.
pub async fn list_people(scope: &Scope, wanted: &UserSearch, page: &PageRequest<UserId>) -> AppResult<Page<User>> {
    require_role(scope, Role::Admin).await?;
    if wanted.query.as_deref().is_some_and(|query| !text::is_storable(query)) {
        return Err(AppError::bad_input("A text can't hold the character U+0000."));
    }
    let conn = scope.db.read().await?;
    let rows = store::profiles::list_people(&conn, wanted, page, scope.app.clock.now()).await?;
    Ok(page.page(rows, |user| user.id))
}

/// How many people there are, up to a bound; asked only by who was given a page of them.
///
/// # Errors
/// When the database fails.
pub async fn count_people(scope: &Scope, wanted: &UserSearch, bound: i64) -> AppResult<i64> {
    let conn = scope.db.read_long().await?;
    Ok(store::profiles::count_people(&conn, wanted, bound, scope.app.clock.now()).await?)
}

/// Changes an account. A new password ends its sessions; contacts are taken as they are.
///
/// # Errors
/// Forbidden but to administrators; `REAUTHENTICATION_REQUIRED` for password, contacts and role; `NOT_FOUND`, `SELF_TARGET` for
/// the administrator's own role, `CONFLICT` for another ID card than expected, `USERNAME_TAKEN`, `EMAIL_TAKEN`, `PHONE_TAKEN`,
/// and what is wrong with the input.
pub async fn update(scope: &Scope, id: UserId, update: AdminUpdateUser, follow: ProfileFollower) -> AppResult<User> {
    let viewer = require_role(scope, Role::Admin).await?.user_id;
    let (mut user, profile) = policy::profile::validate_admin_update(&update).map_err(AppError::User)?;
    if user.role.is_some() {
        access::check_other(viewer, id).map_err(|error| error.at("input.role"))?;
    }
    if !update.new_password.is_keep() || user.email.is_some() || user.phone.is_some() || user.role.is_some() {
        sessions::require_recent(scope, &*scope.db.read().await?).await?;
    }
    if let Some(Some(avatar)) = user.avatar_id {
        media::service::check_picture(scope, &[id, viewer], avatar, "input.avatarId").await?;
    }
    let expected = update.expected_id_card;
    let hash = match update.new_password.into_value() {
        None => None,
        Some(password) => {
            // Hashing takes long: others may have the connection meanwhile.
            scope.db.release().await;
            Some(scope.app.passwords.hash(password).await?)
        }
    };
    user.updated_at = Some(scope.app.clock.now());
    let (user, ended) = scope
        .transaction(async |conn| {
            let missing = || AppError::from(AccountError::NoSuchUser.at("id"));
            let held = store::profiles::lock_details(conn, id).await?.ok_or_else(missing)?;
            let checked = policy::profile::check_id_card(&held.2, &expected);
            checked.map_err(|error| error.at("input.expectedIdCard"))?;
            let (before, access, _) = held;
            let clears = ContactFlags { email: user.email == Some(None), phone: user.phone == Some(None) };
            if hash.is_none() && clears.any() {
                policy::profile::check_way_in(&access, clears).map_err(|error| error.at(clears.path()))?;
            }
            let goes =
                |wanted: &Option<Option<String>>, own: &Option<String>| wanted.as_ref().is_some_and(|next| next != own);
            let removed =
                ContactFlags { email: goes(&user.email, &access.email), phone: goes(&user.phone, &access.phone) };
            contacts::tell_removed(scope, conn, &before, &access, removed).await?;
            let changed = store::update_user(conn, id, &user).await.map_err(taken)?.ok_or_else(missing)?;
            store::profiles::update_profile(conn, id, &profile).await?;
            scope.note_changed(id);
            follow(scope, conn, &user.clone().without_same(&before), &changed).await?;
            reindex(conn, &user, &changed).await?;
            if user.role.is_some() {
                let event = NewEvent { user_id: Some(id), ..NewEvent::new(EventKind::TopicsChanged, Topic::user(id)) };
                scope.record(conn, &[event]).await?;
            }
            let ended = match &hash {
                Some(hash) => passwords::set_password(scope, conn, id, hash.clone()).await?,
                None => Vec::new(),
            };
            Ok::<_, AppError>((changed, ended))
        })
        .await?;
    sessions::announce(scope, &ended, SessionEnd::Revoked);
    scope.app.mailer.wake();
    Ok(user)
}

/// Suspends an account, until a time or until it is lifted: their sessions end, and they can't sign in.
///
/// # Errors
/// Forbidden but to administrators; `NOT_FOUND`, `SELF_TARGET`, `OUT_OF_RANGE`, `TOO_LONG`.
pub async fn suspend(scope: &Scope, id: UserId, until: Option<DateTime<Utc>>, reason: Option<&str>) -> AppResult<User> {
    let viewer = require_role(scope, Role::Admin).await?.user_id;
    access::check_other(viewer, id).map_err(|error| error.at("id"))?;
    let now = scope.app.clock.now();
    if until.is_some_and(|until| until <= now) {
        return Err(AccountError::UntilPassed.at("until").into());
    }
    let reason = reason.map(str::trim).filter(|reason| !reason.chars().all(text::is_blank));
    policy::profile::check_note(reason.unwrap_or_default()).map_err(|error| error.at("reason"))?;
    let (user, ended) = scope
        .transaction(async |conn| {
            let user = store::update_suspension(conn, id, Some((until, reason)), now).await?;
            let user = user.ok_or_else(|| AccountError::NoSuchUser.at("id"))?;
            let ended = sessions::end(scope, conn, id, SessionSelection::All, SessionEnd::Suspended).await?;
            Ok::<_, AppError>((user, ended))
        })
        .await?;
    sessions::announce(scope, &ended, SessionEnd::Suspended);
    Ok(user)
}

/// Lifts a suspension; who is not suspended stays so.
///
/// # Errors
/// Forbidden but to administrators; `NOT_FOUND`.
pub async fn unsuspend(scope: &Scope, id: UserId) -> AppResult<User> {
    require_role(scope, Role::Admin).await?;
    let conn = scope.db.write().await?;
    let user = store::update_suspension(&conn, id, None, scope.app.clock.now()).await?;
    user.ok_or_else(|| AccountError::NoSuchUser.at("id").into())
}
