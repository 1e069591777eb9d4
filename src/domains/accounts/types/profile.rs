//! GraphQL types of what people say of themselves, and of what is theirs alone.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use crate::domains::accounts::model::{Access, Gender, Profile, UpdatePlace, UpdateProfile};
use crate::domains::media::types::picture;
use crate::domains::nearby::model::PositionVisibility;
use crate::domains::nearby::query::find_position;
use crate::domains::presence::model::PresenceVisibility;
use crate::domains::wallet::query::get_wallet;
use crate::domains::wallet::types::Wallet;
use crate::error::AppResult;
use crate::geo;
use crate::graphql::context::PlazaContext;
use crate::graphql::scalars::{Date, DateTime, EmailAddress, PhoneNumber, patch};
use crate::ids::{MediaId, UserId};
use crate::validation::Patch;

/// The private part of an account: for its holder and administrators.
pub struct UserPrivate(pub Arc<(Access, Profile)>, pub UserId);

/// The private part of an account: for its holder and administrators.
#[Object(crate = "crate::graphql::eager")]
impl UserPrivate {
    /// Address to sign in with.
    async fn email(&self) -> Option<EmailAddress> {
        self.0.0.email.clone().map(EmailAddress)
    }

    /// Whether they have proven to read its mail; false for one that an administrator put in.
    async fn email_verified(&self) -> bool {
        self.0.0.email_verified
    }

    /// A new address that waits for its code.
    async fn pending_email(&self) -> Option<EmailAddress> {
        self.0.1.pending_email.clone().map(EmailAddress)
    }

    /// Number to sign in with.
    async fn phone(&self) -> Option<PhoneNumber> {
        self.0.0.phone.clone().map(PhoneNumber)
    }

    /// Whether they have proven to read its messages; false for one that an administrator put in.
    async fn phone_verified(&self) -> bool {
        self.0.0.phone_verified
    }

    /// A new number that waits for its code.
    async fn pending_phone(&self) -> Option<PhoneNumber> {
        self.0.1.pending_phone.clone().map(PhoneNumber)
    }

    /// Number of their identity card.
    async fn id_card(&self) -> Option<&str> {
        self.0.1.id_card.as_deref()
    }

    /// Number at their school; text, because of leading zeros.
    async fn student_id(&self) -> Option<&str> {
        self.0.1.student_id.as_deref()
    }

    /// Postal address; may be empty.
    async fn address(&self) -> &str {
        &self.0.1.address
    }

    /// What they have. Costs a statement for a whole list of people.
    async fn wallet(&self, ctx: &Context<'_>) -> AppResult<Wallet> {
        get_wallet(ctx, self.1).await
    }

    /// The centre of the cell of about 500 m that they are in. Null when they have no position. Costs a statement for a
    /// whole list of people, as do `positionVisibility` and `locatedAt`, all of them together.
    async fn coordinates(&self, ctx: &Context<'_>) -> Option<AppResult<Coordinates>> {
        let position = find_position(ctx, self.1).await;
        position.map(|position| position.map(|position| position.cell.centre().into())).transpose()
    }

    /// Who sees them among `nearbyUsers`; `NOBODY` when they have no position.
    async fn position_visibility(&self, ctx: &Context<'_>) -> AppResult<PositionVisibility> {
        let position = find_position(ctx, self.1).await?;
        Ok(position.map_or(PositionVisibility::Nobody, |position| position.visibility))
    }

    /// Who sees whether they are online.
    async fn presence_visibility(&self) -> PresenceVisibility {
        self.0.1.presence_visibility
    }

    /// When they last sent their coordinates. Null when they have no position.
    async fn located_at(&self, ctx: &Context<'_>) -> Option<AppResult<DateTime>> {
        let position = find_position(ctx, self.1).await;
        position.map(|position| position.map(|position| position.located_at.into())).transpose()
    }

    /// Whether they are suspended now.
    async fn suspended(&self, ctx: &Context<'_>) -> AppResult<bool> {
        Ok(self.0.0.is_suspended(ctx.app()?.clock.now()))
    }

    /// When their suspension ends; null when they are not suspended, or until it is lifted.
    async fn suspended_until(&self, ctx: &Context<'_>) -> Option<AppResult<DateTime>> {
        let until = ctx.app().map(|app| {
            let suspended = self.0.0.is_suspended(app.clock.now());
            self.0.0.suspended_until.filter(|_| suspended).map(Into::into)
        });
        until.transpose()
    }
}

/// A position in degrees.
#[derive(Clone, Copy, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct Coordinates {
    /// East of Greenwich, -180 to 180.
    longitude: f64,
    /// North of the equator, -90 to 90.
    latitude: f64,
}

