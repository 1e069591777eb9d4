//! Queries of groups.

use async_graphql::{Context, ID, Object};

use super::model;
use super::service;
use super::service::join::JoinRequestList;
use super::service::list::{GroupListQuery, MembershipList};
use super::types::input::GroupFilter;
use super::types::{Group, GroupJoinRequest, GroupMember};
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
