//! Members of groups.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};

use crate::domains::accounts::loader::PersonById;
use crate::domains::accounts::types::User;
use crate::domains::friends::loader::FriendshipWith;
use crate::domains::groups::loader::{GroupById, VoiceOf};
use crate::domains::groups::model::{self, GroupRole};
use crate::domains::groups::policy;
use crate::domains::groups::types::find_standing;
use crate::domains::media::loader::MediaById;
use crate::domains::media::types::Media;
use crate::error::AppResult;
use crate::graphql::context::PlazaContext;
use crate::graphql::eager::{plain, plain_enums};
use crate::graphql::scalars::DateTime;

/// A member of a group.
#[derive(Clone, Debug)]
pub struct GroupMember(pub Arc<model::GroupMember>);

impl From<model::GroupMember> for GroupMember {
    fn from(member: model::GroupMember) -> Self {
        Self(Arc::new(member))
    }
}

impl GroupMember {
    /// Whether the viewer sees who it is: themselves, those who run the group and friends; all others where members are
    /// shown, and for those who run it.
    async fn is_shown(&self, ctx: &Context<'_>) -> AppResult<bool> {
        if self.0.user_id == ctx.viewer()?.user_id || self.0.role.is_staff() {
            return Ok(true);
        }
        let loaders = ctx.loaders()?;
        let Some(group) = loaders.find::<GroupById>(self.0.group_id).await? else { return Ok(false) };
        let role = find_standing(ctx, &group).await?.role();
        if policy::shows_members(role, group.settings) {
            return Ok(true);
        }
        Ok(loaders.find::<FriendshipWith>(self.0.user_id).await?.is_some())
    }

    /// What their conversation says of when they were muted.
    async fn muted_at(&self, ctx: &Context<'_>) -> AppResult<Option<DateTime>> {
        let loaders = ctx.loaders()?;
        let voice = loaders.find::<VoiceOf>((self.0.group_id.conversation(), self.0.user_id)).await?;
        let now = ctx.app()?.clock.now();
        Ok(voice.and_then(|voice| voice.muted_at(now)).map(Into::into))
    }
}

/// A member of a group, for its members.
#[Object(crate = "crate::graphql::eager")]
impl GroupMember {
    /// Opaque global id.
    pub async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// Who it is. Null for general members where `disableViewMember` is set, but for themselves, their friends, the owner and
    /// managers. Costs up to five statements for a whole list of members.
    async fn user(&self, ctx: &Context<'_>) -> Option<AppResult<User>> {
        let find = async {
            if !self.is_shown(ctx).await? {
                return Ok(None);
            }
            let loaders = ctx.loaders()?;
            let person = loaders.find::<PersonById>(self.0.user_id).await?;
            Ok(person.map(|person| User(Arc::clone(&person.user))))
        };
        find.await.transpose()
    }

    /// Their picture, also where the user is hidden. Costs two statements for a whole list of members, unless all were seen
    /// lately.
    async fn avatar(&self, ctx: &Context<'_>) -> Option<AppResult<Media>> {
        let find = async {
            let loaders = ctx.loaders()?;
            let person = loaders.find::<PersonById>(self.0.user_id).await?;
            let Some(avatar) = person.and_then(|person| person.user.avatar_id) else { return Ok(None) };
            Ok(loaders.find::<MediaById>(avatar).await?.map(Media))
        };
        find.await.transpose()
    }

    /// What they are in it.
    fn role(&self) -> GroupRole {
        self.0.role
    }

    /// What they are called in it; empty for their nickname.
    fn name_card(&self) -> &str {
        &self.0.name_card
    }

    /// Whether they can't send for a while. Costs a statement for a whole list of members, as does `mutedUntil`, both together.
    async fn is_muted(&self, ctx: &Context<'_>) -> AppResult<bool> {
        Ok(self.muted_at(ctx).await?.is_some())
    }

    /// Until when they can't send. Null when they can.
    async fn muted_until(&self, ctx: &Context<'_>) -> Option<AppResult<DateTime>> {
        self.muted_at(ctx).await.transpose()
    }

    /// Since when they are in it.
    fn joined_at(&self) -> DateTime {
        self.0.joined_at.into()
    }
}

plain_enums!(GroupRole);

plain!(GroupMember [|member: &GroupMember| member.0.id.parts()] {
    "role" => role,
    "nameCard" => name_card,
    "joinedAt" => joined_at,
});
