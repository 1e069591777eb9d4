//! Trading: of all who want an item at once, one gets it.

use chrono::TimeDelta;
use diesel_async::AsyncPgConnection;

use crate::domains::accounts::service::lock_viewer_shared;
use crate::domains::items::model::{ItemCard, ItemError, ItemStatus};
use crate::domains::items::service::load_card;
use crate::domains::items::{policy, store};
use crate::domains::search::model::SearchKind;
use crate::domains::{relations, search};
use crate::error::{AppError, AppResult};
use crate::events::model::NewEvent;
use crate::events::{EventKind, Topic};
use crate::ids::{ItemId, UserId};
use crate::money::Money;
use crate::rate_limit;
use crate::scope::Scope;
use crate::validation::DomainError;

/// Takes another user's open item, at the expected price where one is given; its owner is told. A repeat by its taker
/// changes nothing.
///
/// # Errors
/// `NOT_FOUND`, `OWN_ITEM`, `BLOCKED`, `ITEM_NOT_AVAILABLE`, `CONFLICT` when it costs something else, `RATE_LIMITED`.
pub async fn trade(scope: &Scope, id: ItemId, expected: Option<Money>) -> AppResult<ItemCard> {
    let viewer = scope.viewer()?.user_id;
    let now = scope.app.clock.now();
    let buckets =
        rate_limit::viewer_buckets(scope.requester(), "trades", scope.app.config.rates.takings, TimeDelta::days(1))?;
    scope
        .transaction(async |conn| {
            lock_viewer_shared(scope, conn).await?;
            let Some(item) = store::trade_item(conn, id, viewer, expected, now).await? else {
                return match trade_failure(conn, id, viewer, expected).await? {
                    Some(error) => Err(error),
                    None => load_card(scope, conn, id).await,
                };
            };
            let blocks = relations::service::find_blocks(conn, viewer, item.owner_id).await?;
            policy::check_blocks(blocks).map_err(|error| error.at("id"))?;
            rate_limit::consume(conn, &buckets, now).await?;
            search::service::set_boost(conn, SearchKind::Item, id.0, item.status.search_boost()).await?;
            record_traded(scope, conn, item.owner_id, id).await?;
            load_card(scope, conn, id).await
        })
        .await
}

/// Why an item was not taken; none when it is the viewer's already.
async fn trade_failure(
    conn: &AsyncPgConnection,
    id: ItemId,
    viewer: UserId,
    expected: Option<Money>,
) -> AppResult<Option<AppError>> {
    let found = store::find_item(conn, id).await?;
    if found.as_ref().is_some_and(|item| policy::is_taken_by(item, viewer, expected)) {
        return Ok(None);
    }
    let seen = found.filter(|item| item.status != ItemStatus::Deleted || item.owner_id == viewer);
    let (error, path) = match seen {
        Some(item) => policy::why_not_traded(&item, viewer, expected),
        None => (ItemError::NoSuchItem, "id"),
    };
    Ok(Some(error.at(path).into()))
}

/// Records for a person that an item of theirs was traded, or one that they took reopened, within the transaction.
pub(super) async fn record_traded(
    scope: &Scope,
    conn: &AsyncPgConnection,
    person: UserId,
    item: ItemId,
) -> AppResult<()> {
    let event = NewEvent { subject_id: Some(item.0), ..NewEvent::new(EventKind::ItemTraded, Topic::user(person)) };
    scope.record(conn, &[event]).await
}
