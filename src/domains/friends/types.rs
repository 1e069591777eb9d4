//! GraphQL types of friends.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::model::{self, AnsweredRequest, RequestStatus};
use super::{names, query};
use crate::domains::accounts::types::{User, UserRelation};
use crate::domains::chat::loader::ConversationWith;
use crate::domains::chat::types::Conversation;
use crate::domains::friends::loader::GroupsOfFriendship;
use crate::error::{AppError, AppResult};
use crate::graphql::connection::Connection;
use crate::graphql::context::PlazaContext;
use crate::graphql::eager::{plain, plain_enums, plain_struct};
use crate::graphql::payload::{Payload, UserErrorObject};
use crate::graphql::scalars::{DateTime, query_id};
use crate::ids::FriendGroupId;
use crate::page::PageArgs;

/// A friendship, as the viewer has it.
#[derive(Clone, Debug)]
pub struct Friendship(pub Arc<model::Friendship>);

/// A friendship, as the viewer has it: what they note in it is theirs alone.
#[Object(crate = "crate::graphql::eager")]
impl Friendship {
    /// Opaque global id.
    pub async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// The friend. Costs a statement for a whole list of friends, unless all were seen lately.
    fn user(&self) -> UserRelation {
        User::by_id(self.0.friend_id)
    }

    /// What the viewer calls them; empty where they have no other name than their nickname.
    fn remark(&self) -> &str {
        &self.0.remark
    }

    /// The viewer's labels for them, in the viewer's order.
    fn labels(&self) -> Vec<&str> {
        self.0.labels.iter().flatten().map(String::as_str).collect()
    }

    /// The viewer's groups of friends that they are in, the oldest first, at most 50. Costs a statement for a whole list of friends.
    async fn groups(&self, ctx: &Context<'_>) -> AppResult<Vec<FriendGroup>> {
        let loaders = ctx.loaders()?;
        let groups = loaders.find::<GroupsOfFriendship>(self.0.id).await?.unwrap_or_default();
        Ok(groups.into_iter().map(FriendGroup).collect())
    }

    /// The viewer's direct conversation with them. Null when they never talked. Costs a statement for a whole list of friends.
    async fn conversation(&self, ctx: &Context<'_>) -> Option<AppResult<Conversation>> {
        let find = async {
            let loaders = ctx.loaders()?;
            Ok(loaders.find::<ConversationWith>(self.0.friend_id).await?.map(Conversation::seen))
        };
        find.await.transpose()
    }

    /// Since when.
    fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }
}

plain!(Friendship [|friendship: &Friendship| friendship.0.id.parts()] {
    "user" => user,
    "remark" => remark,
    "labels" => labels,
    "createdAt" => created_at,
});

/// A group in which the viewer sorts friends; no other user sees it.
#[derive(Clone, Debug)]
pub struct FriendGroup(pub model::FriendGroup);

/// A group in which the viewer sorts friends; no other user sees it. A friend can be in several.
#[Object(crate = "crate::graphql::eager")]
impl FriendGroup {
    /// Opaque global id.
    pub async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// Its name, unlike those of the viewer's other groups.
    fn name(&self) -> &str {
        &self.0.name
    }

    /// The friends in it, by name. Costs a statement for each group.
    async fn friends(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> AppResult<Connection<Friendship>> {
        let filter = model::FriendFilter { group: Some(self.0.id), ..model::FriendFilter::default() };
        query::list_friends(ctx, filter, PageArgs { first, after, last, before }).await
    }
}

plain!(FriendGroup [|group: &FriendGroup| group.0.id.parts()] {
    "name" => name,
});

/// A request to become friends.
#[derive(Clone, Debug)]
pub struct FriendRequest(pub Arc<model::FriendRequest>);

impl From<model::FriendRequest> for FriendRequest {
    fn from(request: model::FriendRequest) -> Self {
        Self(Arc::new(request))
    }
}

/// A request to become friends; for its sender and its recipient.
#[Object(crate = "crate::graphql::eager")]
impl FriendRequest {
    /// Opaque global id.
    pub async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// The sender. Costs a statement for a whole list of requests, unless all were seen lately.
    fn from(&self) -> UserRelation {
        User::by_id(self.0.from_user_id)
    }

    /// The recipient. Costs a statement for a whole list of requests, unless all were seen lately.
    fn to(&self) -> UserRelation {
        User::by_id(self.0.to_user_id)
    }

    /// What the sender says; may be empty.
    fn reason(&self) -> &str {
        &self.0.reason
    }

    /// What the recipient says who denied it. Null where they said nothing.
    fn deny_reason(&self) -> Option<&str> {
        self.0.deny_reason.as_deref()
    }

    /// What has become of it.
    async fn status(&self, ctx: &Context<'_>) -> AppResult<RequestStatus> {
        Ok(self.0.status_at(ctx.app()?.clock.now()))
    }

    /// When it was answered or withdrawn. Null until then.
    fn replied_at(&self) -> Option<DateTime> {
        self.0.replied_at.map(Into::into)
    }

    /// When it was sent.
    fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }
}

plain_enums!(RequestStatus);

plain!(FriendRequest [|request: &FriendRequest| request.0.id.parts()] {
    "from" => from,
    "to" => to,
    "reason" => reason,
    "denyReason" => deny_reason,
    "repliedAt" => replied_at,
    "createdAt" => created_at,
});

/// What there is between the viewer and another user.
#[derive(Clone, Debug)]
pub struct Relationship(pub Arc<model::Relationship>);

