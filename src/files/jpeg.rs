//! JPEG decoding. The segments are walked first, for what the decoder does not report: the memory it will take, and
//! whether the file is complete.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};

use image::{DynamicImage, GrayImage, RgbImage};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::colour::convert_icc;
use super::model::{Dimensions, FileError, Raster, SIDE_PIXELS_LIMIT, check_pixels, orientation};

/// Scans of a progressive JPEG; encoders write about ten.
const SCANS_LIMIT: usize = 32;

/// Segments before the first scan; cameras write a few dozen. The decoder's work is quadratic in them.
const SEGMENTS_LIMIT: usize = 512;

const BASELINE: u8 = 0xc0;
const EXTENDED: u8 = 0xc1;
const PROGRESSIVE: u8 = 0xc2;
const START_OF_SCAN: u8 = 0xda;
const END_OF_IMAGE: u8 = 0xd9;

/// The frame header (SOF).
struct FrameHeader {
    marker: u8,
    dimensions: Dimensions,
    /// Horizontal and vertical sampling of each component.
    sampling: Vec<(u64, u64)>,
    /// Whether the components are in scans of their own (not interleaved).
    is_sequential: bool,
}

/// Dimensions, and the bytes that decoding takes.
pub fn inspect(file: &mut File) -> Result<(Dimensions, u64), FileError> {
    let mut reader = BufReader::new(file);
    let frame = read_frame(&mut reader)?;
    let pixels = check_pixels(frame.dimensions)?;
    if !has_end(&mut reader)? {
        return Err(FileError::Damaged);
    }
    let decoded = if frame.sampling.len() == 1 { pixels } else { pixels * 3 };
    let widest = frame.sampling.iter().map(|(across, down)| across * down).max().unwrap_or(1).max(1);
    // With several scans the decoder buffers all coefficients, two bytes each.
    let coefficients: u64 = frame.sampling.iter().map(|(across, down)| pixels * across * down * 2 / widest).sum();
    let kept = if frame.marker == PROGRESSIVE || frame.is_sequential { coefficients } else { 0 };
    Ok((frame.dimensions, decoded + kept))
}

/// Decodes an inspected picture.
pub fn decode(file: &mut File, dimensions: Dimensions) -> Result<Raster, FileError> {
    let Dimensions { width, height } = dimensions;
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(SIDE_PIXELS_LIMIT as usize)
        .set_max_height(SIDE_PIXELS_LIMIT as usize)
        .jpeg_set_max_scans(SCANS_LIMIT);
    let mut decoder = JpegDecoder::new_with_options(BufReader::new(file), options);
    decoder.decode_headers().map_err(|_| FileError::Damaged)?;
    let is_grey = decoder.input_colorspace() == Some(ColorSpace::Luma);
    let colours = if is_grey { ColorSpace::Luma } else { ColorSpace::RGB };
    decoder.set_options(options.jpeg_set_out_colorspace(colours));
    let size = decoder.output_buffer_size().filter(|size| *size as u64 <= u64::from(width) * u64::from(height) * 3);
    let mut pixels = vec![0; size.ok_or(FileError::Damaged)?];
    decoder.decode_into(&mut pixels).map_err(|_| FileError::Damaged)?;
    let orientation = orientation(decoder.exif().map(Vec::as_slice));
    convert_icc(decoder.icc_profile().as_deref(), &mut pixels, if is_grey { 1 } else { 3 });
    drop(decoder);
    let image = if is_grey {
        GrayImage::from_raw(width, height, pixels).map(DynamicImage::from)
    } else {
        RgbImage::from_raw(width, height, pixels).map(DynamicImage::from)
    };
    Ok(Raster { image: image.ok_or(FileError::Damaged)?, orientation, lossy: true })
}

/// Reads the segments up to the first scan; returns the frame header.
fn read_frame(reader: &mut (impl BufRead + Seek)) -> Result<FrameHeader, FileError> {
    let mut frame = None;
    if bytes::<2>(reader)? != [0xff, 0xd8] {
        return Err(FileError::Damaged);
    }
    for _ in 0..SEGMENTS_LIMIT {
        let marker = next_marker(reader)?;
        // Markers without a body, invalid here; decoders differ on what follows.
        if matches!(marker, 0x00 | 0x01 | 0xd0..=END_OF_IMAGE) {
            return Err(FileError::Damaged);
        }
        let length = i64::from(u16::from_be_bytes(bytes(reader)?)) - 2;
        match marker {
            START_OF_SCAN => {
                let [components] = bytes(reader)?;
                let mut frame: FrameHeader = frame.ok_or(FileError::Damaged)?;
                frame.is_sequential = usize::from(components) < frame.sampling.len();
                return Ok(frame);
            }
            BASELINE | EXTENDED | PROGRESSIVE if frame.is_none() => {
                let mut body = Vec::new();
                reader.by_ref().take(length.max(0).unsigned_abs()).read_to_end(&mut body)?;
                frame = Some(parse_frame(marker, &body).ok_or(FileError::Damaged)?);
            }
            // A second frame, or arithmetic, lossless or hierarchical coding.
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => return Err(FileError::NotAllowed),
            _ => reader.seek_relative(length.max(0))?,
        }
    }
    Err(FileError::Damaged)
}

fn parse_frame(marker: u8, body: &[u8]) -> Option<FrameHeader> {
    let (head, components) = body.split_at_checked(6)?;
    let [8, high, low, left, right, count] = *head else { return None };
    let sampling: Vec<(u64, u64)> = components
        .chunks_exact(3)
        .filter_map(|component| component.get(1))
        .map(|factors| (u64::from(factors >> 4), u64::from(factors & 15)))
        .collect();
    let whole = sampling.len() == usize::from(count) && matches!(count, 1 | 3 | 4);
    let (width, height) = (u16::from_be_bytes([left, right]).into(), u16::from_be_bytes([high, low]).into());
    let dimensions = Dimensions { width, height };
    whole.then_some(FrameHeader { marker, dimensions, sampling, is_sequential: false })
}

/// Whether an EOI marker follows; entropy-coded data never contains these two bytes.
fn has_end(reader: &mut impl BufRead) -> Result<bool, FileError> {
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

fn next_marker(reader: &mut impl Read) -> Result<u8, FileError> {
    let [mut byte] = bytes(reader)?;
    if byte != 0xff {
        return Err(FileError::Damaged);
    }
    while byte == 0xff {
        [byte] = bytes(reader)?;
    }
    Ok(byte)
}

fn bytes<const N: usize>(reader: &mut impl Read) -> Result<[u8; N], FileError> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes).map_err(|_| FileError::Damaged)?;
    Ok(bytes)
}
