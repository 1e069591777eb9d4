//! Groups that are near, and where groups are.

use std::collections::HashMap;

use crate::domains::groups::model::nearby::NearbyGroup;
use crate::domains::groups::store::positions::{self, GroupDistance, NearbyGroupSelection};
use crate::domains::nearby;
use crate::domains::nearby::service::NearbyArea;
use crate::domains::search;
use crate::domains::search::model::SearchKind;
use crate::domains::search::terms::{Terms, asked};
use crate::error::AppResult;
use crate::geo::{GeoPoint, GridCell};
use crate::ids::GroupId;
use crate::page::{Page, PageArgs, PageRequest};
use crate::scope::Scope;

/// Place in a list: the bits of the distance, and the group.
type NearbyGroupKey = (u64, GroupId);

/// A list of groups that are near, whose arguments were looked at.
#[derive(Clone, Debug)]
pub struct NearbyGroupListQuery {
    /// Where.
    pub area: NearbyArea,
    query: Option<String>,
}

impl NearbyGroupListQuery {
    /// The list of those that are near a place, or near the viewer's own position.
    ///
    /// # Errors
    /// Unauthenticated without a token; bad input for a place that is not on earth, where there is none, or for a distance that
    /// is out of range.
    pub async fn prepare(
        scope: &Scope,
        at: Option<GeoPoint>,
        within_meters: Option<i32>,
        query: Option<String>,
    ) -> AppResult<Self> {
        scope.viewer()?;
        let area = match at {
            Some(at) => NearbyArea::new(at, within_meters)?,
            None => NearbyArea::around_viewer(scope, within_meters).await?,
        };
        Ok(Self { area, query: asked(query) })
    }

    /// The page that the arguments ask for.
    ///
    /// # Errors
    /// Bad input.
    pub fn page(&self, args: PageArgs) -> AppResult<PageRequest<NearbyGroupKey>> {
        let NearbyArea { from, within_meters } = self.area;
        let name = serde_json::to_string(&("nearbyGroups", from.number(), within_meters, &self.query));
        args.request(name.unwrap_or_default())
    }

    /// What is looked for; none where nothing can be found.
    async fn terms(&self, scope: &Scope) -> AppResult<Option<Option<Terms>>> {
        search::service::terms_of_list(scope, self.query.as_deref(), &[SearchKind::Group]).await
    }

    fn selection<'a>(&self, terms: Option<&'a Terms>) -> NearbyGroupSelection<'a> {
        NearbyGroupSelection { from: self.area.from, reach: self.area.reach(), terms }
    }
}

/// A page of the groups that are near, the nearest first.
///
/// # Errors
/// Unauthenticated without a token; bad input; `RATE_LIMITED` for too many cells in an hour.
pub async fn list(
    scope: &Scope,
    list: &NearbyGroupListQuery,
    page: &PageRequest<NearbyGroupKey>,
) -> AppResult<Page<NearbyGroup>> {
    nearby::service::ask_from(scope, list.area.from).await?;
    let mut groups = match list.terms(scope).await? {
        None => Vec::new(),
        Some(terms) => {
            let conn = scope.db.read().await?;
            let behind = page.cursor.map(|(bits, group)| GroupDistance { away: f64::from_bits(bits), group });
            positions::list_nearby(&conn, &list.selection(terms.as_ref()), behind, page.limit()).await?
        }
    };
    groups.truncate(usize::try_from(page.limit()).unwrap_or(usize::MAX));
    Ok(page.page(groups, |near| (near.away.to_bits(), near.group.id)))
}

/// How many groups are near, as many as a list has.
///
/// # Errors
/// Bad input.
pub async fn count(scope: &Scope, list: &NearbyGroupListQuery) -> AppResult<i64> {
    match list.terms(scope).await? {
        None => Ok(0),
        Some(terms) => {
            let conn = scope.db.read().await?;
            Ok(positions::count_nearby(&conn, &list.selection(terms.as_ref())).await?)
        }
    }
}

/// Where some groups are. Whether the viewer may see it is asked before.
///
/// # Errors
/// When the database fails.
pub async fn load_cells(scope: &Scope, ids: &[GroupId]) -> AppResult<HashMap<GroupId, GridCell>> {
    let conn = scope.db.read().await?;
    Ok(positions::list_cells(&conn, ids).await?.into_iter().collect())
}
