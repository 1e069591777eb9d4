//! Rows and enums of items, and what can go wrong with them.

use async_graphql::Enum;
use chrono::{DateTime, Utc};
use diesel::{AsChangeset, Insertable, Queryable, Selectable};
use serde::Serialize;

use crate::db::pg_enum;
use crate::db::schema::{self, sql_types};
use crate::domains::search::model::{OVER_BOOST, SearchEntry, SearchKind};
use crate::domains::search::words::{Field, SearchDocument};
use crate::error::{Detail, UserError, UserErrorCode};
use crate::ids::{ItemId, MediaId, UserId};
use crate::money::Money;
use crate::text::TextError;
use crate::validation::{DomainError, Patch};

pg_enum! {
    /// Which way the item goes.
    #[derive(Enum, Serialize)]
    pub enum ItemDirection: sql_types::ItemDirection {
        /// Its owner sells it.
        Sell = "SELL",
        /// Its owner is looking for it.
        Want = "WANT",
    }
}

pg_enum! {
    /// What became of an item.
    #[derive(Enum, Serialize)]
    pub enum ItemStatus: sql_types::ItemStatus {
        /// To be had.
        Open = "OPEN",
        /// Traded, or closed by its owner.
        Closed = "CLOSED",
        /// Taken out by its owner or an administrator; seen by them alone.
        Deleted = "DELETED",
    }
}

impl ItemStatus {
    /// The states that `updateItem` can bring an item to; deleting has its own mutation.
    #[must_use]
    pub fn next(self) -> &'static [Self] {
        match self {
            Self::Open => &[Self::Closed],
            Self::Closed => &[Self::Open],
            Self::Deleted => &[],
        }
    }

    /// What its score in search is multiplied with.
    #[must_use]
    pub fn search_boost(self) -> f32 {
        if self == Self::Open { 1.0 } else { OVER_BOOST }
    }
}

/// What the viewer may do with an item now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ItemAction {
    /// `updateItem`, `uploadItemImages`: what it is.
    Edit,
    /// `updateItem` with the status CLOSED.
    Close,
    /// `updateItem` with the status OPEN.
    Reopen,
    /// `deleteItem`.
    Delete,
    /// `tradeItem`.
    Trade,
    /// `addFavorites`, `removeFavorites`.
    Favorite,
}

/// What a user sells or wants.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::items)]
pub struct Item {
    /// Key.
    pub id: ItemId,
    /// Whose it is.
    pub owner_id: UserId,
    /// What it is, in a line.
    pub title: String,
    /// The community's own number for a kind of thing.
    pub category: i32,
    /// What it costs.
    pub price: Money,
    /// Per cent of new.
    pub condition: i16,
    /// More about it.
    pub note: String,
    /// Sold or wanted.
    pub direction: ItemDirection,
    /// What became of it.
    pub status: ItemStatus,
    /// Who took it.
    pub counterparty_id: Option<UserId>,
    /// How many like it.
    pub favorite_count: i32,
    /// When it was closed.
    pub closed_at: Option<DateTime<Utc>>,
    /// When it was put up.
    pub created_at: DateTime<Utc>,
    /// When what it is or what became of it last changed.
    pub updated_at: DateTime<Utc>,
}

impl From<&Item> for SearchEntry {
    fn from(item: &Item) -> Self {
        let fields = [(item.title.as_str(), Field::Title), (item.note.as_str(), Field::Text)];
        Self {
            kind: SearchKind::Item,
            subject_id: item.id.0,
            boost: item.status.search_boost(),
            document: SearchDocument::new(&fields),
        }
    }
}

/// An item with what a market usually shows beside it.
#[derive(Clone, Debug)]
pub struct ItemCard {
    /// The row.
    pub item: Item,
    /// Its pictures, in order.
    pub images: Vec<MediaId>,
    /// Whether the viewer likes it.
    pub is_favorite: bool,
}

/// An item to be.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = schema::items)]
pub struct NewItem {
    /// Whose it is.
    pub owner_id: UserId,
    /// What it is.
    pub title: String,
    /// The kind of thing.
    pub category: i32,
    /// What it costs.
    pub price: Money,
    /// Per cent of new.
    pub condition: i16,
    /// More about it.
    pub note: String,
    /// Sold or wanted.
    pub direction: ItemDirection,
    /// Now.
    pub created_at: DateTime<Utc>,
    /// Now.
    pub updated_at: DateTime<Utc>,
}

/// What an item is said to be.
#[derive(Clone, Debug, Serialize)]
pub struct CreateItem {
    /// What it is.
    pub title: String,
    /// The kind of thing.
    pub category: i32,
    /// What it costs.
    pub price: Money,
    /// Per cent of new.
    pub condition: i32,
    /// More about it.
    pub note: String,
    /// Sold or wanted.
    pub direction: ItemDirection,
    /// Its pictures.
    pub images: Vec<MediaId>,
}

/// Changes of an item's row; none keeps.
#[derive(Clone, Debug, Default, AsChangeset)]
#[diesel(table_name = schema::items)]
pub struct ItemChanges {
    /// What it is.
    pub title: Option<String>,
    /// The kind of thing.
    pub category: Option<i32>,
    /// What it costs.
    pub price: Option<Money>,
    /// Per cent of new.
    pub condition: Option<i16>,
    /// More about it.
    pub note: Option<String>,
    /// Sold or wanted.
    pub direction: Option<ItemDirection>,
    /// What becomes of it.
    pub status: Option<ItemStatus>,
    /// Who took it.
    pub counterparty_id: Option<Option<UserId>>,
    /// When it is closed.
    pub closed_at: Option<Option<DateTime<Utc>>>,
    /// Now.
    pub updated_at: Option<DateTime<Utc>>,
}

