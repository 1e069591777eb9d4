//! Mutations of other people's accounts, and leaving.

use async_graphql::{Context, ID, Object};

use super::profile::changed;
use crate::domains::accounts::service::{administration, leaving};
use crate::domains::accounts::types::UserPayload;
use crate::domains::accounts::types::administration::AdminUpdateUserInput;
use crate::error::AppResult;
use crate::graphql::context::PlazaContext;
use crate::graphql::payload::{DeletePayload, settle};
use crate::graphql::scalars::{DateTime, mutation_id};
use crate::ids::UserId;

/// Mutations of other people's accounts, and leaving.
#[derive(Default)]
pub struct AdministrationMutation;

/// Mutations of other people's accounts, and leaving.
#[Object]
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
            changed(ctx, administration::update(scope, id, input.into()).await).await
        };
        settle(update.await, UserPayload::changed)
    }

    /// Administrators: suspends somebody. Their sockets close and their tokens stop within two seconds, and they can't
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
            changed(ctx, administration::suspend(scope, id, until, reason.as_deref()).await).await
        };
        settle(suspend.await, UserPayload::changed)
    }

    /// Administrators: lifts a suspension. User error: `NOT_FOUND`.
    async fn unsuspend_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user's global id.")] id: ID,
    ) -> Option<AppResult<UserPayload>> {
        let lift = async {
            let (scope, id) = (ctx.scope()?, mutation_id(UserId::parse, &id, "id")?);
            changed(ctx, administration::unsuspend(scope, id).await).await
        };
        settle(lift.await, UserPayload::changed)
    }

    /// Deletes an account: the viewer's own, or as an administrator any. Names, contacts and profile are erased and free for
    /// others; what they said in tasks that are over, and asked support, is erased as well. What others share, such as
    /// messages, stays with a `deleted` placeholder, and what is left in the wallet is lost, once you say so. User errors:
    /// `NOT_FOUND`, `REAUTHENTICATION_REQUIRED` unless the viewer signed in or called `reauthenticate` within ten minutes,
    /// `CONFLICT` while there are tasks or orders that are not over, and with the balance when it would be lost.
    async fn delete_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user's global id.")] id: ID,
        #[graphql(desc = "Whether a balance above 0 is given up with the account.", default = false)]
        forfeit_balance: bool,
    ) -> Option<AppResult<DeletePayload>> {
        let delete = async {
            let user = mutation_id(UserId::parse, &id, "id")?;
            leaving::delete_user(ctx.scope()?, user, forfeit_balance).await
        };
        settle(delete.await, |()| DeletePayload::gone(id))
    }
}
