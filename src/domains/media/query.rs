//! Queries of media.

use async_graphql::{Context, Object};

use super::service;
use super::types::Media;
use crate::domains::media::loader::OwnMedia;
use crate::error::AppResult;
use crate::graphql::connection::Connection;
use crate::graphql::context::PlazaContext;
use crate::ids::MediaId;
use crate::page::PageArgs;

/// A file of the viewer's, through the loader.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn find_media(ctx: &Context<'_>, id: MediaId) -> AppResult<Option<Media>> {
    let loaders = ctx.loaders()?;
    Ok(loaders.find::<OwnMedia>(id).await?.map(Media))
}

/// The part of the viewer that media knows of.
#[derive(Default)]
pub struct MediaViewer;

/// The part of the viewer that media knows of.
#[Object(crate = "crate::graphql::eager")]
impl MediaViewer {
    /// Files they uploaded, the newest first.
    async fn files(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> AppResult<Connection<Media>> {
        let page = PageArgs { first, after, last, before }.request("files")?;
        let files = service::list_files(ctx.scope()?, &page).await?;
        Ok(Connection::new(files, Into::into, |scope, bound| Box::pin(service::count_files(scope, bound))))
    }
}
