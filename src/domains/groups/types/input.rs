//! Inputs and payloads of groups.

use async_graphql::{ID, InputObject, MaybeUndefined, SimpleObject};

use super::{Group, GroupJoinRequest, GroupMember};
use crate::domains::accounts::types::profile::CoordinatesInput;
use crate::domains::groups::model::{
    self, AnsweredJoinRequest, CreateGroup, InvitedMembers, UpdateGroup, UpdateGroupSettings,
};
use crate::domains::media::types::picture;
use crate::error::AppResult;
use crate::graphql::payload::{Payload, UserErrorObject};
use crate::graphql::scalars::{mutation_id, patch, query_id};
use crate::ids::{MerchantId, UserId};
use crate::validation::Patch;

/// Users by their global ids, with the place of each in errors.
///
/// # Errors
/// `NOT_FOUND` for what is no user's id.
pub fn parse_users(ids: &[ID], path: &str) -> AppResult<Vec<UserId>> {
    ids.iter().enumerate().map(|(n, id)| mutation_id(UserId::parse, id, &format!("{path}.{n}"))).collect()
}

/// How a group is to be run. Omitted settings are off in a new group, and stay as they are in another.
#[derive(Clone, Debug, Default, InputObject)]
pub struct GroupSettingsInput {
    /// Members send each other no requests to become friends, unless they share another group.
    disable_add_member: Option<bool>,
    /// General members don't see who the others are.
    disable_view_member: Option<bool>,
    /// No user asks to join, and only the owner and managers invite.
    disable_join_requests: Option<bool>,
    /// New members see what was said before.
    enable_history_for_new_members: Option<bool>,
    /// Only the owner and managers send.
    mute_all: Option<bool>,
}

impl From<GroupSettingsInput> for UpdateGroupSettings {
    fn from(input: GroupSettingsInput) -> Self {
        let GroupSettingsInput {
            disable_add_member,
            disable_view_member,
            disable_join_requests,
            enable_history_for_new_members,
            mute_all,
        } = input;
        Self {
            disable_add_member,
            disable_view_member,
            disable_join_requests,
            enable_history_for_new_members,
            mute_all,
        }
    }
}

impl From<GroupSettingsInput> for model::GroupSettings {
    fn from(input: GroupSettingsInput) -> Self {
        Self {
            disable_add_member: input.disable_add_member.unwrap_or_default(),
            disable_view_member: input.disable_view_member.unwrap_or_default(),
            disable_join_requests: input.disable_join_requests.unwrap_or_default(),
            enable_history_for_new_members: input.enable_history_for_new_members.unwrap_or_default(),
            mute_all: input.mute_all.unwrap_or_default(),
        }
    }
}

/// A group to be made.
#[derive(Clone, Debug, InputObject)]
pub struct CreateGroupInput {
    /// What it is called: one line of 1 to 50 characters.
    name: String,
    /// What it is about, at most 500 characters.
    #[graphql(default)]
    intro: String,
    /// Global id of a picture among the viewer's files.
    avatar_id: Option<ID>,
    /// Global id of a merchant of the viewer's, whose group it is to be.
    merchant_id: Option<ID>,
    /// How it is run.
    settings: Option<GroupSettingsInput>,
    /// Global ids of friends who are in it from the start, at most 499.
    member_ids: Option<Vec<ID>>,
    /// Where it is, for `nearbyGroups`; only the centre of the cell of about 500 m is kept, and only its owner and managers see
    /// that. Omitted or null, it has no place.
    coordinates: Option<CoordinatesInput>,
}

impl CreateGroupInput {
    /// The group to be.
    ///
    /// # Errors
    /// `NOT_FOUND` for what is no user's or merchant's id.
    pub fn parse(self) -> AppResult<CreateGroup> {
        let merchant =
            self.merchant_id.map(|id| mutation_id(MerchantId::parse, &id, "input.merchantId")).transpose()?;
        Ok(CreateGroup {
            merchant,
            name: self.name,
            intro: self.intro,
            avatar: self.avatar_id.map(|id| picture(&id)),
            settings: self.settings.unwrap_or_default().into(),
            members: parse_users(&self.member_ids.unwrap_or_default(), "input.memberIds")?,
            coordinates: self.coordinates.map(Into::into),
        })
    }
}

/// What changes about a group. Omitted fields keep their value.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateGroupInput {
    /// What it is called: one line of 1 to 50 characters.
    name: MaybeUndefined<String>,
    /// What it is about, at most 500 characters.
    intro: MaybeUndefined<String>,
    /// Global id of a picture among the viewer's files; null for none.
    avatar_id: MaybeUndefined<ID>,
    /// How it is run.
    settings: Option<GroupSettingsInput>,
    /// What its members are to know, at most 2,000 characters; null for nothing.
    announcement: MaybeUndefined<String>,
    /// Where it is, for `nearbyGroups`; only the centre of the cell of about 500 m is kept. Null withdraws it.
    coordinates: MaybeUndefined<CoordinatesInput>,
}

