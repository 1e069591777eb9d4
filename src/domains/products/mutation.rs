//! Mutations of products.

use async_graphql::{Context, ID, Object};

use super::service;
use super::types::{CreateProductInput, ProductPayload, UpdateProductInput};
use crate::error::AppResult;
use crate::graphql::context::PlazaContext;
use crate::graphql::mutation::mutation;
use crate::graphql::payload::DeletePayload;
use crate::graphql::scalars::mutation_id;
use crate::ids::ProductId;

/// A product's id; who may not change products learns nothing of ids.
fn product_id(id: &ID) -> ProductId {
    mutation_id(ProductId::parse, id, "id").unwrap_or(ProductId(0))
}

/// Mutations of products.
#[derive(Default)]
pub struct ProductMutation;

/// Mutations of products.
#[Object(crate = "crate::graphql::eager")]
impl ProductMutation {
    /// Puts a product into the store; administrators alone. User errors: `REQUIRED`, `TOO_LONG`, `INVALID_INPUT`,
    /// `OUT_OF_RANGE` for the input; `NOT_FOUND` and `FILE_TYPE_NOT_ALLOWED` for what is no picture of theirs;
    /// `IDEMPOTENCY_MISMATCH`.
    async fn create_product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is put in.")] input: CreateProductInput,
        #[graphql(
            desc = "Sent again with the same key and arguments within a day, it is done once and answered alike; 1 to 200 characters."
        )]
        idempotency_key: Option<String>,
    ) -> Option<AppResult<ProductPayload>> {
        mutation(ctx, async { service::create(ctx.scope()?, input.into(), idempotency_key).await }, Into::into).await
    }

    /// Changes a product; administrators alone. User errors: those of `createProduct`, `NOT_FOUND`, `CONFLICT` with the
    /// present stock when it is not `expectedStock`.
    async fn update_product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The product's global id.")] id: ID,
        #[graphql(desc = "What changes.")] input: UpdateProductInput,
    ) -> Option<AppResult<ProductPayload>> {
        let update = async {
            let id = product_id(&id);
            let updated = service::update(ctx.scope()?, id, input.into()).await?;
            Ok(updated)
        };
        mutation(ctx, update, Into::into).await
    }

    /// Takes a product out of the store; administrators alone. Orders keep its name, price and picture. User error:
    /// `NOT_FOUND`.
    async fn delete_product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The product's global id.")] id: ID,
    ) -> Option<AppResult<DeletePayload>> {
        let delete = async {
            let id = product_id(&id);
            service::delete(ctx.scope()?, id).await?;
            Ok(id.global())
        };
        mutation(ctx, delete, DeletePayload::deleted).await
    }
}
