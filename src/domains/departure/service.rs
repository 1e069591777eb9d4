//! Leaving: what is personal goes, what others share stays, under a placeholder.

use diesel_async::AsyncPgConnection;

use crate::domains::accounts::model::AccountError;
use crate::domains::accounts::service::erasure;
use crate::domains::search::model::SearchKind;
use crate::domains::{
    chat, favorites, friends, groups, items, media, merchants, nearby, orders, search, tasks, tickets, wallet,
};
use crate::error::{AppError, AppResult};
use crate::idempotency;
use crate::ids::UserId;
use crate::money::Money;
use crate::scope::Scope;

/// Deletes an account, for its holder or an administrator: names, contacts and profile are erased and free for others,
/// sessions end, what waits to be sent to them is withdrawn, and their favorites, the items that were not taken and the files
/// that no other user sees are deleted. Messages, traded items, tasks and orders that are over and answers of support stay, from a
/// `deleted` placeholder; so does what is left in their wallet, which can't be spent any more: only with `forfeits`.
///
/// # Errors
/// Forbidden to anyone but the holder and administrators; `REAUTHENTICATION_REQUIRED`; `NOT_FOUND`; `CONFLICT` while the account
/// has tasks or orders that are not over, or a balance that is not forfeited.
pub async fn delete_user(scope: &Scope, id: UserId, forfeits: bool) -> AppResult<()> {
    erasure::require_allowed(scope, id).await?;
    let erased = scope
        .transaction(async |conn| {
            let erased = erasure::erase(scope, conn, id).await?;
            // Now that nothing more of theirs can be made: what was about to be holds the account, and was waited for.
            if tasks::service::has_open_tasks(conn, id).await? || orders::service::has_open_orders(conn, id).await? {
                return Err(AccountError::Unfinished.at("id").into());
            }
            if !forfeits {
                check_balance(conn, id).await?;
            }
            forget(scope, conn, id).await?;
            erasure::erase_keys(conn, &erased).await?;
            Ok::<_, AppError>(erased)
        })
        .await?;
    erasure::announce(scope, &erased).await
}

/// Deletes what is theirs alone in every domain, in the order in which all take their locks.
async fn forget(scope: &Scope, conn: &mut AsyncPgConnection, id: UserId) -> AppResult<()> {
    items::service::lock_all_of(conn, id).await?;
    tasks::service::forget(conn, id).await?;
    tickets::service::forget(conn, id, scope.app.clock.now()).await?;
    favorites::service::forget(conn, id).await?;
    items::service::withdraw(&scope.app, conn, id).await?;
    friends::service::departure::forget(scope, conn, id).await?;
    merchants::service::departure::forget(scope, conn, id).await?;
    groups::service::departure::forget(scope, conn, id).await?;
    nearby::service::forget(conn, id).await?;
    chat::service::forget_notes(conn, id, scope.app.clock.now()).await?;
    media::service::delete_files_of(&scope.app, conn, id).await?;
    orders::service::forget_addresses(conn, id).await?;
    idempotency::delete_keys_of(conn, id).await?;
    search::service::forget(conn, SearchKind::User, &[id.0]).await
}

/// Whether nothing is lost in the wallet of an account that is held.
async fn check_balance(conn: &AsyncPgConnection, id: UserId) -> AppResult<()> {
    let wallets = wallet::service::load_wallets(conn, &[id]).await?;
    match wallets.get(&id).map(|wallet| wallet.balance) {
        Some(balance) if balance > Money::default() => {
            Err(AccountError::BalanceLeft(balance).at("forfeitBalance").into())
        }
        _ => Ok(()),
    }
}
