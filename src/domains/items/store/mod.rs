//! All SQL of items: single ones here, [`list`]s and their [`predicate`]s apart.

pub mod list;
pub mod predicate;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt, Bool, Nullable, SmallInt, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::model::{Item, ItemCard, ItemChanges, ItemKey, NewItem};
use crate::db::schema::{item_images, items};
use crate::db::{columns, statement};
use crate::domains::search::model::SearchKind;
use crate::domains::search::terms::{Matching, Terms};
use crate::ids::{ItemId, MediaId, UserId};
use crate::money::Money;
use list::{Column, Cut, PageRows, Source};
use predicate::{ItemPredicate, VisibleItems};

columns!(
    /// The columns of an item.
    static ITEM: Item
);

type ItemColumns = diesel::dsl::SqlTypeOf<diesel::dsl::AsSelect<Item, Pg>>;
type ItemCardSqlType = (ItemColumns, Array<BigInt>, Bool);
type FoundColumns = (ItemColumns, Array<BigInt>, Bool, BigInt);
type ItemCardRow = (Item, Vec<MediaId>, bool);

/// The columns of a card, as this person sees it.
struct ItemCardFragment(Option<UserId>);

impl QueryFragment<Pg> for ItemCardFragment {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        ITEM.walk_ast(out.reborrow())?;
        out.push_sql(
            ", array(select item_images.media_id from item_images where item_images.item_id = items.id \
             order by item_images.position), ",
        );
        match &self.0 {
            None => out.push_sql("false"),
            Some(viewer) => {
                // Not `exists`, nor an equation: PostgreSQL may read all favorites of the viewer for these.
                out.push_sql("coalesce((select true from favorites where favorites.user_id = ");
                out.push_bind_param::<BigInt, _>(viewer)?;
                out.push_sql(
                    " and favorites.item_id between items.id and items.id order by favorites.item_id limit 1), false)",
                );
            }
        }
        Ok(())
    }
}

fn card((item, images, is_favorite): ItemCardRow) -> ItemCard {
    ItemCard { item, images, is_favorite }
}

statement! {
    by text
    /// Items by id, deleted ones included.
    struct ItemCardsByIds<'a> { card: ItemCardFragment, ids: &'a [ItemId] } -> ItemCardSqlType
    |this|
    "select " {&this.card} " from items where items.id = any("
    [Array<BigInt>: &this.ids] ")"
}

statement! {
    by text
    /// Items by id, of those that the viewer may see.
    struct VisibleItemCards<'a> { card: ItemCardFragment, ids: &'a [ItemId], visible: VisibleItems } -> ItemCardSqlType
    |this|
    "select " {&this.card} " from items where items.id = any("
    [Array<BigInt>: &this.ids] ") and " {&this.visible}
}

statement! {
    by text
    /// A page of items.
    struct ListItemCards<'a> { card: ItemCardFragment, rows: PageRows<'a> } -> ItemCardSqlType
    |this|
    "select " {&this.card} " from " {&this.rows} {&this.rows.cut}
}

statement! {
    by text
    /// How many items a list has, up to a bound.
    struct CountItems<'a> { rows: PageRows<'a> } -> BigInt
    |this|
    "select count(*) from " {&this.rows}
}

statement! {
    /// How many items that a user owned or took are closed, up to a bound.
    struct CountFinished { person: UserId, bound: i64 } -> BigInt
    |this|
    "select count(*) from ((select from items where status = 'CLOSED' and owner_id = " [BigInt: &this.person]
    " limit " [BigInt: &this.bound] ") union all (select from items where status = 'CLOSED' and counterparty_id = "
    [BigInt: &this.person] " limit " [BigInt: &this.bound] ")) counted"
}

/// Where a page of what was found starts, and which way it is read.
pub struct FoundCut {
    /// By what; how well it fits where none is given.
    pub column: Option<Column>,
    /// As it is read.
    pub descending: bool,
    /// The row to start behind.
    pub beyond: Option<ItemKey>,
    /// How many.
    pub limit: i64,
}

struct FoundOrder<'a>(&'a FoundCut);

impl QueryFragment<Pg> for FoundOrder<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(if self.0.descending { " order by key desc, id desc" } else { " order by key, id" });
        Ok(())
    }
}

struct FoundBeyond<'a>(&'a FoundCut);

impl QueryFragment<Pg> for FoundBeyond<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Some((key, id)) = &self.0.beyond else { return Ok(()) };
        out.push_sql(if self.0.descending { " where (key, id) < (" } else { " where (key, id) > (" });
        out.push_bind_param::<BigInt, _>(key)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(id)?;
        out.push_sql(")");
        Ok(())
    }
}

/// What was found, with what it is ordered by.
struct SearchHitItems<'a>(Matching<'a>);

