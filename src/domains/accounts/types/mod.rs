//! GraphQL types of accounts: people here; [`sign_in`] and what they say of themselves ([`profile`]) apart.

pub mod administration;
pub mod profile;
pub mod sign_in;

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};

use super::model::{self, Access, Gender, Person, Place, Profile, PublicProfile, Role, Verification};
use super::policy::{access, profile::age};
use crate::domains::accounts::loader::{DetailsByUser, PersonById, UserById};
use crate::domains::friends::types::Relationship;
use crate::domains::groups::types::Group;
use crate::domains::items::types::{Item, ItemFilter, ItemOrder};
use crate::domains::media::loader::MediaById;
use crate::domains::media::types::Media;
use crate::domains::presence::types::Presence;
use crate::domains::{friends, groups, items, presence};
use crate::error::AppResult;
use crate::graphql::connection::Connection;
use crate::graphql::context::PlazaContext;
use crate::graphql::eager::{Relation, plain, plain_enums};
use crate::graphql::payload::{Payload, UserErrorObject};
use crate::graphql::scalars::{Date, DateTime};
use crate::ids::UserId;
use crate::page::PageArgs;
use profile::UserPrivate;

/// A person. What everybody may know of them, and for themselves and administrators the rest.
#[derive(Clone, Debug)]
pub struct User(pub Arc<model::User>);

impl User {
    async fn details(&self, ctx: &Context<'_>) -> AppResult<Arc<(Access, Profile)>> {
        let loaders = ctx.loaders()?;
        loaders.get::<DetailsByUser>(self.0.id).await
    }

    async fn profile(&self, ctx: &Context<'_>) -> AppResult<Arc<PublicProfile>> {
        let loaders = ctx.loaders()?;
        loaders.get::<PersonById>(self.0.id).await.map(|person| Arc::clone(&person.profile))
    }

    /// A user by id, for what shows them.
    #[must_use]
    pub fn by_id(id: UserId) -> UserRelation {
        Relation::ByKey { key: id, show: |person| Self(Arc::clone(&person.user)) }
    }

    fn loaded<T>(&self, show: fn(Arc<Person>) -> T) -> Relation<PersonById, T> {
        Relation::ByKey { key: self.0.id, show }
    }

    /// Whether the viewer sees the private part; the viewer's role is loaded where it matters.
    async fn is_open_to_viewer(&self, ctx: &Context<'_>) -> AppResult<bool> {
        let Some(viewer) = ctx.requester()?.viewer else { return Ok(false) };
        if access::sees_private(viewer.user_id, self.0.id, Role::User) {
            return Ok(true);
        }
        let loaders = ctx.loaders()?;
        let role = loaders.find::<UserById>(viewer.user_id).await?.map_or(Role::User, |user| user.role);
        Ok(access::sees_private(viewer.user_id, self.0.id, role))
    }
}

/// A person. What everybody may know of them, and for themselves and administrators the rest.
#[Object(crate = "crate::graphql::eager")]
impl User {
    /// Opaque global id.
    pub async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// Public numeric account, starting at 10000000.
    fn account_number(&self) -> i32 {
        self.0.account_number
    }

    /// Unique name, which they sign in with; case does not matter.
    fn username(&self) -> &str {
        &self.0.username
    }

    /// Name to show; not unique.
    fn nickname(&self) -> &str {
        &self.0.nickname
    }

    /// A placeholder for a deleted account.
    fn deleted(&self) -> bool {
        self.0.deleted_at.is_some()
    }

    /// Their picture, if they have one. Costs a statement for a whole list of people, unless all were seen lately.
    fn avatar(&self) -> Option<Relation<MediaById, Media>> {
        Some(Relation::ByKey { key: self.0.avatar_id?, show: Media })
    }

    /// What they may do beyond their own things.
    fn role(&self) -> Role {
        self.0.role
    }

