//! Whether a user is online, where they are shown.

use async_graphql::Context;

use super::loader::PresenceByUser;
use super::types::Presence;
use crate::error::AppResult;
use crate::graphql::context::PlazaContext;
use crate::ids::UserId;

/// Whether a user is online; none where they don't let the viewer see it, or the viewer is not signed in.
///
/// # Errors
/// When the database fails.
pub async fn find_presence(ctx: &Context<'_>, user: UserId) -> AppResult<Option<Presence>> {
    if ctx.requester()?.viewer.is_none() {
        return Ok(None);
    }
    let loaders = ctx.loaders()?;
    Ok(loaders.find::<PresenceByUser>(user).await?.map(Presence))
}
