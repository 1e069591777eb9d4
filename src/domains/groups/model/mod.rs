//! Rows and enums of groups, and what is asked of them; what can go wrong ([`error`]), which are near ([`nearby`]) and
//! who runs a group ([`staff`]) apart.

pub mod error;
pub mod nearby;
pub mod staff;

use std::sync::Arc;

use async_graphql::Enum;
use chrono::{DateTime, Utc};
use diesel::{AsChangeset, Insertable, Queryable, Selectable};
use serde::{Deserialize, Serialize};

use crate::db::pg_enum;
use crate::db::schema::{self, sql_types};
use crate::domains::friends::model::RequestStatus;
use crate::domains::search::model::{SearchEntry, SearchKind};
use crate::domains::search::words::{Field, SearchDocument};
use crate::error::UserError;
use crate::geo::GeoPoint;
use crate::ids::{ConversationId, GroupId, GroupJoinRequestId, GroupMemberId, MediaId, MerchantId, UserId};
use crate::validation::Patch;

pub use error::GroupError;
pub use staff::GroupStaff;

pg_enum! {
    /// What a member is in a group.
    #[derive(Enum, Serialize)]
    pub enum GroupRole: sql_types::GroupRole {
        /// The one whose group it is.
        Owner = "OWNER",
        /// Runs it together with the owner.
        Manager = "MANAGER",
        /// Each other member.
        General = "GENERAL",
    }
}

impl GroupRole {
    /// Whether it comes with running the group.
    #[must_use]
    pub fn is_staff(self) -> bool {
        match self {
            Self::Owner | Self::Manager => true,
            Self::General => false,
        }
    }
}

/// How a group is run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::groups)]
#[expect(clippy::struct_excessive_bools, reason = "columns, as clients see them")]
pub struct GroupSettings {
    /// Members who share no other group send each other no requests to become friends.
    pub disable_add_member: bool,
    /// General members don't see who the others are.
    pub disable_view_member: bool,
    /// Nobody asks to join, and only those who run it invite.
    pub disable_join_requests: bool,
    /// New members see what was said before.
    pub enable_history_for_new_members: bool,
    /// Only those who run it send.
    pub mute_all: bool,
}

/// A group.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::groups)]
pub struct Group {
    /// Key, and its conversation's.
    pub id: GroupId,
    /// What it is called.
    pub name: String,
    /// What it is about; may be empty.
    pub intro: String,
    /// What its members are to know.
    pub announcement: Option<String>,
    /// Its picture.
    pub avatar_id: Option<MediaId>,
    /// The one whose group it is.
    pub owner_id: UserId,
    /// How many are in it.
    pub member_count: i32,
    /// How it is run.
    #[diesel(embed)]
    pub settings: GroupSettings,
    /// Since when there is one.
    pub created_at: DateTime<Utc>,
    /// When what it is last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was dissolved.
    pub dissolved_at: Option<DateTime<Utc>>,
    /// The merchant that it is of.
    pub merchant_id: Option<MerchantId>,
}

impl Group {
    /// Its conversation.
    #[must_use]
    pub fn conversation_id(&self) -> ConversationId {
        self.id.conversation()
    }
}

impl From<&Group> for SearchEntry {
    fn from(group: &Group) -> Self {
        let fields = [(group.name.as_str(), Field::Title), (group.intro.as_str(), Field::Text)];
        Self { kind: SearchKind::Group, subject_id: group.id.0, boost: 1.0, document: SearchDocument::new(&fields) }
    }
}

/// A group to be.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = schema::groups)]
pub struct NewGroup {
    /// Its conversation.
    pub id: GroupId,
    /// What it is called.
    pub name: String,
    /// What it is about.
    pub intro: String,
    /// Its picture.
    pub avatar_id: Option<MediaId>,
    /// The one whose group it is.
    pub owner_id: UserId,
    /// How many are in it from the start.
    pub member_count: i32,
    /// The merchant that it is of.
    pub merchant_id: Option<MerchantId>,
    /// How it is run.
    #[diesel(embed)]
    pub settings: GroupSettings,
    /// Now.
    pub created_at: DateTime<Utc>,
    /// Now.
    pub updated_at: DateTime<Utc>,
}

