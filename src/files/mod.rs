//! Uploaded files: type detection and sanitising. A file is streamed; only a picture being decoded is in memory.
//!
//! - The type of a file is detected from its bytes ([`kind`], `structure`), never from its name; types not listed are
//!   rejected.
//! - Text is transcoded to UTF-8.
//! - The colours of a picture are converted to sRGB.
//! - A picture is decoded and re-encoded: metadata (EXIF location) and trailing bytes are dropped, and the EXIF orientation
//!   is applied to the pixels. JPEG stays JPEG, PNG stays PNG, GIF stays an animated GIF; WebP becomes JPEG if lossy and
//!   opaque, else PNG. An animated WebP or PNG keeps its first frame only.
//! - The memory that decoding needs is computed from the header and acquired from the [`processor`] beforehand; the
//!   decoder runs in a [`subprocess`] limited to that amount.
//! - Temporary files are unlinked at creation: a killed server leaves none behind.

mod colour;
mod encode;
mod gif;
mod jpeg;
pub mod kind;
pub mod model;
mod outline;
mod png;
pub mod processor;
mod sink;
mod structure;
pub mod subprocess;
pub mod temp_dir;
mod text;
mod webp;

use std::fs::File;
use std::io::{Seek, SeekFrom};

use model::DECODING_BYTES_LIMIT;
pub use model::{
    DeclaredType, Dimensions, EncodedFile, FRAMES_LIMIT, Family, FileError, Header, Kind, PIXELS_LIMIT, ProcessedFile,
    SIDE_PIXELS_LIMIT,
};
pub use temp_dir::TempDir;

/// Detects the type and reads the header; decodes nothing but text.
///
/// # Errors
/// [`FileError`] if the header shows that the file is not accepted.
pub fn inspect(file: &mut File, declared: &DeclaredType) -> Result<Header, FileError> {
    let (name, is_required) = match declared {
        DeclaredType::Unknown => (None, false),
        DeclaredType::Hint(name) => (Some(name.as_str()), false),
        DeclaredType::Required(name) => (Some(name.as_str()), true),
    };
    if file.metadata()?.len() == 0 {
        return Err(FileError::Empty);
    }
    let (kind, encoding) = kind::find(file, name)?.ok_or(FileError::NotAllowed)?;
    if let Some(name) = name.filter(|name| is_required && *name != kind.content_type) {
        return Err(FileError::TypeMismatch(name.to_owned(), kind.content_type));
    }
    file.rewind()?;
    let (dimensions, memory) = match kind.content_type {
        "image/jpeg" => jpeg::inspect(file)?,
        "image/png" => png::inspect(file)?,
        "image/webp" => webp::inspect(file)?,
        "image/gif" => gif::inspect(file)?,
        _ => (Dimensions::ZERO, 0),
    };
    if memory > DECODING_BYTES_LIMIT {
        return Err(FileError::TooMuchMemory);
    }
    Ok(Header { kind, encoding, dimensions, memory })
}

/// Sanitises a file. Blocking; takes as much memory as the header says.
///
/// # Errors
/// [`FileError`] if it is damaged or becomes too large.
pub fn encode_file(mut file: File, header: &Header, temp_dir: &TempDir) -> Result<ProcessedFile, FileError> {
    file.seek(SeekFrom::Start(0))?;
    let raster = match header.kind.content_type {
        "image/gif" => return gif::encode(&mut file, header.dimensions, temp_dir),
        "image/png" => return png::encode(&mut file, temp_dir),
        "image/jpeg" => jpeg::decode(&mut file, header.dimensions)?,
        "image/webp" => webp::decode(&mut file, header.dimensions)?,
        _ => {
            let main = match header.encoding {
                Some(encoding) => text::encode(file, header.kind, encoding, temp_dir)?,
                None => sink::unchanged(file, header.kind)?,
            };
            return Ok(ProcessedFile { main, thumbnail: None, dimensions: None });
        }
    };
    drop(file);
    encode::encode_picture(&raster, temp_dir)
}
