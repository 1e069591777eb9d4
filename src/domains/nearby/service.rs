//! Use cases of positions.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;

use super::model::{NearbyError, NearbyPerson, PositionChange, PositionVisibility, UserPosition};
use super::store::{NearbySelection, NewAsk};
use super::{policy, store};
use crate::app::App;
use crate::domains::relations::service::Unblocked;
use crate::error::{AppError, AppResult};
use crate::geo::{GeoPoint, GridCell, straight_meters};
use crate::ids::UserId;
use crate::page::{Page, PageArgs, PageRequest};
use crate::rate_limit;
use crate::scope::Scope;
use crate::validation::{DomainError, Patch};

/// Place in a list: the bits of the distance, and the person.
type NearbyKey = (u64, UserId);

/// Where the viewer asks from, and how far the list reaches; both were checked.
#[derive(Clone, Copy, Debug)]
pub struct NearbyArea {
    /// The cell that the viewer asks from.
    pub from: GridCell,
    /// Over the ground.
    pub within_meters: i32,
}

impl NearbyArea {
    /// The area around a place.
    ///
    /// # Errors
    /// Bad input for a place that is not on earth, or a distance that is out of range.
    pub fn new(at: GeoPoint, within_meters: Option<i32>) -> AppResult<Self> {
        let from = policy::check_origin(at)?.cell();
        Ok(Self { from, within_meters: policy::check_reach(within_meters)? })
    }

    /// The area around the viewer's own position, however old that is.
    ///
    /// # Errors
    /// Unauthenticated without a token; bad input without a position, or for a distance that is out of range.
    pub async fn around_viewer(scope: &Scope, within_meters: Option<i32>) -> AppResult<Self> {
        let viewer = scope.viewer()?.user_id;
        let within_meters = policy::check_reach(within_meters)?;
        let conn = scope.db.read().await?;
        let position = load_positions(&conn, &[viewer]).await?.remove(&viewer);
        let position = position.ok_or_else(policy::no_origin)?;
        Ok(Self { from: position.cell, within_meters })
    }

    /// How far it reaches in a straight line, in metres.
    #[must_use]
    pub fn reach(self) -> f64 {
        straight_meters(self.within_meters.into())
    }
}

/// A list of people who are near, whose arguments were looked at.
#[derive(Clone, Copy, Debug)]
pub struct NearbyListQuery {
    /// Where.
    pub area: NearbyArea,
}

impl NearbyListQuery {
    /// The list of those who are near a place.
    ///
    /// # Errors
    /// Bad input for a place that is not on earth, or a distance that is out of range.
    pub fn new(at: GeoPoint, within_meters: Option<i32>) -> AppResult<Self> {
        Ok(Self { area: NearbyArea::new(at, within_meters)? })
    }

    /// The page that the arguments ask for.
    ///
    /// # Errors
    /// Bad input.
    pub fn page(&self, args: PageArgs) -> AppResult<PageRequest<NearbyKey>> {
        args.request(format!("nearbyUsers {} {}", self.area.from.number(), self.area.within_meters))
    }

    fn selection(&self, scope: &Scope) -> AppResult<NearbySelection> {
        let (viewer, now) = (scope.viewer()?.user_id, scope.app.clock.now());
        Ok(NearbySelection {
            viewer,
            unblocked: Unblocked { viewer, other: store::PERSON },
            from: self.area.from,
            reach: self.area.reach(),
            since: now - policy::POSITION_LIFETIME,
            now,
        })
    }
}

/// A page of the people who are near, the nearest first.
///
/// # Errors
/// Unauthenticated without a token; `RATE_LIMITED` for too many cells in an hour.
pub async fn list(
    scope: &Scope,
    list: &NearbyListQuery,
    page: &PageRequest<NearbyKey>,
) -> AppResult<Page<NearbyPerson>> {
    let selection = list.selection(scope)?;
    ask_from(scope, list.area.from).await?;
    let conn = scope.db.read().await?;
    // Where a page begins is in no index: all of the list is read, which is short.
    let limit = if page.cursor.is_some() { policy::LIST_LIMIT } else { page.limit() };
    let mut people = store::list_nearby(&conn, &selection, limit).await?;
    if let Some((bits, user)) = page.cursor {
        let after = (f64::from_bits(bits), user);
        people.retain(|person| (person.away, person.user_id) > after);
    }
    people.truncate(usize::try_from(page.limit()).unwrap_or(usize::MAX));
    Ok(page.page(people, |person| (person.away.to_bits(), person.user_id)))
}

