//! All SQL of merchants: merchants here, their [`members`] and activation [`codes`] apart.

pub mod codes;
pub mod members;

use chrono::{DateTime, Utc};
use diesel::dsl::{insert_into, update};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::BigInt;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::model::{Merchant, MerchantChanges, NewMerchant};
use crate::db::keyset::{ColumnType, Keyset, KeysetColumn};
use crate::db::schema::merchants;
use crate::db::{columns, statement};
use crate::domains::search::list_query::{ListPredicate, ListRows, SearchedTable};
use crate::domains::search::model::SearchKind;
use crate::domains::search::terms::Terms;
use crate::ids::{MediaId, MerchantId, UserId};

columns!(
    /// The columns of a merchant.
    static MERCHANT: Merchant
);

type MerchantColumns = diesel::dsl::SqlTypeOf<diesel::dsl::AsSelect<Merchant, Pg>>;

/// Merchants come by the time they were made.
pub const COLUMN: KeysetColumn =
    KeysetColumn { name: "merchants.created_at", id: "merchants.id", column_type: ColumnType::Instants };

/// Joins merchants to what search found.
const FOUND: SearchedTable = SearchedTable {
    kind: SearchKind::Merchant,
    join: " cross join lateral (select merchants.* from merchants where merchants.id = search_entries.subject_id offset 0) merchants",
};

/// Merchants by id, without those that were closed.
pub async fn list_by_ids(mut conn: &AsyncPgConnection, ids: &[MerchantId]) -> QueryResult<Vec<Merchant>> {
    let found = merchants::table.filter(merchants::id.eq_any(ids)).filter(merchants::closed_at.is_null());
    found.select(Merchant::as_select()).load(&mut conn).await
}

/// Locks a merchant that was not closed.
pub async fn lock_merchant(mut conn: &AsyncPgConnection, id: MerchantId) -> QueryResult<Option<Merchant>> {
    let merchant = merchants::table.find(id).filter(merchants::closed_at.is_null());
    merchant.select(Merchant::as_select()).for_no_key_update().get_result(&mut conn).await.optional()
}

/// Locks a merchant that was not closed against changes, together with others.
pub async fn lock_shared(mut conn: &AsyncPgConnection, id: MerchantId) -> QueryResult<Option<Merchant>> {
    let merchant = merchants::table.find(id).filter(merchants::closed_at.is_null());
    merchant.select(Merchant::as_select()).for_share().get_result(&mut conn).await.optional()
}

/// Adds a merchant.
pub async fn insert_merchant(mut conn: &AsyncPgConnection, merchant: &NewMerchant) -> QueryResult<Merchant> {
    insert_into(merchants::table).values(merchant).returning(Merchant::as_returning()).get_result(&mut conn).await
}

/// Changes a merchant that is held.
pub async fn update_merchant(
    mut conn: &AsyncPgConnection,
    id: MerchantId,
    changes: &MerchantChanges,
) -> QueryResult<Merchant> {
    update(merchants::table.find(id)).set(changes).returning(Merchant::as_returning()).get_result(&mut conn).await
}

/// Counts members of a merchant that is held more or less.
pub async fn change_member_count(mut conn: &AsyncPgConnection, id: MerchantId, by: i32) -> QueryResult<Merchant> {
    let counted = update(merchants::table.find(id)).set(merchants::member_count.eq(merchants::member_count + by));
    counted.returning(Merchant::as_returning()).get_result(&mut conn).await
}

/// Notes that a merchant that is held is closed, and has neither members nor a picture.
pub async fn close_merchant(mut conn: &AsyncPgConnection, id: MerchantId, now: DateTime<Utc>) -> QueryResult<()> {
    let closed = (merchants::member_count.eq(0), merchants::icon_id.eq(None::<MediaId>), merchants::closed_at.eq(now));
    update(merchants::table.find(id)).set(closed).execute(&mut conn).await.map(drop)
}

/// What has to hold for a merchant to be listed.
pub struct MerchantConditions {
    /// Whether this user has joined it.
    pub joined: Option<(UserId, bool)>,
}

impl MerchantConditions {
    fn predicate(&self) -> ListPredicate<'_> {
        ListPredicate { table: "merchants", states: None, more: self }
    }
}

impl QueryFragment<Pg> for MerchantConditions {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("merchants.closed_at is null");
        if let Some((user, joined)) = &self.joined {
            // The user's are few: read once, whatever the list holds beside them.
            out.push_sql(if *joined { " and merchants.id = any(" } else { " and merchants.id <> all(" });
            out.push_sql("array(select merchant_id from merchant_members where user_id = ");
            out.push_bind_param::<BigInt, _>(user)?;
            out.push_sql("))");
        }
        Ok(())
    }
}

statement! {
    by text
    /// A page of merchants.
    struct ListedMerchants<'a> { rows: ListRows<'a> } -> MerchantColumns
    |this|
    "select " {&*MERCHANT} " from " {&this.rows} {&this.rows.cut}
}

statement! {
    by text
    /// How many merchants a list has, up to a bound.
    struct CountMerchants<'a> { rows: ListRows<'a> } -> BigInt
    |this|
    "select count(*) from " {&this.rows}
}

/// A page of merchants.
pub async fn list_merchants(
    mut conn: &AsyncPgConnection,
    conditions: &MerchantConditions,
    terms: Option<&Terms>,
    cut: Keyset,
) -> QueryResult<Vec<Merchant>> {
    ListedMerchants { rows: ListRows::matching(&conditions.predicate(), cut, FOUND, terms) }.load(&mut conn).await
}

/// How many merchants there are, up to a bound.
pub async fn count_merchants(
    mut conn: &AsyncPgConnection,
    conditions: &MerchantConditions,
    terms: Option<&Terms>,
    bound: i64,
) -> QueryResult<i64> {
    let cut = Keyset::count(COLUMN, bound);
    CountMerchants { rows: ListRows::matching(&conditions.predicate(), cut, FOUND, terms) }.get_result(&mut conn).await
}
