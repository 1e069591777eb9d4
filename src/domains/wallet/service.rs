//! Use cases of wallets, and moving money for what it is paid for.

use std::collections::HashMap;

use diesel_async::AsyncPgConnection;

use super::model::{
    Cause, Entry, LedgerAccount, NewEntry, NewTransfer, RewardPayout, Wallet, WalletChange, WalletError,
};
use super::{policy, store};
use crate::config::Recharge;
use crate::domains::accounts;
use crate::domains::accounts::model::Role;
use crate::domains::accounts::service::{lock_viewer_shared, require_role};
use crate::error::{AppError, AppResult};
use crate::idempotency::{self, Key};
use crate::ids::{EntryId, UserId};
use crate::money::Money;
use crate::page::{Page, PageArgs, PageRequest};
use crate::scope::Scope;
use crate::text::check_line;
use crate::validation::{DomainError, Validation};

/// Wallets of these people; empty ones of those who never had money.
///
/// # Errors
/// When the database fails.
pub async fn load_wallets(conn: &AsyncPgConnection, users: &[UserId]) -> AppResult<HashMap<UserId, Wallet>> {
    let mut wallets: HashMap<UserId, Wallet> = users.iter().map(|user| (*user, Wallet::empty(*user))).collect();
    wallets.extend(store::list_wallets(conn, users).await?.into_iter().map(|wallet| (wallet.user_id, wallet)));
    Ok(wallets)
}

/// Entries by id, of those that the viewer may see: their own, and all for administrators.
///
/// # Errors
/// When the database fails.
pub async fn load_entries(scope: &Scope, ids: &[EntryId]) -> AppResult<HashMap<EntryId, Entry>> {
    let viewer = scope.viewer()?.user_id;
    let mut entries = store::list_entries_by_ids(&*scope.db.read().await?, ids).await?;
    if entries.iter().any(|entry| entry.user_id != viewer) && !accounts::service::is_admin(scope).await? {
        entries.retain(|entry| entry.user_id == viewer);
    }
    Ok(entries.into_iter().map(|entry| (entry.id, entry)).collect())
}

fn entries_page(user: UserId, args: &PageArgs) -> AppResult<PageRequest<EntryId>> {
    args.clone().request(format!("entries of {}", user.0))
}

/// A page of the entries of each of these people, the newest first; whether the asker may see them is asked before. One
/// statement for all who have no cursor.
///
/// # Errors
/// When the database fails.
pub async fn list_entries(
    scope: &Scope,
    args: &PageArgs,
    users: &[UserId],
) -> AppResult<HashMap<UserId, AppResult<Page<Entry>>>> {
    let conn = scope.db.read().await?;
    let mut pages = HashMap::with_capacity(users.len());
    if args.after.is_none() && args.before.is_none() {
        let mut found: HashMap<UserId, Vec<Entry>> = HashMap::new();
        if let Some(first) = users.first() {
            let page = entries_page(*first, args)?;
            for entry in store::list_entries(&conn, users, None, page.backward, page.limit()).await? {
                found.entry(entry.user_id).or_default().push(entry);
            }
        }
        for user in users {
            let rows = found.remove(user).unwrap_or_default();
            pages.insert(*user, entries_page(*user, args).map(|page| page.page(rows, |entry| entry.id)));
        }
        return Ok(pages);
    }
    for user in users {
        let page = match entries_page(*user, args) {
            Ok(page) => {
                let (cursor, backward) = (page.cursor, page.backward);
                let rows = store::list_entries(&conn, &[*user], cursor, backward, page.limit()).await?;
                Ok(page.page(rows, |entry| entry.id))
            }
            Err(error) => Err(error),
        };
        pages.insert(*user, page);
    }
    Ok(pages)
}

/// How many entries a user has, up to a bound.
///
/// # Errors
/// When the database fails.
pub async fn count_entries(scope: &Scope, user: UserId, bound: i64) -> AppResult<i64> {
    Ok(store::count_entries(&*scope.db.read_long().await?, user, bound).await?)
}

/// What a transfer changes of a user's wallet.
struct Share {
    user: UserId,
    balance: Money,
    held: Money,
}

/// The other side of a transfer: the account, which is no wallet, that the money comes from or goes to.
struct ContraEntry {
    account: LedgerAccount,
    amount: Money,
}

