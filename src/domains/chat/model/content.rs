//! What a message holds, as it is stored.

use std::borrow::Cow;

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Jsonb;
use serde::{Deserialize, Serialize};

use super::{CardTarget, MessageType, SystemNote};
use crate::geo::GeoPoint;
use crate::ids::MediaId;

/// What a message holds, as it is stored. The key `media` of a file is in `messages.media_id` as well, a foreign key.
#[derive(Clone, Debug, PartialEq, Serialize, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Content {
    /// Words.
    Text {
        /// The words.
        text: String,
    },
    /// A picture.
    Picture(AttachedFile),
    /// Sound.
    Voice(AttachedFile),
    /// Moving pictures.
    Video(AttachedFile),
    /// A place.
    Location(MessagePlace),
    /// Any file, to be downloaded.
    File(AttachedFile),
    /// Something of Plaza's own.
    Card(CardTarget),
    /// What happened to the members of the group.
    System(SystemNote),
    /// What only newer instances know. It can't be written.
    #[serde(skip)]
    Unknown {
        /// The type, as it is stored; empty where there is none.
        tag: String,
    },
}

/// A file of the sender's that a message shows. What the file is, the file knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttachedFile {
    /// The file.
    pub media: MediaId,
    /// How long it plays, as the sender's device says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<i32>,
    /// What the message calls it; none for the file's own name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// Where the sender's device has it: for the sender alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_path: Option<String>,
}

/// A place that a message shows, exactly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessagePlace {
    /// East of Greenwich, in degrees.
    pub longitude: f64,
    /// North of the equator, in degrees.
    pub latitude: f64,
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

impl MessagePlace {
    /// Where it is.
    #[must_use]
    pub fn point(&self) -> GeoPoint {
        GeoPoint { longitude: self.longitude, latitude: self.latitude }
    }
}

/// The type of a content that is not known.
#[derive(Default, Deserialize)]
struct Tag {
    #[serde(rename = "type", default)]
    tag: String,
}

/// A content as it is stored: texts are read at once, as serde reads a tagged enum twice.
#[derive(Deserialize)]
struct StoredContent<'a> {
    #[serde(rename = "type", default, borrow)]
    tag: Cow<'a, str>,
    text: Option<String>,
}

impl diesel::serialize::ToSql<Jsonb, diesel::pg::Pg> for Content {
    fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>) -> diesel::serialize::Result {
        std::io::Write::write_all(out, &[1])?;
        serde_json::to_writer(out, self)?;
        Ok(diesel::serialize::IsNull::No)
    }
}

impl diesel::deserialize::FromSql<Jsonb, diesel::pg::Pg> for Content {
    fn from_sql(value: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
        match value.as_bytes().split_first() {
            Some((1, json)) => Ok(Self::of_json(json)),
            _ => Err("unknown jsonb format".into()),
        }
    }
}

impl Content {
    fn of_json(json: &[u8]) -> Self {
        let Ok(StoredContent { tag, text }) = serde_json::from_slice(json) else {
            return Self::Unknown { tag: serde_json::from_slice::<Tag>(json).unwrap_or_default().tag };
        };
        let file = |of: fn(AttachedFile) -> Self| serde_json::from_slice(json).ok().map(of);
        let known = match (tag.as_ref(), text) {
            ("TEXT", Some(text)) => Some(Self::Text { text }),
            ("PICTURE", _) => file(Self::Picture),
            ("VOICE", _) => file(Self::Voice),
            ("VIDEO", _) => file(Self::Video),
            ("FILE", _) => file(Self::File),
            ("LOCATION", _) => serde_json::from_slice(json).ok().map(Self::Location),
            ("CARD", _) => serde_json::from_slice(json).ok().map(Self::Card),
            ("SYSTEM", _) => serde_json::from_slice(json).ok().map(Self::System),
            _ => None,
        };
        known.unwrap_or_else(|| Self::Unknown { tag: tag.into_owned() })
    }

