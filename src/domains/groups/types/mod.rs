//! GraphQL types of groups: the group here; [`member`]s, requests to join ([`request`]), groups that are near
//! ([`nearby`]), [`input`]s and [`event`]s apart.

pub mod event;
pub mod input;
pub mod member;
pub mod nearby;
pub mod request;

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};

use super::model::{self, GroupAction, GroupRole, ViewerStanding};
use super::service::members::MemberListQuery;
use super::{policy, service};
use crate::domains::accounts::types::profile::Coordinates;
use crate::domains::accounts::types::{User, UserRelation};
use crate::domains::chat::loader::ConversationById;
use crate::domains::chat::types::Conversation;
use crate::domains::groups::loader::{CellOfGroup, JoinsAtOnce, StandingIn};
use crate::domains::media::loader::MediaById;
use crate::domains::media::types::Media;
use crate::domains::merchants;
use crate::domains::merchants::types::Merchant;
use crate::error::AppResult;
use crate::graphql::connection::Connection;
use crate::graphql::context::PlazaContext;
use crate::graphql::eager::{Relation, plain, plain_struct};
use crate::graphql::scalars::DateTime;
use crate::page::PageArgs;

pub use member::GroupMember;
pub use request::GroupJoinRequest;

/// People who talk together.
#[derive(Clone, Debug)]
pub struct Group(pub Arc<model::Group>);

impl From<model::Group> for Group {
    fn from(group: model::Group) -> Self {
        Self(Arc::new(group))
    }
}

/// What the viewer is to a group; nothing where they are not signed in.
pub(super) async fn find_standing(ctx: &Context<'_>, group: &model::Group) -> AppResult<ViewerStanding> {
    if ctx.requester()?.viewer.is_none() {
        return Ok(ViewerStanding::default());
    }
    let loaders = ctx.loaders()?;
    Ok(loaders.find::<StandingIn>(group.id).await?.unwrap_or_default())
}

/// People who talk together. What the viewer is to it (`viewerMembership`, `joined`, `viewerJoinRequest`, `availableActions`,
/// `announcement`, `coordinates`) costs three statements for a whole list of groups, all of them together.
#[Object(crate = "crate::graphql::eager")]
impl Group {
    /// Opaque global id.
    pub async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// What it is called.
    fn name(&self) -> &str {
        &self.0.name
    }

    /// What it is about; may be empty.
    fn intro(&self) -> &str {
        &self.0.intro
    }

    /// Its picture, if it has one. Costs a statement for a whole list of groups, unless all were seen lately.
    fn avatar(&self) -> Option<Relation<MediaById, Media>> {
        Some(Relation::ByKey { key: self.0.avatar_id?, show: Media })
    }

    /// The user whose group it is. Costs a statement for a whole list of groups, unless all were seen lately.
    fn owner(&self) -> UserRelation {
        User::by_id(self.0.owner_id)
    }

    /// The merchant that it is of. Null for other groups, and once the merchant was closed. Costs a statement for a whole list of
    /// groups.
    async fn merchant(&self, ctx: &Context<'_>) -> Option<AppResult<Merchant>> {
        merchants::query::find_merchant(ctx, self.0.merchant_id?).await.transpose()
    }

    /// How many are in it.
    fn member_count(&self) -> i32 {
        self.0.member_count
    }

    /// How many can be in it.
    #[expect(clippy::unused_self, reason = "a field, the same for all groups")]
    fn member_limit(&self) -> i32 {
        policy::MEMBER_LIMIT
    }

    /// How it is run.
    fn settings(&self) -> GroupSettings {
        self.0.settings.into()
    }

