//! Recordings: their frames follow each other at the places that each of them tells.

use std::io;

use super::Parts;

/// How far behind its tag an MP3 may begin, in bytes: some programs leave room there.
const MP3_GAP_BYTES: usize = 64 << 10;

/// Tags before an MP3, frames of an AMR and chunks of a WAV that are walked at most.
const MOST_TAGS: usize = 4;
const MOST_FRAMES: usize = 64;
const MOST_CHUNKS: usize = 64;

/// Bytes of a frame of AMR, of each mode; those above 8 are comfort noise of other systems, and nothing.
const AMR_BYTES: [u64; 9] = [13, 14, 16, 18, 20, 21, 27, 32, 6];

/// Kilobits a second of layer III, of MPEG-1 and of MPEG-2 and 2.5.
const MP3_RATES: [[u64; 14]; 2] = [
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

const MP3_SAMPLES: [u64; 3] = [44_100, 48_000, 32_000];

/// First packets of the codecs of sound.
const OGG_CODECS: [&[u8]; 4] = [b"OpusHead", b"\x01vorbis", b"Speex   ", b"\x7fFLAC"];

/// AAC or an MP3, either perhaps behind tags.
pub fn find_frames(parts: &Parts<'_>) -> io::Result<Option<&'static str>> {
    let start = skip_tags(parts)?;
    if is_aac(parts, start)? {
        return Ok(Some("audio/aac"));
    }
    Ok(is_mp3(parts, start)?.then_some("audio/mpeg"))
}

/// Where the tags before a recording end.
fn skip_tags(parts: &Parts<'_>) -> io::Result<u64> {
    let mut at = 0;
    for _ in 0..MOST_TAGS {
        match parts.exactly::<10>(at)? {
            Some([b'I', b'D', b'3', 2..=4, 0..=0xfe, flags, a @ 0..=127, b @ 0..=127, c @ 0..=127, d @ 0..=127]) => {
                let size = [a, b, c, d].iter().fold(0, |size, part| size << 7 | u64::from(*part));
                let footer = if flags & 0x10 == 0 { 0 } else { 10 };
                at += 10 + size + footer;
            }
            _ => break,
        }
    }
    Ok(at)
}

/// At least one frame of layer III that another or the end follows.
fn is_mp3(parts: &Parts<'_>, at: u64) -> io::Result<bool> {
    let gap = if at == 0 { 1 } else { MP3_GAP_BYTES };
    for (offset, byte) in (0..).zip(parts.some(at, gap)?) {
        if byte == 0xff && are_mp3_frames(parts, at + offset)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn are_mp3_frames(parts: &Parts<'_>, at: u64) -> io::Result<bool> {
    let Some(head) = parts.exactly::<4>(at)? else { return Ok(false) };
    let Some(size) = mp3_frame_bytes(head) else { return Ok(false) };
    let end = at + size;
    if end == parts.size {
        return Ok(true);
    }
    let [_, version, rates, _] = head;
    Ok(match parts.exactly::<4>(end)? {
        Some([0xff, next_version, next_rates, _]) => {
            next_version | 1 == version | 1 && next_rates & 0x0c == rates & 0x0c
        }
        Some([b'T', b'A', b'G', _] | [b'A', b'P', b'E', b'T']) => true,
        _ => false,
    })
}

fn mp3_frame_bytes([first, second, third, _]: [u8; 4]) -> Option<u64> {
    // The mark of a frame, and layer III.
    if first != 0xff || second & 0xe6 != 0xe2 {
        return None;
    }
    let (table, halvings) = match second >> 3 & 3 {
        3 => (0, 0),
        2 => (1, 1),
        0 => (1, 2),
        _ => return None,
    };
    let kilobits = MP3_RATES.get(table)?.get(usize::from(third >> 4).checked_sub(1)?)?;
    let samples = MP3_SAMPLES.get(usize::from(third >> 2 & 3))? >> halvings;
    let per_sample = if table == 0 { 144_000 } else { 72_000 };
    Some(per_sample * kilobits / samples + u64::from(third >> 1 & 1))
}

/// Frames of ADTS: one, and another or the end behind it. The last bit of the second byte is 0 where a frame's head has a
/// checksum.
fn is_aac(parts: &Parts<'_>, at: u64) -> io::Result<bool> {
    let Some([0xff, kind @ (0xf0 | 0xf1 | 0xf8 | 0xf9), rate, a, b, c, _]) = parts.exactly(at)? else {
        return Ok(false);
    };
    let size = u64::from(a & 3) << 11 | u64::from(b) << 3 | u64::from(c >> 5);
    let head_bytes = if kind & 1 == 0 { 9 } else { 7 };
    if size < head_bytes || rate >> 2 & 15 > 12 {
        return Ok(false);
    }
    let end = at + size;
    let follows =
        matches!(parts.exactly(end)?, Some([0xff, next, next_rate]) if next == kind && next_rate & 0xfc == rate & 0xfc);
    Ok(follows || end == parts.size)
}

/// Frames up to the end, of which the last may be cut off.
pub fn is_amr(parts: &Parts<'_>) -> io::Result<bool> {
    let mut at = 6;
    for n in 0..MOST_FRAMES {
        let Some([head]) = parts.exactly(at)? else { return Ok(n > 0 && at == parts.size) };
        let size = match usize::from(head >> 3 & 15) {
            15 => Some(1),
            mode => AMR_BYTES.get(mode).copied(),
        };
        let Some(size) = size.filter(|_| head & 0x83 == 0) else { return Ok(false) };
        at += size;
        if at > parts.size {
            return Ok(n > 0);
        }
    }
    Ok(true)
}

/// A first page that begins a stream of sound.
pub fn is_ogg(parts: &Parts<'_>) -> io::Result<bool> {
    let Some(head) = parts.exactly::<27>(0)? else { return Ok(false) };
    let [_, _, _, _, 0, flags, .., segments] = head else { return Ok(false) };
    let packet = parts.some(27 + u64::from(segments), 8)?;
    Ok(flags & 7 == 2 && segments > 0 && OGG_CODECS.iter().any(|codec| packet.starts_with(codec)))
}

/// A format, and behind it samples.
pub fn is_wav(parts: &Parts<'_>) -> io::Result<bool> {
    let (mut at, mut has_format) = (12, false);
    for _ in 0..MOST_CHUNKS {
        let Some([a, b, c, d, low, second, third, high]) = parts.exactly(at)? else { return Ok(false) };
        let size = u64::from(u32::from_le_bytes([low, second, third, high]));
        match [a, b, c, d] {
            [b'd', b'a', b't', b'a'] => return Ok(has_format),
            [b'f', b'm', b't', b' '] => has_format = size >= 14,
            _ => {}
        }
        at += 8 + size + size % 2;
    }
    Ok(false)
}
