//! Reading WebP.

use std::fs::File;
use std::io::BufReader;

use image::{DynamicImage, RgbImage, RgbaImage};
use image_webp::{DecodingError, WebPDecoder};

use super::colour::convert_icc;
use super::{MOST_MEMORY, Raster, Refused, check_pixels, orientation};

/// Bytes a pixel while decoding: the picture, and beside it the planes or the frame that it is made of.
const BYTES_A_PIXEL: u64 = 8;

/// Width, height, and the bytes that decoding takes.
pub fn inspect(file: &mut File) -> Result<((u32, u32), u64), Refused> {
    let decoder = open(file)?;
    let (width, height) = decoder.dimensions();
    let pixels = check_pixels(width, height)?;
    Ok(((width, height), pixels * BYTES_A_PIXEL))
}

/// Decodes a picture that was looked at; of a moving one the first frame.
pub fn decode(file: &mut File, (width, height): (u32, u32)) -> Result<Raster, Refused> {
    let mut decoder = open(file)?;
    let size = decoder.output_buffer_size().ok_or(Refused::TooMuchMemory)?;
    let mut pixels = vec![0; size];
    decoder.read_image(&mut pixels).map_err(refused)?;
    let orientation = orientation(decoder.exif_metadata().map_err(refused)?.as_deref());
    let lossy = decoder.is_lossy();
    let profile = decoder.icc_profile().map_err(refused)?;
    convert_icc(profile.as_deref(), &mut pixels, if decoder.has_alpha() { 4 } else { 3 });
    let image = if decoder.has_alpha() {
        RgbaImage::from_raw(width, height, pixels).map(DynamicImage::from)
    } else {
        RgbImage::from_raw(width, height, pixels).map(DynamicImage::from)
    };
    Ok(Raster { image: image.ok_or(Refused::Damaged)?, orientation, lossy })
}

fn open(file: &mut File) -> Result<WebPDecoder<BufReader<&mut File>>, Refused> {
    let mut decoder = WebPDecoder::new(BufReader::new(file)).map_err(refused)?;
    decoder.set_memory_limit(usize::try_from(MOST_MEMORY).unwrap_or(usize::MAX));
    Ok(decoder)
}

fn refused(error: DecodingError) -> Refused {
    match error {
        DecodingError::IoError(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => Refused::Io(error),
        DecodingError::MemoryLimitExceeded => Refused::TooMuchMemory,
        _ => Refused::Damaged,
    }
}
