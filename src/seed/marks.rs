//! What people of the demo data put on messages, and what they took back.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;

use super::upload::scope_for;
use crate::app::App;
use crate::auth::Viewer;
use crate::domains::chat::service::{react, removal};
use crate::error::{AppError, AppResult};
use crate::ids::MessageId;

/// By usernames, and the texts of messages.
#[derive(Deserialize)]
pub struct DemoMarks {
    /// Reactions: username, text, emoji.
    reactions: Vec<(String, String, String)>,
    /// Messages that were taken back: sender, text.
    revoked: Vec<(String, String)>,
}

/// Adds them through the use cases; `texts` are the messages that were sent before.
pub(super) async fn add(
    app: &Arc<App>,
    people: &HashMap<&str, Viewer>,
    texts: &HashMap<&str, MessageId>,
    demo: &DemoMarks,
) -> AppResult<()> {
    let missing = |name: &str| AppError::internal(format!("there is no {name} in the demo data"));
    let scope = |name: &str| people.get(name).map(|viewer| scope_for(app, *viewer)).ok_or_else(|| missing(name));
    let message = |text: &str| texts.get(text).copied().ok_or_else(|| missing(text));
    for (username, text, emoji) in &demo.reactions {
        react::add_reaction(&scope(username)?, message(text)?, emoji).await?;
    }
    for (username, text) in &demo.revoked {
        removal::revoke_message(&scope(username)?, message(text)?).await?;
    }
    Ok(())
}