/// How many people are near, as many as a list has.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn count(scope: &Scope, list: &NearbyListQuery) -> AppResult<i64> {
    let selection = list.selection(scope)?;
    let conn = scope.db.read().await?;
    let people = store::list_nearby(&conn, &selection, policy::LIST_LIMIT).await?;
    Ok(i64::try_from(people.len()).unwrap_or(policy::LIST_LIMIT))
}

/// Counts a cell that the viewer asks from. Asking from it again is free until the hour is over.
///
/// # Errors
/// Unauthenticated without a token; `RATE_LIMITED`.
pub async fn ask_from(scope: &Scope, cell: GridCell) -> AppResult<()> {
    let (user, rate, now) = (scope.viewer()?.user_id, scope.app.config.rates.near_cells, scope.app.clock.now());
    if !rate_limit::applies(scope.requester(), rate) {
        return Ok(());
    }
    let ask = NewAsk { user, cell, most: rate.most, ends_at: now + policy::ASK_WINDOW };
    let conn = scope.db.read().await?;
    match store::insert_ask(&conn, &ask, now).await? {
        None => Ok(()),
        Some(ends_at) => {
            let refused = rate_limit::rate_limited((ends_at - now).num_seconds() + 1);
            Err(AppError::from(refused).into_request())
        }
    }
}

/// Positions of some people, by person. Whether the asker may see them is asked before.
///
/// # Errors
/// When the database fails.
pub async fn load_positions(conn: &AsyncPgConnection, users: &[UserId]) -> AppResult<HashMap<UserId, UserPosition>> {
    Ok(store::list_positions(conn, users).await?.into_iter().collect())
}

/// Changes a person's position within the caller's transaction, which holds their account.
///
/// # Errors
/// `CONFLICT` where there is no position to show.
pub async fn change_position(
    conn: &AsyncPgConnection,
    user: UserId,
    change: &PositionChange,
    now: DateTime<Utc>,
) -> AppResult<()> {
    let PositionChange { cell, visibility } = *change;
    if cell.is_keep() && visibility.is_none() {
        return Ok(());
    }
    if cell == Patch::Clear {
        store::delete_position(conn, user).await?;
    }
    let before = match cell {
        Patch::Clear => None,
        Patch::Keep | Patch::Set(_) => load_positions(conn, &[user]).await?.remove(&user),
    };
    let next = match (cell.into_value(), before) {
        (Some(cell), before) => {
            let before = before.map_or(PositionVisibility::Nobody, |before| before.visibility);
            UserPosition { cell, visibility: visibility.unwrap_or(before), located_at: now }
        }
        (None, Some(before)) => UserPosition { visibility: visibility.unwrap_or(before.visibility), ..before },
        (None, None) => {
            let hides = visibility.is_none_or(|visibility| visibility == PositionVisibility::Nobody);
            return if hides { Ok(()) } else { Err(NearbyError::NoPosition.at("input.positionVisibility").into()) };
        }
    };
    let is_shown = next.visibility != PositionVisibility::Nobody && next.located_at > now - policy::POSITION_LIFETIME;
    Ok(store::upsert_position(conn, user, &next, is_shown).await?)
}

/// Deletes what is known of where a user is and was who leaves, within the caller's transaction, which holds their account.
///
/// # Errors
/// When the database fails.
pub async fn forget(conn: &AsyncPgConnection, user: UserId) -> AppResult<()> {
    store::delete_position(conn, user).await?;
    Ok(store::delete_asks(conn, user).await?)
}

/// Takes positions that are too old out of the lists; returns how many.
///
/// # Errors
/// When the database fails.
pub async fn hide_old_positions(app: &App) -> AppResult<usize> {
    let since = app.clock.now() - policy::POSITION_LIFETIME;
    let conn = app.database.get().await?;
    let mut hidden = 0;
    loop {
        match store::hide_old_positions(&conn, since).await? {
            0 => return Ok(hidden),
            more => hidden += more,
        }
    }
}

/// Forgets from where people asked whose hour is over; returns how many.
///
/// # Errors
/// When the database fails.
pub async fn delete_expired_asks(app: &App) -> AppResult<usize> {
    let conn = app.database.get().await?;
    Ok(store::delete_expired_asks(&conn, app.clock.now()).await?)
}
