//! Queries of accounts.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};

use super::service;
use super::types::User;
use crate::auth;
use crate::error::AppResult;
use crate::graphql::Viewer;
use crate::graphql::context::PlazaContext;
use crate::graphql::scalars::query_id;
use crate::ids::UserId;

/// The user of this id, through the loader.
///
/// # Errors
/// When the database fails.
pub async fn find_user(ctx: &Context<'_>, id: UserId) -> AppResult<Option<User>> {
    let loaders = ctx.loaders()?;
    Ok(loaders.find(&loaders.users, id).await?.map(User))
}

/// Queries of accounts.
#[derive(Default)]
pub struct AccountQuery;

/// Queries of accounts.
#[Object]
impl AccountQuery {
    /// Everything about the signed-in user. Null when no token was sent.
    async fn viewer(&self, ctx: &Context<'_>) -> Option<AppResult<Viewer>> {
        ctx.requester().map(|requester| requester.viewer.map(Viewer::new)).transpose()
    }

    /// A person by id. Null when there is none.
    async fn user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user's global id.")] id: ID,
    ) -> Option<AppResult<User>> {
        async { find_user(ctx, query_id(UserId::parse, &id, "id")?).await }.await.transpose()
    }

    /// A person by their public number. Null when there is none.
    async fn user_by_account_number(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The public number, from 10000000.")] account_number: i32,
    ) -> Option<AppResult<User>> {
        let find = async {
            let found = service::find_by_account_number(ctx.scope()?, account_number).await?;
            Ok(found.map(|user| User(Arc::new(user))))
        };
        find.await.transpose()
    }
}

/// The part of the viewer that accounts know of.
pub struct AccountViewer(pub auth::Viewer);

/// The part of the viewer that accounts know of.
#[Object]
impl AccountViewer {
    /// They themselves. Costs a statement.
    async fn user(&self, ctx: &Context<'_>) -> AppResult<User> {
        let loaders = ctx.loaders()?;
        loaders.get(&loaders.users, self.0.user_id).await.map(User)
    }
}