impl<'a> SearchHitItems<'a> {
    fn new(terms: &'a Terms, wanted: &'a ItemPredicate<'a>, column: Option<Column>) -> Self {
        // By the primary key alone: with `offset 0` no other way is open.
        const ITEMS: &str =
            " cross join lateral (select items.* from items where items.id = search_entries.subject_id offset 0) items";
        let matching = Matching::new(SearchKind::Item, terms);
        // Only what is not deleted can be found: where nothing else is wanted, the items of what is kept are looked at, or none.
        let matching = match (wanted.matches_every_search_hit(), column) {
            (true, None) => matching,
            (true, Some(column)) => matching.by_joined(column.number(), ITEMS),
            (false, None) => matching.only(ITEMS, wanted),
            (false, Some(column)) => matching.only(ITEMS, wanted).by(column.number()),
        };
        Self(matching)
    }
}

impl QueryFragment<Pg> for SearchHitItems<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("with ");
        self.0.push(&mut out, "found")
    }
}

statement! {
    by text
    /// A page of items that fit some words.
    struct FoundCards<'a> { card: ItemCardFragment, found: SearchHitItems<'a>, beyond: FoundBeyond<'a>, order: FoundOrder<'a>, limit: i64 } -> FoundColumns
    |this|
    {&this.found} " select " {&this.card} ", page.key from (select id, key from found" {&this.beyond} {&this.order}
    " limit " [BigInt: &this.limit] ") page (id, key) join items on items.id = page.id"
}

statement! {
    by text
    /// How many items fit some words.
    struct CountFound<'a> { found: SearchHitItems<'a> } -> BigInt
    |this|
    {&this.found} " select count(*) from found"
}

/// The items with these ids, deleted ones included, with the viewer's favorites marked.
pub async fn list_cards(
    mut conn: &AsyncPgConnection,
    ids: &[ItemId],
    viewer: Option<UserId>,
) -> QueryResult<Vec<ItemCard>> {
    let rows: Vec<ItemCardRow> = ItemCardsByIds { card: ItemCardFragment(viewer), ids }.load(&mut conn).await?;
    Ok(rows.into_iter().map(card).collect())
}

/// The items with these ids that this person may see.
pub async fn list_visible(
    mut conn: &AsyncPgConnection,
    ids: &[ItemId],
    viewer: Option<UserId>,
) -> QueryResult<Vec<ItemCard>> {
    let rows: Vec<ItemCardRow> =
        VisibleItemCards { card: ItemCardFragment(viewer), ids, visible: VisibleItems(viewer) }.load(&mut conn).await?;
    Ok(rows.into_iter().map(card).collect())
}

/// A page of items; of several owners so many of each.
pub async fn list_items(mut conn: &AsyncPgConnection, rows: PageRows<'_>) -> QueryResult<Vec<ItemCard>> {
    let rows: Vec<ItemCardRow> =
        ListItemCards { card: ItemCardFragment(rows.wanted.viewer), rows }.load(&mut conn).await?;
    Ok(rows.into_iter().map(card).collect())
}

/// How many items there are, up to a bound.
pub async fn count_items(mut conn: &AsyncPgConnection, wanted: ItemPredicate<'_>, bound: i64) -> QueryResult<i64> {
    let rows = PageRows { wanted, source: Source::Filter, cut: Cut::count(bound) };
    CountItems { rows }.get_result(&mut conn).await
}

/// How many items that a user owned or took are closed, up to a bound.
pub async fn count_finished(mut conn: &AsyncPgConnection, person: UserId, bound: i64) -> QueryResult<i64> {
    let count: i64 = CountFinished { person, bound }.get_result(&mut conn).await?;
    Ok(count.min(bound))
}

/// A page of items that fit some words, each with the number that it is ordered by.
pub async fn find_items(
    mut conn: &AsyncPgConnection,
    terms: &Terms,
    wanted: ItemPredicate<'_>,
    cut: &FoundCut,
) -> QueryResult<Vec<(i64, ItemCard)>> {
    let query = FoundCards {
        card: ItemCardFragment(wanted.viewer),
        found: SearchHitItems::new(terms, &wanted, cut.column),
        beyond: FoundBeyond(cut),
        order: FoundOrder(cut),
        limit: cut.limit,
    };
    let rows: Vec<(Item, Vec<MediaId>, bool, i64)> = query.load(&mut conn).await?;
    let keyed = |(item, images, liked, key)| (key, card((item, images, liked)));
    let mut cards: Vec<(i64, ItemCard)> = rows.into_iter().map(keyed).collect();
    cards.sort_by_key(|(key, card)| (*key, card.item.id));
    if cut.descending {
        cards.reverse();
    }
    Ok(cards)
}

/// How many items fit some words; search stops at 1,000.
pub async fn count_found(mut conn: &AsyncPgConnection, terms: &Terms, wanted: ItemPredicate<'_>) -> QueryResult<i64> {
    let SearchHitItems(matching) = SearchHitItems::new(terms, &wanted, None);
    CountFound { found: SearchHitItems(matching.unranked()) }.get_result(&mut conn).await
}

/// Adds an item.
pub async fn insert_item(mut conn: &AsyncPgConnection, item: &NewItem) -> QueryResult<Item> {
    diesel::insert_into(items::table).values(item).returning(Item::as_returning()).get_result(&mut conn).await
}