    /// Who is in it, as they joined; for its members alone, others get an empty list. Costs two statements for each group.
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Those with this role alone.")] role: Option<GroupRole>,
        #[graphql(
            desc = "A part of the name card or of the nickname, at most 100 characters; case does not matter. Finds nothing
            where `disableViewMember` is set, but for the owner and managers."
        )]
        query: Option<String>,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> AppResult<Connection<GroupMember>> {
        let list = MemberListQuery::new(self.0.id, role, query)?;
        let page = list.page(PageArgs { first, after, last, before })?;
        let members = service::members::list(ctx.scope()?, &list, &page).await?;
        Ok(Connection::new(members, Into::into, move |scope, _| {
            let list = list.clone();
            Box::pin(async move { service::members::count(scope, &list).await })
        }))
    }

    /// What the viewer is in it. Null when they are no member.
    async fn viewer_membership(&self, ctx: &Context<'_>) -> Option<AppResult<GroupMember>> {
        find_standing(ctx, &self.0).await.map(|standing| standing.member.map(GroupMember)).transpose()
    }

    /// Whether the viewer is a member.
    async fn joined(&self, ctx: &Context<'_>) -> AppResult<bool> {
        Ok(find_standing(ctx, &self.0).await?.member.is_some())
    }

    /// The viewer's request to join, while it waits.
    async fn viewer_join_request(&self, ctx: &Context<'_>) -> Option<AppResult<GroupJoinRequest>> {
        let find = async {
            let standing = find_standing(ctx, &self.0).await?;
            let now = ctx.app()?.clock.now();
            Ok(standing.waiting(now).map(|request| GroupJoinRequest(Arc::clone(request))))
        };
        find.await.transpose()
    }

    /// What the viewer can do with it now.
    async fn available_actions(&self, ctx: &Context<'_>) -> AppResult<Vec<GroupAction>> {
        if ctx.requester()?.viewer.is_none() {
            return Ok(Vec::new());
        }
        let mut standing = find_standing(ctx, &self.0).await?.at(ctx.app()?.clock.now());
        if let Some(merchant) = self.0.merchant_id.filter(|_| standing.waits) {
            let loaders = ctx.loaders()?;
            standing.waits = !loaders.get::<JoinsAtOnce>((merchant, self.0.owner_id)).await?;
        }
        Ok(policy::available_actions(standing, &self.0))
    }

    /// Its conversation, for its members; null for others. Costs a statement for a whole list of groups.
    async fn conversation(&self, ctx: &Context<'_>) -> Option<AppResult<Conversation>> {
        let find = async {
            if find_standing(ctx, &self.0).await?.member.is_none() {
                return Ok(None);
            }
            let loaders = ctx.loaders()?;
            Ok(loaders.find::<ConversationById>(self.0.conversation_id()).await?.map(Conversation::shared))
        };
        find.await.transpose()
    }

    /// What its members are to know; null for others, and where there is nothing.
    async fn announcement(&self, ctx: &Context<'_>) -> Option<AppResult<String>> {
        let announcement = self.0.announcement.clone()?;
        let standing = find_standing(ctx, &self.0).await;
        standing.map(|standing| standing.member.map(|_| announcement)).transpose()
    }

    /// The centre of the cell of about 500 m that it is in, for its owner and managers. Null for others, who see in
    /// `nearbyGroups` how far away it is, and where it has no place. Costs a statement more for a whole list of groups.
    async fn coordinates(&self, ctx: &Context<'_>) -> Option<AppResult<Coordinates>> {
        let find = async {
            if !policy::shows_position(find_standing(ctx, &self.0).await?.role()) {
                return Ok(None);
            }
            let loaders = ctx.loaders()?;
            Ok(loaders.find::<CellOfGroup>(self.0.id).await?.map(|cell| cell.centre().into()))
        };
        find.await.transpose()
    }

    /// When it was made.
    fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When what it is, how it is run or whose it is last changed.
    fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }
}

plain!(Group [|group: &Group| group.0.id.parts()] {
    "name" => name,
    "intro" => intro,
    "avatar" => avatar,
    "owner" => owner,
    "memberCount" => member_count,
    "memberLimit" => member_limit,
    "settings" => settings,
    "createdAt" => created_at,
    "updatedAt" => updated_at,
});

/// How a group is run.
#[derive(Clone, Copy, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
#[expect(clippy::struct_excessive_bools, reason = "fields, as clients see them")]
pub struct GroupSettings {
    /// Members send each other no requests to become friends, unless they share another group.
    pub disable_add_member: bool,
    /// General members don't see who the others are.
    pub disable_view_member: bool,
    /// No user asks to join, and only the owner and managers invite.
    pub disable_join_requests: bool,
    /// New members see what was said before.
    pub enable_history_for_new_members: bool,
    /// Only the owner and managers send.
    pub mute_all: bool,
}

plain_struct!(GroupSettings {
    "disableAddMember" => disable_add_member,
    "disableViewMember" => disable_view_member,
    "disableJoinRequests" => disable_join_requests,
    "enableHistoryForNewMembers" => enable_history_for_new_members,
    "muteAll" => mute_all,
});

impl From<model::GroupSettings> for GroupSettings {
    fn from(settings: model::GroupSettings) -> Self {
        let model::GroupSettings {
            disable_add_member,
            disable_view_member,
            disable_join_requests,
            enable_history_for_new_members,
            mute_all,
        } = settings;
        Self {
            disable_add_member,
            disable_view_member,
            disable_join_requests,
            enable_history_for_new_members,
            mute_all,
        }
    }
}
