//! PNG. Of the ancillary chunks only the orientation and the colour space are used; pixels are converted to sRGB.

use std::fs::File;
use std::io::{BufReader, Read, Seek, Write};

use image::{DynamicImage, GrayAlphaImage, GrayImage, RgbImage, RgbaImage};
use png::{ColorType, Decoder, DecodingError, Encoder, Filter, Info, Limits, OutputInfo, Transformations};

use super::colour::convert_png;
use super::encode::{encode_picture, encode_thumbnail, is_small, png_encode_error as encode_error};
use super::kind::by_extension;
use super::model::{
    DECODING_BYTES_LIMIT, Dimensions, EncodedFile, FileError, ProcessedFile, Raster, check_pixels, orientation,
};
use super::sink::Sink;
use super::temp_dir::TempDir;

/// Dimensions, and the bytes that decoding takes.
pub fn inspect(file: &mut File) -> Result<(Dimensions, u64), FileError> {
    check_chunks(&mut BufReader::new(&mut *file))?;
    file.rewind()?;
    let mut decoder = decoder(file);
    let info = decoder.read_header_info().map_err(decode_error)?;
    let dimensions = Dimensions { width: info.width, height: info.height };
    let pixels = check_pixels(dimensions)?;
    let channels: u64 = match info.color_type {
        ColorType::Grayscale | ColorType::GrayscaleAlpha => 2,
        ColorType::Rgb | ColorType::Rgba | ColorType::Indexed => 4,
    };
    // With alpha, which a later tRNS chunk may add; 16-bit samples are reduced to 8 line by line.
    Ok((dimensions, pixels * channels))
}

/// Re-encodes a picture; a palette is kept, as RGB would be twice as large.
pub fn encode(file: &mut File, temp_dir: &TempDir) -> Result<ProcessedFile, FileError> {
    let (raster, has_palette) = decode(file)?;
    if !has_palette || raster.orientation != 1 {
        return encode_picture(&raster, temp_dir);
    }
    let dimensions = Dimensions { width: raster.image.width(), height: raster.image.height() };
    let thumbnail = if is_small(dimensions) { None } else { Some(encode_thumbnail(&raster, temp_dir)?) };
    drop(raster);
    file.rewind()?;
    Ok(ProcessedFile { main: repack(file, temp_dir)?, thumbnail, dimensions: Some(dimensions) })
}

/// Copies palette and indices, and nothing else of the file.
fn repack(file: &mut File, temp_dir: &TempDir) -> Result<EncodedFile, FileError> {
    let mut reader = decoder(file).read_info().map_err(decode_error)?;
    let mut indices = vec![0; reader.output_buffer_size().ok_or(FileError::TooMuchMemory)?];
    let frame = reader.next_frame(&mut indices).map_err(decode_error)?;
    let mut sink = Sink::new(temp_dir)?;
    let written = write_indices(&mut sink, &indices, &frame, reader.info());
    sink.or_too_large(written)?;
    sink.finish(by_extension("png").ok_or(FileError::NotAllowed)?)
}

fn write_indices(sink: &mut Sink, indices: &[u8], frame: &OutputInfo, info: &Info<'_>) -> Result<(), FileError> {
    let mut encoder = Encoder::new(sink, frame.width, frame.height);
    encoder.set_color(frame.color_type);
    encoder.set_depth(frame.bit_depth);
    // What has few colours has long runs of them, which filters only break.
    encoder.set_filter(Filter::NoFilter);
    let mut palette = info.palette.as_deref().ok_or(FileError::Damaged)?.to_vec();
    convert_png(info, &mut palette, 3);
    encoder.set_palette(palette);
    if let Some(transparency) = info.trns.as_deref() {
        encoder.set_trns(transparency);
    }
    let mut writer = encoder.write_header().map_err(encode_error)?;
    let mut lines = writer.stream_writer().map_err(encode_error)?;
    lines.write_all(indices).map_err(FileError::from_write)?;
    lines.finish().map_err(encode_error)?;
    writer.finish().map_err(encode_error)
}

/// Decodes a picture that was looked at, and says whether it has a palette.
fn decode(file: &mut File) -> Result<(Raster, bool), FileError> {
    let mut decoder = decoder(file);
    decoder.set_transformations(Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(decode_error)?;
    let size = reader.output_buffer_size().ok_or(FileError::TooMuchMemory)?;
    let mut pixels = vec![0; size];
    let frame = reader.next_frame(&mut pixels).map_err(decode_error)?;
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
    Ok((Raster { image: image.ok_or(FileError::Damaged)?, orientation, lossy: false }, has_palette))
}

fn decoder(file: &mut File) -> Decoder<BufReader<&mut File>> {
    let limits = Limits { bytes: usize::try_from(DECODING_BYTES_LIMIT).unwrap_or(usize::MAX) };
    let mut decoder = Decoder::new_with_limits(BufReader::new(file), limits);
    decoder.set_ignore_text_chunk(true);
    decoder
}

/// Checks that the chunks lead to IEND.
fn check_chunks(reader: &mut (impl Read + Seek)) -> Result<(), FileError> {
    let mut head = [0; 8];
    reader.read_exact(&mut head).map_err(|_| FileError::Damaged)?;
    loop {
        reader.read_exact(&mut head).map_err(|_| FileError::Damaged)?;
        let [a, b, c, d, kind @ ..] = head;
        if &kind == b"IEND" {
            return Ok(());
        }
        // Data and CRC.
        reader.seek_relative(i64::from(u32::from_be_bytes([a, b, c, d])) + 4)?;
    }
}

fn decode_error(error: DecodingError) -> FileError {
    match error {
        DecodingError::IoError(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => FileError::Io(error),
        DecodingError::LimitsExceeded => FileError::TooMuchMemory,
        _ => FileError::Damaged,
    }
}
