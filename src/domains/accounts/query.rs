//! Queries of accounts.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};

use super::model::{Role, UserSearch};
use super::service;
use super::types::User;
use super::types::administration::UserFilter;
use crate::domains::accounts::loader::{OwnSession, PersonById, UserById};
use crate::domains::accounts::types::sign_in::Session;
use crate::error::AppResult;
use crate::graphql::connection::Connection;
use crate::graphql::context::PlazaContext;
use crate::graphql::scalars::query_id;
use crate::ids::{SessionId, UserId};
use crate::page::PageArgs;

/// The user of this id, through the loader.
///
/// # Errors
/// When the database fails.
pub async fn find_user(ctx: &Context<'_>, id: UserId) -> AppResult<Option<User>> {
    let loaders = ctx.loaders()?;
    Ok(loaders.find::<PersonById>(id).await?.map(|person| User(Arc::clone(&person.user))))
}

/// The user that something refers to, through the loader.
///
/// # Errors
/// When the database fails.
pub async fn get_user(ctx: &Context<'_>, id: UserId) -> AppResult<User> {
    let loaders = ctx.loaders()?;
    loaders.get::<PersonById>(id).await.map(|person| User(Arc::clone(&person.user)))
}

/// The user that something refers to, where it does.
pub async fn get_user_of(ctx: &Context<'_>, id: Option<UserId>) -> Option<AppResult<User>> {
    Some(get_user(ctx, id?).await)
}

/// Whether a user is an administrator, through the loader.
///
/// # Errors
/// When the database fails.
pub async fn is_admin(ctx: &Context<'_>, id: UserId) -> AppResult<bool> {
    let loaders = ctx.loaders()?;
    let user = loaders.find::<UserById>(id).await?;
    Ok(user.is_some_and(|user| user.role == Role::Admin && user.deleted_at.is_none()))
}

/// A live session of the viewer's, through the loader.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn find_session(ctx: &Context<'_>, id: SessionId) -> AppResult<Option<Session>> {
    let loaders = ctx.loaders()?;
    Ok(loaders.find::<OwnSession>(id).await?.map(Session))
}

/// Queries of accounts.
#[derive(Default)]
pub struct AccountQuery;

/// Queries of accounts.
#[Object(crate = "crate::graphql::eager")]
impl AccountQuery {
    /// A person by id. Null when there is none.
    async fn user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user's global id.")] id: ID,
    ) -> Option<AppResult<User>> {
        async { find_user(ctx, query_id(UserId::parse, &id, "id")?).await }.await.transpose()
    }

    /// Administrators: people who have not left, the newest first.
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom to look for; everybody where none is given.")] filter: Option<UserFilter>,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> Option<AppResult<Connection<User>>> {
        let list = async {
            let wanted: UserSearch = filter.map(Into::into).unwrap_or_default();
            let name = format!("users {}", serde_json::to_string(&wanted).unwrap_or_default());
            let page = PageArgs { first, after, last, before }.request(name)?;
            let people = service::administration::list_people(ctx.scope()?, &wanted, &page).await?;
            Ok(Connection::new(
                people,
                |user| User(Arc::new(user)),
                move |scope, bound| {
                    let wanted = wanted.clone();
                    Box::pin(async move { service::administration::count_people(scope, &wanted, bound).await })
                },
            ))
        };
        Some(list.await)
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
#[derive(Default)]
pub struct AccountViewer;

/// The part of the viewer that accounts know of.
#[Object(crate = "crate::graphql::eager")]
impl AccountViewer {
    /// They themselves. Costs a statement.
    async fn user(&self, ctx: &Context<'_>) -> AppResult<User> {
        get_user(ctx, ctx.viewer()?.user_id).await
    }

    /// Their live sessions, the last used first, at most a hundred.
    async fn sessions(&self, ctx: &Context<'_>) -> AppResult<Vec<Session>> {
        let sessions = service::sessions::list_sessions(ctx.scope()?).await?;
        Ok(sessions.into_iter().map(Session).collect())
    }
}
