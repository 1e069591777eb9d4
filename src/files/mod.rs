//! What people upload, looked at and made fit to be served, with nothing of it in memory but what is being worked on.
//!
//! - A file's kind is what its bytes say ([`kind`]) by their `structure`, never its name; what is not on the list is refused.
//! - Text is stored as UTF-8; what came in another encoding is converted.
//! - The colours of a picture are converted to sRGB.
//! - A picture is decoded and encoded anew: what came with it (where it was taken, a page of HTML behind it) is gone, and
//!   how it was held is turned into pixels. JPEG stays JPEG, PNG stays PNG, GIF stays GIF with its movement; WebP becomes
//!   JPEG where it was lossy and opaque, else PNG. Of an animated WebP or PNG the first picture stays.
//! - What a picture takes in memory is known from its header and asked of the [`workshop`] before it is decoded, by a
//!   process of its own that gets no more than that ([`worker`]).
//! - Files wait in nameless temporary files: a killed server leaves none.

mod colour;
mod encode;
mod gif;
mod jpeg;
pub mod kind;
mod outline;
mod png;
mod sink;
mod structure;
mod text;
mod webp;
pub mod worker;
pub mod workshop;

use std::fs::File;
use std::io::{self, Seek, SeekFrom};

use encoding_rs::Encoding;
use image::DynamicImage;

pub use kind::{Family, Kind};

/// The longest side of a picture, in pixels.
pub const LONGEST_SIDE: u32 = 8192;

/// The most pixels of a picture, and of a frame of a moving one.
pub const MOST_PIXELS: u64 = 25_000_000;

/// The most frames of a moving picture, and pixels of all of them.
pub const MOST_FRAMES: u32 = 1000;
const MOST_MOVING_PIXELS: u64 = 100_000_000;

/// The most bytes that decoding one picture may take: what the largest of the usual ones need.
const MOST_MEMORY: u64 = 112 << 20;

/// The most bytes of a file as it is stored; a picture may grow when it is encoded anew.
const MOST_STORED: u64 = 32 << 20;

/// A file made fit to be served.
#[derive(Debug)]
pub struct Made {
    /// Its bytes, in a temporary file.
    pub file: File,
    /// How many.
    pub size: u64,
    /// Their SHA-256.
    pub sha256: [u8; 32],
    /// What they are.
    pub kind: &'static Kind,
}

/// An upload made fit to be served.
#[derive(Debug)]
pub struct Processed {
    /// The file.
    pub main: Made,
    /// A small picture of a picture that is not small itself.
    pub thumbnail: Option<Made>,
    /// A picture's width and height in pixels.
    pub dimensions: Option<(u32, u32)>,
}

/// Why a file is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Nothing came.
    #[error("The file is empty.")]
    Empty,
    /// Not on the list.
    #[error(
        "Files of this type are not taken. Pictures: JPEG, PNG, GIF, WebP. Voice: MP3, M4A, AAC, Ogg, AMR, WAV, WebM. \
         Video: MP4, WebM, MOV. Documents: PDF, DOCX, XLSX, PPTX, ZIP, plain text and CSV (in UTF-8, \
         UTF-16 with a byte order mark, GBK or GB18030)."
    )]
    NotAllowed,
    /// Something else than was said.
    #[error("The file was announced as {0}, but is {1}.")]
    OtherThanSaid(String, &'static str),
    /// Cut off, or never whole.
    #[error("The file is damaged or cut off.")]
    Damaged,
    /// Too wide, too high, or too many pixels.
    #[error("A picture has at most 8192 pixels a side and 25 million in all; this one has {0} x {1}.")]
    TooManyPixels(u32, u32),
    /// Too much movement.
    #[error("A moving picture has at most 1000 frames and 100 million pixels in all of them.")]
    TooMuchMovement,
    /// A way of storing it that takes too much memory.
    #[error("This picture takes too much memory or time to decode: save it as a baseline JPEG, or smaller.")]
    TooMuchMemory,
    /// It grew too large.
    #[error("The file is over 32 MiB once it is encoded anew.")]
    StoredTooLarge,
    /// Our own fault.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Refused {
    /// Why something could not be written to a [`sink::Sink`].
    fn from_write(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::FileTooLarge { Self::StoredTooLarge } else { Self::Io(error) }
    }
}

