//! Rules of file names, quotas and limits.

use std::borrow::Cow;
use std::collections::HashSet;

use chrono::TimeDelta;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::model::{MediaError, Quota};
use crate::files::Kind;
use crate::files::kind::by_extension;
use crate::ids::MediaId;
use crate::text::{beginning, ends_line, turns_direction, without_stray};

/// Files of one user.
pub const FILES_LIMIT: i32 = 20_000;

/// Size of a direct upload.
pub const UPLOAD_BYTES_LIMIT: i64 = 20 << 20;

/// Lifetime of an upload ticket.
pub const UPLOAD_LIFETIME: TimeDelta = TimeDelta::hours(1);

/// How long an unused blob is kept after its last claim.
pub const UNUSED_LIFETIME: TimeDelta = TimeDelta::hours(24);

/// Grace period after a ticket expired, for transfers that started in time.
pub const UPLOAD_GRACE: TimeDelta = TimeDelta::minutes(15);

/// Window of the upload rate limit.
pub const RATE_WINDOW: TimeDelta = TimeDelta::hours(1);

/// Pictures of one item or task.
pub const IMAGES_LIMIT: usize = 9;

/// Code points of a file name; truncated between grapheme clusters.
const NAME_LENGTH_LIMIT: usize = 200;

/// Escaped in an extended header parameter (RFC 8187), and in a query.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Extensions of plain text that do not open a program.
const TEXT_EXTENSIONS: [&str; 5] = ["txt", "text", "md", "log", "csv"];

/// Checks number and uniqueness of pictures.
///
/// # Errors
/// [`MediaError::TooManyImages`], [`MediaError::ImageTwice`].
pub fn check_images(images: &[MediaId]) -> Result<(), MediaError> {
    if images.len() > IMAGES_LIMIT {
        return Err(MediaError::TooManyImages(IMAGES_LIMIT));
    }
    let different: HashSet<&MediaId> = images.iter().collect();
    if different.len() == images.len() { Ok(()) } else { Err(MediaError::ImageTwice) }
}

/// The quota for a setting in MiB.
#[must_use]
pub fn quota(mebibytes: u32) -> Quota {
    Quota { files: FILES_LIMIT, bytes: i64::from(mebibytes) << 20 }
}

/// A display name: the last part of a path, on one line, truncated. Never used as a path.
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
    let room = NAME_LENGTH_LIMIT - end.chars().count();
    format!("{}{end}", beginning(stem, room))
}

/// The download name, with an extension of the file's type, so that no text is saved as a program.
#[must_use]
pub fn download_name(given: &str, kind: &Kind) -> String {
    let clean = clean_name(given, kind);
    let end = clean.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase()).unwrap_or_default();
    let fits = end == kind.extension || (kind.content_type == "text/plain" && TEXT_EXTENSIONS.contains(&end.as_str()));
    if fits { clean } else { format!("{clean}.{}", kind.extension) }
}

/// The last part of a file's URL: the blob name and, for a document, the download name.
#[must_use]
pub fn address<'a>(content: &'a str, file_name: &str) -> Cow<'a, str> {
    let kind = content.rsplit_once('.').and_then(|(_, extension)| by_extension(extension));
    match kind.filter(|kind| !kind.is_shown()) {
        Some(kind) => {
            let name = download_name(file_name, kind);
            format!("{content}?name={}", utf8_percent_encode(&name, ESCAPED)).into()
        }
        None => content.into(),
    }
}

/// A `Content-Disposition: attachment` value (RFC 6266): the name as an extended parameter, and an ASCII fallback with `_`
/// for other characters.
#[must_use]
pub fn attachment(given: &str, kind: &Kind) -> String {
    let name = download_name(given, kind);
    let plain = |c: char| if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') || c == ' ' { c } else { '_' };
    let fallback: String = name.chars().map(plain).collect();
    format!("attachment; filename=\"{fallback}\"; filename*=UTF-8''{}", utf8_percent_encode(&name, ESCAPED))
}

/// Checks the size of a direct upload.
///
/// # Errors
/// [`MediaError::SizeOutOfRange`].
pub fn check_upload_size(size: i32) -> Result<i64, MediaError> {
    let size = i64::from(size);
    if (1..=UPLOAD_BYTES_LIMIT).contains(&size) {
        Ok(size)
    } else {
        Err(MediaError::SizeOutOfRange(UPLOAD_BYTES_LIMIT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn documents_are_downloaded_under_their_names() {
        let kind = |extension| by_extension(extension).unwrap();
        for (given, extension, name) in [
            ("报价.csv", "csv", "报价.csv"),
            ("notes.MD", "txt", "notes.MD"),
            ("setup.bat", "txt", "setup.bat.txt"),
            ("page.html", "pdf", "page.html.pdf"),
            ("../a/b", "zip", "b.zip"),
        ] {
            assert_eq!(download_name(given, kind(extension)), name);
        }
        assert_eq!(address("00.pdf", "a b&c.pdf"), "00.pdf?name=a%20b%26c.pdf");
        assert_eq!(address("00.png", "cat.png"), "00.png");
        let header = "attachment; filename=\"_a_.pdf\"; filename*=UTF-8''%22a%E6%8A%A5.pdf";
        assert_eq!(attachment("\"a报.pdf", kind("pdf")), header);
    }

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
