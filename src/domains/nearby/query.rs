//! Queries of who is near.

use async_graphql::{Context, Object};

use super::model::UserPosition;
use super::service::{self, NearbyListQuery};
use super::types::NearbyUser;
use crate::domains::accounts::types::profile::CoordinatesInput;
use crate::domains::nearby::loader::PositionByUser;
use crate::error::AppResult;
use crate::graphql::connection::Connection;
use crate::graphql::context::PlazaContext;
use crate::ids::UserId;
use crate::page::PageArgs;

/// A person's position, through the loader. Whether the viewer may see it is asked before.
///
/// # Errors
/// When the database fails.
pub async fn find_position(ctx: &Context<'_>, user: UserId) -> AppResult<Option<UserPosition>> {
    let loaders = ctx.loaders()?;
    loaders.find::<PositionByUser>(user).await
}

/// Queries of who is near.
#[derive(Default)]
pub struct NearbyQuery;

/// Queries of who is near.
#[Object(crate = "crate::graphql::eager")]
impl NearbyQuery {
    /// Users who are near a place and let the viewer see it, the nearest first; at most 500. All distances are between
    /// centres of cells of about 500 m. Without the viewer, without users whom the viewer blocks or who block the viewer, and
    /// without positions older than 30 days. `UNAUTHENTICATED` without a token; `RATE_LIMITED` for asking from more than
    /// 30 cells in an hour: another page, or another place in the same cell, is no further one.
    async fn nearby_users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Where to ask from; not kept as the viewer's position.")] at: CoordinatesInput,
        #[graphql(desc = "How far the list reaches, in metres, 1 to 50,000; 10,000 where none is given.")]
        within_meters: Option<i32>,
        #[graphql(desc = "So many, 1 to 100; 20 where none is given.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
    ) -> Option<AppResult<Connection<NearbyUser>>> {
        let list = async {
            ctx.viewer()?;
            let list = NearbyListQuery::new(at.into(), within_meters)?;
            let page = list.page(PageArgs { first, after, ..PageArgs::default() })?;
            let people = service::list(ctx.scope()?, &list, &page).await?;
            Ok(Connection::new(
                people,
                move |person| NearbyUser {
                    user: person.user_id,
                    distance: list.area.from.distance_meters(person.cell).round(),
                },
                move |scope, _| Box::pin(async move { service::count(scope, &list).await }),
            ))
        };
        Some(list.await)
    }
}
