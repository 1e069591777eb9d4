//! What files are: kinds, limits, and why a file is rejected.

use std::fs::File;
use std::io;

use encoding_rs::Encoding;
use image::DynamicImage;
use serde::{Deserialize, Serialize};

/// Broad class of a file type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// JPEG, PNG, GIF, WebP.
    Picture,
    /// Sound.
    Voice,
    /// Moving pictures.
    Video,
    /// Served as an attachment.
    Document,
}

/// A file type.
#[derive(Debug)]
pub struct Kind {
    /// Canonical media type.
    pub content_type: &'static str,
    /// File name extension, without the dot.
    pub extension: &'static str,
    /// Broad class.
    pub family: Family,
    /// Other media types in use for it.
    pub(super) aliases: &'static [&'static str],
}

impl Kind {
    /// Whether it is served inline; documents are attachments.
    #[must_use]
    pub fn is_shown(&self) -> bool {
        self.family != Family::Document
    }

    /// Whether a media type names it.
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.content_type == name || self.aliases.contains(&name)
    }
}

/// Longest side of a picture, in pixels.
pub const SIDE_PIXELS_LIMIT: u32 = 8192;

/// Pixels of a picture, and of one frame of an animation.
pub const PIXELS_LIMIT: u64 = 25_000_000;

/// Frames of an animation, and the pixels of all frames together.
pub const FRAMES_LIMIT: u32 = 1000;
pub(super) const ANIMATION_PIXELS_LIMIT: u64 = 100_000_000;

/// Memory for decoding one picture: enough for the largest common ones.
pub(super) const DECODING_BYTES_LIMIT: u64 = 112 << 20;

/// Size of a stored file; re-encoding can make a picture larger.
pub(super) const STORED_BYTES_LIMIT: u64 = 32 << 20;

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

/// Width and height of a picture, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dimensions {
    /// From left to right.
    pub width: u32,
    /// From top to bottom.
    pub height: u32,
}

impl Dimensions {
    /// Of something that is no picture.
    pub(super) const ZERO: Self = Self { width: 0, height: 0 };
}

/// A sanitised upload.
#[derive(Debug)]
pub struct ProcessedFile {
    /// The file.
    pub main: EncodedFile,
    /// Thumbnail; none for small pictures and other files.
    pub thumbnail: Option<EncodedFile>,
    /// Of a picture.
    pub dimensions: Option<Dimensions>,
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
    pub(super) fn from_write(error: io::Error) -> Self {
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
    pub(super) encoding: Option<&'static Encoding>,
    /// Before the orientation is applied; zero if not a picture.
    pub(super) dimensions: Dimensions,
    /// Bytes of memory that decoding takes.
    pub memory: u64,
}

/// A decoded picture.
pub(super) struct Raster {
    pub(super) image: DynamicImage,
    /// EXIF orientation, 1 to 8.
    pub(super) orientation: u8,
    /// Whether the source was lossy, so that JPEG loses little.
    pub(super) lossy: bool,
}

/// Checks the pixel limits; returns the number of pixels.
pub(super) fn check_pixels(dimensions: Dimensions) -> Result<u64, FileError> {
    let Dimensions { width, height } = dimensions;
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
pub(super) fn orientation(exif: Option<&[u8]>) -> u8 {
    exif.and_then(image::metadata::Orientation::from_exif_chunk).map_or(1, image::metadata::Orientation::to_exif)
}
