//! Queries of groups.

use async_graphql::{Context, ID, Object};

use super::model;
use super::service;
use super::service::join::JoinRequestList;
use super::service::list::{GroupListQuery, MembershipList};
use super::service::near::{self, NearbyGroupListQuery};
use super::types::input::GroupFilter;
use super::types::nearby::NearbyGroup;
use super::types::{Group, GroupJoinRequest, GroupMember};
use crate::domains::accounts::types::profile::CoordinatesInput;
use crate::domains::friends::model::RequestStatus;
use crate::domains::groups::loader::{GroupById, VisibleJoinRequest, VisibleMember};
use crate::error::AppResult;
use crate::graphql::connection::Connection;
use crate::graphql::context::PlazaContext;
use crate::graphql::scalars::query_id;
use crate::ids::{GroupId, GroupJoinRequestId, GroupMemberId, MerchantId, UserId};
use crate::page::PageArgs;

/// A group that was not dissolved, through the loader.
///
/// # Errors
/// When the database fails.
pub async fn find_group(ctx: &Context<'_>, id: GroupId) -> AppResult<Option<Group>> {
    let loaders = ctx.loaders()?;
    Ok(loaders.find::<GroupById>(id).await?.map(Group))
}

/// A member of a group that the viewer is in, through the loader.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn find_member(ctx: &Context<'_>, id: GroupMemberId) -> AppResult<Option<GroupMember>> {
    let loaders = ctx.loaders()?;
    Ok(loaders.find::<VisibleMember>(id).await?.map(GroupMember))
}

/// A request to join that the viewer sees, through the loader.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn find_request(ctx: &Context<'_>, id: GroupJoinRequestId) -> AppResult<Option<GroupJoinRequest>> {
    let loaders = ctx.loaders()?;
    Ok(loaders.find::<VisibleJoinRequest>(id).await?.map(GroupJoinRequest))
}

/// A page of the groups that the viewer and a user are in.
///
/// # Errors
/// Unauthenticated without a token; bad input.
pub async fn list_common(ctx: &Context<'_>, user: UserId, page: PageArgs) -> AppResult<Connection<Group>> {
    list_own(ctx, MembershipList::CommonWith(user), page).await
}

/// A page of the groups of a merchant, the newest first.
///
/// # Errors
/// Bad input.
pub async fn list_of_merchant(ctx: &Context<'_>, merchant: MerchantId, page: PageArgs) -> AppResult<Connection<Group>> {
    list_groups(ctx, model::GroupFilter { merchant: Some(merchant), ..model::GroupFilter::default() }, page).await
}

async fn list_groups(ctx: &Context<'_>, filter: model::GroupFilter, page: PageArgs) -> AppResult<Connection<Group>> {
    let list = GroupListQuery::new(filter);
    let page = list.page(page)?;
    let groups = service::list::list_groups(ctx.scope()?, &list, &page).await?;
    Ok(Connection::new(groups, Into::into, move |scope, bound| {
        let list = list.clone();
        Box::pin(async move { service::list::count_groups(scope, &list, bound).await })
    }))
}

async fn list_own(ctx: &Context<'_>, list: MembershipList, page: PageArgs) -> AppResult<Connection<Group>> {
    let name = match list {
        MembershipList::Own => "own groups".to_owned(),
        MembershipList::CommonWith(user) => format!("common groups {}", user.0),
    };
    let page = page.request(name)?;
    let groups = service::list::list_own(ctx.scope()?, list, &page).await?;
    Ok(Connection::new(groups, Into::into, move |scope, bound| Box::pin(service::list::count_own(scope, list, bound))))
}

async fn list_requests(
    ctx: &Context<'_>,
    list: JoinRequestList,
    page: PageArgs,
) -> AppResult<Connection<GroupJoinRequest>> {
    let name = match list {
        JoinRequestList::Own(status) => serde_json::to_string(&("own join requests", status)),
        JoinRequestList::Received(group, status) => serde_json::to_string(&("join requests", group, status)),
    };
    let page = page.request(name.unwrap_or_default())?;
    let requests = service::join::list(ctx.scope()?, list, &page).await?;
    Ok(Connection::new(requests, Into::into, move |scope, bound| Box::pin(service::join::count(scope, list, bound))))
}

