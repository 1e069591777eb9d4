//! GIF, re-encoded frame by frame: palettes are kept, so it is lossless with one frame in memory. Frames are cropped to
//! the canvas.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Seek};

use gif::{ColorOutput, DecodeOptions, DecodingError, Encoder, EncodingError, Frame};
use image::{DynamicImage, Rgba, RgbaImage};

use super::encode::{THUMBNAIL_SIDE_PIXELS, encode_thumbnail, is_small};
use super::kind::by_extension;
use super::model::{Dimensions, FileError, ProcessedFile, Raster};
use super::outline;
use super::outline::GifOutline;
use super::sink::Sink;
use super::temp_dir::TempDir;

/// GIF trailer, appended if missing.
const TRAILER: &[u8] = b";";

/// Dimensions of the canvas, and bytes of memory for decoding. Reads frame headers only.
pub fn inspect(file: &mut File) -> Result<(Dimensions, u64), FileError> {
    let GifOutline { canvas, largest_frame, .. } = outline::read(BufReader::new(file))?;
    let pixels = u64::from(canvas.width) * u64::from(canvas.height);
    // A frame of palette indices, and its encoded form.
    Ok((canvas, pixels.max(largest_frame) * 3))
}

/// Re-encodes every frame.
pub fn encode(file: &mut File, canvas: Dimensions, temp_dir: &TempDir) -> Result<ProcessedFile, FileError> {
    file.rewind()?;
    let end = outline::read(BufReader::new(&mut *file))?.end;
    file.rewind()?;
    let whole = BufReader::new(file).take(end).chain(TRAILER);
    let mut decoder = options().read_info(whole).map_err(decode_error)?;
    let kind = by_extension("gif").ok_or(FileError::NotAllowed)?;
    let global = decoder.global_palette().unwrap_or_default().to_vec();
    let (width, height) = (side(canvas.width)?, side(canvas.height)?);
    let mut encoder = Encoder::new(Sink::new(temp_dir)?, width, height, &global).map_err(encode_error)?;
    let mut still = None;
    while let Some(frame) = decoder.next_frame_info().map_err(decode_error)? {
        let mut frame = frame.clone();
        let mut indices = vec![0; usize::from(frame.width) * usize::from(frame.height)];
        decoder.read_into_buffer(&mut indices).map_err(decode_error)?;
        // The decoder has deinterlaced it.
        frame.interlaced = false;
        frame.buffer = indices.into();
        crop(&mut frame, width, height);
        if still.is_none() {
            still = Some(shrunk(&frame, &global, canvas));
            encoder.set_repeat(decoder.repeat()).map_err(encode_error)?;
        }
        encoder.write_frame(&frame).map_err(encode_error)?;
    }
    let still = Raster { image: still.ok_or(FileError::Damaged)?, orientation: 1, lossy: false };
    let main = encoder.into_inner().map_err(encode_error)?.finish(kind)?;
    let thumbnail = if is_small(canvas) { None } else { Some(encode_thumbnail(&still, temp_dir)?) };
    Ok(ProcessedFile { main, thumbnail, dimensions: Some(canvas) })
}

fn side(pixels: u32) -> Result<u16, FileError> {
    u16::try_from(pixels).map_err(|_| FileError::Damaged)
}

/// Crops a frame to a canvas of this width and height. A frame wholly outside becomes one transparent pixel, to keep its delay.
fn crop(frame: &mut Frame<'_>, width: u16, height: u16) {
    let (across, down) = (width.saturating_sub(frame.left), height.saturating_sub(frame.top));
    if across == 0 || down == 0 {
        (frame.left, frame.top, frame.width, frame.height) = (0, 0, 1, 1);
        frame.transparent = Some(0);
        frame.buffer = vec![0].into();
        return;
    }
    if frame.width <= across && frame.height <= down {
        return;
    }
    let visible = usize::from(frame.width.min(across));
    let lines = frame.buffer.chunks(usize::from(frame.width).max(1)).take(down.into());
    let indices: Vec<u8> = lines.flat_map(|line| line.iter().copied().take(visible)).collect();
    (frame.width, frame.height) = (frame.width.min(across), frame.height.min(down));
    frame.buffer = indices.into();
}

/// A frame on its canvas, subsampled, in RGB or RGBA.
fn shrunk(frame: &Frame<'_>, global: &[u8], canvas: Dimensions) -> DynamicImage {
    let Dimensions { width, height } = canvas;
    let palette = frame.palette.as_deref().unwrap_or(global);
    let step = width.max(height).div_ceil(2 * THUMBNAIL_SIDE_PIXELS).max(1);
    let colour = |x: u32, y: u32| {
        let x = (x * step).checked_sub(frame.left.into()).filter(|x| *x < frame.width.into())?;
        let y = (y * step).checked_sub(frame.top.into()).filter(|y| *y < frame.height.into())?;
        let index = *frame.buffer.get((y * u32::from(frame.width) + x) as usize)?;
        let [red, green, blue] = *palette.get(usize::from(index) * 3..)?.first_chunk()?;
        (frame.transparent != Some(index)).then_some(Rgba([red, green, blue, 255]))
    };
    let size = (width.div_ceil(step), height.div_ceil(step));
    let image = RgbaImage::from_fn(size.0, size.1, |x, y| colour(x, y).unwrap_or(Rgba([0; 4])));
    let is_opaque = image.pixels().all(|pixel| pixel.0.last() == Some(&255));
    let image = DynamicImage::from(image);
    if is_opaque { image.to_rgb8().into() } else { image }
}

fn options() -> DecodeOptions {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    // Skips unknown extensions, as browsers do; the end of the picture is known from the outline.
    options.allow_unknown_blocks(true);
    options
}

fn decode_error(error: DecodingError) -> FileError {
    match error {
        DecodingError::Io(error) if error.kind() != ErrorKind::UnexpectedEof => FileError::Io(error),
        _ => FileError::Damaged,
    }
}

fn encode_error(error: EncodingError) -> FileError {
    match error {
        EncodingError::Io(error) => FileError::from_write(error),
        _ => FileError::Damaged,
    }
}