impl From<geo::GeoPoint> for Coordinates {
    fn from(geo::GeoPoint { longitude, latitude }: geo::GeoPoint) -> Self {
        Self { longitude, latitude }
    }
}

/// A position in degrees.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct CoordinatesInput {
    /// East of Greenwich, -180 to 180.
    longitude: f64,
    /// North of the equator, -90 to 90.
    latitude: f64,
}

impl From<CoordinatesInput> for geo::GeoPoint {
    fn from(CoordinatesInput { longitude, latitude }: CoordinatesInput) -> Self {
        Self { longitude, latitude }
    }
}

/// Where a user lives, as they write it. Omitted parts keep their value; null clears them.
#[derive(Clone, Debug, InputObject)]
pub struct PlaceInput {
    /// Country, at most 64 characters.
    country: MaybeUndefined<String>,
    /// Province, at most 64 characters.
    province: MaybeUndefined<String>,
    /// City, at most 64 characters.
    city: MaybeUndefined<String>,
    /// District, at most 64 characters.
    district: MaybeUndefined<String>,
}

impl From<PlaceInput> for UpdatePlace {
    fn from(PlaceInput { country, province, city, district }: PlaceInput) -> Self {
        Self { country: patch(country), province: patch(province), city: patch(city), district: patch(district) }
    }
}

/// A picture that an input names, or takes out.
pub(super) fn media_id(field: MaybeUndefined<ID>) -> Patch<MediaId> {
    let id: Patch<ID> = patch(field);
    id.map(|id| picture(&id))
}

/// Changes to the viewer's own profile. Omitted fields keep their value; null clears those that can be null.
#[derive(Debug, InputObject)]
pub struct UpdateProfileInput {
    /// 2 to 32 letters with their marks, digits, dots, hyphens or underscores, at least one letter, none of several scripts
    /// that look alike; unique without regard to case.
    username: MaybeUndefined<String>,
    /// Name to show, 1 to 32 characters, none of them invisible.
    nickname: MaybeUndefined<String>,
    /// Global id of a picture among their files. Null removes the avatar.
    avatar_id: MaybeUndefined<ID>,
    /// Gender.
    gender: MaybeUndefined<Gender>,
    /// Date of birth, from 1900 to today.
    birthday: MaybeUndefined<Date>,
    /// About them, at most 500 characters.
    bio: MaybeUndefined<String>,
    /// Number of their identity card, at most 64 characters. A new one makes `verification` `PENDING`.
    id_card: MaybeUndefined<String>,
    /// Number at their school, at most 64 characters.
    student_id: MaybeUndefined<String>,
    /// Postal address, at most 200 characters.
    address: MaybeUndefined<String>,
    /// A new address waits in `pendingEmail`, and is sent a code for `verifyContact`. Null removes both.
    email: MaybeUndefined<EmailAddress>,
    /// A new number waits in `pendingPhone`, and is sent a code for `verifyContact`. Null removes both.
    phone: MaybeUndefined<PhoneNumber>,
    /// Where they are; only the centre of the cell of about 500 m is kept, with the time. Null withdraws the position, and
    /// the next one is for `NOBODY` to see.
    coordinates: MaybeUndefined<CoordinatesInput>,
    /// Who sees them among `nearbyUsers`; `NOBODY` until it is set. `EVERYBODY` and `FRIENDS` need a position.
    position_visibility: MaybeUndefined<PositionVisibility>,
    /// Who sees whether they are online, and when they were last; `FRIENDS` until it is set.
    presence_visibility: MaybeUndefined<PresenceVisibility>,
    /// Where they live. Null clears all of it.
    place: MaybeUndefined<PlaceInput>,
}

impl From<EmailAddress> for String {
    fn from(email: EmailAddress) -> Self {
        email.0
    }
}

impl From<PhoneNumber> for String {
    fn from(phone: PhoneNumber) -> Self {
        phone.0
    }
}

impl From<Date> for chrono::NaiveDate {
    fn from(date: Date) -> Self {
        date.0
    }
}

impl From<UpdateProfileInput> for UpdateProfile {
    fn from(input: UpdateProfileInput) -> Self {
        Self {
            username: patch(input.username),
            nickname: patch(input.nickname),
            avatar_id: media_id(input.avatar_id),
            email: patch(input.email),
            phone: patch(input.phone),
            gender: patch(input.gender),
            birthday: patch(input.birthday),
            bio: patch(input.bio),
            id_card: patch(input.id_card),
            student_id: patch(input.student_id),
            address: patch(input.address),
            coordinates: patch(input.coordinates),
            position_visibility: patch(input.position_visibility),
            presence_visibility: patch(input.presence_visibility),
            place: patch(input.place),
        }
    }
}
