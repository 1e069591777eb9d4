//! Making, changing, giving away and dissolving groups.

use chrono::TimeDelta;
use diesel_async::AsyncPgConnection;

use super::{HeldGroup, gone, lock_group, record, record_changed, record_member, tell_answered};
use crate::domains::accounts::service::lock_person_shared;
use crate::domains::chat::membership::{self, History, MembershipEdit};
use crate::domains::chat::model::{SystemChange, SystemNote};
use crate::domains::groups::model::{
    CreateGroup, Group, GroupAction, GroupMember, GroupRole, MembershipChange, NewGroup, UpdateGroup,
};
use crate::domains::groups::service::invitees::{check_invited, lock_invited};
use crate::domains::groups::{policy, store};
use crate::domains::media;
use crate::domains::merchants;
use crate::domains::search;
use crate::domains::search::model::SearchKind;
use crate::error::{AppError, AppResult};
use crate::events::EventKind;
use crate::ids::{GroupId, MediaId, UserId};
use crate::rate_limit;
use crate::scope::Scope;
use crate::validation::Patch;

/// Makes a group of the viewer's, with friends of theirs in it from the start: all or none.
///
/// # Errors
/// What is wrong with the input; `NOT_FOUND` and `FILE_TYPE_NOT_ALLOWED` for what is no picture of theirs; `SELF_TARGET`,
/// `NOT_FRIENDS` or `FORBIDDEN` at each member who can't be added; `NOT_FOUND` or `FORBIDDEN` for a merchant that is not the
/// viewer's; `RATE_LIMITED`.
pub async fn create(scope: &Scope, draft: CreateGroup) -> AppResult<Group> {
    let viewer = scope.viewer()?.user_id;
    policy::validate_create(&draft).map_err(AppError::User)?;
    if let Some(avatar) = draft.avatar {
        media::service::check_picture(scope, &[viewer], avatar, "input.avatarId").await?;
    }
    let now = scope.app.clock.now();
    let buckets =
        rate_limit::viewer_buckets(scope.requester(), "groups", scope.app.config.rates.creations, TimeDelta::hours(1))?;
    let CreateGroup { name, intro, avatar, merchant, settings, members, coordinates } = draft;
    let (name, intro) = (name.trim().to_owned(), intro.trim().to_owned());
    scope
        .transaction(async |conn| {
            let viewer = lock_invited(scope, conn, &members).await?;
            let (_, errors) = check_invited(conn, viewer, &members, "input.memberIds").await?;
            if !errors.is_empty() {
                return Err(AppError::User(errors));
            }
            if let Some(merchant) = merchant {
                merchants::service::lock_owned(conn, merchant, viewer, "input.merchantId").await?;
            }
            rate_limit::consume(conn, &buckets, now).await?;
            let conversation = membership::create_group(conn, &name, settings.mute_all, now).await?;
            let new = NewGroup {
                id: conversation.group(),
                name: name.clone(),
                intro: intro.clone(),
                avatar_id: avatar,
                owner_id: viewer,
                member_count: i32::try_from(members.len()).unwrap_or(i32::MAX).saturating_add(1),
                merchant_id: merchant,
                settings,
                created_at: now,
                updated_at: now,
            };
            let group = store::insert_group(conn, &new).await.map_err(gone)?;
            if let Some(place) = coordinates {
                store::positions::upsert_position(conn, group.id, place.cell()).await?;
            }
            store::members::insert_members(conn, group.id, &[viewer], GroupRole::Owner, now).await?;
            store::members::insert_members(conn, group.id, &members, GroupRole::General, now).await?;
            let users: Vec<UserId> = std::iter::once(viewer).chain(members.iter().copied()).collect();
            let edit = MembershipEdit { conversation, actor: Some(viewer) };
            membership::open_many(scope, conn, edit, &users, History::Shown).await?;
            membership::set_staff(conn, conversation, viewer, true).await?;
            search::service::index(conn, &group).await?;
            Ok(group)
        })
        .await
}