/// Locks an item against concurrent changes.
pub async fn lock_item(mut conn: &AsyncPgConnection, id: ItemId) -> QueryResult<Option<Item>> {
    items::table.find(id).select(Item::as_select()).for_no_key_update().get_result(&mut conn).await.optional()
}

/// An item as it is now.
pub async fn find_item(mut conn: &AsyncPgConnection, id: ItemId) -> QueryResult<Option<Item>> {
    items::table.find(id).select(Item::as_select()).get_result(&mut conn).await.optional()
}

/// Changes an item that is held.
pub async fn update_item(mut conn: &AsyncPgConnection, id: ItemId, changes: &ItemChanges) -> QueryResult<Item> {
    diesel::update(items::table.find(id)).set(changes).returning(Item::as_returning()).get_result(&mut conn).await
}

statement! {
    /// Closes another user's open item, at the expected price.
    struct TradeItem { id: ItemId, taker: UserId, price: Option<Money>, now: DateTime<Utc> } -> ItemColumns
    |this|
    "update items set status = 'CLOSED', counterparty_id = " [BigInt: &this.taker] ", closed_at = "
    [Timestamptz: &this.now] ", updated_at = " [Timestamptz: &this.now] " where items.id = " [BigInt: &this.id]
    " and status = 'OPEN' and owner_id <> " [BigInt: &this.taker] " and price = coalesce("
    [Nullable<BigInt>: &this.price] ", price) returning " {&*ITEM}
}

/// Closes an open item with its taker; none when it isn't open, is their own, or has another price.
pub async fn trade_item(
    mut conn: &AsyncPgConnection,
    id: ItemId,
    taker: UserId,
    price: Option<Money>,
    now: DateTime<Utc>,
) -> QueryResult<Option<Item>> {
    TradeItem { id, taker, price, now }.get_result(&mut conn).await.optional()
}

statement! {
    /// Gives an item its pictures, in this order.
    struct InsertItemImages<'a> { item: ItemId, from: i16, images: &'a [MediaId] } -> BigInt
    |this|
    "insert into item_images (item_id, position, media_id) select " [BigInt: &this.item] ", " [SmallInt: &this.from]
    " + place - 1, id from unnest(" [Array<BigInt>: &this.images] ") with ordinality images (id, place)"
}

/// Gives an item more pictures, from this place on.
pub async fn insert_images(
    mut conn: &AsyncPgConnection,
    item: ItemId,
    from: i16,
    images: &[MediaId],
) -> QueryResult<()> {
    if images.is_empty() {
        return Ok(());
    }
    InsertItemImages { item, from, images }.execute(&mut conn).await.map(drop)
}

/// Takes all pictures from an item.
pub async fn delete_images(mut conn: &AsyncPgConnection, item: ItemId) -> QueryResult<usize> {
    diesel::delete(item_images::table.filter(item_images::item_id.eq(item))).execute(&mut conn).await
}

/// How many pictures an item has.
pub async fn count_images(mut conn: &AsyncPgConnection, item: ItemId) -> QueryResult<i64> {
    item_images::table.filter(item_images::item_id.eq(item)).count().get_result(&mut conn).await
}

statement! {
    /// Deletes a leaving user's items, but for traded ones: they are the counterparty's records too.
    struct WithdrawItems { owner: UserId, now: DateTime<Utc> } -> BigInt
    |this|
    "with mine as (select id from items where owner_id = " [BigInt: &this.owner] " and counterparty_id is null), \
     bare as (delete from item_images where item_id in (select id from mine)) \
     update items set status = 'DELETED', updated_at = " [Timestamptz: &this.now]
    " where status <> 'DELETED' and id in (select id from mine) returning id"
}

statement! {
    /// Locks the items that a user owns or likes, in one order.
    struct LockItemsOf { person: UserId } -> BigInt
    |this|
    "select id from items where id = any(array(select id from items where owner_id = " [BigInt: &this.person]
    " union select item_id from favorites where user_id = " [BigInt: &this.person] ")) order by id for no key update"
}

/// Locks the items that a user owns or likes, in one order.
pub async fn lock_items_of(mut conn: &AsyncPgConnection, person: UserId) -> QueryResult<Vec<ItemId>> {
    LockItemsOf { person }.load(&mut conn).await
}

/// Deletes a leaving user's items that were not traded, and returns their ids; all of them are locked.
pub async fn withdraw_items(
    mut conn: &AsyncPgConnection,
    owner: UserId,
    now: DateTime<Utc>,
) -> QueryResult<Vec<ItemId>> {
    WithdrawItems { owner, now }.load(&mut conn).await
}

statement! {
    /// Items with what search knows of them, by id.
    struct Texts<'a> { ids: &'a [ItemId] } -> ItemColumns
    |this|
    "select " {&*ITEM} " from items where items.status <> 'DELETED' and items.id = any(" [Array<BigInt>: &this.ids] ")"
}

/// The items with these ids that can be found.
pub async fn list_findable(mut conn: &AsyncPgConnection, ids: &[ItemId]) -> QueryResult<Vec<Item>> {
    Texts { ids }.load(&mut conn).await
}
