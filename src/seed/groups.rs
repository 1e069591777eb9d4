//! Groups of the demo data.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;

use super::settings::DemoSetting;
use super::upload::scope_for;
use crate::app::App;
use crate::auth::Viewer;
use crate::domains::chat::model::{Content, Draft, Mentions, Target};
use crate::domains::chat::service::{markers, send, settings};
use crate::domains::groups::model::{CreateGroup, GroupSettings, UpdateGroup};
use crate::domains::groups::service::{edit, join, members};
use crate::error::{AppError, AppResult};
use crate::geo::GeoPoint;
use crate::ids::{GroupId, MessageId, UserId};
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
    /// Messages that mention members: sender, group, text, members.
    mentions: Vec<(String, String, String, Vec<String>)>,
    /// Members who have read all: username, group.
    read: Vec<(String, String)>,
    /// What members chose for conversations: username, group, what.
    settings: Vec<(String, String, DemoSetting)>,
}

/// Adds them through the use cases, and what is said in them to `texts`; friends are there already.
pub(super) async fn add<'a>(
    app: &Arc<App>,
    people: &HashMap<&str, Viewer>,
    texts: &mut HashMap<&'a str, MessageId>,
    demo: &'a DemoGroups,
) -> AppResult<()> {
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
    let draft = |name: &str, text: &str| {
        let to = Target::Conversation(group(name)?.conversation());
        Ok::<_, AppError>(Draft::new(to, Content::Text { text: text.to_owned() }))
    };
    for (from, name, text) in &demo.talk {
        texts.insert(text, send::send_message(&scope(from)?, draft(name, text)?).await?.message.id);
    }
    for (from, name, text, members) in &demo.mentions {
        let users: Vec<UserId> = members.iter().map(|member| id(member)).collect::<AppResult<_>>()?;
        let mentions = Mentions { users, all: false };
        let draft = Draft { mentions, ..draft(name, text)? };
        texts.insert(text, send::send_message(&scope(from)?, draft).await?.message.id);
    }
    for (member, name) in &demo.read {
        markers::mark_read(&scope(member)?, Target::Group(group(name)?), None).await?;
    }
    for (member, name, setting) in &demo.settings {
        settings::update(&scope(member)?, group(name)?.conversation(), (*setting).into()).await?;
    }
    Ok(())
}
