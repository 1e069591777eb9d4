//! The accepted file types, and their detection.

use std::fs::File;
use std::io;

use encoding_rs::Encoding;

use super::model::{Family, Kind};
use super::{structure, text};

const fn kind(
    content_type: &'static str,
    extension: &'static str,
    family: Family,
    aliases: &'static [&'static str],
) -> Kind {
    Kind { content_type, extension, family, aliases }
}

/// Every accepted type.
pub static KINDS: [Kind; 21] = [
    kind("image/jpeg", "jpg", Family::Picture, &["image/jpg", "image/pjpeg"]),
    kind("image/png", "png", Family::Picture, &["image/x-png", "image/apng"]),
    kind("image/gif", "gif", Family::Picture, &[]),
    kind("image/webp", "webp", Family::Picture, &[]),
    kind("audio/mpeg", "mp3", Family::Voice, &["audio/mp3"]),
    kind("audio/mp4", "m4a", Family::Voice, &["audio/m4a", "audio/x-m4a"]),
    kind("audio/aac", "aac", Family::Voice, &["audio/x-aac", "audio/aacp"]),
    kind("audio/ogg", "ogg", Family::Voice, &["audio/opus", "application/ogg"]),
    kind("audio/amr", "amr", Family::Voice, &["audio/amr-nb"]),
    kind("audio/wav", "wav", Family::Voice, &["audio/x-wav", "audio/wave", "audio/vnd.wave"]),
    kind("audio/webm", "weba", Family::Voice, &[]),
    kind("video/mp4", "mp4", Family::Video, &["video/x-m4v"]),
    kind("video/webm", "webm", Family::Video, &[]),
    kind("video/quicktime", "mov", Family::Video, &[]),
    kind("application/pdf", "pdf", Family::Document, &["application/x-pdf"]),
    kind("application/zip", "zip", Family::Document, &["application/x-zip-compressed", "application/x-zip"]),
    kind("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx", Family::Document, &[]),
    kind("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx", Family::Document, &[]),
    kind("application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx", Family::Document, &[]),
    kind("text/plain", "txt", Family::Document, &[]),
    kind("text/csv", "csv", Family::Document, &["application/csv", "text/x-csv"]),
];

/// Containers of video that may hold sound alone: the bytes look alike, so the declared type decides.
const SOUND_ALONE: [(&str, &str); 2] = [(structure::MP4, structure::M4A), (structure::WEBM, "audio/webm")];

/// What browsers declare for `.csv` where a spreadsheet program is installed.
const SPREADSHEET: &str = "application/vnd.ms-excel";

/// A file type, and for text its character encoding.
pub type DetectedType = (&'static Kind, Option<&'static Encoding>);

/// The type of a media type; parameters such as `charset` are ignored.
#[must_use]
pub fn by_name(content_type: &str) -> Option<&'static Kind> {
    let name = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    KINDS.iter().find(|kind| kind.is_called(&name))
}

/// The type of an extension.
#[must_use]
pub fn by_extension(extension: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.extension == extension)
}

/// The kind that a file's bytes tell; of text, which has no structure of its own, the kind that was declared. What is declared to be
/// text and is text may begin with the first bytes of any other format.
///
/// # Errors
/// When the file cannot be read.
pub fn find(file: &mut File, declared: Option<&str>) -> io::Result<Option<DetectedType>> {
    let found = structure::find(file)?;
    if found != Some(structure::PDF)
        && let Some(text) = declared.and_then(text_kind)
        && let Some(encoding) = text::find_encoding(file)?
    {
        return Ok(Some((text, Some(encoding))));
    }
    let Some(found) = KINDS.iter().find(|kind| Some(kind.content_type) == found) else { return Ok(None) };
    let declared = declared.and_then(by_name);
    let sound = declared.filter(|declared| SOUND_ALONE.contains(&(found.content_type, declared.content_type)));
    Ok(Some((sound.unwrap_or(found), None)))
}

/// The text type of a media type.
fn text_kind(content_type: &str) -> Option<&'static Kind> {
    let kind =
        if content_type.trim().eq_ignore_ascii_case(SPREADSHEET) { by_extension("csv") } else { by_name(content_type) };
    kind.filter(|kind| kind.content_type.starts_with("text/"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn find_in(bytes: &[u8], declared: Option<&str>) -> Option<&'static str> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        find(&mut file, declared).unwrap().map(|(kind, _)| kind.content_type)
    }

    #[test]
    fn bytes_tell_the_kind_and_names_do_not() {
        let mp4 = b"\0\0\0\x18ftypisom\0\0\0\0mp42isom\0\0\0\x08moov";
        let pdf = b"%PDF-1.7\n1 0 obj\nstartxref\n9\n%%EOF\n";
        let cases: [(&[u8], Option<&str>, Option<&str>); 15] = [
            (b"\xff\xd8\xff\xe0rest", None, Some("image/jpeg")),
            (b"\x89PNG\r\n\x1a\nrest", Some("text/plain"), Some("image/png")),
            (b"GIF89a\x01\0\x01\0\0\0\0;", Some("image/png"), Some("image/gif")),
            (mp4, None, Some("video/mp4")),
            (mp4, Some("audio/x-m4a"), Some("audio/mp4")),
            (pdf, None, Some("application/pdf")),
            (pdf, Some("text/plain"), Some("application/pdf")),
            (b"#!AMR\n\x7c", None, Some("audio/amr")),
            (b"plain words", Some("text/plain; charset=utf-8"), Some("text/plain")),
            (b"a,b", Some("application/vnd.ms-excel"), Some("text/csv")),
            (b"plain words", Some("image/png"), None),
            (b"plain words", None, None),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Some("application/vnd.ms-excel"), None),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", Some("image/svg+xml"), None),
            (b"MZ\x90\0 a program", Some("application/pdf"), None),
        ];
        for (bytes, declared, wanted) in cases {
            assert_eq!(find_in(bytes, declared), wanted, "{:?} {declared:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn no_two_kinds_share_a_name() {
        for kind in &KINDS {
            let names = std::iter::once(&kind.content_type).chain(kind.aliases);
            for name in names {
                assert_eq!(KINDS.iter().filter(|other| other.is_called(name)).count(), 1, "{name}");
            }
            assert_eq!(by_extension(kind.extension).unwrap().content_type, kind.content_type);
        }
    }
}
