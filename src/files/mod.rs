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
mod outline;
mod png;
pub mod processor;
mod sink;
mod structure;
pub mod subprocess;
mod text;
mod webp;

use std::fs::File;
use std::io::{self, Seek, SeekFrom};

use encoding_rs::Encoding;
use image::DynamicImage;

pub use kind::{Family, Kind};

/// Longest side of a picture, in pixels.
pub const SIDE_PIXELS_LIMIT: u32 = 8192;

/// Pixels of a picture, and of one frame of an animation.
pub const PIXELS_LIMIT: u64 = 25_000_000;

/// Frames of an animation, and the pixels of all frames together.
pub const FRAMES_LIMIT: u32 = 1000;
const ANIMATION_PIXELS_LIMIT: u64 = 100_000_000;

/// Memory for decoding one picture: enough for the largest common ones.
const DECODING_BYTES_LIMIT: u64 = 112 << 20;

/// Size of a stored file; re-encoding can make a picture larger.
const STORED_BYTES_LIMIT: u64 = 32 << 20;

/// A file in the form in which it is stored and served.
#[derive(Debug)]
pub struct EncodedFile {
    /// Its bytes, in a temporary file.
    pub file: File,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the bytes.
    pub sha256: [u8; 32],
    /// The detected type.
    pub kind: &'static Kind,
}

/// A sanitised upload.
#[derive(Debug)]
pub struct ProcessedFile {
    /// The file.
    pub main: EncodedFile,
    /// Thumbnail; none for small pictures and other files.
    pub thumbnail: Option<EncodedFile>,
    /// A picture's width and height in pixels.
    pub dimensions: Option<(u32, u32)>,
}

/// Why a file is rejected.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// No bytes.
    #[error("The file is empty.")]
    Empty,
    /// A type that is not accepted.
    #[error(
        "Files of this type are not taken. Pictures: JPEG, PNG, GIF, WebP. Voice: MP3, M4A, AAC, Ogg, AMR, WAV, WebM. \
         Video: MP4, WebM, MOV. Documents: PDF, DOCX, XLSX, PPTX, ZIP, plain text and CSV (in UTF-8, \
         UTF-16 with a byte order mark, GBK or GB18030)."
    )]
    NotAllowed,
    /// Declared type, detected type.
    #[error("The file was announced as {0}, but is {1}.")]
    TypeMismatch(String, &'static str),
    /// Truncated or malformed.
    #[error("The file is damaged or cut off.")]
    Damaged,
    /// Width and height.
    #[error("A picture has at most 8192 pixels a side and 25 million in all; this one has {0} x {1}.")]
    TooManyPixels(u32, u32),
    /// Over the frame or pixel limit of animations.
    #[error("A moving picture has at most 1000 frames and 100 million pixels in all of them.")]
    TooMuchMovement,
    /// Decoding would exceed the memory or CPU limit.
    #[error("This picture takes too much memory or time to decode: save it as a baseline JPEG, or smaller.")]
    TooMuchMemory,
    /// Over the stored size limit after re-encoding.
    #[error("The file is over 32 MiB once it is encoded anew.")]
    StoredTooLarge,
    /// A failure of this server, not of the file.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl FileError {
    /// Maps a write error of a [`sink::Sink`].
    fn from_write(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::FileTooLarge { Self::StoredTooLarge } else { Self::Io(error) }
    }
}

/// The media type that a client declared.
#[derive(Clone, Debug)]
pub enum DeclaredType {
    /// None.
    Unknown,
    /// May be wrong, as clients guess it from the name; decides only between types with equal bytes.
    Hint(String),
    /// The detected type has to equal it.
    Required(String),
}

/// The detected type of a file, and the resources that encoding it needs.
#[derive(Debug)]
pub struct Header {
    /// Detected type.
    pub kind: &'static Kind,
    /// Character encoding; text only.
    encoding: Option<&'static Encoding>,
    /// Width and height before the orientation is applied; zero if not a picture.
    dimensions: (u32, u32),
    /// Bytes of memory that decoding takes.
    pub memory: u64,
}

/// A decoded picture.
struct Raster {
    image: DynamicImage,
    /// EXIF orientation, 1 to 8.
    orientation: u8,
    /// Whether the source was lossy, so that JPEG loses little.
    lossy: bool,
}

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
        _ => ((0, 0), 0),
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
pub fn encode_file(mut file: File, header: &Header, temp_dir: &processor::TempDir) -> Result<ProcessedFile, FileError> {
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

/// Checks the pixel limits; returns the number of pixels.
fn check_pixels(width: u32, height: u32) -> Result<u64, FileError> {
    let pixels = u64::from(width) * u64::from(height);
    if width == 0 || height == 0 {
        return Err(FileError::Damaged);
    }
    if width.max(height) > SIDE_PIXELS_LIMIT || pixels > PIXELS_LIMIT {
        return Err(FileError::TooManyPixels(width, height));
    }
    Ok(pixels)
}

/// The orientation of an EXIF block; 1 (upright) by default.
fn orientation(exif: Option<&[u8]>) -> u8 {
    exif.and_then(image::metadata::Orientation::from_exif_chunk).map_or(1, image::metadata::Orientation::to_exif)
}
