//! Mutations of items.

use async_graphql::{Context, ID, Object, Upload};

use super::types::{CreateItemInput, ItemPayload, UpdateItemInput};
use crate::domains::items::service::{edit, trade};
use crate::domains::media::mutation::sent;
use crate::error::AppResult;
use crate::graphql::context::PlazaContext;
use crate::graphql::mutation::mutation;
use crate::graphql::scalars::{Decimal, mutation_id};
use crate::ids::ItemId;

/// Mutations of items.
#[derive(Default)]
pub struct ItemMutation;

/// Mutations of items.
#[Object(crate = "crate::graphql::eager")]
impl ItemMutation {
    /// Puts up something that the viewer sells or is looking for. User errors: `REQUIRED`, `TOO_LONG`, `INVALID_INPUT`,
    /// `OUT_OF_RANGE`, `TOO_MANY_FILES` for the input; `NOT_FOUND` and `FILE_TYPE_NOT_ALLOWED` for what is no picture of
    /// theirs; `RATE_LIMITED`, `IDEMPOTENCY_MISMATCH`.
    async fn create_item(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is put up.")] input: CreateItemInput,
        #[graphql(
            desc = "Sent again with the same key and arguments within a day, it is done once and answered alike; 1 to 200 characters."
        )]
        idempotency_key: Option<String>,
    ) -> Option<AppResult<ItemPayload>> {
        let create = async { edit::create(ctx.scope()?, input.into(), idempotency_key).await };
        mutation(ctx, create, Into::into).await
    }

    /// Changes an item of the viewer's, or closes or reopens it; who took it is told when it is reopened. User errors:
    /// those of `createItem`, `NOT_FOUND`, `FORBIDDEN`, `ILLEGAL_TRANSITION`, `ITEM_NOT_AVAILABLE` for changing what one
    /// is that was traded or deleted.
    async fn update_item(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The item's global id.")] id: ID,
        #[graphql(desc = "What changes.")] input: UpdateItemInput,
    ) -> Option<AppResult<ItemPayload>> {
        let update = async {
            let id = mutation_id(ItemId::parse, &id, "id")?;
            edit::update(ctx.scope()?, id, input.into()).await
        };
        mutation(ctx, update, Into::into).await
    }

    /// Takes out an item for good: its owner, or an administrator. They still see it, with the status DELETED. User
    /// errors: `NOT_FOUND`, `FORBIDDEN`.
    async fn delete_item(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The item's global id.")] id: ID,
    ) -> Option<AppResult<ItemPayload>> {
        let delete = async {
            let id = mutation_id(ItemId::parse, &id, "id")?;
            edit::delete(ctx.scope()?, id).await
        };
        mutation(ctx, delete, Into::into).await
    }

    /// Uploads pictures of up to 1 MiB, all or none, by a multipart request; they become files of the viewer's and stand
    /// behind those that the item has, nine at most. User errors: those of `uploadFiles`, `FILE_TYPE_NOT_ALLOWED` for what
    /// is no picture, `NOT_FOUND`, `FORBIDDEN`, `ITEM_NOT_AVAILABLE`.
    async fn upload_item_images(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The item's global id.")] item_id: ID,
        #[graphql(desc = "The pictures, in the order to show them.")] files: Vec<Upload>,
    ) -> Option<AppResult<ItemPayload>> {
        let upload = async {
            let id = mutation_id(ItemId::parse, &item_id, "itemId")?;
            let sent = files.iter().enumerate().map(|(n, file)| sent(ctx, file, format!("files.{n}")));
            edit::upload_images(ctx.scope()?, id, sent.collect::<AppResult<_>>()?).await
        };
        mutation(ctx, upload, Into::into).await
    }

    /// Takes another user's open item: of concurrent attempts one succeeds, and its owner is told; a repeat by its
    /// taker changes nothing. User errors: `NOT_FOUND`, `OWN_ITEM`, `BLOCKED` where the viewer blocks its
    /// owner, `ITEM_NOT_AVAILABLE`, `CONFLICT` when the price is not the expected one, `RATE_LIMITED`.
    async fn trade_item(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The item's global id.")] id: ID,
        #[graphql(desc = "The price that was seen, in yuan: nothing happens when it has changed since.")]
        expected_price: Option<Decimal>,
    ) -> Option<AppResult<ItemPayload>> {
        let trade = async {
            let id = mutation_id(ItemId::parse, &id, "id")?;
            let expected = expected_price.map(|price| price.0);
            trade::trade(ctx.scope()?, id, expected).await
        };
        mutation(ctx, trade, Into::into).await
    }
}
