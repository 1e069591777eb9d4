//! Putting items up, changing them, and taking them out.

use chrono::TimeDelta;
use diesel_async::AsyncPgConnection;

use crate::db::violated_constraint;
use crate::domains::accounts::model::Role;
use crate::domains::accounts::service::{lock_viewer_shared, require_role};
use crate::domains::items::model::{
    CreateItem, Item, ItemCard, ItemChanges, ItemError, ItemStatus, NewItem, UpdateItem,
};
use crate::domains::items::service::load_card;
use crate::domains::items::{policy, store};
use crate::domains::media::model::{AcceptedKinds, MediaError, UploadedFile};
use crate::domains::media::policy::IMAGES_LIMIT;
use crate::domains::search::model::SearchKind;
use crate::domains::{media, search};
use crate::error::{AppError, AppResult};
use crate::idempotency::{self, Key};
use crate::ids::{ItemId, MediaId, UserId};
use crate::rate_limit;
use crate::scope::Scope;
use crate::validation::DomainError;

/// Puts up an item of the viewer's.
///
/// # Errors
/// What is wrong with the input; `NOT_FOUND` and `FILE_TYPE_NOT_ALLOWED` for a picture that is none of theirs; `RATE_LIMITED`;
/// those of a key.
pub async fn create(scope: &Scope, draft: CreateItem, key: Option<String>) -> AppResult<ItemCard> {
    let viewer = scope.viewer()?.user_id;
    let key = Key::new(viewer, "createItem", key, &draft)?;
    let reload = async |id| load_card(scope, &*scope.db.read().await?, ItemId(id)).await;
    if let Some(done) = idempotency::find_replayed(&scope.db, key.as_ref(), reload).await? {
        return Ok(done);
    }
    let condition = policy::validate_create(&draft).map_err(AppError::User)?;
    media::service::check_pictures(scope, viewer, &draft.images, "input.imageIds").await?;
    let now = scope.app.clock.now();
    // The condition is in the form in which it is stored.
    let CreateItem { title, category, price, condition: _, note, direction, images } = draft;
    let title = title.trim().to_owned();
    let item = NewItem {
        owner_id: viewer,
        title,
        category,
        price,
        condition,
        note,
        direction,
        created_at: now,
        updated_at: now,
    };
    let buckets =
        rate_limit::viewer_buckets(scope.requester(), "items", scope.app.config.rates.creations, TimeDelta::hours(1))?;
    scope
        .transaction(async |conn| {
            lock_viewer_shared(scope, conn).await?;
            if let Some(done) = idempotency::claim(conn, key.as_ref(), scope.app.clock.now()).await? {
                return load_card(scope, conn, ItemId(done)).await;
            }
            rate_limit::consume(conn, &buckets, now).await?;
            let item = store::insert_item(conn, &item).await?;
            idempotency::complete(conn, key.as_ref(), item.id.0).await?;
            store::insert_images(conn, item.id, 0, &images).await.map_err(map_missing_image)?;
            search::service::index(conn, &item).await?;
            load_card(scope, conn, item.id).await
        })
        .await
}

/// A picture that was there a moment ago.
fn map_missing_image(error: diesel::result::Error) -> AppError {
    match violated_constraint(&error) {
        Some("item_images_media_id_fkey") => MediaError::NoSuchFile.at("input.imageIds").into(),
        _ => error.into(),
    }
}

/// An item that was looked for, if it is the viewer's.
fn require_owner(found: Option<Item>, viewer: UserId, path: &str) -> AppResult<Item> {
    let item = found.ok_or_else(|| ItemError::NoSuchItem.at(path))?;
    if item.owner_id == viewer { Ok(item) } else { Err(policy::why_not_owner(&item).at(path).into()) }
}