/// What an owner changes about an item.
#[derive(Clone, Debug, Default)]
pub struct UpdateItem {
    /// What it is.
    pub title: Patch<String>,
    /// The kind of thing.
    pub category: Patch<i32>,
    /// What it costs.
    pub price: Patch<Money>,
    /// Per cent of new.
    pub condition: Patch<i32>,
    /// More about it.
    pub note: Patch<String>,
    /// Sold or wanted.
    pub direction: Patch<ItemDirection>,
    /// Its pictures.
    pub images: Patch<Vec<MediaId>>,
    /// What becomes of it.
    pub status: Patch<ItemStatus>,
}

impl UpdateItem {
    /// Whether it changes what the item is, and not its state alone.
    #[must_use]
    pub fn changes_content(&self) -> bool {
        let Self { title, category, price, condition, note, direction, images, status: _ } = self;
        !(title.is_keep()
            && category.is_keep()
            && price.is_keep()
            && condition.is_keep()
            && note.is_keep()
            && direction.is_keep()
            && images.is_keep())
    }
}

/// Which items a list has; all that is given has to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct ItemFilter {
    /// Words to look for.
    pub query: Option<String>,
    /// Sold or wanted.
    pub direction: Option<ItemDirection>,
    /// In one of these states.
    pub status: Option<Vec<ItemStatus>>,
    /// Of one of these kinds.
    pub category: Option<Vec<i32>>,
    /// From this price.
    pub min_price: Option<Money>,
    /// Up to this price.
    pub max_price: Option<Money>,
    /// Of this person.
    pub owner_id: Option<UserId>,
    /// At least so good.
    pub min_condition: Option<i32>,
    /// Put up from then.
    pub created_from: Option<DateTime<Utc>>,
    /// Put up until then.
    pub created_to: Option<DateTime<Utc>>,
}

/// What a list of items is ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum, Serialize)]
pub enum ItemOrderField {
    /// When they were put up.
    CreatedAt,
    /// What they cost.
    Price,
    /// How many like them.
    Favorites,
    /// How well they fit `filter.query`, which has to be given.
    Relevance,
}

/// The order of a list of items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct ItemSort {
    /// By what.
    pub field: ItemOrderField,
    /// The largest first.
    pub descending: bool,
}

/// A place in a list of items: what it is ordered by, as a number, and the item's key.
pub type ItemKey = (i64, ItemId);

/// What can go wrong with an item, for the person to act on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ItemError {
    /// A note is too long.
    #[error(transparent)]
    Length(TextError),
    /// Characters that no text has.
    #[error("A note can't hold control characters.")]
    NotText,
    /// Null where there has to be a value.
    #[error("This can't be null.")]
    Required,
    /// No percentage.
    #[error("A condition is 0 to 100 per cent of new.")]
    ConditionOutOfRange,
    /// Below 0.
    #[error("A category is 0 or more.")]
    CategoryOutOfRange,
    /// No such item, or not for the viewer to see.
    #[error("There is no such item.")]
    NoSuchItem,
    /// Another user's.
    #[error("Only its owner can do this.")]
    NotOwner,
    /// One's own.
    #[error("This item is your own.")]
    OwnItem,
    /// The viewer blocks its owner.
    #[error("You block its owner: unblock them first.")]
    Blocked,
    /// Traded, closed or deleted; or its owner blocks the viewer, who is not told.
    #[error("This item is not to be had any more.")]
    NotAvailable,
    /// Traded, or deleted.
    #[error("A traded or deleted item can't be changed; a traded one can be opened again.")]
    NotEditable,
    /// Not what the buyer saw.
    #[error("The price has changed: it is {0} now.")]
    PriceChanged(Money),
    /// The state can't be changed to that.
    #[error("An item that is {} can't become {}.", .0.name(), .1.name())]
    IllegalTransition(ItemStatus, ItemStatus),
    /// More than one call takes.
    #[error("At most {0} items at once.")]
    TooManyItems(usize),
}

impl DomainError for ItemError {
    fn required() -> Self {
        Self::Required
    }

    fn at(&self, path: &str) -> UserError {
        let code = match self {
            Self::Required => UserErrorCode::Required,
            Self::Length(_) => UserErrorCode::TooLong,
            Self::NotText => UserErrorCode::InvalidInput,
            Self::ConditionOutOfRange | Self::CategoryOutOfRange | Self::TooManyItems(_) => UserErrorCode::OutOfRange,
            Self::NoSuchItem => UserErrorCode::NotFound,
            Self::NotOwner => UserErrorCode::Forbidden,
            Self::OwnItem => UserErrorCode::OwnItem,
            Self::Blocked => UserErrorCode::Blocked,
            Self::NotAvailable | Self::NotEditable => UserErrorCode::ItemNotAvailable,
            Self::PriceChanged(_) => UserErrorCode::Conflict,
            Self::IllegalTransition(..) => UserErrorCode::IllegalTransition,
        };
        let error = UserError::new(code, self.to_string(), path);
        let detail = match self {
            Self::IllegalTransition(from, to) => {
                let allowed = from.next().iter().map(|status| status.name()).collect();
                Detail::Transition { from: from.name(), to: to.name(), allowed }
            }
            Self::PriceChanged(price) => Detail::Current(price.to_string()),
            _ => return error,
        };
        UserError { detail: Some(detail), ..error }
    }
}
