//! Walks the blocks of a GIF without decoding: end of the picture, size of the canvas. As lenient as browsers: the trailer
//! may be missing or garbage, the file truncated after the first frame, and the first frame larger than the screen.

use std::io::{BufRead, ErrorKind, Seek};

use super::model::{ANIMATION_PIXELS_LIMIT, Dimensions, FRAMES_LIMIT, FileError, check_pixels};

const EXTENSION: u8 = 0x21;
const IMAGE: u8 = 0x2c;

/// Bits of the flags of a screen and of an image descriptor.
const HAS_TABLE: u8 = 0x80;
const TABLE_SIZE: u8 = 0x07;

/// What the block structure says.
pub struct GifOutline {
    /// Of the screen, or of the first frame where that is larger.
    pub canvas: Dimensions,
    /// Pixels of the largest frame.
    pub largest_frame: u64,
    /// Offset in bytes of the end of the last complete block.
    pub end: u64,
}

/// Reads from the start of the file.
pub fn read(reader: impl BufRead + Seek) -> Result<GifOutline, FileError> {
    let mut blocks = Blocks { reader, position: 0 };
    let [_, _, _, _, _, _, left, right, low, high, flags, _, _] = blocks.read_array()?;
    let mut canvas = dimensions([left, right], [low, high]);
    blocks.skip_table(flags)?;
    let (mut end, mut frames, mut pixels, mut largest_frame) = (blocks.position, 0, 0, 0);
    loop {
        let whole = match blocks.next()? {
            Some(EXTENSION) => blocks.read_array::<1>().and_then(|_| blocks.skip_data()),
            Some(IMAGE) => blocks.skip_image().and_then(|size| {
                if frames == 0 {
                    let (width, height) = (canvas.width.max(size.width), canvas.height.max(size.height));
                    canvas = Dimensions { width, height };
                    check_pixels(canvas)?;
                }
                let area = check_pixels(size)?;
                frames += 1;
                pixels += area;
                largest_frame = area.max(largest_frame);
                if frames > FRAMES_LIMIT || pixels > ANIMATION_PIXELS_LIMIT {
                    return Err(FileError::TooMuchMovement);
                }
                Ok(())
            }),
            // The trailer, the end of the file, or garbage that browsers accept as a trailer.
            _ => break,
        };
        match whole {
            Ok(()) => end = blocks.position,
            // Truncated after the first frame, or an empty frame: the picture ends before it.
            Err(FileError::Damaged) if frames > 0 => break,
            Err(refused) => return Err(refused),
        }
    }
    if frames == 0 { Err(FileError::Damaged) } else { Ok(GifOutline { canvas, largest_frame, end }) }
}

struct Blocks<R> {
    reader: R,
    position: u64,
}

impl<R: BufRead + Seek> Blocks<R> {
    fn read_array<const N: usize>(&mut self) -> Result<[u8; N], FileError> {
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes).map_err(read_error)?;
        self.position += N as u64;
        Ok(bytes)
    }

    /// The introducer of a block; none at the end of the file.
    fn next(&mut self) -> Result<Option<u8>, FileError> {
        let mut byte = [0];
        let read = self.reader.read(&mut byte)?;
        self.position += read as u64;
        Ok(byte.first().copied().filter(|_| read > 0))
    }

    fn skip(&mut self, count: u16) -> Result<(), FileError> {
        self.reader.seek_relative(count.into())?;
        self.position += u64::from(count);
        Ok(())
    }

    fn skip_table(&mut self, flags: u8) -> Result<(), FileError> {
        if flags & HAS_TABLE == 0 { Ok(()) } else { self.skip(3 << ((flags & TABLE_SIZE) + 1)) }
    }

    /// Sub-blocks up to the block terminator.
    fn skip_data(&mut self) -> Result<(), FileError> {
        loop {
            match self.read_array()? {
                [0] => return Ok(()),
                [count] => self.skip(count.into())?,
            }
        }
    }

    /// Dimensions of a complete frame.
    fn skip_image(&mut self) -> Result<Dimensions, FileError> {
        let [_, _, _, _, left, right, low, high, flags] = self.read_array()?;
        self.skip_table(flags)?;
        // LZW minimum code size.
        self.skip(1)?;
        self.skip_data()?;
        Ok(dimensions([left, right], [low, high]))
    }
}

/// Of two little-endian numbers.
fn dimensions(width: [u8; 2], height: [u8; 2]) -> Dimensions {
    Dimensions { width: u16::from_le_bytes(width).into(), height: u16::from_le_bytes(height).into() }
}

fn read_error(error: std::io::Error) -> FileError {
    if error.kind() == ErrorKind::UnexpectedEof { FileError::Damaged } else { FileError::Io(error) }
}
