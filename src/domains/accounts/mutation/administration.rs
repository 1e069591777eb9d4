//! Mutations of other people's accounts.

use async_graphql::{Context, ID, Object};

use crate::domains::accounts::service::administration;
use crate::domains::accounts::types::UserPayload;
use crate::domains::accounts::types::administration::AdminUpdateUserInput;
use crate::domains::friends::service::profiles::follow;
use crate::error::AppResult;
use crate::graphql::context::PlazaContext;
use crate::graphql::mutation::mutation;
use crate::graphql::scalars::{DateTime, mutation_id};
use crate::ids::UserId;

/// Mutations of other people's accounts.
#[derive(Default)]
pub struct AdministrationMutation;

/// Mutations of other people's accounts.
#[Object(crate = "crate::graphql::eager")]
impl AdministrationMutation {
    /// Administrators: changes an account. User errors: `NOT_FOUND`, `SELF_TARGET` for the administrator's own role,
    /// `REAUTHENTICATION_REQUIRED` for password, contacts and role unless the administrator signed in or called `reauthenticate`
    /// within ten minutes, `CONFLICT` where the ID card is not `expectedIdCard`, `REQUIRED`, `INVALID_INPUT`, `TOO_LONG`,
    /// `OUT_OF_RANGE`, `WEAK_PASSWORD`, `USERNAME_TAKEN`, `EMAIL_TAKEN`, `PHONE_TAKEN`.
    async fn admin_update_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user's global id.")] id: ID,
        #[graphql(desc = "What changes.")] input: AdminUpdateUserInput,
    ) -> Option<AppResult<UserPayload>> {
        let update = async {
            let (scope, id) = (ctx.scope()?, mutation_id(UserId::parse, &id, "id")?);
            administration::update(scope, id, input.into(), follow).await
        };
        mutation(ctx, update, UserPayload::changed).await
    }

    /// Administrators: suspends an account. Their sockets close and their tokens stop within two seconds, and they can't
    /// sign in. User errors: `NOT_FOUND`, `SELF_TARGET`, `OUT_OF_RANGE` for an end in the past, `TOO_LONG`.
    async fn suspend_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user's global id.")] id: ID,
        #[graphql(desc = "When it ends by itself; for good where it is not given.")] until: Option<DateTime>,
        #[graphql(desc = "Why, at most 500 characters; they are told when they sign in.")] reason: Option<String>,
    ) -> Option<AppResult<UserPayload>> {
        let suspend = async {
            let (scope, id) = (ctx.scope()?, mutation_id(UserId::parse, &id, "id")?);
            let until = until.map(|until| until.0);
            administration::suspend(scope, id, until, reason.as_deref()).await
        };
        mutation(ctx, suspend, UserPayload::changed).await
    }

    /// Administrators: lifts a suspension. User error: `NOT_FOUND`.
    async fn unsuspend_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user's global id.")] id: ID,
    ) -> Option<AppResult<UserPayload>> {
        let lift = async {
            let (scope, id) = (ctx.scope()?, mutation_id(UserId::parse, &id, "id")?);
            administration::unsuspend(scope, id).await
        };
        mutation(ctx, lift, UserPayload::changed).await
    }
}