impl From<UpdateGroupInput> for UpdateGroup {
    fn from(input: UpdateGroupInput) -> Self {
        let UpdateGroupInput { name, intro, avatar_id, settings, announcement, coordinates } = input;
        let (avatar, coordinates): (Patch<ID>, Patch<CoordinatesInput>) = (patch(avatar_id), patch(coordinates));
        Self {
            name: patch(name),
            intro: patch(intro),
            announcement: patch(announcement),
            avatar: avatar.map(|id| picture(&id)),
            settings: settings.unwrap_or_default().into(),
            coordinates: coordinates.map(Into::into),
        }
    }
}

/// Which groups a list has; all that is given has to hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct GroupFilter {
    /// Words to look for in names and introductions, at most 100 characters; see `search`. At most 1,000 groups are found.
    query: Option<String>,
    /// Of the merchant with this global id.
    merchant_id: Option<ID>,
    /// Whether the viewer is in it; `UNAUTHENTICATED` without a token.
    joined: Option<bool>,
}

impl GroupFilter {
    /// The filter.
    ///
    /// # Errors
    /// Bad input for what is no merchant's id.
    pub fn parse(self) -> AppResult<model::GroupFilter> {
        let Self { query, merchant_id, joined } = self;
        let merchant = merchant_id.map(|id| query_id(MerchantId::parse, &id, "filter.merchantId")).transpose()?;
        Ok(model::GroupFilter { query, merchant, joined })
    }
}

/// A group that was made or changed.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct GroupPayload {
    /// As it is now; null when it was refused.
    group: Option<Group>,
    /// Why it was refused; a member at fault stands in `field`, such as `["input", "memberIds", "0"]`.
    user_errors: Vec<UserErrorObject>,
}

impl From<model::Group> for GroupPayload {
    fn from(group: model::Group) -> Self {
        Self { group: Some(group.into()), user_errors: Vec::new() }
    }
}

impl Payload for GroupPayload {
    fn with_errors(user_errors: Vec<UserErrorObject>) -> Self {
        Self { group: None, user_errors }
    }
}

/// Friends who were added to a group.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct GroupInvitePayload {
    /// The group as it is now; null when all was refused.
    group: Option<Group>,
    /// Those who are members from now on.
    added: Vec<GroupMember>,
    /// Why the others are not; each stands in `field`, such as `["userIds", "0"]`.
    user_errors: Vec<UserErrorObject>,
}

impl From<InvitedMembers> for GroupInvitePayload {
    fn from(InvitedMembers { group, added, errors }: InvitedMembers) -> Self {
        Self {
            group: Some(group.into()),
            added: added.into_iter().map(Into::into).collect(),
            user_errors: errors.into_iter().map(Into::into).collect(),
        }
    }
}

impl Payload for GroupInvitePayload {
    fn with_errors(user_errors: Vec<UserErrorObject>) -> Self {
        Self { group: None, added: Vec::new(), user_errors }
    }
}

/// A member of a group who was changed.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct GroupMemberPayload {
    /// As they are now; null when it was refused.
    member: Option<GroupMember>,
    /// Why it was refused.
    user_errors: Vec<UserErrorObject>,
}

impl From<model::GroupMember> for GroupMemberPayload {
    fn from(member: model::GroupMember) -> Self {
        Self { member: Some(member.into()), user_errors: Vec::new() }
    }
}

impl Payload for GroupMemberPayload {
    fn with_errors(user_errors: Vec<UserErrorObject>) -> Self {
        Self { member: None, user_errors }
    }
}

/// A request to join that was sent, answered or withdrawn.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct GroupJoinRequestPayload {
    /// As it is now; null when it was refused.
    join_request: Option<GroupJoinRequest>,
    /// The membership that it led to, if it did.
    member: Option<GroupMember>,
    /// Why it was refused.
    user_errors: Vec<UserErrorObject>,
}

impl From<AnsweredJoinRequest> for GroupJoinRequestPayload {
    fn from(AnsweredJoinRequest { request, member }: AnsweredJoinRequest) -> Self {
        Self { join_request: Some(request.into()), member: member.map(Into::into), user_errors: Vec::new() }
    }
}

impl Payload for GroupJoinRequestPayload {
    fn with_errors(user_errors: Vec<UserErrorObject>) -> Self {
        Self { join_request: None, member: None, user_errors }
    }
}
