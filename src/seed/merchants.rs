//! Merchants of the demo data.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;

use super::upload::{scope_for, upload};
use crate::app::App;
use crate::auth::Viewer;
use crate::domains::groups::model::{CreateGroup, GroupSettings};
use crate::domains::groups::service::{edit, join};
use crate::domains::merchants::model::CreateMerchant;
use crate::domains::merchants::service::{self as merchants, codes, members};
use crate::error::{AppError, AppResult};
use crate::scope::Scope;

/// A merchant, by usernames.
#[derive(Deserialize)]
pub struct DemoMerchant {
    owner: String,
    name: String,
    picture: String,
    contact: String,
    /// Who has joined it, and its groups.
    members: Vec<String>,
    /// Names and introductions.
    groups: Vec<(String, String)>,
}

/// Codes that are left for those who try it.
const SPARE_CODES: i32 = 3;

/// Adds them through the use cases, with codes of an administrator.
pub(super) async fn add(
    app: &Arc<App>,
    people: &HashMap<&str, Viewer>,
    administrator: &str,
    demo: &[DemoMerchant],
) -> AppResult<()> {
    let missing = |name: &str| AppError::internal(format!("there is no {name} in the demo data"));
    let find = |name: &str| people.get(name).copied().ok_or_else(|| missing(name));
    let scope = |name: &str| Ok::<Scope, AppError>(scope_for(app, find(name)?));
    let count = i32::try_from(demo.len()).unwrap_or_default() + SPARE_CODES;
    let made = codes::create(&scope(administrator)?, count, None).await?;
    for (merchant, code) in demo.iter().zip(made) {
        let owner = scope(&merchant.owner)?;
        let icon = upload(&owner, &merchant.picture, 7).await?;
        let draft = CreateMerchant {
            activation_code: code.code,
            name: merchant.name.clone(),
            icon,
            contact: find(&merchant.contact)?.user_id,
        };
        let id = merchants::create(&owner, draft).await?.merchant.id;
        for name in &merchant.members {
            members::join(&scope(name)?, id).await?;
        }
        for (name, intro) in &merchant.groups {
            let group = CreateGroup {
                name: name.clone(),
                intro: intro.clone(),
                avatar: None,
                merchant: Some(id),
                settings: GroupSettings { enable_history_for_new_members: true, ..GroupSettings::default() },
                members: Vec::new(),
                coordinates: None,
            };
            let group = edit::create(&owner, group).await?.id;
            for name in &merchant.members {
                join::request(&scope(name)?, group, "").await?;
            }
        }
    }
    Ok(())
}
