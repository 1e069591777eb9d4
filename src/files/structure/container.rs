//! Audio and video containers: MP4 and `QuickTime` (boxes), `WebM` (EBML elements).

use std::io;

use super::FileReader;

/// MP4's media type.
pub const MP4: &str = "video/mp4";

/// `WebM`'s media type.
pub const WEBM: &str = "video/webm";

/// The media type of sound alone in the same boxes.
pub const M4A: &str = "audio/mp4";
const MOV: &str = "video/quicktime";

/// Boxes walked.
const BOXES_LIMIT: usize = 1024;

/// Longest EBML header.
const WEBM_HEAD_BYTES: usize = 256;

/// First boxes of old `QuickTime` files, which have no `ftyp`.
const OLD_BOXES: [&[u8; 4]; 5] = [b"moov", b"mdat", b"wide", b"free", b"skip"];

/// An accepted brand, followed by boxes of which one describes the tracks.
pub fn find_mp4(reader: &FileReader<'_>) -> io::Result<Option<&'static str>> {
    let found = match reader.exactly::<12>(0)? {
        Some([_, _, _, _, b'f', b't', b'y', b'p', brand @ ..]) => by_brand(brand),
        Some([_, _, _, _, a, b, c, d, ..]) if OLD_BOXES.contains(&&[a, b, c, d]) => Some(MOV),
        _ => None,
    };
    Ok(if found.is_some() && has_description(reader)? { found } else { None })
}

fn by_brand(brand: [u8; 4]) -> Option<&'static str> {
    match &brand {
        b"qt  " => Some(MOV),
        [b'M', b'4', b'A' | b'B' | b'P', _] => Some(M4A),
        [b'i', b's', b'o', b'm' | b'2'..=b'9']
        | [b'm', b'p', b'4', b'1' | b'2' | b'v']
        | [b'M', b'4', b'V', _]
        | [b'F', b'4', b'P' | b'V', b' ']
        | [b'N', b'D', ..]
        | b"mp71"
        | b"mmp4"
        | b"avc1"
        | b"dash"
        | b"MSNV"
        | b"NSDC" => Some(MP4),
        _ => None,
    }
}

/// Whether the boxes lead to one that describes the tracks.
fn has_description(reader: &FileReader<'_>) -> io::Result<bool> {
    let mut at = 0;
    for _ in 0..BOXES_LIMIT {
        let Some([a, b, c, d, name @ ..]) = reader.exactly::<8>(at)? else { return Ok(false) };
        if &name == b"moov" {
            return Ok(true);
        }
        let size = match u32::from_be_bytes([a, b, c, d]) {
            1 => reader.exactly(at + 8)?.map_or(0, u64::from_be_bytes),
            size => size.into(),
        };
        // Size 0: up to the end of the file.
        let is_box = size >= 8 && name.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
        match at.checked_add(size).filter(|_| is_box) {
            Some(next) => at = next,
            None => return Ok(false),
        }
    }
    Ok(false)
}

/// An EBML header with the document type `webm`, followed by a segment.
pub fn is_webm(reader: &FileReader<'_>) -> io::Result<bool> {
    let head = reader.some(0, WEBM_HEAD_BYTES)?;
    let body = head.get(4..).unwrap_or_default();
    let Some((size, body)) = size_of_element(body) else { return Ok(false) };
    let Some((mut body, rest)) = body.split_at_checked(size) else { return Ok(false) };
    let mut is_named = false;
    while let [first, second, rest @ ..] = body {
        // Header elements have two-byte ids; padding and checksums one-byte ids.
        let (name, rest) =
            if *first & 0x80 == 0 { ([*first, *second], rest) } else { ([*first, 0], after_first(body)) };
        let Some((size, rest)) = size_of_element(rest) else { return Ok(false) };
        let Some((content, rest)) = rest.split_at_checked(size) else { return Ok(false) };
        is_named |= name == [0x42, 0x82] && content.trim_ascii_end() == b"webm";
        body = rest;
    }
    Ok(is_named && rest.starts_with(&[0x18, 0x53, 0x80, 0x67]))
}

fn after_first(bytes: &[u8]) -> &[u8] {
    bytes.split_first().map_or(bytes, |(_, rest)| rest)
}

/// A variable-length size and the rest; its length is the leading zeros of the first byte plus one.
fn size_of_element(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let first = bytes.first()?;
    let count = first.leading_zeros() as usize + 1;
    let (size, rest) = bytes.split_at_checked(count).filter(|_| count <= 8)?;
    let size = size.iter().fold(0_u64, |size, byte| size << 8 | u64::from(*byte));
    Some((usize::try_from(size & !(1 << (7 * count))).ok()?, rest))
}
