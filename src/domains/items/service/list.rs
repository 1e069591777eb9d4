//! Lists of items: the feed, one owner's, search results, finished ones.

use std::collections::HashMap;

use crate::domains::items::model::{ItemCard, ItemFilter, ItemKey, ItemOrderField, ItemSort, ItemStatus};
use crate::domains::items::policy::MOST_CATEGORIES;
use crate::domains::items::store::list::{Column, Cut, PageRows, Source};
use crate::domains::items::store::predicate::ItemPredicate;
use crate::domains::items::store::{self, FoundCut};
use crate::domains::search;
use crate::domains::search::model::SearchKind;
use crate::domains::search::terms::{Terms, asked};
use crate::error::{AppError, AppResult};
use crate::ids::UserId;
use crate::page::{Page, PageArgs, PageRequest};
use crate::scope::Scope;

/// A list of items, and a page of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ItemList {
    /// Which items.
    pub filter: ItemFilter,
    /// In which order; the best first where something is looked for, else the newest.
    pub sort: Option<ItemSort>,
    /// Which of them.
    pub page: PageArgs,
}

/// A list whose arguments were looked at.
pub struct ItemListQuery {
    filter: ItemFilter,
    sort: ItemSort,
    with_deleted: bool,
    viewer: Option<UserId>,
}

impl ItemList {
    /// Looks at the arguments. `with_deleted`: deleted items come along where the viewer may see them.
    ///
    /// # Errors
    /// Bad input.
    pub fn open(self, scope: &Scope, with_deleted: bool) -> AppResult<(ItemListQuery, PageRequest<ItemKey>)> {
        let Self { mut filter, sort, page } = self;
        let viewer = scope.requester().viewer.map(|viewer| viewer.user_id);
        filter.query = asked(filter.query);
        if filter.category.as_ref().is_some_and(|categories| categories.len() > MOST_CATEGORIES) {
            return Err(AppError::bad_input(format!("`filter.category` has more than {MOST_CATEGORIES} entries.")));
        }
        if let Some(categories) = &mut filter.category {
            categories.sort_unstable();
            categories.dedup();
        }
        if let Some(statuses) = &mut filter.status {
            // Each once, and those alone that the viewer may see.
            let wanted = ItemStatus::ALL.iter().copied().filter(|status| statuses.contains(status));
            *statuses = wanted.filter(|status| viewer.is_some() || *status != ItemStatus::Deleted).collect();
        }
        let default = ItemSort {
            field: if filter.query.is_some() { ItemOrderField::Relevance } else { ItemOrderField::CreatedAt },
            descending: true,
        };
        let sort = sort.unwrap_or(default);
        if sort.field == ItemOrderField::Relevance && filter.query.is_none() {
            return Err(AppError::bad_input("To order by RELEVANCE, give `filter.query`."));
        }
        let name = format!("items {}", serde_json::to_string(&(&filter, sort)).unwrap_or_default());
        let page = page.request(name)?;
        Ok((ItemListQuery { filter, sort, with_deleted, viewer }, page))
    }
}

impl ItemListQuery {
    fn wanted(&self) -> ItemPredicate<'_> {
        ItemPredicate {
            filter: &self.filter,
            viewer: self.viewer,
            with_deleted: self.with_deleted && self.viewer.is_some(),
        }
    }

    fn is_empty(&self) -> bool {
        let empty = |list: Option<usize>| list == Some(0);
        empty(self.filter.status.as_ref().map(Vec::len)) || empty(self.filter.category.as_ref().map(Vec::len))
    }

    async fn terms(&self, scope: &Scope) -> AppResult<Option<Terms>> {
        match &self.filter.query {
            Some(query) => search::service::terms(scope, query, &[SearchKind::Item]).await,
            None => Ok(None),
        }
    }

    fn key(&self, card: &ItemCard) -> ItemKey {
        let item = &card.item;
        let value = match self.sort.field {
            ItemOrderField::Price => item.price.fen(),
            ItemOrderField::Favorites => item.favorite_count.into(),
            ItemOrderField::CreatedAt | ItemOrderField::Relevance => item.created_at.timestamp_micros(),
        };
        (value, item.id)
    }
}

/// A page of items that the viewer may see.
///
/// # Errors
/// Bad input.
pub async fn list_items(scope: &Scope, list: &ItemListQuery, page: &PageRequest<ItemKey>) -> AppResult<Page<ItemCard>> {
    if list.is_empty() {
        return Ok(page.page(Vec::new(), |card| list.key(card)));
    }
    let descending = list.sort.descending != page.backward;
    if list.filter.query.is_some() {
        let terms = list.terms(scope).await?;
        let cut =
            FoundCut { column: Column::of(list.sort.field), descending, beyond: page.cursor, limit: page.limit() };
        let found = match terms {
            Some(terms) => store::find_items(&*scope.db.read_long().await?, &terms, list.wanted(), &cut).await?,
            None => Vec::new(),
        };
        let page = page.page(found, |(key, card)| (*key, card.item.id));
        return Ok(page.map(|(_, card)| card));
    }
    let column = Column::of(list.sort.field).unwrap_or(Column::CreatedAt);
    let cut = Cut::new(column, descending, page.cursor, page.limit())?;
    let rows = PageRows { wanted: list.wanted(), source: Source::Filter, cut };
    let cards = store::list_items(&*scope.db.read().await?, rows).await?;
    Ok(page.page(cards, |card| list.key(card)))
}

