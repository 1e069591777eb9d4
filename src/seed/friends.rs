//! Friends of the demo data.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;

use super::upload::scope_for;
use crate::app::App;
use crate::auth::Viewer;
use crate::domains::friends::model::RequestDecision;
use crate::domains::friends::service::{block, friendships, groups, requests};
use crate::error::{AppError, AppResult};
use crate::ids::UserId;
use crate::scope::Scope;

/// Friends, by username.
#[derive(Deserialize)]
pub struct DemoFriends {
    /// Two people each.
    friendships: Vec<(String, String)>,
    /// Requests that wait: sender, recipient, reason.
    requests: Vec<(String, String, String)>,
    /// Remarks: owner, friend, remark.
    remarks: Vec<(String, String, String)>,
    /// Labels: owner, friend, labels.
    labels: Vec<(String, String, Vec<String>)>,
    /// Groups of friends: owner, name, members.
    groups: Vec<(String, String, Vec<String>)>,
    /// The one who blocks, and the one who is blocked.
    blocks: Vec<(String, String)>,
}

/// Adds them through the use cases.
pub(super) async fn add(app: &Arc<App>, people: &HashMap<&str, Viewer>, friends: &DemoFriends) -> AppResult<()> {
    let find = |name: &str| {
        people.get(name).copied().ok_or_else(|| AppError::internal(format!("there is no {name} in the demo data")))
    };
    let id = |name: &str| find(name).map(|viewer| viewer.user_id);
    let scope = |name: &str| Ok::<Scope, AppError>(scope_for(app, find(name)?));
    for (one, other) in &friends.friendships {
        requests::send(&scope(one)?, id(other)?, None).await?;
        requests::answer(&scope(other)?, id(one)?, RequestDecision::Accept, None).await?;
    }
    for (from, to, reason) in &friends.requests {
        requests::send(&scope(from)?, id(to)?, Some(reason)).await?;
    }
    for (owner, friend, remark) in &friends.remarks {
        friendships::set_remark(&scope(owner)?, id(friend)?, remark).await?;
    }
    for (owner, friend, labels) in &friends.labels {
        friendships::set_labels(&scope(owner)?, id(friend)?, labels).await?;
    }
    for (owner, name, members) in &friends.groups {
        let members: Vec<UserId> = members.iter().map(|member| id(member)).collect::<AppResult<_>>()?;
        groups::create(&scope(owner)?, name, &members).await?;
    }
    for (blocker, blocked) in &friends.blocks {
        block::block(&scope(blocker)?, id(blocked)?).await?;
    }
    Ok(())
}
