//! Messages of the demo data that hold more than words.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;

use super::upload::{scope_for, upload};
use crate::app::App;
use crate::auth::Viewer;
use crate::domains::chat::model::{AttachedFile, Content, Draft, MessagePlace, Target};
use crate::domains::chat::service::send;
use crate::error::{AppError, AppResult};
use crate::ids::MessageId;

/// Messages between people who have talked, by usernames.
#[derive(Deserialize)]
pub struct DemoContents {
    /// Pictures: sender, recipient, what is painted.
    pictures: Vec<(String, String, String)>,
    /// Places: sender, recipient, name, longitude and latitude.
    places: Vec<(String, String, String, f64, f64)>,
    /// Answers: sender, recipient, the text that is answered, text.
    answers: Vec<(String, String, String, String)>,
}

/// Adds them through the use cases; `texts` are the messages that were sent before.
pub(super) async fn add(
    app: &Arc<App>,
    people: &HashMap<&str, Viewer>,
    texts: &HashMap<&str, MessageId>,
    demo: &DemoContents,
) -> AppResult<()> {
    let missing = |name: &str| AppError::internal(format!("there is no {name} in the demo data"));
    let find = |name: &str| people.get(name).copied().ok_or_else(|| missing(name));
    let draft = |to: &str, content, reply_to| {
        let to = Target::User(find(to)?.user_id);
        Ok::<_, AppError>(Draft { reply_to, ..Draft::new(to, content) })
    };
    for (seed, (from, to, subject)) in (1..).zip(&demo.pictures) {
        let scope = scope_for(app, find(from)?);
        let media = upload(&scope, subject, seed).await?;
        let picture = AttachedFile { media, duration_seconds: None, file_name: None, local_path: None };
        send::send_message(&scope, draft(to, Content::Picture(picture), None)?).await?;
    }
    for (from, to, name, longitude, latitude) in &demo.places {
        let place =
            MessagePlace { longitude: *longitude, latitude: *latitude, name: Some(name.clone()), address: None };
        send::send_message(&scope_for(app, find(from)?), draft(to, Content::Location(place), None)?).await?;
    }
    for (from, to, answered, text) in &demo.answers {
        let reply_to = texts.get(answered.as_str()).copied().ok_or_else(|| missing(answered))?;
        let content = Content::Text { text: text.clone() };
        send::send_message(&scope_for(app, find(from)?), draft(to, content, Some(reply_to))?).await?;
    }
    Ok(())
}
