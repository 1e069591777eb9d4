//! Events of groups, as subscribers get them.

use async_graphql::{ID, SimpleObject};

use super::{Group, GroupJoinRequest, GroupMember};
use crate::domains::groups::model::MembershipChange;
use crate::graphql::eager::{plain_enums, plain_struct};

/// What a group is, how it is run or whose it is changed.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct GroupUpdated {
    /// As it is when delivered.
    pub group: Group,
}

/// What a member is in a group changed: their role, a mute, or their name card.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct GroupMemberChanged {
    /// The group.
    pub group: Group,
    /// The member, as they are when delivered. Null where they left since, and for a viewer who is in the group no longer.
    pub member: Option<GroupMember>,
    /// What changed.
    pub change: MembershipChange,
}

/// A group was dissolved. Its conversation stays for those who were in it, as they saw it.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct GroupDissolved {
    /// Global id of the group, which is no more.
    pub group_id: ID,
}

/// A user asked to join a group that the viewer runs.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct GroupJoinRequestCreated {
    /// The request.
    pub join_request: GroupJoinRequest,
}

/// The viewer's request to join a group was answered, or one to a group that they run was withdrawn.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct GroupJoinRequestAnswered {
    /// The request; `joinRequest.status` says what has become of it.
    pub join_request: GroupJoinRequest,
}

plain_enums!(MembershipChange);

plain_struct!(GroupUpdated { "group" => group });
plain_struct!(GroupMemberChanged { "group" => group, "member" => member, "change" => change });
plain_struct!(GroupDissolved { "groupId" => group_id });
plain_struct!(GroupJoinRequestCreated { "joinRequest" => join_request });
plain_struct!(GroupJoinRequestAnswered { "joinRequest" => join_request });
