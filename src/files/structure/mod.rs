//! Type detection by structure, as a few magic bytes may also begin a text: boxes of a container, frames of a recording,
//! the central directory of an archive.
//!
//! Nothing is decoded, and no more is read than the walk needs. Pictures are detected by signature alone, as they are
//! decoded afterwards.

mod archive;
mod container;
mod sound;

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;

pub use container::{M4A, MP4, WEBM};

/// The end of a PDF that has to contain `startxref`.
const PDF_TAIL_BYTES: usize = 64 << 10;

/// What may precede the header of a PDF: a byte order mark and blanks.
const PDF_HEAD_BYTES: usize = 64;

/// A PDF's media type.
pub const PDF: &str = "application/pdf";

/// The media type of a file by its structure; none if unknown.
pub fn find(file: &File) -> io::Result<Option<&'static str>> {
    let reader = FileReader { file, size: file.metadata()?.len() };
    let head = reader.some(0, PDF_HEAD_BYTES)?;
    let is = |found: bool, media_type| found.then_some(media_type);
    Ok(match *head.as_slice() {
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => is(is_gif(&reader)?, "image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', b'V', b'P', b'8', ..] => Some("image/webp"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => is(sound::is_wav(&reader)?, "audio/wav"),
        [b'O', b'g', b'g', b'S', ..] => is(sound::is_ogg(&reader)?, "audio/ogg"),
        [b'#', b'!', b'A', b'M', b'R', b'\n', ..] => is(sound::is_amr(&reader)?, "audio/amr"),
        [b'I', b'D', b'3', ..] | [0xff, 0xe2..=0xff, ..] => sound::find_frames(&reader)?,
        [0x1a, 0x45, 0xdf, 0xa3, ..] => is(container::is_webm(&reader)?, WEBM),
        [b'P', b'K', ..] => archive::find(&reader)?,
        _ if is_pdf(&reader, &head)? => Some(PDF),
        _ => container::find_mp4(&reader)?,
    })
}

/// Positioned reads.
struct FileReader<'a> {
    file: &'a File,
    size: u64,
}

impl FileReader<'_> {
    /// Exactly `N` bytes at an offset; none if the file ends before.
    fn exactly<const N: usize>(&self, at: u64) -> io::Result<Option<[u8; N]>> {
        if at.checked_add(N as u64).is_none_or(|end| end > self.size) {
            return Ok(None);
        }
        let mut bytes = [0; N];
        match self.file.read_exact_at(&mut bytes, at) {
            Ok(()) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Up to `most` bytes at an offset.
    fn some(&self, at: u64, most: usize) -> io::Result<Vec<u8>> {
        let left = usize::try_from(self.size.saturating_sub(at)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; most.min(left)];
        self.file.read_exact_at(&mut bytes, at)?;
        Ok(bytes)
    }
}

/// A header, an optional colour table, and a block.
fn is_gif(reader: &FileReader<'_>) -> io::Result<bool> {
    let Some([flags]) = reader.exactly(10)? else { return Ok(false) };
    let table = if flags & 0x80 == 0 { 0 } else { 3_u64 << ((flags & 7) + 1) };
    Ok(matches!(reader.exactly(13 + table)?, Some([0x21 | 0x2c | 0x3b])))
}

/// A version at the start, `startxref` near the end.
fn is_pdf(reader: &FileReader<'_>, head: &[u8]) -> io::Result<bool> {
    let begun = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    if !matches!(begun, [b'%', b'P', b'D', b'F', b'-', b'0'..=b'9', b'.', b'0'..=b'9', ..]) {
        return Ok(false);
    }
    let tail = reader.some(reader.size.saturating_sub(PDF_TAIL_BYTES as u64), PDF_TAIL_BYTES)?;
    Ok(contains(&tail, b"startxref") || contains(&tail, b"%%EOF"))
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|part| part == word)
}
