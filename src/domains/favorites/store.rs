//! All SQL of favorites.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt, Integer, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::model::Favorite;
use crate::db::schema::{favorites, items};
use crate::db::{columns, statement};
use crate::domains::items::model::ItemStatus;
use crate::ids::{FavoriteId, ItemId, UserId};
use crate::page::PageRequest;

columns!(
    /// The columns of a favorite.
    static FAVORITE: Favorite
);

type FavoriteColumns = diesel::dsl::SqlTypeOf<diesel::dsl::AsSelect<Favorite, diesel::pg::Pg>>;

/// A page of a user's favorites, the newest first.
pub async fn list_favorites(
    mut conn: &AsyncPgConnection,
    user: UserId,
    page: &PageRequest<FavoriteId>,
) -> QueryResult<Vec<Favorite>> {
    let found = favorites::table.filter(favorites::user_id.eq(user)).select(Favorite::as_select());
    let found = found.limit(page.limit()).into_boxed();
    let found = match (page.cursor, page.backward) {
        (Some(cursor), true) => found.filter(favorites::id.gt(cursor)),
        (Some(cursor), false) => found.filter(favorites::id.lt(cursor)),
        (None, _) => found,
    };
    let found = if page.backward { found.order(favorites::id.asc()) } else { found.order(favorites::id.desc()) };
    found.load(&mut conn).await
}

/// How many favorites a user has, up to a bound.
pub async fn count_favorites(mut conn: &AsyncPgConnection, user: UserId, bound: i64) -> QueryResult<i64> {
    let ids: Vec<FavoriteId> =
        favorites::table.filter(favorites::user_id.eq(user)).select(favorites::id).limit(bound).load(&mut conn).await?;
    Ok(i64::try_from(ids.len()).unwrap_or(bound))
}

/// Favorites of a user by id, in no order.
pub async fn list_by_ids(mut conn: &AsyncPgConnection, user: UserId, ids: &[FavoriteId]) -> QueryResult<Vec<Favorite>> {
    let own = favorites::table.filter(favorites::id.eq_any(ids).and(favorites::user_id.eq(user)));
    own.select(Favorite::as_select()).load(&mut conn).await
}

/// The `from` clause of a user's favorite of an item that is wanted.
///
/// A range and an order where an equation would do: few users have many favorites, so that reading all those of a user seems
/// to cost as much as a look at the index of both, and PostgreSQL may do that.
struct FavoriteOfItem(UserId);

impl QueryFragment<Pg> for FavoriteOfItem {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(" from favorites where favorites.user_id = ");
        out.push_bind_param::<BigInt, _>(&self.0)?;
        out.push_sql(" and favorites.item_id between wanted.id and wanted.id order by favorites.item_id limit 1");
        Ok(())
    }
}

statement! {
    /// A user's favorites among some items: a look at the index for each, see [`FavoriteOfItem`].
    struct FavoritesOf<'a> { items: &'a [ItemId], favorite: FavoriteOfItem } -> FavoriteColumns
    |this|
    "select " {&*FAVORITE} " from unnest(" [Array<BigInt>: &this.items] ") wanted (id) cross join lateral (select favorites.*"
    {&this.favorite} ") favorites"
}

/// A user's favorites among some items.
pub async fn list_among(mut conn: &AsyncPgConnection, user: UserId, items: &[ItemId]) -> QueryResult<Vec<Favorite>> {
    FavoritesOf { items, favorite: FavoriteOfItem(user) }.load(&mut conn).await
}

/// Holds items in the order of their ids, and says what became of them.
pub async fn lock_items(mut conn: &AsyncPgConnection, ids: &[ItemId]) -> QueryResult<Vec<(ItemId, ItemStatus)>> {
    items::table
        .filter(items::id.eq_any(ids))
        .select((items::id, items::status))
        .order(items::id)
        .for_no_key_update()
        .load(&mut conn)
        .await
}

statement! {
    /// Adds favorites that aren't there yet.
    struct InsertFavorites<'a> { user: UserId, items: &'a [ItemId], now: DateTime<Utc> } -> BigInt
    |this|
    "insert into favorites (user_id, item_id, created_at) select " [BigInt: &this.user] ", id, "
    [Timestamptz: &this.now] " from unnest(" [Array<BigInt>: &this.items] ") with ordinality wanted (id, place) \
     order by place desc on conflict do nothing returning item_id"
}

/// Adds favorites, the first of the list as the newest, and says which items were none before.
pub async fn insert_favorites(
    mut conn: &AsyncPgConnection,
    user: UserId,
    items: &[ItemId],
    now: DateTime<Utc>,
) -> QueryResult<Vec<ItemId>> {
    InsertFavorites { user, items, now }.load(&mut conn).await
}

statement! {
    /// Deletes favorites: a look at the index for each, as with [`FavoritesOf`].
    struct DeleteFavorites<'a> { items: &'a [ItemId], favorite: FavoriteOfItem } -> FavoriteColumns
    |this|
    "delete from favorites using (select found.id from unnest(" [Array<BigInt>: &this.items] ") wanted (id) \
     cross join lateral (select favorites.id" {&this.favorite} ") found) found \
     where favorites.id = found.id returning " {&*FAVORITE}
}

/// Deletes favorites, and returns those that there were.
pub async fn delete_favorites(
    mut conn: &AsyncPgConnection,
    user: UserId,
    items: &[ItemId],
) -> QueryResult<Vec<Favorite>> {
    DeleteFavorites { items, favorite: FavoriteOfItem(user) }.load(&mut conn).await
}

statement! {
    /// Counts favorites of items that are held.
    struct CountFavorites<'a> { items: &'a [ItemId], by: i32 } -> BigInt
    |this|
    "update items set favorite_count = favorite_count + " [Integer: &this.by] " where id = any("
    [Array<BigInt>: &this.items] ")"
}

/// Counts favorites that came (1) or went (-1); the items are held.
pub async fn count_items(mut conn: &AsyncPgConnection, items: &[ItemId], by: i32) -> QueryResult<()> {
    if items.is_empty() {
        return Ok(());
    }
    CountFavorites { items, by }.execute(&mut conn).await.map(drop)
}

/// Deletes all favorites of a user, and returns them.
pub async fn delete_all(mut conn: &AsyncPgConnection, user: UserId) -> QueryResult<Vec<Favorite>> {
    let gone = favorites::table.filter(favorites::user_id.eq(user));
    diesel::delete(gone).returning(Favorite::as_returning()).load(&mut conn).await
}