/// Columns of a group that change; those that are None stay.
#[derive(Clone, Debug, Default, AsChangeset)]
#[diesel(table_name = schema::groups)]
pub struct GroupChanges {
    /// What it is called.
    pub name: Option<String>,
    /// What it is about.
    pub intro: Option<String>,
    /// What its members are to know.
    pub announcement: Option<Option<String>>,
    /// Its picture.
    pub avatar_id: Option<Option<MediaId>>,
    /// See [`GroupSettings`].
    pub disable_add_member: Option<bool>,
    /// See [`GroupSettings`].
    pub disable_view_member: Option<bool>,
    /// See [`GroupSettings`].
    pub disable_join_requests: Option<bool>,
    /// See [`GroupSettings`].
    pub enable_history_for_new_members: Option<bool>,
    /// See [`GroupSettings`].
    pub mute_all: Option<bool>,
    /// Now.
    pub updated_at: Option<DateTime<Utc>>,
}

/// A group to be made, as its creator gives it.
#[derive(Clone, Debug)]
pub struct CreateGroup {
    /// What it is called.
    pub name: String,
    /// What it is about.
    pub intro: String,
    /// Its picture.
    pub avatar: Option<MediaId>,
    /// The merchant that it is to be of.
    pub merchant: Option<MerchantId>,
    /// How it is run.
    pub settings: GroupSettings,
    /// Friends who are in it from the start.
    pub members: Vec<UserId>,
    /// Where it is.
    pub coordinates: Option<GeoPoint>,
}

/// Changes of a group, as they are given.
#[derive(Clone, Debug, Default)]
pub struct UpdateGroup {
    /// What it is called.
    pub name: Patch<String>,
    /// What it is about.
    pub intro: Patch<String>,
    /// What its members are to know.
    pub announcement: Patch<String>,
    /// Its picture.
    pub avatar: Patch<MediaId>,
    /// How it is run.
    pub settings: UpdateGroupSettings,
    /// Where it is.
    pub coordinates: Patch<GeoPoint>,
}

/// Changes of how a group is run; what is None stays.
#[derive(Clone, Copy, Debug, Default)]
pub struct UpdateGroupSettings {
    /// See [`GroupSettings`].
    pub disable_add_member: Option<bool>,
    /// See [`GroupSettings`].
    pub disable_view_member: Option<bool>,
    /// See [`GroupSettings`].
    pub disable_join_requests: Option<bool>,
    /// See [`GroupSettings`].
    pub enable_history_for_new_members: Option<bool>,
    /// See [`GroupSettings`].
    pub mute_all: Option<bool>,
}

/// A member of a group.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::group_members)]
pub struct GroupMember {
    /// Key.
    pub id: GroupMemberId,
    /// Where.
    pub group_id: GroupId,
    /// Who.
    pub user_id: UserId,
    /// As what.
    pub role: GroupRole,
    /// What they are called there; empty for their nickname.
    pub name_card: String,
    /// Since when.
    pub joined_at: DateTime<Utc>,
}

/// A request to join a group.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::group_join_requests)]
pub struct GroupJoinRequest {
    /// Key.
    pub id: GroupJoinRequestId,
    /// Which group.
    pub group_id: GroupId,
    /// Who asks.
    pub user_id: UserId,
    /// What they say; may be empty.
    pub reason: String,
    /// What is said with a denial.
    pub deny_reason: Option<String>,
    /// What became of it; see [`GroupJoinRequest::status_at`].
    pub status: RequestStatus,
    /// When it was sent.
    pub created_at: DateTime<Utc>,
    /// When it is over, unless it is answered before.
    pub expires_at: DateTime<Utc>,
    /// When it was answered or withdrawn.
    pub replied_at: Option<DateTime<Utc>>,
}

