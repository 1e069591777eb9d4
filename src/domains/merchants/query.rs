//! Queries of merchants.

use async_graphql::{Context, ID, Object};

use super::service::{self, MerchantListQuery};
use super::types::{ActivationCode, Merchant, MerchantFilter, MerchantMembership};
use crate::domains::accounts::query::is_admin;
use crate::domains::merchants::loader::{ActivationCodeById, MerchantById, OwnMembership};
use crate::error::AppResult;
use crate::graphql::connection::Connection;
use crate::graphql::context::PlazaContext;
use crate::graphql::scalars::query_id;
use crate::ids::{ActivationCodeId, MerchantId, MerchantMembershipId};
use crate::page::PageArgs;

/// A merchant that was not closed, through the loader.
///
/// # Errors
/// When the database fails.
pub async fn find_merchant(ctx: &Context<'_>, id: MerchantId) -> AppResult<Option<Merchant>> {
    let loaders = ctx.loaders()?;
    Ok(loaders.find::<MerchantById>(id).await?.map(Merchant))
}

/// A membership of the viewer's, through the loader.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn find_membership(ctx: &Context<'_>, id: MerchantMembershipId) -> AppResult<Option<MerchantMembership>> {
    let loaders = ctx.loaders()?;
    Ok(loaders.find::<OwnMembership>(id).await?.map(MerchantMembership))
}

/// An activation code, for administrators, through the loader.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn find_code(ctx: &Context<'_>, id: ActivationCodeId) -> AppResult<Option<ActivationCode>> {
    if !is_admin(ctx, ctx.viewer()?.user_id).await? {
        return Ok(None);
    }
    let loaders = ctx.loaders()?;
    Ok(loaders.find::<ActivationCodeById>(id).await?.map(ActivationCode))
}

/// Queries of merchants.
#[derive(Default)]
pub struct MerchantQuery;

/// Queries of merchants.
#[Object(crate = "crate::graphql::eager")]
impl MerchantQuery {
    /// A merchant by id. Null when there is none, or it was closed.
    async fn merchant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The merchant's global id.")] id: ID,
    ) -> Option<AppResult<Merchant>> {
        async { find_merchant(ctx, query_id(MerchantId::parse, &id, "id")?).await }.await.transpose()
    }

    /// All merchants, the newest first.
    async fn merchants(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which merchants.")] filter: Option<MerchantFilter>,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> AppResult<Connection<Merchant>> {
        let list = MerchantListQuery::new(filter.map(Into::into).unwrap_or_default());
        let page = list.page(PageArgs { first, after, last, before })?;
        let merchants = service::list_merchants(ctx.scope()?, &list, &page).await?;
        Ok(Connection::new(merchants, Into::into, move |scope, bound| {
            let list = list.clone();
            Box::pin(async move { service::count_merchants(scope, &list, bound).await })
        }))
    }

    /// Codes that merchants are made with, the newest first; `FORBIDDEN` but to administrators.
    async fn activation_codes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Those alone that can still be used.", default = true)] unused_only: bool,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> Option<AppResult<Connection<ActivationCode>>> {
        let list = async {
            let page = PageArgs { first, after, last, before }.request(format!("activation codes {unused_only}"))?;
            let codes = service::codes::list(ctx.scope()?, unused_only, &page).await?;
            Ok(Connection::new(codes, ActivationCode, move |scope, bound| {
                Box::pin(service::codes::count(scope, unused_only, bound))
            }))
        };
        Some(list.await)
    }
}

/// The part of the viewer that is about merchants.
#[derive(Default)]
pub struct MerchantViewer;

/// The part of the viewer that is about merchants.
#[Object(crate = "crate::graphql::eager")]
impl MerchantViewer {
    /// The merchants that they have joined, the last first.
    async fn merchants(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> AppResult<Connection<MerchantMembership>> {
        let page = PageArgs { first, after, last, before }.request("merchants of the viewer")?;
        let memberships = service::members::list_own(ctx.scope()?, &page).await?;
        Ok(Connection::new(memberships, MerchantMembership, |scope, bound| {
            Box::pin(service::members::count_own(scope, bound))
        }))
    }
}
