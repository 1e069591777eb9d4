//! What people of the demo data chose for conversations.

use serde::Deserialize;

use crate::domains::chat::model::UpdateConversation;

/// What a person chose for a conversation.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum DemoSetting {
    Pinned,
    Muted,
}

impl From<DemoSetting> for UpdateConversation {
    fn from(setting: DemoSetting) -> Self {
        match setting {
            DemoSetting::Pinned => Self { pinned: Some(true), ..Self::default() },
            DemoSetting::Muted => Self { muted: Some(true), ..Self::default() },
        }
    }
}
