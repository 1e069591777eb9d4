//! GraphQL types of merchants.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use super::model::{self, CreateMerchant, JoinedMerchant, UpdateMerchant};
use super::{policy, query, service};
use crate::domains::accounts::types::{User, UserRelation};
use crate::domains::groups;
use crate::domains::groups::types::Group;
use crate::domains::media::loader::MediaById;
use crate::domains::media::types::{Media, picture};
use crate::domains::merchants::loader::{MerchantById, OwnMembershipIn};
use crate::error::AppResult;
use crate::graphql::connection::Connection;
use crate::graphql::context::PlazaContext;
use crate::graphql::eager::{Relation, plain, plain_struct};
use crate::graphql::payload::{Payload, UserErrorObject};
use crate::graphql::scalars::{DateTime, mutation_id, patch};
use crate::ids::UserId;
use crate::page::PageArgs;
use crate::validation::Patch;

/// A business of the community's.
#[derive(Clone, Debug)]
pub struct Merchant(pub Arc<model::Merchant>);

impl From<model::Merchant> for Merchant {
    fn from(merchant: model::Merchant) -> Self {
        Self(Arc::new(merchant))
    }
}

/// A business of the community's, which users join.
#[Object(crate = "crate::graphql::eager")]
impl Merchant {
    /// Opaque global id.
    pub async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// What it is called.
    fn name(&self) -> &str {
        &self.0.name
    }

    /// Its picture. Costs a statement for a whole list of merchants, unless all were seen lately.
    fn icon(&self) -> Relation<MediaById, Media> {
        Relation::ByKey { key: self.0.icon_id, show: Media }
    }

    /// The user whose merchant it is. Costs a statement for a whole list of merchants, unless all were seen lately.
    fn owner(&self) -> UserRelation {
        User::by_id(self.0.owner_id)
    }

    /// The customer-service contact: who answers customers. Costs a statement for a whole list of merchants, unless all were
    /// seen lately.
    fn customer_service(&self) -> UserRelation {
        User::by_id(self.0.contact_id)
    }

    /// Its groups, the newest first; `joined` of each says whether the viewer is in it. Costs a statement for each merchant.
    async fn groups(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> AppResult<Connection<Group>> {
        groups::query::list_of_merchant(ctx, self.0.id, PageArgs { first, after, last, before }).await
    }

    /// How many users have joined it, its owner included.
    fn member_count(&self) -> i32 {
        self.0.member_count
    }

    /// Who has joined it, the last first; for its members alone, others get an empty list. Costs three statements for each
    /// merchant.
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> AppResult<Connection<User>> {
        let id = self.0.id;
        let page = PageArgs { first, after, last, before }.request(format!("members of merchant {}", id.0))?;
        let members = service::members::list(ctx.scope()?, id, &page).await?;
        Ok(Connection::new(members, User, move |scope, bound| Box::pin(service::members::count(scope, id, bound))))
    }

    /// Whether the viewer has joined it. Costs a statement for a whole list of merchants.
    async fn joined(&self, ctx: &Context<'_>) -> AppResult<bool> {
        if ctx.requester()?.viewer.is_none() {
            return Ok(false);
        }
        let loaders = ctx.loaders()?;
        Ok(loaders.find::<OwnMembershipIn>(self.0.id).await?.is_some())
    }

    /// When it was made.
    fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When what it is, whose it is or its contact last changed.
    fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }
}

plain!(Merchant [|merchant: &Merchant| merchant.0.id.parts()] {
    "name" => name,
    "icon" => icon,
    "owner" => owner,
    "customerService" => customer_service,
    "memberCount" => member_count,
    "createdAt" => created_at,
    "updatedAt" => updated_at,
});

/// A user's membership of a merchant.
#[derive(Clone, Copy, Debug)]
pub struct MerchantMembership(pub model::MerchantMembership);

/// A user's membership of a merchant; for that user.
#[Object(crate = "crate::graphql::eager")]
impl MerchantMembership {
    /// Opaque global id.
    pub async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// The user who has joined.
    fn user(&self) -> UserRelation {
        User::by_id(self.0.user_id)
    }

    /// The merchant that was joined. Costs a statement for a whole list of memberships.
    fn merchant(&self) -> Relation<MerchantById, Merchant> {
        Relation::ByKey { key: self.0.merchant_id, show: Merchant }
    }

    /// When it was joined.
    fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// As `createdAt`: a membership begins and ends, and does not change.
    fn updated_at(&self) -> DateTime {
        self.0.created_at.into()
    }
}

plain!(MerchantMembership [|membership: &MerchantMembership| membership.0.id.parts()] {
    "user" => user,
    "merchant" => merchant,
    "createdAt" => created_at,
    "updatedAt" => updated_at,
});

/// A code that a merchant is made with.
#[derive(Clone, Debug)]
pub struct ActivationCode(pub model::ActivationCode);

/// A code that one merchant is made with; for administrators.
#[Object(crate = "crate::graphql::eager")]
impl ActivationCode {
    /// Opaque global id.
    pub async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// The code: eight groups of four hexadecimal digits. Case, blanks and hyphens do not matter where it is typed.
    fn code(&self) -> String {
        policy::shown_code(&self.0.code)
    }

