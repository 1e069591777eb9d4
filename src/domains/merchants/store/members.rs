//! Members of merchants.

use chrono::{DateTime, Utc};
use diesel::dsl::{delete, insert_into};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::db::schema::{merchant_members, merchants};
use crate::db::{columns, statement};
use crate::domains::merchants::model::MerchantMembership;
use crate::ids::{MerchantId, MerchantMembershipId, UserId};
use crate::page::PageRequest;

columns!(
    /// The columns of a membership.
    static MEMBERSHIP: MerchantMembership
);

type MembershipColumns = diesel::dsl::SqlTypeOf<diesel::dsl::AsSelect<MerchantMembership, Pg>>;

/// Whose memberships a list has.
#[derive(Clone, Copy, Debug)]
pub enum MembershipScope {
    /// Those of a user.
    OfUser(UserId),
    /// Those in a merchant.
    In(MerchantId),
}

/// Adds a member; none where the user is one.
pub async fn insert_membership(
    mut conn: &AsyncPgConnection,
    merchant: MerchantId,
    user: UserId,
    now: DateTime<Utc>,
) -> QueryResult<Option<MerchantMembership>> {
    let row = (
        merchant_members::merchant_id.eq(merchant),
        merchant_members::user_id.eq(user),
        merchant_members::created_at.eq(now),
    );
    let inserted = insert_into(merchant_members::table).values(row);
    let inserted = inserted.on_conflict((merchant_members::merchant_id, merchant_members::user_id)).do_nothing();
    inserted.returning(MerchantMembership::as_returning()).get_result(&mut conn).await.optional()
}

/// The membership of a user.
pub async fn find_membership(
    mut conn: &AsyncPgConnection,
    merchant: MerchantId,
    user: UserId,
) -> QueryResult<Option<MerchantMembership>> {
    let key = merchant_members::merchant_id.eq(merchant).and(merchant_members::user_id.eq(user));
    let found = merchant_members::table.filter(key).select(MerchantMembership::as_select());
    found.get_result(&mut conn).await.optional()
}

statement! {
    /// Memberships of a user in some merchants, each looked up by its key.
    struct MembershipsIn<'a> { user: UserId, merchants: &'a [MerchantId] } -> MembershipColumns
    |this|
    "select " {&*MEMBERSHIP} " from unnest(" [Array<BigInt>: &this.merchants] ") as wanted (id) cross join lateral (select * \
       from merchant_members where merchant_members.merchant_id = wanted.id and merchant_members.user_id = " [BigInt: &this.user]
    " offset 0) merchant_members"
}

/// Memberships of a user in some merchants.
pub async fn list_of_user_in(
    mut conn: &AsyncPgConnection,
    user: UserId,
    merchants: &[MerchantId],
) -> QueryResult<Vec<MerchantMembership>> {
    MembershipsIn { user, merchants }.load(&mut conn).await
}

/// Memberships by key.
pub async fn list_by_ids(
    mut conn: &AsyncPgConnection,
    ids: &[MerchantMembershipId],
) -> QueryResult<Vec<MerchantMembership>> {
    let found = merchant_members::table.filter(merchant_members::id.eq_any(ids));
    found.select(MerchantMembership::as_select()).load(&mut conn).await
}

/// Deletes a membership.
pub async fn delete_membership(mut conn: &AsyncPgConnection, id: MerchantMembershipId) -> QueryResult<()> {
    delete(merchant_members::table.find(id)).execute(&mut conn).await.map(drop)
}

/// Deletes all memberships in a merchant.
pub async fn delete_all_in(mut conn: &AsyncPgConnection, merchant: MerchantId) -> QueryResult<()> {
    let all = merchant_members::table.filter(merchant_members::merchant_id.eq(merchant));
    delete(all).execute(&mut conn).await.map(drop)
}

/// The merchants that a user has joined or is the contact of, in the order of their keys.
pub async fn list_merchants_of(mut conn: &AsyncPgConnection, user: UserId) -> QueryResult<Vec<MerchantId>> {
    let joined = merchant_members::table.filter(merchant_members::user_id.eq(user));
    let joined = joined.select(merchant_members::merchant_id);
    let served = merchants::table.filter(merchants::contact_id.eq(user).and(merchants::closed_at.is_null()));
    let mut found: Vec<MerchantId> = joined.union(served.select(merchants::id)).load(&mut conn).await?;
    found.sort_unstable();
    Ok(found)
}

type Memberships<'a> = diesel::helper_types::IntoBoxed<'a, merchant_members::table, Pg>;

fn memberships<'a>(scope: MembershipScope) -> Memberships<'a> {
    let all = merchant_members::table.into_boxed();
    match scope {
        MembershipScope::OfUser(user) => all.filter(merchant_members::user_id.eq(user)),
        MembershipScope::In(merchant) => all.filter(merchant_members::merchant_id.eq(merchant)),
    }
}

/// A page of memberships, the last joined first.
pub async fn list_memberships(
    mut conn: &AsyncPgConnection,
    scope: MembershipScope,
    page: &PageRequest<MerchantMembershipId>,
) -> QueryResult<Vec<MerchantMembership>> {
    let found = memberships(scope).select(MerchantMembership::as_select()).limit(page.limit());
    let found = match (page.cursor, page.backward) {
        (Some(cursor), true) => found.filter(merchant_members::id.gt(cursor)),
        (Some(cursor), false) => found.filter(merchant_members::id.lt(cursor)),
        (None, _) => found,
    };
    let found =
        if page.backward { found.order(merchant_members::id.asc()) } else { found.order(merchant_members::id.desc()) };
    found.load(&mut conn).await
}

/// How many memberships there are, up to a bound.
pub async fn count_memberships(mut conn: &AsyncPgConnection, scope: MembershipScope, bound: i64) -> QueryResult<i64> {
    let ids = memberships(scope).select(merchant_members::id).limit(bound);
    let ids: Vec<MerchantMembershipId> = ids.load(&mut conn).await?;
    Ok(i64::try_from(ids.len()).unwrap_or(bound))
}