    /// The type of message that holds it.
    #[must_use]
    pub fn message_type(&self) -> MessageType {
        match self {
            Self::Text { .. } => MessageType::Text,
            Self::Picture(_) => MessageType::Picture,
            Self::Voice(_) => MessageType::Voice,
            Self::Video(_) => MessageType::Video,
            Self::Location(_) => MessageType::Location,
            Self::File(_) => MessageType::File,
            Self::Card(_) => MessageType::Card,
            Self::System(_) => MessageType::System,
            Self::Unknown { .. } => MessageType::Unsupported,
        }
    }

    /// The file that it shows.
    #[must_use]
    pub fn file(&self) -> Option<&AttachedFile> {
        match self {
            Self::Picture(file) | Self::Voice(file) | Self::Video(file) | Self::File(file) => Some(file),
            Self::Text { .. } | Self::Location(_) | Self::Card(_) | Self::System(_) | Self::Unknown { .. } => None,
        }
    }

    /// The same with another file in place of the one that it shows, on no device so far.
    #[must_use]
    pub fn with_media(self, media: MediaId) -> Self {
        let other = |file: AttachedFile| AttachedFile { media, local_path: None, ..file };
        match self {
            Self::Picture(file) => Self::Picture(other(file)),
            Self::Voice(file) => Self::Voice(other(file)),
            Self::Video(file) => Self::Video(other(file)),
            Self::File(file) => Self::File(other(file)),
            Self::Text { .. } | Self::Location(_) | Self::Card(_) | Self::System(_) | Self::Unknown { .. } => self,
        }
    }

    /// Roughly the bytes that its texts take.
    #[must_use]
    pub fn approximate_bytes(&self) -> usize {
        let texts: [Option<&String>; 2] = match self {
            Self::Text { text } | Self::Unknown { tag: text } => [Some(text), None],
            Self::Location(place) => [place.name.as_ref(), place.address.as_ref()],
            Self::Picture(file) | Self::Voice(file) | Self::Video(file) | Self::File(file) => {
                [file.file_name.as_ref(), file.local_path.as_ref()]
            }
            Self::Card(_) | Self::System(_) => [None, None],
        };
        texts.into_iter().flatten().map(String::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domains::chat::model::{CardKind, SystemChange};
    use crate::ids::UserId;

    #[test]
    fn contents_are_read_as_they_were_written() {
        let file = AttachedFile {
            media: MediaId(7),
            duration_seconds: Some(3),
            file_name: None,
            local_path: Some("/sdcard/a.amr".into()),
        };
        let place =
            MessagePlace {
                longitude: 121.473_701_234_567_8, latitude: -0.1, name: Some("外滩".into()), address: None
            };
        for content in [
            Content::Text { text: "你好".into() },
            Content::Picture(AttachedFile { duration_seconds: None, ..file.clone() }),
            Content::Voice(file.clone()),
            Content::Video(file.clone()),
            Content::File(AttachedFile { file_name: Some("a.pdf".into()), ..file }),
            Content::Location(place),
            Content::Card(CardTarget { kind: CardKind::Order, id: 5 }),
            Content::System(SystemNote::new(SystemChange::Joined, &[UserId(3)], true)),
        ] {
            assert_eq!(Content::of_json(&serde_json::to_vec(&content).unwrap()), content);
        }
    }

    #[test]
    fn what_can_t_be_read_is_unknown() {
        for (json, tag) in [
            (r#"{"type": "IMAGE", "media": 7}"#, "IMAGE"),
            (r#"{"type": "PICTURE"}"#, "PICTURE"),
            (r#"{"type": "LOCATION", "longitude": 1}"#, "LOCATION"),
            (r#"{"type": "TEXT", "text": 1}"#, "TEXT"),
            (r#"{"type": "CARD", "kind": "COUPON", "id": 1}"#, "CARD"),
            ("[1]", ""),
        ] {
            assert_eq!(Content::of_json(json.as_bytes()), Content::Unknown { tag: tag.into() }, "{json}");
        }
    }
}
