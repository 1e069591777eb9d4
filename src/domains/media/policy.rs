//! What files may be called, how much there may be of them, and whose they are.

use std::collections::HashSet;

use chrono::TimeDelta;

use super::model::{MediaError, Quota};
use crate::files::Kind;
use crate::ids::MediaId;
use crate::text::{beginning, ends_line, turns_direction, without_stray};

/// The most files that anybody may have.
pub const MOST_FILES: i32 = 20_000;

/// The most bytes of a file that is sent straight to the storage.
pub const LARGEST_UPLOAD: i64 = 20 << 20;

/// How long a file may be sent after it was announced.
pub const UPLOAD_LIFETIME: TimeDelta = TimeDelta::hours(1);

/// How long contents stay that nobody uses.
pub const UNUSED_LIFETIME: TimeDelta = TimeDelta::hours(24);

/// How long what was sent stays after its upload's time was over: whoever began in time may end.
pub const GRACE: TimeDelta = TimeDelta::minutes(15);

/// Within which the uploads of one person are counted.
pub const COUNTED: TimeDelta = TimeDelta::hours(1);

/// The most pictures that something shows.
pub const MOST_IMAGES: usize = 9;

/// Code points of a file's name; it is cut between characters.
const LONGEST_NAME: usize = 200;

/// Whether something can show these pictures, as far as their number goes.
///
/// # Errors
/// [`MediaError::TooManyImages`], [`MediaError::ImageTwice`].
pub fn check_images(images: &[MediaId]) -> Result<(), MediaError> {
    if images.len() > MOST_IMAGES {
        return Err(MediaError::TooManyImages(MOST_IMAGES));
    }
    let different: HashSet<&MediaId> = images.iter().collect();
    if different.len() == images.len() { Ok(()) } else { Err(MediaError::ImageTwice) }
}

/// What somebody may have under a setting of so many MiB.
#[must_use]
pub fn quota(mebibytes: u32) -> Quota {
    Quota { files: MOST_FILES, bytes: i64::from(mebibytes) << 20 }
}

/// A file's name as it is shown: of a path the last part, on one line, not too long; never used to find anything.
#[must_use]
pub fn clean_name(given: &str, kind: &Kind) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|c| !ends_line(*c) && !turns_direction(*c)).collect();
    let clean = without_stray(&clean);
    let clean = clean.trim();
    if clean.is_empty() {
        return format!("file.{}", kind.extension);
    }
    let (stem, end) = match clean.rsplit_once('.') {
        Some((stem, end)) if end.chars().count() < 10 => (stem, format!(".{end}")),
        _ => (clean, String::new()),
    };
    let room = LONGEST_NAME - end.chars().count();
    format!("{}{end}", beginning(stem, room))
}

/// Refuses a size that no upload may have.
///
/// # Errors
/// [`MediaError::SizeOutOfRange`].
pub fn check_upload_size(size: i32) -> Result<i64, MediaError> {
    let size = i64::from(size);
    if (1..=LARGEST_UPLOAD).contains(&size) { Ok(size) } else { Err(MediaError::SizeOutOfRange(LARGEST_UPLOAD)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::kind::by_extension;

    #[test]
    fn names_are_shown_and_lead_nowhere() {
        let pdf = by_extension("pdf").unwrap();
        let long = format!("{}.pdf", "长".repeat(300));
        let cases = [
            ("report.pdf", "report.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\fakepath\\cat.jpg", "cat.jpg"),
            ("a\nb\u{202e}c.pdf", "abc.pdf"),
            (" \u{200b}", "file.pdf"),
            ("..", ".."),
            ("", "file.pdf"),
            ("👩\u{200d}👧 a\u{200d}\u{e0061}b.pdf", "👩\u{200d}👧 ab.pdf"),
        ];
        for (given, shown) in cases {
            assert_eq!(clean_name(given, pdf), shown, "{given:?}");
        }
        let cut = clean_name(&long, pdf);
        assert_eq!((cut.chars().count(), cut.ends_with("长.pdf")), (200, true));
        // 196 code points and the extension: 65 whole families of three.
        let cut = clean_name(&format!("{}.pdf", "👩\u{200d}👧".repeat(100)), pdf);
        assert_eq!(cut, format!("{}.pdf", "👩\u{200d}👧".repeat(65)));
    }
}
