//! Audio streams, by a chain of frames: each header gives the offset of the next.

use std::io;

use super::FileReader;

/// Padding between tag and first MP3 frame, as some programs write.
const MP3_GAP_BYTES: usize = 64 << 10;

/// Tags before an MP3, frames of an AMR, chunks of a WAV walked.
const TAGS_LIMIT: usize = 4;
const FRAMES_LIMIT: usize = 64;
const CHUNKS_LIMIT: usize = 64;

/// Bytes of an AMR frame by mode; modes above 8 are not accepted.
const AMR_BYTES: [u64; 9] = [13, 14, 16, 18, 20, 21, 27, 32, 6];

/// Bit rates of layer III in kbit/s: MPEG-1, then MPEG-2 and 2.5.
const MP3_RATES: [[u64; 14]; 2] = [
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

const MP3_SAMPLES: [u64; 3] = [44_100, 48_000, 32_000];

/// First packets of audio codecs.
const OGG_CODECS: [&[u8]; 4] = [b"OpusHead", b"\x01vorbis", b"Speex   ", b"\x7fFLAC"];

/// AAC or MP3, optionally after tags.
pub fn find_frames(reader: &FileReader<'_>) -> io::Result<Option<&'static str>> {
    let start = skip_tags(reader)?;
    if is_aac(reader, start)? {
        return Ok(Some("audio/aac"));
    }
    Ok(is_mp3(reader, start)?.then_some("audio/mpeg"))
}

/// Offset after the leading tags.
fn skip_tags(reader: &FileReader<'_>) -> io::Result<u64> {
    let mut at = 0;
    for _ in 0..TAGS_LIMIT {
        match reader.exactly::<10>(at)? {
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

/// At least one layer III frame, followed by another or the end.
fn is_mp3(reader: &FileReader<'_>, at: u64) -> io::Result<bool> {
    let gap = if at == 0 { 1 } else { MP3_GAP_BYTES };
    for (offset, byte) in (0..).zip(reader.some(at, gap)?) {
        if byte == 0xff && are_mp3_frames(reader, at + offset)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn are_mp3_frames(reader: &FileReader<'_>, at: u64) -> io::Result<bool> {
    let Some(head) = reader.exactly::<4>(at)? else { return Ok(false) };
    let Some(size) = mp3_frame_bytes(head) else { return Ok(false) };
    let end = at + size;
    if end == reader.size {
        return Ok(true);
    }
    let [_, version, rates, _] = head;
    Ok(match reader.exactly::<4>(end)? {
        Some([0xff, next_version, next_rates, _]) => {
            next_version | 1 == version | 1 && next_rates & 0x0c == rates & 0x0c
        }
        Some([b'T', b'A', b'G', _] | [b'A', b'P', b'E', b'T']) => true,
        _ => false,
    })
}

fn mp3_frame_bytes([first, second, third, _]: [u8; 4]) -> Option<u64> {
    // Frame sync, layer III.
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

/// An ADTS frame, followed by another or the end. The last bit of the second byte is 0 if the header has a checksum.
fn is_aac(reader: &FileReader<'_>, at: u64) -> io::Result<bool> {
    let Some([0xff, kind @ (0xf0 | 0xf1 | 0xf8 | 0xf9), rate, a, b, c, _]) = reader.exactly(at)? else {
        return Ok(false);
    };
    let size = u64::from(a & 3) << 11 | u64::from(b) << 3 | u64::from(c >> 5);
    let head_bytes = if kind & 1 == 0 { 9 } else { 7 };
    if size < head_bytes || rate >> 2 & 15 > 12 {
        return Ok(false);
    }
    let end = at + size;
    let follows = matches!(reader.exactly(end)?, Some([0xff, next, next_rate]) if next == kind && next_rate & 0xfc == rate & 0xfc);
    Ok(follows || end == reader.size)
}

/// Frames up to the end; the last may be truncated.
pub fn is_amr(reader: &FileReader<'_>) -> io::Result<bool> {
    let mut at = 6;
    for n in 0..FRAMES_LIMIT {
        let Some([head]) = reader.exactly(at)? else { return Ok(n > 0 && at == reader.size) };
        let size = match usize::from(head >> 3 & 15) {
            15 => Some(1),
            mode => AMR_BYTES.get(mode).copied(),
        };
        let Some(size) = size.filter(|_| head & 0x83 == 0) else { return Ok(false) };
        at += size;
        if at > reader.size {
            return Ok(n > 0);
        }
    }
    Ok(true)
}

/// A first page that starts an audio stream.
pub fn is_ogg(reader: &FileReader<'_>) -> io::Result<bool> {
    let Some(head) = reader.exactly::<27>(0)? else { return Ok(false) };
    let [_, _, _, _, 0, flags, .., segments] = head else { return Ok(false) };
    let packet = reader.some(27 + u64::from(segments), 8)?;
    Ok(flags & 7 == 2 && segments > 0 && OGG_CODECS.iter().any(|codec| packet.starts_with(codec)))
}

/// A `fmt ` chunk, followed by `data`.
pub fn is_wav(reader: &FileReader<'_>) -> io::Result<bool> {
    let (mut at, mut has_format) = (12, false);
    for _ in 0..CHUNKS_LIMIT {
        let Some([a, b, c, d, low, second, third, high]) = reader.exactly(at)? else { return Ok(false) };
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