/// A page of items of each of several people, with the same arguments, in one statement. Looking for words, or on from
/// a cursor, goes for one of them alone.
///
/// # Errors
/// Bad input.
pub async fn list_by_owners(
    scope: &Scope,
    list: &ItemList,
    owners: &[UserId],
) -> AppResult<HashMap<UserId, AppResult<Page<ItemCard>>>> {
    let alone = list.filter.query.is_some() || list.page.after.is_some() || list.page.before.is_some();
    if let ([owner], true) = (owners, alone) {
        let page = async {
            let (listing, page) = of_owner(list, *owner).open(scope, true)?;
            list_items(scope, &listing, &page).await
        };
        return Ok(HashMap::from([(*owner, page.await)]));
    }
    if alone {
        return Err(AppError::bad_input(
            "`filter.query`, `after` and `before` are for the items of one person at a time.",
        ));
    }
    let (listing, page) = list.clone().open(scope, true)?;
    let mut cards: HashMap<UserId, Vec<ItemCard>> = owners.iter().map(|owner| (*owner, Vec::new())).collect();
    let owners: Vec<UserId> =
        owners.iter().copied().filter(|owner| list.filter.owner_id.is_none_or(|wanted| wanted == *owner)).collect();
    if !listing.is_empty() {
        let column = Column::of(listing.sort.field).unwrap_or(Column::CreatedAt);
        let cut = Cut::new(column, listing.sort.descending != page.backward, page.cursor, page.limit())?;
        let rows = PageRows { wanted: listing.wanted(), source: Source::Owners(&owners), cut };
        for card in store::list_items(&*scope.db.read().await?, rows).await? {
            cards.entry(card.item.owner_id).or_default().push(card);
        }
    }
    // Each page's cursors are those of its owner's list.
    let own_page = |(owner, cards)| {
        let (listing, page) = of_owner(list, owner).open(scope, true)?;
        Ok((owner, Ok(page.page(cards, |card| listing.key(card)))))
    };
    cards.into_iter().map(own_page).collect()
}

/// The same list, of one owner; empty where the filter names another.
fn of_owner(list: &ItemList, owner: UserId) -> ItemList {
    let mut list = list.clone();
    if list.filter.owner_id.is_some_and(|wanted| wanted != owner) {
        list.filter.status = Some(Vec::new());
    }
    list.filter.owner_id = Some(owner);
    list
}

/// How many items a list has, up to a bound.
///
/// # Errors
/// When the database fails.
pub async fn count_items(scope: &Scope, list: ItemList, owner: Option<UserId>, bound: i64) -> AppResult<i64> {
    let list = owner.map_or_else(|| list.clone(), |owner| of_owner(&list, owner));
    let (listing, _) = ItemList { page: PageArgs::default(), ..list }.open(scope, owner.is_some())?;
    if listing.is_empty() {
        return Ok(0);
    }
    let terms = listing.terms(scope).await?;
    let conn = scope.db.read_long().await?;
    Ok(match (terms, &listing.filter.query) {
        (Some(terms), _) => store::count_found(&conn, &terms, listing.wanted()).await?.min(bound),
        (None, Some(_)) => 0,
        (None, None) => store::count_items(&conn, listing.wanted(), bound).await?,
    })
}

/// A page of closed items that the viewer owned or took, the last closed first.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn list_finished(scope: &Scope, page: &PageRequest<ItemKey>) -> AppResult<Page<ItemCard>> {
    let viewer = scope.viewer()?.user_id;
    let closed = ItemFilter { status: Some(vec![ItemStatus::Closed]), ..ItemFilter::default() };
    let wanted = ItemPredicate { filter: &closed, viewer: Some(viewer), with_deleted: false };
    let cut = Cut::new(Column::ClosedAt, !page.backward, page.cursor, page.limit())?;
    let rows = PageRows { wanted, source: Source::Finished(viewer), cut };
    let cards = store::list_items(&*scope.db.read().await?, rows).await?;
    let closed_at = |card: &ItemCard| card.item.closed_at.map_or(0, |at| at.timestamp_micros());
    Ok(page.page(cards, |card| (closed_at(card), card.item.id)))
}

/// How many closed items the viewer owned or took, up to a bound.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn count_finished(scope: &Scope, bound: i64) -> AppResult<i64> {
    let viewer = scope.viewer()?.user_id;
    Ok(store::count_finished(&*scope.db.read_long().await?, viewer, bound).await?)
}
