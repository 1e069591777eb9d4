//! Containers of sound and pictures: MP4 and `QuickTime` are boxes in a row, `WebM` is elements of EBML.

use std::io;

use super::Parts;

/// MP4's media type.
pub const MP4: &str = "video/mp4";

/// `WebM`'s media type.
pub const WEBM: &str = "video/webm";

/// The media type of sound alone in the same boxes.
pub const M4A: &str = "audio/mp4";
const MOV: &str = "video/quicktime";

/// Boxes that are walked at most.
const MOST_BOXES: usize = 1024;

/// How long a `WebM`'s header may be, in bytes.
const WEBM_HEAD_BYTES: usize = 256;

/// Boxes of files as `QuickTime` wrote them before there was a box for the type.
const OLD_BOXES: [&[u8; 4]; 5] = [b"moov", b"mdat", b"wide", b"free", b"skip"];

/// A type that is taken, in front of boxes of which one describes what is in the file.
pub fn find_mp4(parts: &Parts<'_>) -> io::Result<Option<&'static str>> {
    let found = match parts.exactly::<12>(0)? {
        Some([_, _, _, _, b'f', b't', b'y', b'p', brand @ ..]) => by_brand(brand),
        Some([_, _, _, _, a, b, c, d, ..]) if OLD_BOXES.contains(&&[a, b, c, d]) => Some(MOV),
        _ => None,
    };
    Ok(if found.is_some() && has_description(parts)? { found } else { None })
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

/// Whether boxes follow each other up to one that describes the tracks.
fn has_description(parts: &Parts<'_>) -> io::Result<bool> {
    let mut at = 0;
    for _ in 0..MOST_BOXES {
        let Some([a, b, c, d, name @ ..]) = parts.exactly::<8>(at)? else { return Ok(false) };
        if &name == b"moov" {
            return Ok(true);
        }
        let size = match u32::from_be_bytes([a, b, c, d]) {
            1 => parts.exactly(at + 8)?.map_or(0, u64::from_be_bytes),
            size => size.into(),
        };
        // A box of no size reaches to the end.
        let is_box = size >= 8 && name.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
        match at.checked_add(size).filter(|_| is_box) {
            Some(next) => at = next,
            None => return Ok(false),
        }
    }
    Ok(false)
}

/// A header of EBML that names `WebM`, and behind it a segment.
pub fn is_webm(parts: &Parts<'_>) -> io::Result<bool> {
    let head = parts.some(0, WEBM_HEAD_BYTES)?;
    let body = head.get(4..).unwrap_or_default();
    let Some((size, body)) = size_of_element(body) else { return Ok(false) };
    let Some((mut body, rest)) = body.split_at_checked(size) else { return Ok(false) };
    let mut is_named = false;
    while let [first, second, rest @ ..] = body {
        // All elements of a header have names of two bytes, but for padding and checksums of one.
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

/// The size that stands at the beginning, and what follows: as many bytes as the first has leading zeros, and one more.
fn size_of_element(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let first = bytes.first()?;
    let count = first.leading_zeros() as usize + 1;
    let (size, rest) = bytes.split_at_checked(count).filter(|_| count <= 8)?;
    let size = size.iter().fold(0_u64, |size, byte| size << 8 | u64::from(*byte));
    Some((usize::try_from(size & !(1 << (7 * count))).ok()?, rest))
}
