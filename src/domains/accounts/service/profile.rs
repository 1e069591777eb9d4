//! What people say of themselves.

use diesel_async::AsyncConnection;

use super::{codes, reindex, taken};
use crate::change::Change;
use crate::contact::Contact;
use crate::domains::accounts::model::{ProfileUpdate, User, UserChanges};
use crate::domains::accounts::{policy, store};
use crate::domains::media;
use crate::domains::media::model::Sent;
use crate::error::{AppError, AppResult};
use crate::scope::Scope;

/// Changes what the viewer says of themselves. A new contact waits to be verified, and is sent a code.
///
/// # Errors
/// `REQUIRED`, `INVALID_INPUT`, `TOO_LONG`, `OUT_OF_RANGE`, `USERNAME_TAKEN`.
pub async fn update_profile(scope: &Scope, mut update: ProfileUpdate) -> AppResult<User> {
    let viewer = scope.viewer()?.user_id;
    let now = scope.app.clock.now();
    let details = store::profiles::find_details(&*scope.db.read().await?, viewer).await?;
    let details = details.ok_or_else(AppError::unauthenticated)?;
    let (email, phone) = (update.email.take(), update.phone.take());
    let clears = (email == Some(None), phone == Some(None));
    let judged = policy::profile::judge_update(update, &details.1, now.date_naive());
    let (mut user, mut profile) = judged.map_err(AppError::User)?;
    user.updated_at = Some(now);
    if let Some(Some(avatar)) = user.avatar_id {
        media::service::check_picture(scope, &[viewer], avatar, "input.avatarId").await?;
    }
    let mut pending = Vec::new();
    let own = Own { proven: details.0.email.filter(|_| details.0.email_verified), pending: details.1.pending_email };
    if let Some(next) = own.changed(email) {
        pending.extend(next.clone().map(Contact::Email));
        profile.pending_email = Some(next);
    }
    let own = Own { proven: details.0.phone.filter(|_| details.0.phone_verified), pending: details.1.pending_phone };
    if let Some(next) = own.changed(phone) {
        pending.extend(next.clone().map(Contact::Phone));
        profile.pending_phone = Some(next);
    }
    if clears.0 {
        (user.email, user.email_verified) = (Some(None), Some(false));
    }
    if clears.1 {
        (user.phone, user.phone_verified) = (Some(None), Some(false));
    }
    let mut conn = scope.db.write().await?;
    let user = conn
        .transaction(async |conn| {
            if clears.0 || clears.1 {
                let locked = store::lock_user(conn, viewer).await?.ok_or_else(AppError::unauthenticated)?;
                let path = if clears.0 { "input.email" } else { "input.phone" };
                policy::profile::check_way_in(&locked.1, clears.0, clears.1).map_err(|error| error.at(path))?;
            }
            let changed = store::update_user(conn, viewer, &user).await.map_err(taken)?;
            let changed = changed.ok_or_else(AppError::unauthenticated)?;
            store::profiles::update_profile(conn, viewer, &profile).await?;
            reindex(conn, &user, &changed).await?;
            Ok::<_, AppError>(changed)
        })
        .await?;
    drop(conn);
    codes::send_unasked(scope, &pending).await;
    Ok(user)
}

/// Makes a picture that was sent the viewer's avatar, and one of their files.
///
/// # Errors
/// As [`media::service::upload_files`], and `FILE_TYPE_NOT_ALLOWED` for what is no picture.
pub async fn upload_avatar(scope: &Scope, sent: Sent) -> AppResult<User> {
    let viewer = scope.viewer()?.user_id;
    let kept = media::service::keep_picture(scope, sent).await?;
    let now = scope.app.clock.now();
    let mut conn = scope.db.write().await?;
    let changed = conn
        .transaction(async |conn| {
            store::lock_user(conn, viewer).await?.ok_or_else(AppError::unauthenticated)?;
            let picture = media::service::add(scope, conn, &kept).await?;
            let changes =
                UserChanges { avatar_id: Some(Some(picture.file.id)), updated_at: Some(now), ..UserChanges::default() };
            store::update_user(conn, viewer, &changes).await?.ok_or_else(AppError::unauthenticated)
        })
        .await;
    drop(conn);
    if changed.is_err() {
        media::service::abandon(scope, &[kept]).await;
    }
    changed
}

/// A contact of somebody's, and the one that is to take its place.
struct Own {
    proven: Option<String>,
    pending: Option<String>,
}

impl Own {
    /// What waits to be verified from now on, if that changes: the proven one needs no code, and one that waits already
    /// gets no other.
    fn changed(self, change: Change<String>) -> Change<String> {
        let wanted = change?.filter(|wanted| self.proven.as_ref() != Some(wanted));
        (wanted != self.pending).then_some(wanted)
    }
}