/// Changes an item of the viewer's: what it is, its pictures, its state.
///
/// # Errors
/// What is wrong with the input; `NOT_FOUND`, `FORBIDDEN`, `ILLEGAL_TRANSITION`, `ITEM_NOT_AVAILABLE` for one that was
/// traded or deleted.
pub async fn update(scope: &Scope, id: ItemId, update: UpdateItem) -> AppResult<ItemCard> {
    let viewer = scope.viewer()?.user_id;
    let changes_content = update.changes_content();
    let (wanted, images) = policy::validate_update(update).map_err(AppError::User)?;
    if let Some(images) = &images {
        media::service::check_pictures(scope, viewer, images, "input.imageIds").await?;
    }
    let now = scope.app.clock.now();
    scope
        .transaction(async |conn| {
            let item = require_owner(store::lock_item(conn, id).await?, viewer, "id")?;
            let mut changes = wanted.clone();
            let to = changes.status;
            policy::check_update(&item, to, changes_content).map_err(|(error, path)| error.at(path))?;
            let to = to.filter(|to| *to != item.status);
            changes.status = to;
            if let Some(to) = to {
                changes.closed_at = Some((to == ItemStatus::Closed).then_some(now));
                changes.counterparty_id = Some(None);
            }
            if to.is_none() && !changes_content {
                return load_card(scope, conn, id).await;
            }
            changes.updated_at = Some(now);
            let updated = store::update_item(conn, id, &changes).await?;
            if let Some(images) = &images {
                media::service::lock_files(conn, images, "input.imageIds").await?;
                store::delete_images(conn, id).await?;
                store::insert_images(conn, id, 0, images).await.map_err(map_missing_image)?;
            }
            if let Some(taker) = item.counterparty_id.filter(|_| to == Some(ItemStatus::Open)) {
                super::trade::record_traded(scope, conn, taker, id).await?;
            }
            search::service::index(conn, &updated).await?;
            load_card(scope, conn, id).await
        })
        .await
}

/// Takes out an item: of the viewer's own, or as an administrator. One that is out stays so.
///
/// # Errors
/// `NOT_FOUND`, `FORBIDDEN`.
pub async fn delete(scope: &Scope, id: ItemId) -> AppResult<ItemCard> {
    let viewer = scope.viewer()?.user_id;
    let found = store::find_item(&*scope.db.read().await?, id).await?;
    let item = found.ok_or_else(|| ItemError::NoSuchItem.at("id"))?;
    if item.owner_id != viewer && require_role(scope, Role::Admin).await.is_err() {
        return Err(policy::why_not_owner(&item).at("id").into());
    }
    let now = scope.app.clock.now();
    scope
        .transaction(async |conn| {
            let item = store::lock_item(conn, id).await?.ok_or_else(|| ItemError::NoSuchItem.at("id"))?;
            if item.status != ItemStatus::Deleted {
                let deleted =
                    ItemChanges { status: Some(ItemStatus::Deleted), updated_at: Some(now), ..ItemChanges::default() };
                store::update_item(conn, id, &deleted).await?;
                search::service::forget(conn, SearchKind::Item, &[id.0]).await?;
            }
            load_card(scope, conn, id).await
        })
        .await
}

/// Uploads pictures, which become files of the viewer's, and puts them behind those that an item of theirs has.
///
/// # Errors
/// `NOT_FOUND`, `FORBIDDEN`, `ITEM_NOT_AVAILABLE`; `TOO_MANY_FILES` for more than an item has; those of uploading.
pub async fn upload_images(scope: &Scope, id: ItemId, sent: Vec<UploadedFile>) -> AppResult<ItemCard> {
    let viewer = scope.viewer()?.user_id;
    let more = sent.len();
    // Looked at before the files are, which takes long; decided when they are added.
    let found = store::find_item(&*scope.db.read().await?, id).await?;
    check_room(&*scope.db.read().await?, &require_owner(found, viewer, "itemId")?, more).await?;
    let staged = media::service::stage(scope, sent, AcceptedKinds::Pictures).await?;
    let card = scope
        .transaction(async |conn| {
            let mut images: Vec<MediaId> = Vec::with_capacity(staged.len());
            for staged in &staged {
                images.push(media::service::add_file(scope, conn, staged).await?.file.id);
            }
            let item = require_owner(store::lock_item(conn, id).await?, viewer, "itemId")?;
            let count = check_room(conn, &item, more).await?;
            store::insert_images(conn, id, count, &images).await.map_err(map_missing_image)?;
            let touched = ItemChanges { updated_at: Some(scope.app.clock.now()), ..ItemChanges::default() };
            store::update_item(conn, item.id, &touched).await?;
            load_card(scope, conn, id).await
        })
        .await;
    if card.is_err() {
        media::service::discard_staged(scope, &staged).await;
    }
    card
}

/// How many pictures an item has that can take so many more.
async fn check_room(conn: &AsyncPgConnection, item: &Item, more: usize) -> AppResult<i16> {
    policy::check_update(item, None, true).map_err(|(error, _)| error.at("itemId"))?;
    let count = store::count_images(conn, item.id).await?;
    let room = usize::try_from(count).is_ok_and(|count| count + more <= IMAGES_LIMIT);
    if !room {
        return Err(MediaError::TooManyImages(IMAGES_LIMIT).at("files").into());
    }
    i16::try_from(count).map_err(AppError::internal)
}