    /// The merchant that was made with it. Null while none was, and once that was closed. Costs a statement for a whole list of
    /// codes.
    async fn used_by(&self, ctx: &Context<'_>) -> Option<AppResult<Merchant>> {
        let merchant = self.0.merchant_id?;
        query::find_merchant(ctx, merchant).await.transpose()
    }

    /// When its time is over. Null for never.
    fn expires_at(&self) -> Option<DateTime> {
        self.0.expires_at.map(Into::into)
    }

    /// When it was made.
    fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }
}

plain!(ActivationCode [|code: &ActivationCode| code.0.id.parts()] {
    "code" => code,
    "expiresAt" => expires_at,
    "createdAt" => created_at,
});

/// A merchant to be made.
#[derive(Clone, Debug, InputObject)]
pub struct CreateMerchantInput {
    /// A code from an administrator, which is used up by it. Case, blanks and hyphens do not matter.
    activation_code: String,
    /// What it is called: one line of 1 to 50 characters.
    name: String,
    /// Global id of a picture among the viewer's files.
    icon_id: ID,
    /// Global id of the user who answers customers: the viewer, or another user, who is told and may resign.
    customer_service_id: ID,
}

impl CreateMerchantInput {
    /// The merchant to be.
    ///
    /// # Errors
    /// `NOT_FOUND` for what is no user's id.
    pub fn parse(self) -> AppResult<CreateMerchant> {
        Ok(CreateMerchant {
            activation_code: self.activation_code,
            name: self.name,
            icon: picture(&self.icon_id),
            contact: mutation_id(UserId::parse, &self.customer_service_id, "input.customerServiceId")?,
        })
    }
}

/// What changes about a merchant. Omitted fields keep their value; null is refused.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateMerchantInput {
    /// What it is called: one line of 1 to 50 characters.
    name: MaybeUndefined<String>,
    /// Global id of a picture among the viewer's files.
    icon_id: MaybeUndefined<ID>,
    /// Global id of the user who answers customers: the viewer, or another user, who is told and may resign.
    customer_service_id: MaybeUndefined<ID>,
}

impl UpdateMerchantInput {
    /// The changes.
    ///
    /// # Errors
    /// `NOT_FOUND` for what is no user's id.
    pub fn parse(self) -> AppResult<UpdateMerchant> {
        let icon: Patch<ID> = patch(self.icon_id);
        let contact = match patch(self.customer_service_id) {
            Patch::Keep => Patch::Keep,
            Patch::Clear => Patch::Clear,
            Patch::Set(id) => Patch::Set(mutation_id(UserId::parse, &id, "input.customerServiceId")?),
        };
        Ok(UpdateMerchant { name: patch(self.name), icon: icon.map(|id| picture(&id)), contact })
    }
}

/// Which merchants a list has; all that is given has to hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct MerchantFilter {
    /// Words to look for in names, at most 100 characters; see `search`. At most 1,000 merchants are found.
    query: Option<String>,
    /// Whether the viewer has joined it; `UNAUTHENTICATED` without a token.
    joined: Option<bool>,
}

impl From<MerchantFilter> for model::MerchantFilter {
    fn from(MerchantFilter { query, joined }: MerchantFilter) -> Self {
        Self { query, joined }
    }
}

/// A merchant that was made, changed or joined.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct MerchantPayload {
    /// As it is now; null when it was refused.
    merchant: Option<Merchant>,
    /// The viewer's membership. Null where they have none, and when it was refused.
    membership: Option<MerchantMembership>,
    /// Why it was refused.
    user_errors: Vec<UserErrorObject>,
}

impl From<JoinedMerchant> for MerchantPayload {
    fn from(JoinedMerchant { merchant, membership }: JoinedMerchant) -> Self {
        Self {
            merchant: Some(merchant.into()),
            membership: membership.map(MerchantMembership),
            user_errors: Vec::new(),
        }
    }
}

impl Payload for MerchantPayload {
    fn with_errors(user_errors: Vec<UserErrorObject>) -> Self {
        Self { merchant: None, membership: None, user_errors }
    }
}

/// Activation codes that were made.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct ActivationCodesPayload {
    /// The codes; empty when it was refused.
    codes: Vec<ActivationCode>,
    /// Why it was refused.
    user_errors: Vec<UserErrorObject>,
}

impl From<Vec<model::ActivationCode>> for ActivationCodesPayload {
    fn from(codes: Vec<model::ActivationCode>) -> Self {
        Self { codes: codes.into_iter().map(ActivationCode).collect(), user_errors: Vec::new() }
    }
}

impl Payload for ActivationCodesPayload {
    fn with_errors(user_errors: Vec<UserErrorObject>) -> Self {
        Self { codes: Vec::new(), user_errors }
    }
}

/// A merchant that the viewer owns or is the contact of changed, or they no longer are that.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct MerchantChanged {
    /// As it is when delivered; `owner` and `customerService` say who they are now.
    pub merchant: Merchant,
}

plain_struct!(MerchantChanged { "merchant" => merchant });
