//! All SQL of wallets and the ledger.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::model::{Entry, LedgerAccount, LedgerReason, NewEntry, NewTransfer, Wallet};
use crate::db::schema::{ledger_entries, sql_types, wallets};
use crate::db::{Direction, Limit, statement};
use crate::ids::{EntryId, OrderId, TaskId, UserId};
use crate::money::Money;

/// Wallets, by their owners' ids; there is none yet of those who never had money.
pub async fn list_wallets(mut conn: &AsyncPgConnection, users: &[UserId]) -> QueryResult<Vec<Wallet>> {
    wallets::table.filter(wallets::user_id.eq_any(users)).select(Wallet::as_select()).load(&mut conn).await
}

/// Holds wallets, in the order of their owners' ids.
pub async fn lock_wallets(mut conn: &AsyncPgConnection, users: &[UserId]) -> QueryResult<Vec<Wallet>> {
    let found = wallets::table.filter(wallets::user_id.eq_any(users)).select(Wallet::as_select());
    found.order(wallets::user_id).for_no_key_update().load(&mut conn).await
}

statement! {
    /// Adds empty wallets where there are none.
    struct InsertWallets<'a> { users: &'a [UserId] } -> BigInt
    |this|
    "insert into wallets (user_id) select id from unnest(" [Array<BigInt>: &this.users] ") people (id) order by id \
     on conflict do nothing"
}

/// Adds empty wallets where there are none.
pub async fn insert_wallets(mut conn: &AsyncPgConnection, users: &[UserId]) -> QueryResult<usize> {
    InsertWallets { users }.execute(&mut conn).await
}

statement! {
    /// Moves money: the wallets as they are after it, the transfer, and its entries, in one statement.
    struct Post<'a> {
        users: Vec<UserId>,
        balances: Vec<Money>,
        held: Vec<Money>,
        reason: LedgerReason,
        settles: bool,
        task: Option<TaskId>,
        order: Option<OrderId>,
        transfer: &'a NewTransfer,
        accounts: Vec<LedgerAccount>,
        owners: Vec<Option<UserId>>,
        amounts: Vec<Money>,
        after: Vec<Option<Money>>,
    } -> (BigInt, Nullable<BigInt>)
    |this|
    "with changed as (update wallets set balance = new.balance, held = new.held from unnest("
    [Array<BigInt>: &this.users] ", " [Array<BigInt>: &this.balances] ", " [Array<BigInt>: &this.held]
    ") new (user_id, balance, held) where wallets.user_id = new.user_id), \
     transfer as (insert into ledger_transfers (reason, task_id, order_id, actor_id, note, settles, created_at) values ("
    [sql_types::LedgerReason: &this.reason] ", " [Nullable<BigInt>: &this.task] ", "
    [Nullable<BigInt>: &this.order] ", " [Nullable<BigInt>: &this.transfer.actor] ", "
    [Nullable<Text>: &this.transfer.note] ", " [Bool: &this.settles] ", " [Timestamptz: &this.transfer.at]
    ") returning id) \
     insert into ledger_entries (transfer_id, account, user_id, amount, balance_after) \
     select transfer.id, account, owner, amount, after from transfer, unnest(" [Array<sql_types::LedgerAccount>: &this.accounts]
    ", " [Array<Nullable<BigInt>>: &this.owners] ", " [Array<BigInt>: &this.amounts] ", "
    [Array<Nullable<BigInt>>: &this.after]
    ") with ordinality new (account, owner, amount, after, place) order by place returning id, user_id"
}

/// Moves money between wallets that are held; gives the entries that were made, with whose they are.
pub async fn post(
    mut conn: &AsyncPgConnection,
    wallets: &[Wallet],
    transfer: &NewTransfer,
    entries: &[NewEntry],
) -> QueryResult<Vec<(EntryId, Option<UserId>)>> {
    let statement = Post {
        users: wallets.iter().map(|wallet| wallet.user_id).collect(),
        balances: wallets.iter().map(|wallet| wallet.balance).collect(),
        held: wallets.iter().map(|wallet| wallet.held).collect(),
        reason: transfer.cause.reason(),
        settles: transfer.cause.settles(),
        task: transfer.cause.task(),
        order: transfer.cause.order(),
        transfer,
        accounts: entries.iter().map(|entry| entry.account).collect(),
        owners: entries.iter().map(|entry| entry.user).collect(),
        amounts: entries.iter().map(|entry| entry.amount).collect(),
        after: entries.iter().map(|entry| entry.balance_after).collect(),
    };
    statement.load(&mut conn).await
}

type EntryColumns = (
    BigInt,
    BigInt,
    BigInt,
    BigInt,
    sql_types::LedgerReason,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<Text>,
    Timestamptz,
);

statement! {
    by text
    /// A page of the entries of each of some people, the newest first as it is read.
    struct ListEntries<'a> {
        users: &'a [UserId],
        direction: Direction,
        above: EntryId,
        below: EntryId,
        limit: Limit,
    } -> EntryColumns
    |this|
    "select e.id, e.user_id, e.amount, e.balance_after, t.reason, t.task_id, t.order_id, t.note, t.created_at from unnest("
    [Array<BigInt>: &this.users] ") people (id) cross join lateral (select * from ledger_entries where user_id = people.id \
     and id > " [BigInt: &this.above] " and id < " [BigInt: &this.below] " order by id " {&this.direction} " limit "
    {&this.limit} ") e join ledger_transfers t on t.id = e.transfer_id order by e.id " {&this.direction}
}

/// A page of the entries of each of some people, from a cursor on.
pub async fn list_entries(
    mut conn: &AsyncPgConnection,
    users: &[UserId],
    cursor: Option<EntryId>,
    backward: bool,
    limit: i64,
) -> QueryResult<Vec<Entry>> {
    let (above, below) = if backward { (cursor, None) } else { (None, cursor) };
    let query = ListEntries {
        users,
        direction: if backward { Direction::Ascending } else { Direction::Descending },
        above: above.unwrap_or(EntryId(0)),
        below: below.unwrap_or(EntryId(i64::MAX)),
        limit: Limit(limit),
    };
    query.load(&mut conn).await
}

statement! {
    /// Entries by id.
    struct EntriesByIds<'a> { ids: &'a [EntryId] } -> EntryColumns
    |this|
    "select e.id, e.user_id, e.amount, e.balance_after, t.reason, t.task_id, t.order_id, t.note, t.created_at \
     from ledger_entries e join ledger_transfers t on t.id = e.transfer_id where e.account = 'USER' and e.id = any("
    [Array<BigInt>: &this.ids] ")"
}

/// Entries of people's, by id.
pub async fn list_entries_by_ids(mut conn: &AsyncPgConnection, ids: &[EntryId]) -> QueryResult<Vec<Entry>> {
    EntriesByIds { ids }.load(&mut conn).await
}

/// How many entries a user has, up to a bound.
pub async fn count_entries(mut conn: &AsyncPgConnection, user: UserId, bound: i64) -> QueryResult<i64> {
    let entries = ledger_entries::table.filter(ledger_entries::user_id.eq(user));
    let ids: Vec<EntryId> = entries.select(ledger_entries::id).limit(bound).load(&mut conn).await?;
    Ok(i64::try_from(ids.len()).unwrap_or(bound))
}
