//! What a message may hold.

use crate::domains::chat::model::{AttachedFile, ChatError, Content, MessagePlace};
use crate::domains::media::model::Media;
use crate::error::UserError;
use crate::files::Family;
use crate::files::kind::by_name;
use crate::text::{check_length, check_line, is_blank, is_storable};
use crate::validation::DomainError;

/// The longest text, in characters.
const LONGEST_TEXT: usize = 8000;

/// The longest path on a device, in characters.
const LONGEST_LOCAL_PATH: usize = 500;

/// The longest name of a file, as files have them.
const LONGEST_FILE_NAME: usize = 200;

/// The longest name of a place.
const LONGEST_PLACE_NAME: usize = 100;

/// The longest address of a place.
const LONGEST_PLACE_ADDRESS: usize = 200;

/// The longest recording: a day.
const LONGEST_DURATION_SECONDS: i32 = 86_400;

/// Whether this can be sent.
///
/// # Errors
/// What is wrong with it, at the argument.
pub fn check_content(content: &Content) -> Result<(), UserError> {
    let path = argument(content);
    match content {
        Content::Text { text } => check_text(text).map_err(|error| error.at(&format!("{path}.text"))),
        Content::Picture(file) if file.duration_seconds.is_some() => {
            Err(ChatError::DurationOfPicture.at(&format!("{path}.durationSeconds")))
        }
        Content::Picture(file) | Content::Voice(file) | Content::Video(file) | Content::File(file) => {
            check_attachment(file, path)
        }
        Content::Location(place) => check_place(place, path),
        // What it shows was looked up by its id.
        Content::Card(_) => Ok(()),
        // The server's own.
        Content::System(_) | Content::Unknown { .. } => Err(ChatError::Empty.at(path)),
    }
}

/// Whether a text can be sent.
///
/// # Errors
/// [`ChatError::Empty`], [`ChatError::TooLarge`] or [`ChatError::NotText`].
pub fn check_text(text: &str) -> Result<(), ChatError> {
    if text.chars().all(is_blank) {
        return Err(ChatError::Empty);
    }
    if check_length(text, LONGEST_TEXT).is_err() {
        return Err(ChatError::TooLarge);
    }
    if is_storable(text) { Ok(()) } else { Err(ChatError::NotText) }
}

fn check_attachment(file: &AttachedFile, path: &str) -> Result<(), UserError> {
    let AttachedFile { media: _, duration_seconds, file_name, local_path } = file;
    if duration_seconds.is_some_and(|seconds| !(0..=LONGEST_DURATION_SECONDS).contains(&seconds)) {
        let error = ChatError::DurationOutOfRange(LONGEST_DURATION_SECONDS);
        return Err(error.at(&format!("{path}.durationSeconds")));
    }
    if let Some(name) = file_name {
        check_line(name, LONGEST_FILE_NAME).map_err(|error| error.at(&format!("{path}.fileName")))?;
    }
    let local_path = local_path.as_deref().unwrap_or_default();
    let checked = match check_length(local_path, LONGEST_LOCAL_PATH) {
        Err(_) => Err(ChatError::LocalPathTooLong(LONGEST_LOCAL_PATH)),
        Ok(()) if !is_storable(local_path) => Err(ChatError::NotText),
        Ok(()) => Ok(()),
    };
    checked.map_err(|error| error.at(&format!("{path}.localPath")))
}

fn check_place(place: &MessagePlace, path: &str) -> Result<(), UserError> {
    if !place.point().is_on_earth() {
        return Err(ChatError::CoordinatesOutOfRange.at(&format!("{path}.coordinates")));
    }
    let lines = [("name", &place.name, LONGEST_PLACE_NAME), ("address", &place.address, LONGEST_PLACE_ADDRESS)];
    for (field, line, most) in lines {
        if let Some(line) = line {
            check_line(line, most).map_err(|error| error.at(&format!("{path}.{field}")))?;
        }
    }
    Ok(())
}

/// Whether a content can show a file: any file can be downloaded, and the others are of the kind that they say.
///
/// # Errors
/// [`ChatError::OtherKind`].
pub fn check_kind(content: &Content, file: &Media) -> Result<(), ChatError> {
    let (family, name) = match content {
        Content::Picture(_) => (Family::Picture, "picture"),
        Content::Voice(_) => (Family::Voice, "sound"),
        Content::Video(_) => (Family::Video, "video"),
        Content::Text { .. }
        | Content::Location(_)
        | Content::File(_)
        | Content::Card(_)
        | Content::System(_)
        | Content::Unknown { .. } => {
            return Ok(());
        }
    };
    let is_of_kind = by_name(&file.content.content_type).is_some_and(|kind| kind.family == family);
    if is_of_kind { Ok(()) } else { Err(ChatError::OtherKind(name)) }
}

/// The path of the argument that a content came in.
#[must_use]
pub fn argument(content: &Content) -> &'static str {
    match content {
        Content::Text { .. } => "input.content.text",
        Content::Picture(_) => "input.content.picture",
        Content::Voice(_) => "input.content.voice",
        Content::Video(_) => "input.content.video",
        Content::Location(_) => "input.content.location",
        Content::File(_) => "input.content.file",
        Content::Card(_) => "input.content.card",
        Content::System(_) | Content::Unknown { .. } => "input.content",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_neither_empty_nor_endless() {
        assert_eq!(check_text("你好"), Ok(()));
        assert_eq!(check_text(" \n\u{3000}"), Err(ChatError::Empty));
        assert_eq!(check_text("\u{200b}\u{feff} \u{3164}\u{2800}\u{202e}\u{fe0f}"), Err(ChatError::Empty));
        assert_eq!(check_text(&"字".repeat(8000)), Ok(()));
        assert_eq!(check_text(&"字".repeat(8001)), Err(ChatError::TooLarge));
        assert_eq!(check_text("a\0b"), Err(ChatError::NotText));
    }
}
