//! WebP decoding.

use std::fs::File;
use std::io::BufReader;

use image::{DynamicImage, RgbImage, RgbaImage};
use image_webp::{DecodingError, WebPDecoder};

use super::colour::convert_icc;
use super::model::{DECODING_BYTES_LIMIT, Dimensions, FileError, Raster, check_pixels, orientation};

/// Memory a pixel while decoding: the picture, and the planes or the frame it is made from.
const PIXEL_BYTES: u64 = 8;

/// Dimensions, and the bytes that decoding takes.
pub fn inspect(file: &mut File) -> Result<(Dimensions, u64), FileError> {
    let decoder = open(file)?;
    let (width, height) = decoder.dimensions();
    let dimensions = Dimensions { width, height };
    Ok((dimensions, check_pixels(dimensions)? * PIXEL_BYTES))
}

/// Decodes an inspected picture; the first frame of an animation.
pub fn decode(file: &mut File, dimensions: Dimensions) -> Result<Raster, FileError> {
    let Dimensions { width, height } = dimensions;
    let mut decoder = open(file)?;
    let size = decoder.output_buffer_size().ok_or(FileError::TooMuchMemory)?;
    let mut pixels = vec![0; size];
    decoder.read_image(&mut pixels).map_err(decode_error)?;
    let orientation = orientation(decoder.exif_metadata().map_err(decode_error)?.as_deref());
    let lossy = decoder.is_lossy();
    let profile = decoder.icc_profile().map_err(decode_error)?;
    convert_icc(profile.as_deref(), &mut pixels, if decoder.has_alpha() { 4 } else { 3 });
    let image = if decoder.has_alpha() {
        RgbaImage::from_raw(width, height, pixels).map(DynamicImage::from)
    } else {
        RgbImage::from_raw(width, height, pixels).map(DynamicImage::from)
    };
    Ok(Raster { image: image.ok_or(FileError::Damaged)?, orientation, lossy })
}

fn open(file: &mut File) -> Result<WebPDecoder<BufReader<&mut File>>, FileError> {
    let mut decoder = WebPDecoder::new(BufReader::new(file)).map_err(decode_error)?;
    decoder.set_memory_limit(usize::try_from(DECODING_BYTES_LIMIT).unwrap_or(usize::MAX));
    Ok(decoder)
}

fn decode_error(error: DecodingError) -> FileError {
    match error {
        DecodingError::IoError(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => FileError::Io(error),
        DecodingError::MemoryLimitExceeded => FileError::TooMuchMemory,
        _ => FileError::Damaged,
    }
}