/// Moves money within the caller's transaction between wallets and one other account. Returns the entry of each user.
async fn post(
    conn: &AsyncPgConnection,
    transfer: &NewTransfer,
    shares: &[Share],
    contra: ContraEntry,
    path: &str,
) -> AppResult<HashMap<UserId, EntryId>> {
    let users: Vec<UserId> = shares.iter().map(|share| share.user).collect();
    let mut wallets = store::lock_wallets(conn, &users).await?;
    if wallets.len() < users.len() {
        store::insert_wallets(conn, &users).await?;
        wallets = store::lock_wallets(conn, &users).await?;
    }
    let mut entries = Vec::with_capacity(shares.len() + 1);
    for wallet in &mut wallets {
        let Some(share) = shares.iter().find(|share| share.user == wallet.user_id) else { continue };
        *wallet =
            policy::changed(*wallet, share.balance, share.held, transfer.cause).map_err(|error| error.at(path))?;
        if share.balance != Money::default() {
            entries.push(NewEntry {
                account: LedgerAccount::User,
                user: Some(share.user),
                amount: share.balance,
                balance_after: Some(wallet.balance),
            });
        }
    }
    let ContraEntry { account, amount } = contra;
    entries.push(NewEntry { account, user: None, amount, balance_after: None });
    let made = store::post(conn, &wallets, transfer, &entries).await?;
    Ok(made.into_iter().filter_map(|(id, user)| Some((user?, id))).collect())
}

fn negative(amount: Money) -> AppResult<Money> {
    Money::default().checked_sub(amount).ok_or_else(|| AppError::internal("an amount has no negative"))
}

/// Holds these people's wallets for several transfers of one transaction, in the order in which each transfer does.
///
/// # Errors
/// When the database fails.
pub async fn lock_wallets(conn: &AsyncPgConnection, users: &[UserId]) -> AppResult<()> {
    store::lock_wallets(conn, users).await?;
    Ok(())
}

/// Puts an amount of a publisher's balance aside for their task, or gives it back, as the transfer's cause says.
///
/// # Errors
/// `INSUFFICIENT_BALANCE` at a path.
pub async fn hold_reward(
    conn: &AsyncPgConnection,
    transfer: &NewTransfer,
    publisher: UserId,
    amount: Money,
    path: &str,
) -> AppResult<()> {
    let gone = negative(amount)?;
    let (balance, held) = match transfer.cause {
        Cause::Hold(_) => (gone, amount),
        _ => (amount, gone),
    };
    if amount != Money::default() {
        let contra = ContraEntry { account: LedgerAccount::Task, amount: held };
        post(conn, transfer, &[Share { user: publisher, balance, held }], contra, path).await?;
    }
    Ok(())
}

/// Pays what a publisher's task held to its assignee.
///
/// # Errors
/// When the database fails.
pub async fn pay_reward(
    conn: &AsyncPgConnection,
    transfer: &NewTransfer,
    payout: RewardPayout,
    path: &str,
) -> AppResult<()> {
    let RewardPayout { publisher, assignee, amount } = payout;
    let gone = negative(amount)?;
    let shares = [
        Share { user: publisher, balance: Money::default(), held: gone },
        Share { user: assignee, balance: amount, held: Money::default() },
    ];
    if amount != Money::default() {
        post(conn, transfer, &shares, ContraEntry { account: LedgerAccount::Task, amount: gone }, path).await?;
    }
    Ok(())
}

/// Moves an order's price from its buyer to the store, or back, as the transfer's cause says.
///
/// # Errors
/// `INSUFFICIENT_BALANCE` at a path.
pub async fn pay_order(
    conn: &AsyncPgConnection,
    transfer: &NewTransfer,
    buyer: UserId,
    price: Money,
    path: &str,
) -> AppResult<()> {
    let gone = negative(price)?;
    let (balance, amount) = if matches!(transfer.cause, Cause::Refund(_)) { (price, gone) } else { (gone, price) };
    let share = Share { user: buyer, balance, held: Money::default() };
    post(conn, transfer, &[share], ContraEntry { account: LedgerAccount::Store, amount }, path).await?;
    Ok(())
}