impl GroupJoinRequest {
    /// What has become of it by now.
    #[must_use]
    pub fn status_at(&self, now: DateTime<Utc>) -> RequestStatus {
        self.status.by(now, self.expires_at)
    }
}

/// A request to be.
#[derive(Clone, Copy, Debug)]
pub struct NewJoinRequest<'a> {
    /// Which group.
    pub group: GroupId,
    /// Who asks.
    pub user: UserId,
    /// What they say.
    pub reason: &'a str,
    /// Now.
    pub now: DateTime<Utc>,
    /// When it is over.
    pub expires_at: DateTime<Utc>,
}

/// What a user is to a group, as far as it decides what they can do.
#[derive(Clone, Copy, Debug, Default)]
pub struct Standing {
    /// Their role; none for those who are no members.
    pub role: Option<GroupRole>,
    /// They are muted.
    pub is_muted: bool,
    /// They asked to join, and wait.
    pub waits: bool,
}

/// What the viewer is to a group.
#[derive(Clone, Debug, Default)]
pub struct ViewerStanding {
    /// Their membership.
    pub member: Option<Arc<GroupMember>>,
    /// Their last request to join.
    pub request: Option<Arc<GroupJoinRequest>>,
    /// Until when they were muted the last time.
    pub muted_until: Option<DateTime<Utc>>,
}

impl ViewerStanding {
    /// Their role.
    #[must_use]
    pub fn role(&self) -> Option<GroupRole> {
        self.member.as_ref().map(|member| member.role)
    }

    /// Their request, while it waits.
    #[must_use]
    pub fn waiting(&self, now: DateTime<Utc>) -> Option<&Arc<GroupJoinRequest>> {
        self.request.as_ref().filter(|request| request.status_at(now) == RequestStatus::Waiting)
    }

    /// What it comes to now.
    #[must_use]
    pub fn at(&self, now: DateTime<Utc>) -> Standing {
        let is_muted = self.muted_until.is_some_and(|until| until > now);
        Standing { role: self.role(), is_muted, waits: self.waiting(now).is_some() }
    }
}

/// A request that was sent, answered or withdrawn, and the membership that it led to.
#[derive(Clone, Debug)]
pub struct AnsweredJoinRequest {
    /// The request.
    pub request: GroupJoinRequest,
    /// The membership.
    pub member: Option<GroupMember>,
}

/// Members who were added, and those who could not be.
#[derive(Clone, Debug)]
pub struct InvitedMembers {
    /// The group.
    pub group: Group,
    /// Those who are members from now on.
    pub added: Vec<GroupMember>,
    /// Why the others are not.
    pub errors: Vec<UserError>,
}

/// What changed about a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MembershipChange {
    /// They run the group from now on, or no longer; or own it.
    RoleChanged,
    /// They can't send for a while.
    Muted,
    /// They can send again.
    Unmuted,
    /// They are called something else.
    NameCardChanged,
}

/// What a user can do with a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum GroupAction {
    /// Send messages.
    Send,
    /// Change what it is and how it is run.
    Edit,
    /// Add friends.
    Invite,
    /// Ask to join.
    RequestToJoin,
    /// Answer those who ask to join.
    AnswerJoinRequests,
    /// Mute members.
    MuteMembers,
    /// Remove members.
    RemoveMembers,
    /// Let members run it, or no longer.
    SetManagers,
    /// Give it to another member.
    Transfer,
    /// Leave it.
    Leave,
    /// Dissolve it.
    Dissolve,
}

/// Which groups a list has; all that is given has to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct GroupFilter {
    /// Words to look for.
    pub query: Option<String>,
    /// The merchant that it is of.
    pub merchant: Option<MerchantId>,
    /// Whether the viewer is in it.
    pub joined: Option<bool>,
}
