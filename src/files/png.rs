//! PNG. Of what it holds beside the picture, only the orientation and the colour space are read; the colours become sRGB.

use std::fs::File;
use std::io::{BufReader, Read, Seek, Write};

use image::{DynamicImage, GrayAlphaImage, GrayImage, RgbImage, RgbaImage};
use png::{
    ColorType, Decoder, DecodingError, Encoder, EncodingError, Filter, Info, Limits, OutputInfo, Transformations,
};

use super::colour::convert_png;
use super::encode::{is_small, picture, thumbnail};
use super::kind::by_extension;
use super::sink::Sink;
use super::workshop::Spool;
use super::{MOST_MEMORY, Made, Processed, Raster, Refused, check_pixels, orientation};

/// Width, height, and the bytes that decoding takes.
pub fn inspect(file: &mut File) -> Result<((u32, u32), u64), Refused> {
    check_chunks(&mut BufReader::new(&mut *file))?;
    file.rewind()?;
    let mut decoder = decoder(file);
    let info = decoder.read_header_info().map_err(refused)?;
    let (width, height) = (info.width, info.height);
    let pixels = check_pixels(width, height)?;
    let channels: u64 = match info.color_type {
        ColorType::Grayscale | ColorType::GrayscaleAlpha => 2,
        ColorType::Rgb | ColorType::Rgba | ColorType::Indexed => 4,
    };
    // Any may have transparent colours, which a chunk of their own tells only later; sixteen bits become eight line by
    // line.
    Ok(((width, height), pixels * channels))
}

/// Encodes a picture anew; one with a palette keeps it, for without it it would be twice as large.
pub fn make(file: &mut File, spool: &Spool) -> Result<Processed, Refused> {
    let (raster, has_palette) = decode(file)?;
    if !has_palette || raster.orientation != 1 {
        return picture(&raster, spool);
    }
    let dimensions = (raster.image.width(), raster.image.height());
    let thumbnail = if is_small(dimensions) { None } else { Some(thumbnail(&raster, spool)?) };
    drop(raster);
    file.rewind()?;
    Ok(Processed { main: repack(file, spool)?, thumbnail, dimensions: Some(dimensions) })
}

/// Writes the places in the palette as they are, and nothing else of the file.
fn repack(file: &mut File, spool: &Spool) -> Result<Made, Refused> {
    let mut reader = decoder(file).read_info().map_err(refused)?;
    let mut places = vec![0; reader.output_buffer_size().ok_or(Refused::TooMuchMemory)?];
    let frame = reader.next_frame(&mut places).map_err(refused)?;
    let mut sink = Sink::new(spool)?;
    let written = write_places(&mut sink, &places, &frame, reader.info());
    sink.judge(written)?;
    sink.finish(by_extension("png").ok_or(Refused::NotAllowed)?)
}

fn write_places(sink: &mut Sink, places: &[u8], frame: &OutputInfo, info: &Info<'_>) -> Result<(), Refused> {
    let mut encoder = Encoder::new(sink, frame.width, frame.height);
    encoder.set_color(frame.color_type);
    encoder.set_depth(frame.bit_depth);
    // What has few colours has long runs of them, which filters only break.
    encoder.set_filter(Filter::NoFilter);
    let mut palette = info.palette.as_deref().ok_or(Refused::Damaged)?.to_vec();
    convert_png(info, &mut palette, 3);
    encoder.set_palette(palette);
    if let Some(transparency) = info.trns.as_deref() {
        encoder.set_trns(transparency);
    }
    let mut writer = encoder.write_header().map_err(unwritten)?;
    let mut lines = writer.stream_writer().map_err(unwritten)?;
    lines.write_all(places).map_err(Refused::from_write)?;
    lines.finish().map_err(unwritten)?;
    writer.finish().map_err(unwritten)
}

/// Decodes a picture that was looked at, and says whether it has a palette.
fn decode(file: &mut File) -> Result<(Raster, bool), Refused> {
    let mut decoder = decoder(file);
    decoder.set_transformations(Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(refused)?;
    let size = reader.output_buffer_size().ok_or(Refused::TooMuchMemory)?;
    let mut pixels = vec![0; size];
    let frame = reader.next_frame(&mut pixels).map_err(refused)?;
    let orientation = orientation(reader.info().exif_metadata.as_deref());
    let has_palette = reader.info().color_type == ColorType::Indexed;
    convert_png(reader.info(), &mut pixels, frame.color_type.samples());
    drop(reader);
    let (width, height) = (frame.width, frame.height);
    let image = match frame.color_type {
        ColorType::Grayscale => GrayImage::from_raw(width, height, pixels).map(DynamicImage::from),
        ColorType::GrayscaleAlpha => GrayAlphaImage::from_raw(width, height, pixels).map(DynamicImage::from),
        ColorType::Rgb => RgbImage::from_raw(width, height, pixels).map(DynamicImage::from),
        ColorType::Rgba => RgbaImage::from_raw(width, height, pixels).map(DynamicImage::from),
        ColorType::Indexed => None,
    };
    Ok((Raster { image: image.ok_or(Refused::Damaged)?, orientation, lossy: false }, has_palette))
}

fn decoder(file: &mut File) -> Decoder<BufReader<&mut File>> {
    let limits = Limits { bytes: usize::try_from(MOST_MEMORY).unwrap_or(usize::MAX) };
    let mut decoder = Decoder::new_with_limits(BufReader::new(file), limits);
    decoder.set_ignore_text_chunk(true);
    decoder
}

/// Walks the chunks to the one that ends the file.
fn check_chunks(reader: &mut (impl Read + Seek)) -> Result<(), Refused> {
    let mut head = [0; 8];
    reader.read_exact(&mut head).map_err(|_| Refused::Damaged)?;
    loop {
        reader.read_exact(&mut head).map_err(|_| Refused::Damaged)?;
        let [a, b, c, d, kind @ ..] = head;
        if &kind == b"IEND" {
            return Ok(());
        }
        // Its body and its checksum.
        reader.seek_relative(i64::from(u32::from_be_bytes([a, b, c, d])) + 4)?;
    }
}

/// Why a picture could not be written.
pub fn unwritten(error: EncodingError) -> Refused {
    match error {
        EncodingError::IoError(error) => Refused::from_write(error),
        _ => Refused::Damaged,
    }
}

fn refused(error: DecodingError) -> Refused {
    match error {
        DecodingError::IoError(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => Refused::Io(error),
        DecodingError::LimitsExceeded => Refused::TooMuchMemory,
        _ => Refused::Damaged,
    }
}
