//! Writing pictures, line by line and upright: turning a picture takes no second one in memory.

use std::io::Write;

use image::DynamicImage;
use jpeg_encoder::{ColorType, EncodingError, ImageBuffer, JpegColorType, rgb_to_ycbcr};

use super::kind::by_extension;
use super::png::unwritten as png_unwritten;
use super::sink::Sink;
use super::workshop::Spool;
use super::{Made, Processed, Raster, Refused};

/// The longest side of a thumbnail, in pixels.
pub const THUMBNAIL: u32 = 320;

/// Of JPEG, 1 to 100: hardly seen to differ.
const QUALITY: u8 = 85;

/// Pixels up to which a PNG is pressed hard; above, quickly.
const PRESSED_HARD: u32 = 4_000_000;

/// Whether a picture needs no thumbnail.
pub fn is_small((width, height): (u32, u32)) -> bool {
    width.max(height) <= THUMBNAIL
}

/// Stores a picture, and a thumbnail unless it is small.
pub fn picture(raster: &Raster, spool: &Spool) -> Result<Processed, Refused> {
    let upright = Upright::new(&raster.image, raster.orientation)?;
    let dimensions = (upright.width, upright.height);
    let main = upright.write(raster.lossy && !upright.is_transparent(), spool)?;
    let thumbnail = if is_small(dimensions) { None } else { Some(thumbnail(raster, spool)?) };
    Ok(Processed { main, thumbnail, dimensions: Some(dimensions) })
}

/// A small picture of a picture.
pub fn thumbnail(raster: &Raster, spool: &Spool) -> Result<Made, Refused> {
    let small = raster.image.thumbnail(THUMBNAIL, THUMBNAIL);
    let upright = Upright::new(&small, raster.orientation)?;
    upright.write(!upright.is_transparent(), spool)
}

/// A picture as it is seen once it is turned as EXIF says.
#[derive(Clone, Copy)]
struct Upright<'a> {
    pixels: &'a [u8],
    /// Bytes of a pixel: grey, grey and alpha, red green and blue, or those and alpha.
    channels: usize,
    /// As stored.
    stored: (usize, usize),
    orientation: u8,
    width: u32,
    height: u32,
}

impl<'a> Upright<'a> {
    fn new(image: &'a DynamicImage, orientation: u8) -> Result<Self, Refused> {
        let (width, height) = (image.width(), image.height());
        let lies = orientation > 4;
        if !matches!(image.color().channel_count().into(), 1..=4usize) || image.as_bytes().is_empty() {
            return Err(Refused::Damaged);
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

    fn write(&self, as_jpeg: bool, spool: &Spool) -> Result<Made, Refused> {
        let mut sink = Sink::new(spool)?;
        let kind = if as_jpeg {
            let encoder = jpeg_encoder::Encoder::new(&mut sink, QUALITY);
            let (width, height) = (ImageBuffer::width(self), ImageBuffer::height(self));
            // As it lies in memory the encoder takes it several pixels at a time.
            let written = match (self.orientation, self.channels) {
                (1, 1) => encoder.encode(self.pixels, width, height, ColorType::Luma),
                (1, 3) => encoder.encode(self.pixels, width, height, ColorType::Rgb),
                _ => encoder.encode_image(*self),
            };
            sink.judge(written.map_err(unwritten))?;
            by_extension("jpg")
        } else {
            let written = self.write_png(&mut sink);
            sink.judge(written)?;
            by_extension("png")
        };
        sink.finish(kind.ok_or(Refused::NotAllowed)?)
    }

    fn write_png(&self, sink: &mut Sink) -> Result<(), Refused> {
        let mut encoder = png::Encoder::new(sink, self.width, self.height);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_color(match self.channels {
            1 => png::ColorType::Grayscale,
            2 => png::ColorType::GrayscaleAlpha,
            3 => png::ColorType::Rgb,
            _ => png::ColorType::Rgba,
        });
        let small = self.width * self.height <= PRESSED_HARD;
        encoder.set_compression(if small { png::Compression::Balanced } else { png::Compression::Fast });
        let mut writer = encoder.write_header().map_err(png_unwritten)?;
        let mut lines = writer.stream_writer().map_err(png_unwritten)?;
        if self.orientation == 1 {
            lines.write_all(self.pixels).map_err(Refused::from_write)?;
        } else {
            let mut line = Vec::with_capacity(self.width as usize * self.channels);
            for y in 0..self.height as usize {
                line.clear();
                self.line(y).for_each(|pixel| line.extend_from_slice(pixel));
                lines.write_all(&line).map_err(Refused::from_write)?;
            }
        }
        lines.finish().map_err(png_unwritten)?;
        writer.finish().map_err(png_unwritten)
    }
}

impl ImageBuffer for Upright<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        if self.channels < 3 { JpegColorType::Luma } else { JpegColorType::Ycbcr }
    }

    // Checked before: a side has at most 8,192 pixels.
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

fn unwritten(error: EncodingError) -> Refused {
    match error {
        EncodingError::IoError(error) => Refused::from_write(error),
        _ => Refused::Damaged,
    }
}
