//! Batches of groups.

use std::collections::HashMap;
use std::sync::Arc;

use super::model::{Group, GroupJoinRequest, GroupMember, ViewerStanding};
use super::service;
use crate::domains::chat;
use crate::domains::chat::model::Member;
use crate::error::AppResult;
use crate::geo::GridCell;
use crate::graphql::loader::Batch;
use crate::ids::{ConversationId, GroupId, GroupJoinRequestId, GroupMemberId, MerchantId, UserId};
use crate::scope::Scope;

/// Groups by id, without those that were dissolved.
pub struct GroupById;

impl Batch for GroupById {
    type Key = GroupId;
    type Value = Arc<Group>;

    async fn load(scope: &Scope, keys: &[GroupId]) -> AppResult<HashMap<GroupId, Arc<Group>>> {
        service::load_groups(&*scope.db.read().await?, keys).await
    }
}

/// What the viewer is to groups.
pub struct StandingIn;

impl Batch for StandingIn {
    type Key = GroupId;
    type Value = ViewerStanding;

    async fn load(scope: &Scope, keys: &[GroupId]) -> AppResult<HashMap<GroupId, ViewerStanding>> {
        service::load_standings(scope, keys).await
    }
}

/// Whether the viewer joins groups without an answer, by their merchant and owner.
pub struct JoinsAtOnce;

impl Batch for JoinsAtOnce {
    type Key = (MerchantId, UserId);
    type Value = bool;

    async fn load(scope: &Scope, keys: &[Self::Key]) -> AppResult<HashMap<Self::Key, bool>> {
        service::join::load_at_once(scope, keys).await
    }
}

/// The cells that groups are in, for what shows them to those who may see them.
pub struct CellOfGroup;

impl Batch for CellOfGroup {
    type Key = GroupId;
    type Value = GridCell;

    async fn load(scope: &Scope, keys: &[GroupId]) -> AppResult<HashMap<GroupId, GridCell>> {
        service::near::load_cells(scope, keys).await
    }
}

/// Members of groups that the viewer is in, by id.
pub struct VisibleMember;

impl Batch for VisibleMember {
    type Key = GroupMemberId;
    type Value = Arc<GroupMember>;

    async fn load(scope: &Scope, keys: &[GroupMemberId]) -> AppResult<HashMap<GroupMemberId, Arc<GroupMember>>> {
        service::members::load_visible(scope, keys).await
    }
}

/// What the conversations of groups say of their members: whether they are muted.
pub struct VoiceOf;

impl Batch for VoiceOf {
    type Key = (ConversationId, UserId);
    type Value = Member;

    async fn load(scope: &Scope, keys: &[Self::Key]) -> AppResult<HashMap<Self::Key, Member>> {
        let found = chat::service::load_members(&*scope.db.read().await?, keys).await?;
        Ok(found.into_iter().map(|member| ((member.conversation_id, member.user_id), member)).collect())
    }
}

/// Requests to join by id, of those that the viewer sees.
pub struct VisibleJoinRequest;

impl Batch for VisibleJoinRequest {
    type Key = GroupJoinRequestId;
    type Value = Arc<GroupJoinRequest>;

    async fn load(
        scope: &Scope,
        keys: &[GroupJoinRequestId],
    ) -> AppResult<HashMap<GroupJoinRequestId, Arc<GroupJoinRequest>>> {
        service::join::load_visible(scope, keys).await
    }
}