    /// When they registered.
    fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When their profile last changed.
    fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }

    /// As they put it. Costs a statement for a whole list of people, as do `birthday`, `age`, `bio`, `score`,
    /// `verification` and `place`, all of them together; and one more for `private`.
    fn gender(&self) -> Relation<PersonById, Gender> {
        self.loaded(|person| person.profile.gender)
    }

    /// Date of birth, if they say.
    #[expect(clippy::unnecessary_wraps, reason = "null, with an error, where it can't be loaded")]
    fn birthday(&self) -> Option<Relation<PersonById, Option<Date>>> {
        Some(self.loaded(|person| person.profile.birthday.map(Date)))
    }

    /// Whole years since their birthday, by today's date in UTC.
    async fn age(&self, ctx: &Context<'_>) -> Option<AppResult<i32>> {
        let count = async {
            let today = ctx.app()?.clock.now().date_naive();
            Ok(self.profile(ctx).await?.birthday.map(|birthday| age(birthday, today)))
        };
        count.await.transpose()
    }

    /// About them, in their words; may be empty.
    fn bio(&self) -> Relation<PersonById, String> {
        self.loaded(|person| person.profile.bio.clone())
    }

    /// Points of reputation; everybody starts with 10.
    fn score(&self) -> Relation<PersonById, i32> {
        self.loaded(|person| person.profile.score)
    }

    /// Whether an administrator has reviewed the ID card.
    fn verification(&self) -> Relation<PersonById, Verification> {
        self.loaded(|person| person.profile.verification)
    }

    /// Coarse place, as they wrote it. Null when they wrote nothing.
    async fn place(&self, ctx: &Context<'_>) -> Option<AppResult<PlaceObject>> {
        let place = self.profile(ctx).await.map(|profile| profile.place.clone());
        place.map(|place| (!place.is_empty()).then(|| place.into())).transpose()
    }

    /// What they sell or are looking for; with what they deleted, for themselves and administrators. Costs a statement
    /// for a whole list of people; with a query or a cursor, for one person alone.
    async fn items(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which items.")] filter: Option<ItemFilter>,
        #[graphql(desc = "In which order; where none is given, the best first for a query, else the newest.")]
        order_by: Option<ItemOrder>,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> AppResult<Connection<Item>> {
        let page = PageArgs { first, after, last, before };
        // Boxed: by far the largest, it would make the future of every field as large.
        Box::pin(items::query::list_of_owner(ctx, self.0.id, filter, order_by, page)).await
    }

    /// Groups that they and the viewer are in, those that the viewer joined last first; where members are hidden, those alone in
    /// which the viewer sees who they are. Costs a statement for each of them.
    async fn common_groups(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> AppResult<Connection<Group>> {
        groups::query::list_common(ctx, self.0.id, PageArgs { first, after, last, before }).await
    }

    /// What there is between the viewer and them. Null for those who are not signed in. Costs three statements for a whole list of
    /// people.
    async fn relationship(&self, ctx: &Context<'_>) -> Option<AppResult<Relationship>> {
        friends::query::find_relationship(ctx, self.0.id).await.transpose()
    }

    /// Whether they are online, and when they were last. Null for those who may not see it, as they chose in their profile: their
    /// friends alone until then. Costs a statement for a whole list of people.
    async fn presence(&self, ctx: &Context<'_>) -> Option<AppResult<Presence>> {
        presence::query::find_presence(ctx, self.0.id).await.transpose()
    }

    /// What is theirs alone. Null for everybody but themselves and administrators.
    async fn private(&self, ctx: &Context<'_>) -> Option<AppResult<UserPrivate>> {
        let look = async {
            if !self.is_open_to_viewer(ctx).await? {
                return Ok(None);
            }
            Ok(Some(UserPrivate(self.details(ctx).await?, self.0.id)))
        };
        look.await.transpose()
    }
}

plain_enums!(Role, Gender, Verification);

/// A user who is loaded where they are shown.
pub type UserRelation = Relation<PersonById, User>;

plain!(User [|user: &User| user.0.id.parts()] {
    "avatar" => avatar,
    "gender" => gender,
    "birthday" => birthday,
    "bio" => bio,
    "score" => score,
    "verification" => verification,
    "accountNumber" => account_number,
    "username" => username,
    "nickname" => nickname,
    "deleted" => deleted,
    "role" => role,
    "createdAt" => created_at,
    "updatedAt" => updated_at,
});

/// Where a user lives, as they wrote it.
#[derive(SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
#[graphql(name = "Place")]
pub struct PlaceObject {
    /// Country.
    country: Option<String>,
    /// Province.
    province: Option<String>,
    /// City.
    city: Option<String>,
    /// District.
    district: Option<String>,
}

impl From<Place> for PlaceObject {
    fn from(Place { country, province, city, district }: Place) -> Self {
        Self { country, province, city, district }
    }
}

/// A changed account.
#[derive(SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct UserPayload {
    /// They; null when it was refused.
    user: Option<User>,
    /// Why it was refused.
    user_errors: Vec<UserErrorObject>,
}

impl UserPayload {
    /// They were changed.
    #[must_use]
    pub fn changed(user: model::User) -> Self {
        Self { user: Some(User(Arc::new(user))), user_errors: Vec::new() }
    }
}

impl Payload for UserPayload {
    fn with_errors(user_errors: Vec<UserErrorObject>) -> Self {
        Self { user: None, user_errors }
    }
}
