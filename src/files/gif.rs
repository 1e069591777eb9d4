//! GIF, frame by frame: colours stay as they are, so that nothing is lost and no frame but one is in memory.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Seek};

use gif::{ColorOutput, DecodeOptions, DecodingError, Encoder, EncodingError, Frame};
use image::{DynamicImage, Rgba, RgbaImage};

use super::encode::{THUMBNAIL, is_small, thumbnail};
use super::kind::by_extension;
use super::sink::Sink;
use super::workshop::Spool;
use super::{MOST_FRAMES, MOST_MOVING_PIXELS, Processed, Raster, Refused, check_pixels};

/// Width, height, and the bytes that decoding takes. Frames are counted by their headers alone.
pub fn inspect(file: &mut File) -> Result<((u32, u32), u64), Refused> {
    let mut options = options();
    options.skip_frame_decoding(true);
    let mut decoder = options.read_info(BufReader::new(file)).map_err(refused)?;
    let (width, height) = (u32::from(decoder.width()), u32::from(decoder.height()));
    let canvas = check_pixels(width, height)?;
    let (mut frames, mut pixels) = (0, 0);
    while let Some(frame) = decoder.next_frame_info().map_err(refused)? {
        frames += 1;
        pixels += u64::from(frame.width) * u64::from(frame.height);
        if frames > MOST_FRAMES || pixels > MOST_MOVING_PIXELS {
            return Err(Refused::TooMuchMovement);
        }
    }
    if frames == 0 {
        return Err(Refused::Damaged);
    }
    // A frame of indices, and what it is encoded to.
    Ok(((width, height), canvas * 3))
}

/// Encodes every frame anew.
pub fn make(file: &mut File, (width, height): (u32, u32), spool: &Spool) -> Result<Processed, Refused> {
    file.rewind()?;
    let mut decoder = options().read_info(BufReader::new(file)).map_err(refused)?;
    let kind = by_extension("gif").ok_or(Refused::NotAllowed)?;
    let global = decoder.global_palette().unwrap_or_default().to_vec();
    let mut encoder = Encoder::new(Sink::new(spool)?, decoder.width(), decoder.height(), &global).map_err(unwritten)?;
    let mut still = None;
    while let Some(frame) = decoder.next_frame_info().map_err(refused)? {
        let mut frame = frame.clone();
        let mut indices = vec![0; usize::from(frame.width) * usize::from(frame.height)];
        decoder.read_into_buffer(&mut indices).map_err(refused)?;
        // The decoder has put the lines in order.
        frame.interlaced = false;
        frame.buffer = indices.into();
        if still.is_none() {
            still = Some(shrunk(&frame, &global, (width, height)));
            encoder.set_repeat(decoder.repeat()).map_err(unwritten)?;
        }
        encoder.write_frame(&frame).map_err(unwritten)?;
    }
    let still = Raster { image: still.ok_or(Refused::Damaged)?, orientation: 1, lossy: false };
    let main = encoder.into_inner().map_err(unwritten)?.finish(kind)?;
    let thumbnail = if is_small((width, height)) { None } else { Some(thumbnail(&still, spool)?) };
    Ok(Processed { main, thumbnail, dimensions: Some((width, height)) })
}

/// A frame on its canvas, small enough to be in memory with its colours written out.
fn shrunk(frame: &Frame<'_>, global: &[u8], (width, height): (u32, u32)) -> DynamicImage {
    let palette = frame.palette.as_deref().unwrap_or(global);
    let step = width.max(height).div_ceil(2 * THUMBNAIL).max(1);
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
    options.check_frame_consistency(true);
    options
}

fn refused(error: DecodingError) -> Refused {
    match error {
        DecodingError::Io(error) if error.kind() != ErrorKind::UnexpectedEof => Refused::Io(error),
        _ => Refused::Damaged,
    }
}

fn unwritten(error: EncodingError) -> Refused {
    match error {
        EncodingError::Io(error) => Refused::from_write(error),
        _ => Refused::Damaged,
    }
}
