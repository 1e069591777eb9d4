//! Batches of merchants.

use std::collections::HashMap;
use std::sync::Arc;

use super::model::{ActivationCode, Merchant, MerchantMembership};
use super::service;
use crate::error::AppResult;
use crate::graphql::loader::Batch;
use crate::ids::{ActivationCodeId, MerchantId, MerchantMembershipId};
use crate::scope::Scope;

/// Merchants by id, without those that were closed.
pub struct MerchantById;

impl Batch for MerchantById {
    type Key = MerchantId;
    type Value = Arc<Merchant>;

    async fn load(scope: &Scope, keys: &[MerchantId]) -> AppResult<HashMap<MerchantId, Arc<Merchant>>> {
        service::load_merchants(&*scope.db.read().await?, keys).await
    }
}

/// The viewer's memberships, by merchant.
pub struct OwnMembershipIn;

impl Batch for OwnMembershipIn {
    type Key = MerchantId;
    type Value = MerchantMembership;

    async fn load(scope: &Scope, keys: &[MerchantId]) -> AppResult<HashMap<MerchantId, MerchantMembership>> {
        service::members::load_own(scope, keys).await
    }
}

/// The viewer's memberships, by id.
pub struct OwnMembership;

impl Batch for OwnMembership {
    type Key = MerchantMembershipId;
    type Value = MerchantMembership;

    async fn load(
        scope: &Scope,
        keys: &[MerchantMembershipId],
    ) -> AppResult<HashMap<MerchantMembershipId, MerchantMembership>> {
        service::members::load_own_by_ids(scope, keys).await
    }
}

/// Activation codes by id; for administrators.
pub struct ActivationCodeById;

impl Batch for ActivationCodeById {
    type Key = ActivationCodeId;
    type Value = ActivationCode;

    async fn load(scope: &Scope, keys: &[ActivationCodeId]) -> AppResult<HashMap<ActivationCodeId, ActivationCode>> {
        service::codes::load(scope, keys).await
    }
}
