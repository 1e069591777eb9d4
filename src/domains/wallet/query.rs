//! Queries of wallets.

use async_graphql::{Context, Object};

use super::types::{LedgerEntry, Wallet};
use crate::domains::accounts::loader::UserById;
use crate::domains::accounts::query::is_admin;
use crate::domains::wallet::loader::{VisibleEntry, WalletOf};
use crate::error::AppResult;
use crate::graphql::context::PlazaContext;
use crate::ids::{EntryId, UserId, WalletId};

/// A user's wallet, for a viewer who may see it, through the loader.
///
/// # Errors
/// When the database fails.
pub async fn get_wallet(ctx: &Context<'_>, owner: UserId) -> AppResult<Wallet> {
    let loaders = ctx.loaders()?;
    loaders.get::<WalletOf>(owner).await.map(Wallet)
}

/// The viewer's wallet by its id, or anybody's for administrators.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn find_wallet(ctx: &Context<'_>, id: WalletId) -> AppResult<Option<Wallet>> {
    let (owner, viewer, loaders) = (UserId(id.0), ctx.viewer()?.user_id, ctx.loaders()?);
    if viewer != owner && (!is_admin(ctx, viewer).await? || loaders.find::<UserById>(owner).await?.is_none()) {
        return Ok(None);
    }
    get_wallet(ctx, owner).await.map(Some)
}

/// An entry of the viewer's, or anybody's for administrators.
///
/// # Errors
/// When the database fails.
pub async fn find_entry(ctx: &Context<'_>, id: EntryId) -> AppResult<Option<LedgerEntry>> {
    let loaders = ctx.loaders()?;
    Ok(loaders.find::<VisibleEntry>(id).await?.map(LedgerEntry))
}

/// The part of the viewer that wallets know of.
#[derive(Default)]
pub struct WalletViewer;

/// The part of the viewer that wallets know of.
#[Object(crate = "crate::graphql::eager")]
impl WalletViewer {
    /// What they have.
    async fn wallet(&self, ctx: &Context<'_>) -> AppResult<Wallet> {
        get_wallet(ctx, ctx.viewer()?.user_id).await
    }
}