/// Changes what a group is, and how it is run.
///
/// # Errors
/// What is wrong with the input; `NOT_FOUND`, also for what is no picture of the viewer's; `NOT_MEMBER`, `FORBIDDEN`.
pub async fn update(scope: &Scope, id: GroupId, update: UpdateGroup) -> AppResult<Group> {
    let viewer = scope.viewer()?.user_id;
    let (mut changes, cell) = policy::validate_update(update).map_err(AppError::User)?;
    if let Some(Some(avatar)) = changes.avatar_id {
        check_avatar(scope, id, avatar, viewer).await?;
    }
    changes.updated_at = Some(scope.app.clock.now());
    scope
        .transaction(async |conn| {
            lock_group(scope, conn, id, "id").await?.allow(GroupAction::Edit, "id")?;
            let group = store::update_group(conn, id, &changes).await.map_err(gone)?;
            match cell {
                Patch::Keep => {}
                Patch::Clear => store::positions::delete_position(conn, id).await?,
                Patch::Set(cell) => store::positions::upsert_position(conn, id, cell).await?,
            }
            record_changed(scope, conn, id).await?;
            if changes.name.is_some() || changes.mute_all.is_some() {
                membership::update_group(conn, id.conversation(), &group.name, group.settings.mute_all).await?;
            }
            if changes.name.is_some() || changes.intro.is_some() {
                search::service::index(conn, &group).await?;
            }
            Ok(group)
        })
        .await
}

/// Whether a group can have a picture: one of the viewer's, or the one that it has, which another manager may have given it.
async fn check_avatar(scope: &Scope, id: GroupId, avatar: MediaId, viewer: UserId) -> AppResult<()> {
    let checked = media::service::check_picture(scope, &[viewer], avatar, "input.avatarId").await;
    let Err(error @ AppError::User(_)) = checked else { return checked };
    let group = store::list_by_ids(&*scope.db.read().await?, &[id]).await?.pop();
    if group.is_some_and(|group| group.avatar_id == Some(avatar)) { Ok(()) } else { Err(error) }
}

/// Gives a group of the viewer's to another member; the viewer stays as a general member.
///
/// # Errors
/// `NOT_FOUND`, `NOT_MEMBER`, at `toUserId` for a user who is none; `FORBIDDEN`, `SELF_TARGET`.
pub async fn transfer(scope: &Scope, id: GroupId, to: UserId) -> AppResult<Group> {
    scope
        .transaction(async |conn| {
            // Accounts are held before groups; a user who left is no member.
            lock_person_shared(conn, to).await?;
            let held = lock_group(scope, conn, id, "groupId").await?;
            let own = held.allow(GroupAction::Transfer, "groupId")?.clone();
            let other = held.find_other(conn, to, "toUserId").await?;
            store::members::update_role(conn, own.id, GroupRole::General).await?;
            membership::set_staff(conn, id.conversation(), own.user_id, false).await?;
            record_member(scope, conn, &own, held.viewer, MembershipChange::RoleChanged).await?;
            crown(scope, conn, &other, held.viewer).await
        })
        .await
}

/// Makes a member the owner of a group that is held and has none at the moment. A mute of theirs ends: no member could lift it.
pub(super) async fn crown(
    scope: &Scope,
    conn: &AsyncPgConnection,
    member: &GroupMember,
    actor: UserId,
) -> AppResult<Group> {
    let (id, user) = (member.group_id, member.user_id);
    store::members::update_role(conn, member.id, GroupRole::Owner).await?;
    let group = store::update_owner(conn, id, user, scope.app.clock.now()).await?;
    record_member(scope, conn, member, actor, MembershipChange::RoleChanged).await?;
    membership::set_owner(conn, id.conversation(), user).await?;
    record_changed(scope, conn, id).await?;
    // All members may know who runs the group.
    let note = SystemNote::new(SystemChange::BecameOwner, &[user], false);
    membership::tell(scope, conn, id.conversation(), actor, note).await?;
    Ok(group)
}

/// Dissolves a group of the viewer's. Its members keep what they have seen.
///
/// # Errors
/// `NOT_FOUND`, `NOT_MEMBER`, `FORBIDDEN`.
pub async fn dissolve(scope: &Scope, id: GroupId) -> AppResult<()> {
    scope
        .transaction(async |conn| {
            let held = lock_group(scope, conn, id, "groupId").await?;
            held.allow(GroupAction::Dissolve, "groupId")?;
            end(scope, conn, &held).await
        })
        .await
}

/// Ends a group that is held.
pub(super) async fn end(scope: &Scope, conn: &AsyncPgConnection, held: &HeldGroup) -> AppResult<()> {
    let (id, now) = (held.group.id, scope.app.clock.now());
    let users = store::members::delete_all(conn, id).await?;
    let denied = store::requests::deny_all(conn, id, now).await?;
    store::dissolve_group(conn, id, now).await?;
    record(scope, conn, id, EventKind::GroupDissolved, |event| event).await?;
    tell_answered(scope, conn, &denied).await?;
    membership::close_many(scope, conn, held.edit(), &users).await?;
    search::service::forget(conn, SearchKind::Group, &[id.0]).await
}
