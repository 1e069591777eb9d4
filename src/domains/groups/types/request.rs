//! Requests to join groups.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};

use super::Group;
use crate::domains::accounts::types::{User, UserRelation};
use crate::domains::friends::model::RequestStatus;
use crate::domains::groups::loader::GroupById;
use crate::domains::groups::model;
use crate::error::AppResult;
use crate::graphql::context::PlazaContext;
use crate::graphql::eager::plain;
use crate::graphql::scalars::DateTime;

/// A request to join a group.
#[derive(Clone, Debug)]
pub struct GroupJoinRequest(pub Arc<model::GroupJoinRequest>);

impl From<model::GroupJoinRequest> for GroupJoinRequest {
    fn from(request: model::GroupJoinRequest) -> Self {
        Self(Arc::new(request))
    }
}

/// A request to join a group; for its sender, and for those who run the group.
#[Object(crate = "crate::graphql::eager")]
impl GroupJoinRequest {
    /// Opaque global id.
    pub async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// The sender. Costs a statement for a whole list of requests, unless all were seen lately.
    fn user(&self) -> UserRelation {
        User::by_id(self.0.user_id)
    }

    /// The group. Null once it was dissolved. Costs a statement for a whole list of requests.
    async fn group(&self, ctx: &Context<'_>) -> Option<AppResult<Group>> {
        let find = async {
            let loaders = ctx.loaders()?;
            Ok(loaders.find::<GroupById>(self.0.group_id).await?.map(Group))
        };
        find.await.transpose()
    }

    /// What the sender says; may be empty.
    fn reason(&self) -> &str {
        &self.0.reason
    }

    /// What was said with a denial. Null where nothing was.
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

plain!(GroupJoinRequest [|request: &GroupJoinRequest| request.0.id.parts()] {
    "user" => user,
    "reason" => reason,
    "denyReason" => deny_reason,
    "repliedAt" => replied_at,
    "createdAt" => created_at,
});