/// Queries of groups.
#[derive(Default)]
pub struct GroupQuery;

/// Queries of groups.
#[Object(crate = "crate::graphql::eager")]
impl GroupQuery {
    /// A group by id. Null when there is none, or it was dissolved.
    async fn group(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The group's global id.")] id: ID,
    ) -> Option<AppResult<Group>> {
        async { find_group(ctx, query_id(GroupId::parse, &id, "id")?).await }.await.transpose()
    }

    /// All groups, the newest first.
    async fn groups(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which groups.")] filter: Option<GroupFilter>,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> AppResult<Connection<Group>> {
        let filter = filter.map(GroupFilter::parse).transpose()?.unwrap_or_default();
        list_groups(ctx, filter, PageArgs { first, after, last, before }).await
    }

    /// Groups that are near a place, the nearest first; at most 500. All distances are between centres of cells of about 500 m.
    /// `UNAUTHENTICATED` without a token; `BAD_USER_INPUT` where `at` is omitted and the viewer has no position;
    /// `RATE_LIMITED` for asking from more than 30 cells in an hour, those of `nearbyUsers` among them: another page, another
    /// query, or another place in the same cell, is no further one.
    async fn nearby_groups(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Where to ask from; not kept. The viewer's own position where none is given.")] at: Option<
            CoordinatesInput,
        >,
        #[graphql(
            desc = "Words to look for in names and introductions, at most 100 characters; see `search`. Of the groups within
            reach, at most 1,000 are found, and all that are among the 500 nearest."
        )]
        query: Option<String>,
        #[graphql(desc = "How far the list reaches, in metres, 1 to 50,000; 10,000 where none is given.")]
        within_meters: Option<i32>,
        #[graphql(desc = "So many, 1 to 100; 20 where none is given.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
    ) -> Option<AppResult<Connection<NearbyGroup>>> {
        let list = async {
            let scope = ctx.scope()?;
            let list = NearbyGroupListQuery::prepare(scope, at.map(Into::into), within_meters, query).await?;
            let page = list.page(PageArgs { first, after, ..PageArgs::default() })?;
            let groups = near::list(scope, &list, &page).await?;
            let from = list.area.from;
            Ok(Connection::new(
                groups,
                move |group| NearbyGroup::seen_from(from, group),
                move |scope, _| {
                    let list = list.clone();
                    Box::pin(async move { near::count(scope, &list).await })
                },
            ))
        };
        Some(list.await)
    }
}

/// The part of the viewer that is about groups.
#[derive(Default)]
pub struct GroupViewer;

/// The part of the viewer that is about groups.
#[Object(crate = "crate::graphql::eager")]
impl GroupViewer {
    /// The groups that they are in, the last joined first.
    async fn groups(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> AppResult<Connection<Group>> {
        list_own(ctx, MembershipList::Own, PageArgs { first, after, last, before }).await
    }

    /// Their own requests to join groups, the newest first.
    async fn my_join_requests(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "With this status alone.")] status: Option<RequestStatus>,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> AppResult<Connection<GroupJoinRequest>> {
        list_requests(ctx, JoinRequestList::Own(status), PageArgs { first, after, last, before }).await
    }

    /// Requests to join the groups that they own or manage, the newest first.
    async fn group_join_requests(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "To join this group alone, by its global id.")] group_id: Option<ID>,
        #[graphql(desc = "With this status alone.")] status: Option<RequestStatus>,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> AppResult<Connection<GroupJoinRequest>> {
        let group = group_id.map(|id| query_id(GroupId::parse, &id, "groupId")).transpose()?;
        let list = JoinRequestList::Received(group, status);
        list_requests(ctx, list, PageArgs { first, after, last, before }).await
    }
}
