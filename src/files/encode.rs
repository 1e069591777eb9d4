//! Encodes pictures line by line with the orientation applied, without a second copy in memory.

use std::io::Write;

use image::DynamicImage;
use jpeg_encoder::{ColorType, EncodingError, ImageBuffer, JpegColorType, rgb_to_ycbcr};

use super::kind::by_extension;
use super::model::{Dimensions, EncodedFile, FileError, ProcessedFile, Raster};
use super::sink::Sink;
use super::temp_dir::TempDir;

/// Longest side of a thumbnail.
pub const THUMBNAIL_SIDE_PIXELS: u32 = 320;

/// 1 to 100; visually close to the source.
const JPEG_QUALITY: u8 = 85;

/// Larger PNGs use fast compression.
const BALANCED_PIXELS_LIMIT: u32 = 4_000_000;

/// Whether a picture serves as its own thumbnail.
pub fn is_small(dimensions: Dimensions) -> bool {
    dimensions.width.max(dimensions.height) <= THUMBNAIL_SIDE_PIXELS
}

/// Encodes a picture, and a thumbnail unless it is small.
pub fn encode_picture(raster: &Raster, temp_dir: &TempDir) -> Result<ProcessedFile, FileError> {
    let upright = Upright::new(&raster.image, raster.orientation)?;
    let dimensions = Dimensions { width: upright.width, height: upright.height };
    let main = upright.write(raster.lossy && !upright.is_transparent(), temp_dir)?;
    let thumbnail = if is_small(dimensions) { None } else { Some(encode_thumbnail(raster, temp_dir)?) };
    Ok(ProcessedFile { main, thumbnail, dimensions: Some(dimensions) })
}

/// Encodes a thumbnail.
pub fn encode_thumbnail(raster: &Raster, temp_dir: &TempDir) -> Result<EncodedFile, FileError> {
    let small = raster.image.thumbnail(THUMBNAIL_SIDE_PIXELS, THUMBNAIL_SIDE_PIXELS);
    let upright = Upright::new(&small, raster.orientation)?;
    upright.write(!upright.is_transparent(), temp_dir)
}

/// A picture seen through its EXIF orientation.
#[derive(Clone, Copy)]
struct Upright<'a> {
    pixels: &'a [u8],
    /// Bytes a pixel: grey (1), grey and alpha (2), RGB (3), RGBA (4).
    channels: usize,
    /// Width and height before the orientation is applied.
    stored: (usize, usize),
    orientation: u8,
    width: u32,
    height: u32,
}

impl<'a> Upright<'a> {
    fn new(image: &'a DynamicImage, orientation: u8) -> Result<Self, FileError> {
        let (width, height) = (image.width(), image.height());
        let lies = orientation > 4;
        if !matches!(image.color().channel_count().into(), 1..=4usize) || image.as_bytes().is_empty() {
            return Err(FileError::Damaged);
        }
        Ok(Self {
            pixels: image.as_bytes(),
            channels: image.color().channel_count().into(),
            stored: (width as usize, height as usize),
            orientation,
            width: if lies { height } else { width },
            height: if lies { width } else { height },
        })
    }

    fn is_transparent(&self) -> bool {
        self.channels.is_multiple_of(2)
    }

    /// The pixels of a line, from the left.
    fn line(&self, y: usize) -> impl Iterator<Item = &'a [u8]> {
        let Self { pixels, channels, stored: (width, height), orientation, .. } = *self;
        let (right, bottom) = (width - 1, height - 1);
        (0..self.width as usize).filter_map(move |x| {
            let (x, y) = match orientation {
                2 => (right - x, y),
                3 => (right - x, bottom - y),
                4 => (x, bottom - y),
                5 => (y, x),
                6 => (y, bottom - x),
                7 => (right - y, bottom - x),
                8 => (right - y, x),
                _ => (x, y),
            };
            let at = (y * width + x) * channels;
            pixels.get(at..at + channels)
        })
    }

    fn write(&self, as_jpeg: bool, temp_dir: &TempDir) -> Result<EncodedFile, FileError> {
        let mut sink = Sink::new(temp_dir)?;
        let kind = if as_jpeg {
            let encoder = jpeg_encoder::Encoder::new(&mut sink, JPEG_QUALITY);
            let (width, height) = (ImageBuffer::width(self), ImageBuffer::height(self));
            // The encoder has SIMD paths for pixels in memory order.
            let written = match (self.orientation, self.channels) {
                (1, 1) => encoder.encode(self.pixels, width, height, ColorType::Luma),
                (1, 3) => encoder.encode(self.pixels, width, height, ColorType::Rgb),
                _ => encoder.encode_image(*self),
            };
            sink.or_too_large(written.map_err(encode_error))?;
            by_extension("jpg")
        } else {
            let written = self.write_png(&mut sink);
            sink.or_too_large(written)?;
            by_extension("png")
        };
        sink.finish(kind.ok_or(FileError::NotAllowed)?)
    }

    fn write_png(&self, sink: &mut Sink) -> Result<(), FileError> {
        let mut encoder = png::Encoder::new(sink, self.width, self.height);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_color(match self.channels {
            1 => png::ColorType::Grayscale,
            2 => png::ColorType::GrayscaleAlpha,
            3 => png::ColorType::Rgb,
            _ => png::ColorType::Rgba,
        });
        let small = self.width * self.height <= BALANCED_PIXELS_LIMIT;
        encoder.set_compression(if small { png::Compression::Balanced } else { png::Compression::Fast });
        let mut writer = encoder.write_header().map_err(png_encode_error)?;
        let mut lines = writer.stream_writer().map_err(png_encode_error)?;
        if self.orientation == 1 {
            lines.write_all(self.pixels).map_err(FileError::from_write)?;
        } else {
            let mut line = Vec::with_capacity(self.width as usize * self.channels);
            for y in 0..self.height as usize {
                line.clear();
                self.line(y).for_each(|pixel| line.extend_from_slice(pixel));
                lines.write_all(&line).map_err(FileError::from_write)?;
            }
        }
        lines.finish().map_err(png_encode_error)?;
        writer.finish().map_err(png_encode_error)
    }
}

impl ImageBuffer for Upright<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        if self.channels < 3 { JpegColorType::Luma } else { JpegColorType::Ycbcr }
    }

    // A side has at most 8192 pixels, checked before.
    fn width(&self) -> u16 {
        u16::try_from(self.width).unwrap_or(u16::MAX)
    }

    fn height(&self) -> u16 {
        u16::try_from(self.height).unwrap_or(u16::MAX)
    }

    fn fill_buffers(&self, y: u16, [first, second, third, _]: &mut [Vec<u8>; 4]) {
        for pixel in self.line(y.into()) {
            match *pixel {
                [red, green, blue, ..] => {
                    let (luma, blueness, redness) = rgb_to_ycbcr(red, green, blue);
                    first.push(luma);
                    second.push(blueness);
                    third.push(redness);
                }
                [grey, ..] => first.push(grey),
                [] => {}
            }
        }
    }
}

fn encode_error(error: EncodingError) -> FileError {
    match error {
        EncodingError::IoError(error) => FileError::from_write(error),
        _ => FileError::Damaged,
    }
}

/// A write error of the PNG encoder.
pub fn png_encode_error(error: png::EncodingError) -> FileError {
    match error {
        png::EncodingError::IoError(error) => FileError::from_write(error),
        _ => FileError::Damaged,
    }
}
