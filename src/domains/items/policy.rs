//! What items may be, who may do what with them, and where their states lead.

use super::model::{CreateItem, Item, ItemAction, ItemChanges, ItemError, ItemStatus, UpdateItem};
use crate::domains::media::policy::check_images;
use crate::domains::relations::model::BlockState;
use crate::error::UserError;
use crate::ids::{MediaId, UserId};
use crate::money::Money;
use crate::price::check_price;
use crate::text::{check_length, check_line, is_lines};
use crate::validation::Validation;

/// The most categories that a list can be restricted to.
pub const MOST_CATEGORIES: usize = 20;

const LONGEST_TITLE: usize = 100;
const LONGEST_NOTE: usize = 2000;

fn check_note(note: &str) -> Result<(), ItemError> {
    check_length(note, LONGEST_NOTE).map_err(ItemError::Length)?;
    if is_lines(note) { Ok(()) } else { Err(ItemError::NotText) }
}

fn check_condition(condition: i32) -> Result<i16, ItemError> {
    let condition = i16::try_from(condition).ok().filter(|condition| (0..=100).contains(condition));
    condition.ok_or(ItemError::ConditionOutOfRange)
}

fn check_category(category: i32) -> Result<(), ItemError> {
    if category >= 0 { Ok(()) } else { Err(ItemError::CategoryOutOfRange) }
}

/// Checks what an item is said to be, and gives its condition as it is stored.
///
/// # Errors
/// All that is wrong with it.
pub fn validate_create(draft: &CreateItem) -> Result<i16, Vec<UserError>> {
    let mut validation = Validation::default();
    validation.check(check_line(&draft.title, LONGEST_TITLE), "input.title");
    validation.check(check_category(draft.category), "input.category");
    validation.check(check_price(draft.price, Money::default()), "input.price");
    let condition = validation.check(check_condition(draft.condition), "input.condition");
    validation.check(check_note(&draft.note), "input.note");
    validation.check(check_images(&draft.images), "input.imageIds");
    validation.into_result().map(|()| condition.unwrap_or_default())
}

/// Checks what an owner changes; the state is looked at once the item is held.
///
/// # Errors
/// All that is wrong with it.
pub fn validate_update(update: UpdateItem) -> Result<(ItemChanges, Option<Vec<MediaId>>), Vec<UserError>> {
    let UpdateItem { title, category, price, condition, note, direction, images, status } = update;
    let mut validation = Validation::default();
    let title = validation.required(title, "input.title", |title| check_line(title, LONGEST_TITLE));
    let condition =
        validation.required(condition, "input.condition", |condition| check_condition(*condition).map(drop));
    let changes = ItemChanges {
        title: title.map(|title| title.trim().to_owned()),
        category: validation.required(category, "input.category", |category| check_category(*category)),
        price: validation.required(price, "input.price", |price| check_price(*price, Money::default())),
        condition: condition.and_then(|condition| i16::try_from(condition).ok()),
        note: validation.required(note, "input.note", |note| check_note(note)),
        direction: validation.required(direction, "input.direction", |_| Ok::<_, ItemError>(())),
        status: validation.required(status, "input.status", |_| Ok::<_, ItemError>(())),
        // Set once the item is locked.
        counterparty_id: None,
        closed_at: None,
        updated_at: None,
    };
    let images = validation.required(images, "input.imageIds", |images| check_images(images));
    validation.into_result().map(|()| (changes, images))
}

/// Whether an owner may change an item so: its state, or what it is, or both. A traded one is a record until it is
/// opened again; the same change may do so.
///
/// # Errors
/// [`ItemError::IllegalTransition`] at the status, [`ItemError::NotEditable`] at the item.
pub fn check_update(
    item: &Item,
    to: Option<ItemStatus>,
    changes_content: bool,
) -> Result<(), (ItemError, &'static str)> {
    if let Some(to) = to.filter(|to| *to != item.status)
        && !item.status.next().contains(&to)
    {
        return Err((ItemError::IllegalTransition(item.status, to), "input.status"));
    }
    let reopens = item.status == ItemStatus::Closed && to == Some(ItemStatus::Open);
    if changes_content && !is_editable(item) && !reopens {
        return Err((ItemError::NotEditable, "id"));
    }
    Ok(())
}

fn is_editable(item: &Item) -> bool {
    item.status != ItemStatus::Deleted && item.counterparty_id.is_none()
}

/// Why a user other than its owner can't change an item: a deleted one is not found.
#[must_use]
pub fn why_not_owner(item: &Item) -> ItemError {
    if item.status == ItemStatus::Deleted { ItemError::NoSuchItem } else { ItemError::NotOwner }
}

/// Whether a user may take an item of another one's, given who of the two blocks the other.
///
/// # Errors
/// [`ItemError::Blocked`]; [`ItemError::NotAvailable`], as for an item that is not to be had, where its owner blocks them.
pub fn check_blocks(blocks: BlockState) -> Result<(), ItemError> {
    match blocks {
        BlockState { own: true, .. } => Err(ItemError::Blocked),
        BlockState { theirs: true, .. } => Err(ItemError::NotAvailable),
        BlockState { own: false, theirs: false } => Ok(()),
    }
}

/// Whether this person has taken an item, at the price they saw, that is still closed for that.
#[must_use]
pub fn is_taken_by(item: &Item, person: UserId, expected: Option<Money>) -> bool {
    let is_theirs = item.status == ItemStatus::Closed && item.counterparty_id == Some(person);
    is_theirs && expected.is_none_or(|expected| expected == item.price)
}

/// Why the viewer can't take an item at the expected price.
#[must_use]
pub fn why_not_traded(item: &Item, viewer: UserId, expected: Option<Money>) -> (ItemError, &'static str) {
    match expected {
        _ if item.owner_id == viewer => (ItemError::OwnItem, "id"),
        Some(expected) if item.status == ItemStatus::Open && expected != item.price => {
            (ItemError::PriceChanged(item.price), "expectedPrice")
        }
        _ => (ItemError::NotAvailable, "id"),
    }
}

/// What the viewer may do with an item that they see.
#[must_use]
pub fn available_actions(item: &Item, viewer: Option<UserId>, is_admin: bool) -> Vec<ItemAction> {
    let Some(viewer) = viewer else { return Vec::new() };
    let own = viewer == item.owner_id;
    let status = item.status;
    let actions = [
        (ItemAction::Edit, own && is_editable(item)),
        (ItemAction::Close, own && status == ItemStatus::Open),
        (ItemAction::Reopen, own && status == ItemStatus::Closed),
        (ItemAction::Delete, (own || is_admin) && status != ItemStatus::Deleted),
        (ItemAction::Trade, !own && status == ItemStatus::Open),
        (ItemAction::Favorite, status != ItemStatus::Deleted),
    ];
    actions.into_iter().filter_map(|(action, allowed)| allowed.then_some(action)).collect()
}