/// What a client called a file's type.
#[derive(Clone, Debug)]
pub enum Said {
    /// Nothing.
    Nothing,
    /// This, and it may be wrong: many don't look.
    Perhaps(String),
    /// This, and nothing else is wanted.
    Exactly(String),
}

/// What a file is, and what it takes to make it fit to be served.
#[derive(Debug)]
pub struct Header {
    /// What it is.
    pub kind: &'static Kind,
    /// Of a text.
    encoding: Option<&'static Encoding>,
    /// A picture's width and height, as stored.
    dimensions: (u32, u32),
    /// Bytes that decoding it takes.
    pub memory: u64,
}

/// A decoded picture.
struct Raster {
    image: DynamicImage,
    /// How it is to be turned to stand upright: 1 to 8, as EXIF counts.
    orientation: u8,
    /// Whether small losses are nothing new to it.
    lossy: bool,
}

/// Looks at a file's structure, without decoding anything but text.
///
/// # Errors
/// When it is refused for what that says.
pub fn inspect(file: &mut File, said: &Said) -> Result<Header, Refused> {
    let (name, exactly) = match said {
        Said::Nothing => (None, false),
        Said::Perhaps(name) => (Some(name.as_str()), false),
        Said::Exactly(name) => (Some(name.as_str()), true),
    };
    if file.metadata()?.len() == 0 {
        return Err(Refused::Empty);
    }
    let (kind, encoding) = kind::find(file, name)?.ok_or(Refused::NotAllowed)?;
    if let Some(name) = name.filter(|name| exactly && *name != kind.content_type) {
        return Err(Refused::OtherThanSaid(name.to_owned(), kind.content_type));
    }
    file.rewind()?;
    let (dimensions, memory) = match kind.content_type {
        "image/jpeg" => jpeg::inspect(file)?,
        "image/png" => png::inspect(file)?,
        "image/webp" => webp::inspect(file)?,
        "image/gif" => gif::inspect(file)?,
        _ => ((0, 0), 0),
    };
    if memory > MOST_MEMORY {
        return Err(Refused::TooMuchMemory);
    }
    Ok(Header { kind, encoding, dimensions, memory })
}

/// Makes a file fit to be served. Takes long, and as much memory as its header said.
///
/// # Errors
/// When it turns out not to be whole.
pub fn make(mut file: File, header: &Header, spool: &workshop::Spool) -> Result<Processed, Refused> {
    file.seek(SeekFrom::Start(0))?;
    let raster = match header.kind.content_type {
        "image/gif" => return gif::make(&mut file, header.dimensions, spool),
        "image/png" => return png::make(&mut file, spool),
        "image/jpeg" => jpeg::decode(&mut file, header.dimensions)?,
        "image/webp" => webp::decode(&mut file, header.dimensions)?,
        _ => {
            let main = match header.encoding {
                Some(encoding) => text::make(file, header.kind, encoding, spool)?,
                None => sink::as_it_is(file, header.kind)?,
            };
            return Ok(Processed { main, thumbnail: None, dimensions: None });
        }
    };
    drop(file);
    encode::picture(&raster, spool)
}

/// Refuses what has too many pixels.
fn check_pixels(width: u32, height: u32) -> Result<u64, Refused> {
    let pixels = u64::from(width) * u64::from(height);
    if width == 0 || height == 0 {
        return Err(Refused::Damaged);
    }
    if width.max(height) > LONGEST_SIDE || pixels > MOST_PIXELS {
        return Err(Refused::TooManyPixels(width, height));
    }
    Ok(pixels)
}

/// The orientation that an EXIF block tells; upright where it tells none.
fn orientation(exif: Option<&[u8]>) -> u8 {
    exif.and_then(image::metadata::Orientation::from_exif_chunk).map_or(1, image::metadata::Orientation::to_exif)
}
