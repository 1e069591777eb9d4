//! Groups of the demo data.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;

use super::upload::scope_for;
use crate::app::App;
use crate::auth::Viewer;
use crate::domains::chat::model::{Content, Draft, Target};
use crate::domains::chat::service::send;
use crate::domains::groups::model::{CreateGroup, GroupSettings, UpdateGroup};
use crate::domains::groups::service::{edit, join, members};
use crate::error::{AppError, AppResult};
use crate::geo::GeoPoint;
use crate::ids::{GroupId, UserId};
use crate::scope::Scope;
use crate::validation::Patch;

/// Groups, by their names and usernames.
#[derive(Deserialize)]
pub struct DemoGroups {
    /// Owner, name, introduction, members: friends of the owner's.
    groups: Vec<(String, String, String, Vec<String>)>,
    /// Managers: owner, group, manager.
    managers: Vec<(String, String, String)>,
    /// Announcements: owner, group, text.
    announcements: Vec<(String, String, String)>,
    /// Requests to join that wait: sender, group, reason.
    requests: Vec<(String, String, String)>,
    /// Longitude and latitude of those that have a place, by name.
    places: HashMap<String, (f64, f64)>,
    /// Messages: sender, group, text.
    talk: Vec<(String, String, String)>,
}

/// Adds them through the use cases; friends are there already.
pub(super) async fn add(app: &Arc<App>, people: &HashMap<&str, Viewer>, demo: &DemoGroups) -> AppResult<()> {
    let missing = |name: &str| AppError::internal(format!("there is no {name} in the demo data"));
    let find = |name: &str| people.get(name).copied().ok_or_else(|| missing(name));
    let id = |name: &str| find(name).map(|viewer| viewer.user_id);
    let scope = |name: &str| Ok::<Scope, AppError>(scope_for(app, find(name)?));
    let mut made: HashMap<&str, GroupId> = HashMap::new();
    for (owner, name, intro, members) in &demo.groups {
        let members: Vec<UserId> = members.iter().map(|member| id(member)).collect::<AppResult<_>>()?;
        let settings = GroupSettings { enable_history_for_new_members: true, ..GroupSettings::default() };
        let group = CreateGroup {
            name: name.clone(),
            intro: intro.clone(),
            avatar: None,
            merchant: None,
            settings,
            members,
            coordinates: demo.places.get(name).map(|&(longitude, latitude)| GeoPoint { longitude, latitude }),
        };
        made.insert(name, edit::create(&scope(owner)?, group).await?.id);
    }
    let group = |name: &str| made.get(name).copied().ok_or_else(|| missing(name));
    for (owner, name, manager) in &demo.managers {
        members::set_manager(&scope(owner)?, group(name)?, id(manager)?, true).await?;
    }
    for (owner, name, text) in &demo.announcements {
        let update = UpdateGroup { announcement: Patch::Set(text.clone()), ..UpdateGroup::default() };
        edit::update(&scope(owner)?, group(name)?, update).await?;
    }
    for (from, name, reason) in &demo.requests {
        join::request(&scope(from)?, group(name)?, reason).await?;
    }
    for (from, name, text) in &demo.talk {
        let draft = Draft {
            to: Target::Conversation(group(name)?.conversation()),
            content: Content::Text { text: text.clone() },
            is_private: false,
            client_message_id: None,
        };
        send::send_message(&scope(from)?, draft).await?;
    }
    Ok(())
}
