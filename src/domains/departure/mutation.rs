//! The mutation of leaving.

use async_graphql::{Context, ID, Object};

use super::service;
use crate::error::AppResult;
use crate::graphql::context::PlazaContext;
use crate::graphql::mutation::mutation;
use crate::graphql::payload::DeletePayload;
use crate::graphql::scalars::mutation_id;
use crate::ids::UserId;

/// The mutation of leaving.
#[derive(Default)]
pub struct DepartureMutation;

/// The mutation of leaving.
#[Object(crate = "crate::graphql::eager")]
impl DepartureMutation {
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
            service::delete_user(ctx.scope()?, user, forfeit_balance).await
        };
        mutation(ctx, delete, |()| DeletePayload::deleted(id.clone())).await
    }
}