/// What there is between the viewer and another user.
#[Object(crate = "crate::graphql::eager")]
impl Relationship {
    /// It is the viewer.
    fn is_self(&self) -> bool {
        self.0.is_self
    }

    /// They are in the viewer's list of friends: friends, and not blocked by the viewer.
    fn is_friend(&self) -> bool {
        self.0.is_friend
    }

    /// The viewer blocks them.
    fn has_blocked(&self) -> bool {
        self.0.blocks.own
    }

    /// They block the viewer.
    fn is_blocked_by(&self) -> bool {
        self.0.blocks.theirs
    }

    /// The viewer's request to them, while it waits.
    fn outgoing_request(&self) -> Option<FriendRequest> {
        self.0.outgoing.as_ref().map(|request| FriendRequest(Arc::clone(request)))
    }

    /// Their request to the viewer, while it waits.
    fn incoming_request(&self) -> Option<FriendRequest> {
        self.0.incoming.as_ref().map(|request| FriendRequest(Arc::clone(request)))
    }
}

plain!(Relationship {
    "isSelf" => is_self,
    "isFriend" => is_friend,
    "hasBlocked" => has_blocked,
    "isBlockedBy" => is_blocked_by,
    "outgoingRequest" => outgoing_request,
    "incomingRequest" => incoming_request,
});

/// Which friends a list has; all that is given has to hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct FriendFilter {
    /// A part of the remark, of the nickname, or of either in pinyin, at most 100 characters; case does not matter.
    query: Option<String>,
    /// With this label.
    label: Option<String>,
    /// In this group of the viewer's, by its global id.
    friend_group_id: Option<ID>,
}

impl TryFrom<FriendFilter> for model::FriendFilter {
    type Error = AppError;

    fn try_from(FriendFilter { query, label, friend_group_id }: FriendFilter) -> AppResult<Self> {
        let group =
            friend_group_id.map(|id| query_id(FriendGroupId::parse, &id, "filter.friendGroupId")).transpose()?;
        Ok(Self { query: query.as_deref().and_then(names::search_of), label, group })
    }
}

/// A request that was sent, answered or withdrawn.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct FriendRequestPayload {
    /// As it is now; null when it was refused.
    friend_request: Option<FriendRequest>,
    /// The friendship that it led to, if it did.
    friendship: Option<Friendship>,
    /// Why it was refused.
    user_errors: Vec<UserErrorObject>,
}

impl From<AnsweredRequest> for FriendRequestPayload {
    fn from(AnsweredRequest { request, friendship }: AnsweredRequest) -> Self {
        let friendship = friendship.map(|friendship| Friendship(Arc::new(friendship)));
        Self { friend_request: Some(request.into()), friendship, user_errors: Vec::new() }
    }
}

impl Payload for FriendRequestPayload {
    fn with_errors(user_errors: Vec<UserErrorObject>) -> Self {
        Self { friend_request: None, friendship: None, user_errors }
    }
}

/// A friendship that was changed.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct FriendshipPayload {
    /// As it is now; null when it was refused.
    friendship: Option<Friendship>,
    /// Why it was refused.
    user_errors: Vec<UserErrorObject>,
}

impl From<model::Friendship> for FriendshipPayload {
    fn from(friendship: model::Friendship) -> Self {
        Self { friendship: Some(Friendship(Arc::new(friendship))), user_errors: Vec::new() }
    }
}

impl Payload for FriendshipPayload {
    fn with_errors(user_errors: Vec<UserErrorObject>) -> Self {
        Self { friendship: None, user_errors }
    }
}

/// A group of friends that was made or changed.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct FriendGroupPayload {
    /// As it is now; null when it was refused.
    friend_group: Option<FriendGroup>,
    /// Why it was refused; the person at fault stands in `field`, such as `["memberIds", "0"]`.
    user_errors: Vec<UserErrorObject>,
}

impl From<model::FriendGroup> for FriendGroupPayload {
    fn from(group: model::FriendGroup) -> Self {
        Self { friend_group: Some(FriendGroup(group)), user_errors: Vec::new() }
    }
}

impl Payload for FriendGroupPayload {
    fn with_errors(user_errors: Vec<UserErrorObject>) -> Self {
        Self { friend_group: None, user_errors }
    }
}

/// A request was sent to the viewer.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct FriendRequestCreated {
    /// The request.
    pub friend_request: FriendRequest,
}

/// A request of the viewer's was answered, or one to them was withdrawn.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct FriendRequestAnswered {
    /// The request; `friendRequest.status` says what has become of it.
    pub friend_request: FriendRequest,
}

/// A friendship of the viewer's is over: either of the two ended it, or the friend left.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct FriendRemoved {
    /// The former friend.
    pub user: User,
}

/// What the viewer sees of another user changed: a new friendship; a remark, labels, the groups they are in, or a block, on
/// another device perhaps; or the name or picture of a friend, of which the first ten changes in an hour are told.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct FriendshipChanged {
    /// As it is when delivered. Null where they are no friends, or are blocked.
    pub friendship: Option<Friendship>,
    /// The other user; the viewer, where a group of friends was renamed or deleted.
    pub user: User,
}

plain_struct!(FriendRequestCreated { "friendRequest" => friend_request });
plain_struct!(FriendRequestAnswered { "friendRequest" => friend_request });
plain_struct!(FriendRemoved { "user" => user });
plain_struct!(FriendshipChanged { "friendship" => friendship, "user" => user });
