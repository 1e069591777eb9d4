//! Reading JPEG. Its segments are walked here, for what the decoder does not tell before it has begun: how much memory it
//! will take, and whether the picture has an end.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};

use image::{DynamicImage, GrayImage, RgbImage};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::colour::convert_icc;
use super::{LONGEST_SIDE, Raster, Refused, check_pixels, orientation};

/// Scans of a progressive picture; encoders make about ten.
const MOST_SCANS: usize = 32;

/// Segments before the first scan: cameras write a few dozen, and some work is done for each pair of them.
const MOST_SEGMENTS: usize = 512;

const BASELINE: u8 = 0xc0;
const EXTENDED: u8 = 0xc1;
const PROGRESSIVE: u8 = 0xc2;
const START_OF_SCAN: u8 = 0xda;
const END_OF_IMAGE: u8 = 0xd9;

/// What the frame's segment says.
struct Frame {
    marker: u8,
    width: u32,
    height: u32,
    /// Horizontal and vertical sampling of each component.
    sampling: Vec<(u64, u64)>,
    /// Whether its components come one after the other.
    in_turn: bool,
}

/// Width, height, and the bytes that decoding takes.
pub fn inspect(file: &mut File) -> Result<((u32, u32), u64), Refused> {
    let mut reader = BufReader::new(file);
    let frame = read_frame(&mut reader)?;
    let pixels = check_pixels(frame.width, frame.height)?;
    if !has_end(&mut reader)? {
        return Err(Refused::Damaged);
    }
    let decoded = if frame.sampling.len() == 1 { pixels } else { pixels * 3 };
    let widest = frame.sampling.iter().map(|(across, down)| across * down).max().unwrap_or(1).max(1);
    // Of a picture in several scans all coefficients, of two bytes each, are kept until the last.
    let coefficients: u64 = frame.sampling.iter().map(|(across, down)| pixels * across * down * 2 / widest).sum();
    let kept = if frame.marker == PROGRESSIVE || frame.in_turn { coefficients } else { 0 };
    Ok(((frame.width, frame.height), decoded + kept))
}

/// Decodes a picture that was looked at.
pub fn decode(file: &mut File, (width, height): (u32, u32)) -> Result<Raster, Refused> {
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(LONGEST_SIDE as usize)
        .set_max_height(LONGEST_SIDE as usize)
        .jpeg_set_max_scans(MOST_SCANS);
    let mut decoder = JpegDecoder::new_with_options(BufReader::new(file), options);
    decoder.decode_headers().map_err(|_| Refused::Damaged)?;
    let is_grey = decoder.input_colorspace() == Some(ColorSpace::Luma);
    let colours = if is_grey { ColorSpace::Luma } else { ColorSpace::RGB };
    decoder.set_options(options.jpeg_set_out_colorspace(colours));
    let size = decoder.output_buffer_size().filter(|size| *size as u64 <= u64::from(width) * u64::from(height) * 3);
    let mut pixels = vec![0; size.ok_or(Refused::Damaged)?];
    decoder.decode_into(&mut pixels).map_err(|_| Refused::Damaged)?;
    let orientation = orientation(decoder.exif().map(Vec::as_slice));
    convert_icc(decoder.icc_profile().as_deref(), &mut pixels, if is_grey { 1 } else { 3 });
    drop(decoder);
    let image = if is_grey {
        GrayImage::from_raw(width, height, pixels).map(DynamicImage::from)
    } else {
        RgbImage::from_raw(width, height, pixels).map(DynamicImage::from)
    };
    Ok(Raster { image: image.ok_or(Refused::Damaged)?, orientation, lossy: true })
}

/// Reads segments up to the first scan, and of them the one that describes the frame.
fn read_frame(reader: &mut (impl BufRead + Seek)) -> Result<Frame, Refused> {
    let mut frame = None;
    if bytes::<2>(reader)? != [0xff, 0xd8] {
        return Err(Refused::Damaged);
    }
    for _ in 0..MOST_SEGMENTS {
        let marker = next_marker(reader)?;
        // Without a body, and of no use here; decoders do not agree on what follows them.
        if matches!(marker, 0x00 | 0x01 | 0xd0..=END_OF_IMAGE) {
            return Err(Refused::Damaged);
        }
        let length = i64::from(u16::from_be_bytes(bytes(reader)?)) - 2;
        match marker {
            START_OF_SCAN => {
                let [components] = bytes(reader)?;
                let mut frame: Frame = frame.ok_or(Refused::Damaged)?;
                frame.in_turn = usize::from(components) < frame.sampling.len();
                return Ok(frame);
            }
            BASELINE | EXTENDED | PROGRESSIVE if frame.is_none() => {
                let mut body = Vec::new();
                reader.by_ref().take(length.max(0).unsigned_abs()).read_to_end(&mut body)?;
                frame = Some(parse_frame(marker, &body).ok_or(Refused::Damaged)?);
            }
            // Two frames, or an arithmetic, lossless or hierarchical one.
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => return Err(Refused::NotAllowed),
            _ => reader.seek_relative(length.max(0))?,
        }
    }
    Err(Refused::Damaged)
}

fn parse_frame(marker: u8, body: &[u8]) -> Option<Frame> {
    let (head, components) = body.split_at_checked(6)?;
    let [8, high, low, left, right, count] = *head else { return None };
    let sampling: Vec<(u64, u64)> = components
        .chunks_exact(3)
        .filter_map(|component| component.get(1))
        .map(|factors| (u64::from(factors >> 4), u64::from(factors & 15)))
        .collect();
    let whole = sampling.len() == usize::from(count) && matches!(count, 1 | 3 | 4);
    whole.then(|| Frame {
        marker,
        width: u16::from_be_bytes([left, right]).into(),
        height: u16::from_be_bytes([high, low]).into(),
        sampling,
        in_turn: false,
    })
}

/// Whether the end is marked: inside a scan these two bytes never stand together.
fn has_end(reader: &mut impl BufRead) -> Result<bool, Refused> {
    let mut after_ff = false;
    loop {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            return Ok(false);
        }
        for byte in chunk {
            if after_ff && *byte == END_OF_IMAGE {
                return Ok(true);
            }
            after_ff = *byte == 0xff;
        }
        let read = chunk.len();
        reader.consume(read);
    }
}

fn next_marker(reader: &mut impl Read) -> Result<u8, Refused> {
    let [mut byte] = bytes(reader)?;
    if byte != 0xff {
        return Err(Refused::Damaged);
    }
    while byte == 0xff {
        [byte] = bytes(reader)?;
    }
    Ok(byte)
}

fn bytes<const N: usize>(reader: &mut impl Read) -> Result<[u8; N], Refused> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes).map_err(|_| Refused::Damaged)?;
    Ok(bytes)
}