/// Changes a balance by money from outside, once for a key, and returns the entry. Errors of the amount are at `amount`.
async fn move_from_outside(
    scope: &Scope,
    transfer: NewTransfer,
    user: UserId,
    amount: Money,
    key: Option<&Key>,
) -> AppResult<EntryId> {
    let gone = negative(amount)?;
    scope
        .transaction(async |conn| {
            lock_viewer_shared(scope, conn).await?;
            if let Some(entry) = idempotency::claim(conn, key, scope.app.clock.now()).await? {
                return Ok(EntryId(entry));
            }
            if Some(user) != transfer.actor && !accounts::service::lock_person_shared(conn, user).await? {
                return Err(WalletError::NoSuchUser.at("userId").into());
            }
            let share = Share { user, balance: amount, held: Money::default() };
            let contra = ContraEntry { account: LedgerAccount::Outside, amount: gone };
            let entries = post(conn, &transfer, &[share], contra, "amount").await?;
            let entry = *entries.get(&user).ok_or_else(|| AppError::internal("money moved without an entry"))?;
            idempotency::complete(conn, key, entry.0).await?;
            Ok(entry)
        })
        .await
}

/// A wallet with an entry of it.
async fn after(scope: &Scope, entry: EntryId) -> AppResult<WalletChange> {
    let conn = scope.db.read().await?;
    let found = store::list_entries_by_ids(&conn, &[entry]).await?.into_iter().next();
    let entry = found.ok_or_else(|| AppError::internal("an entry is gone"))?;
    let wallets = load_wallets(&conn, &[entry.user_id]).await?;
    let wallet = wallets.get(&entry.user_id).copied().unwrap_or(Wallet::empty(entry.user_id));
    Ok(WalletChange { wallet, entry })
}

/// Adds play money to the viewer's balance.
///
/// # Errors
/// `OUT_OF_RANGE`; `FORBIDDEN` where it is switched off; `CONFLICT` when the wallet is full; those of a key.
pub async fn recharge(scope: &Scope, amount: Money, key: Option<String>) -> AppResult<WalletChange> {
    let viewer = scope.viewer()?.user_id;
    let key = Key::new(viewer, "rechargeWallet", key, &amount)?;
    let reload = |id| after(scope, EntryId(id));
    if let Some(done) = idempotency::find_replayed(&scope.db, key.as_ref(), reload).await? {
        return Ok(done);
    }
    if scope.app.config.recharge == Recharge::Off {
        return Err(WalletError::RechargeOff.at("").into());
    }
    policy::check_recharge(amount).map_err(|error| error.at("amount"))?;
    let transfer = NewTransfer { cause: Cause::Recharge, actor: Some(viewer), note: None, at: scope.app.clock.now() };
    let entry = move_from_outside(scope, transfer, viewer, amount, key.as_ref()).await?;
    after(scope, entry).await
}

/// Changes another person's balance, up or down, with a note that they read.
///
/// # Errors
/// Forbidden but to administrators; `SELF_TARGET`, `NOT_FOUND`, `OUT_OF_RANGE`, `REQUIRED`, `TOO_LONG`, `INVALID_INPUT`;
/// `INSUFFICIENT_BALANCE` where there is less to take; `CONFLICT` when the wallet is full; those of a key.
pub async fn adjust(
    scope: &Scope,
    user: UserId,
    amount: Money,
    note: String,
    key: Option<String>,
) -> AppResult<WalletChange> {
    let admin = require_role(scope, Role::Admin).await?.user_id;
    if admin == user {
        return Err(WalletError::Oneself.at("userId").into());
    }
    let key = Key::new(admin, "adjustBalance", key, &(user, amount, &note))?;
    let reload = |id| after(scope, EntryId(id));
    if let Some(done) = idempotency::find_replayed(&scope.db, key.as_ref(), reload).await? {
        return Ok(done);
    }
    let mut validation = Validation::default();
    validation.check(policy::check_adjustment(amount), "amount");
    validation.check(check_line(&note, policy::LONGEST_NOTE), "note");
    validation.into_result().map_err(AppError::User)?;
    let (note, at) = (Some(note.trim().to_owned()), scope.app.clock.now());
    let transfer = NewTransfer { cause: Cause::Adjustment, actor: Some(admin), note, at };
    let entry = move_from_outside(scope, transfer, user, amount, key.as_ref()).await?;
    after(scope, entry).await
}
