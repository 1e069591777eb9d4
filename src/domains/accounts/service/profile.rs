//! What people say of themselves.

use std::mem;

use diesel_async::AsyncPgConnection;

use super::{ProfileFollower, codes, contacts, reindex, sessions, taken};
use crate::contact::Contact;
use crate::domains::accounts::model::{ContactFlags, ProfileChanges, UpdateProfile, User, UserChanges};
use crate::domains::accounts::{policy, store};
use crate::domains::media::model::UploadedFile;
use crate::domains::nearby::model::PositionChange;
use crate::domains::{media, nearby};
use crate::error::{AppError, AppResult};
use crate::scope::Scope;
use crate::validation::Patch;

/// Changes what the viewer says of themselves. A new contact waits to be verified, and is sent a code.
///
/// # Errors
/// `REQUIRED`, `INVALID_INPUT`, `TOO_LONG`, `OUT_OF_RANGE`, `USERNAME_TAKEN`, `CONFLICT` for showing a position that is not
/// there, and `REAUTHENTICATION_REQUIRED` for contacts.
pub async fn update_profile(scope: &Scope, mut update: UpdateProfile, follow: ProfileFollower) -> AppResult<User> {
    let viewer = scope.viewer()?.user_id;
    let now = scope.app.clock.now();
    let (email, phone) = (mem::take(&mut update.email), mem::take(&mut update.phone));
    let (mut user, profile, position) =
        policy::profile::validate_update(update, now.date_naive()).map_err(AppError::User)?;
    user.updated_at = Some(now);
    if let Some(Some(avatar)) = user.avatar_id {
        media::service::check_picture(scope, &[viewer], avatar, "input.avatarId").await?;
    }
    let further = FurtherUpdate { email, phone, position };
    let shows_presence = profile.presence_visibility;
    let (user, waiting) = scope
        .transaction(async |conn| {
            let (changed, done, waiting) =
                apply_update(scope, conn, user.clone(), profile.clone(), further.clone()).await?;
            follow(scope, conn, &done, &changed).await?;
            Ok::<_, AppError>((changed, waiting))
        })
        .await?;
    if shows_presence.is_some() {
        scope.app.events.presence.tell_setting(viewer);
    }
    scope.app.mailer.wake();
    codes::send_unasked(scope, &waiting).await;
    Ok(user)
}

/// Contacts and position as an update has them.
#[derive(Clone)]
struct FurtherUpdate {
    email: Patch<String>,
    phone: Patch<String>,
    position: PositionChange,
}

/// Writes an update, within the caller's transaction, and returns the changes, and the contacts that wait from now on, as well.
async fn apply_update(
    scope: &Scope,
    conn: &AsyncPgConnection,
    mut user: UserChanges,
    mut profile: ProfileChanges,
    further: FurtherUpdate,
) -> AppResult<(User, UserChanges, Vec<Contact>)> {
    let viewer = scope.viewer()?.user_id;
    // The lock comes first: a new password, which ends the session, comes before all of this or after it.
    let held = store::profiles::lock_details(conn, viewer).await?;
    let (before, access, current) = held.ok_or_else(AppError::unauthenticated)?;
    profile.verification = policy::profile::reverify(&current, profile.id_card.as_ref());
    let clears = ContactFlags {
        email: further.email == Patch::Clear && access.email.is_some(),
        phone: further.phone == Patch::Clear && access.phone.is_some(),
    };
    let own = Own { proven: access.email.clone().filter(|_| access.email_verified), pending: current.pending_email };
    profile.pending_email = own.next(further.email).into_change();
    let own = Own { proven: access.phone.clone().filter(|_| access.phone_verified), pending: current.pending_phone };
    profile.pending_phone = own.next(further.phone).into_change();
    if clears.any() || profile.pending_email.is_some() || profile.pending_phone.is_some() {
        sessions::require_recent(scope, conn).await?;
    }
    if clears.any() {
        policy::profile::check_way_in(&access, clears).map_err(|error| error.at(clears.path()))?;
        contacts::tell_removed(scope, conn, &before, &access, clears).await?;
    }
    if clears.email {
        (user.email, user.email_verified) = (Some(None), Some(false));
    }
    if clears.phone {
        (user.phone, user.phone_verified) = (Some(None), Some(false));
    }
    let changed = store::update_user(conn, viewer, &user).await.map_err(taken)?;
    let changed = changed.ok_or_else(AppError::unauthenticated)?;
    store::profiles::update_profile(conn, viewer, &profile).await?;
    nearby::service::change_position(conn, viewer, &further.position, scope.app.clock.now()).await?;
    scope.note_changed(viewer);
    reindex(conn, &user, &changed).await?;
    let email = profile.pending_email.flatten().map(Contact::Email);
    let phone = profile.pending_phone.flatten().map(Contact::Phone);
    Ok((changed, user.without_same(&before), email.into_iter().chain(phone).collect()))
}

/// Makes a picture that was sent the viewer's avatar, and one of their files.
///
/// # Errors
/// As [`media::service::upload_files`], and `FILE_TYPE_NOT_ALLOWED` for what is no picture.
pub async fn upload_avatar(scope: &Scope, sent: UploadedFile, follow: ProfileFollower) -> AppResult<User> {
    let viewer = scope.viewer()?.user_id;
    let staged = media::service::stage_picture(scope, sent).await?;
    let now = scope.app.clock.now();
    let changed = scope
        .transaction(async |conn| {
            store::lock_user(conn, viewer).await?.ok_or_else(AppError::unauthenticated)?;
            let picture = media::service::add_file(scope, conn, &staged).await?;
            let changes =
                UserChanges { avatar_id: Some(Some(picture.file.id)), updated_at: Some(now), ..UserChanges::default() };
            scope.note_changed(viewer);
            let user = store::update_user(conn, viewer, &changes).await?.ok_or_else(AppError::unauthenticated)?;
            follow(scope, conn, &changes, &user).await?;
            Ok(user)
        })
        .await;
    if changed.is_err() {
        media::service::discard_staged(scope, &[staged]).await;
    }
    changed
}

/// A contact of an account's, and the one that is to take its place.
struct Own {
    proven: Option<String>,
    pending: Option<String>,
}

impl Own {
    /// What waits to be verified from now on, if that changes: the proven one needs no code, and one that waits already
    /// gets no other.
    fn next(self, wanted: Patch<String>) -> Patch<String> {
        let wanted = match wanted {
            Patch::Set(wanted) if self.proven.as_ref() == Some(&wanted) => Patch::Clear,
            wanted => wanted,
        };
        match &wanted {
            Patch::Set(next) if self.pending.as_ref() == Some(next) => Patch::Keep,
            Patch::Clear if self.pending.is_none() => Patch::Keep,
            _ => wanted,
        }
    }
}
