//! The blocks of a GIF, walked without decoding: where its picture ends, and how large its canvas is. What browsers show
//! is taken: a file without a trailer, with anything else in its place, or cut off behind its first frame; a first frame
//! larger than the screen.

use std::io::{BufRead, ErrorKind, Seek};

use super::{MOST_FRAMES, MOST_MOVING_PIXELS, Refused, check_pixels};

const EXTENSION: u8 = 0x21;
const IMAGE: u8 = 0x2c;

/// Of the flags of a screen and of an image: that a table of colours follows, and its size.
const HAS_TABLE: u8 = 0x80;
const TABLE_SIZE: u8 = 0x07;

/// What the blocks tell.
pub struct Outline {
    /// Width and height: of the screen, or of the first frame where that is larger.
    pub canvas: (u32, u32),
    /// Pixels of the largest frame.
    pub largest_frame: u64,
    /// Where the last whole block ends, in bytes from the beginning.
    pub end: u64,
}

/// Walks a file from its beginning.
pub fn read(reader: impl BufRead + Seek) -> Result<Outline, Refused> {
    let mut blocks = Blocks { reader, position: 0 };
    let [_, _, _, _, _, _, left, right, low, high, flags, _, _] = blocks.take()?;
    let mut canvas = (u32::from(u16::from_le_bytes([left, right])), u32::from(u16::from_le_bytes([low, high])));
    blocks.skip_table(flags)?;
    let (mut end, mut frames, mut pixels, mut largest_frame) = (blocks.position, 0, 0, 0);
    loop {
        let whole = match blocks.next()? {
            Some(EXTENSION) => blocks.take::<1>().and_then(|_| blocks.skip_data()),
            Some(IMAGE) => blocks.skip_image().and_then(|(width, height)| {
                if frames == 0 {
                    canvas = (canvas.0.max(width), canvas.1.max(height));
                    check_pixels(canvas.0, canvas.1)?;
                }
                let area = check_pixels(width, height)?;
                frames += 1;
                pixels += area;
                largest_frame = area.max(largest_frame);
                if frames > MOST_FRAMES || pixels > MOST_MOVING_PIXELS {
                    return Err(Refused::TooMuchMovement);
                }
                Ok(())
            }),
            // The trailer, nothing, or what browsers take for one.
            _ => break,
        };
        match whole {
            Ok(()) => end = blocks.position,
            // A later frame or a comment that is cut off, or a frame without an area: the picture is what came before.
            Err(Refused::Damaged) if frames > 0 => break,
            Err(refused) => return Err(refused),
        }
    }
    if frames == 0 { Err(Refused::Damaged) } else { Ok(Outline { canvas, largest_frame, end }) }
}

struct Blocks<R> {
    reader: R,
    position: u64,
}

impl<R: BufRead + Seek> Blocks<R> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Refused> {
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes).map_err(cut)?;
        self.position += N as u64;
        Ok(bytes)
    }

    /// The byte that introduces a block; none at the end of the file.
    fn next(&mut self) -> Result<Option<u8>, Refused> {
        let mut byte = [0];
        let read = self.reader.read(&mut byte)?;
        self.position += read as u64;
        Ok(byte.first().copied().filter(|_| read > 0))
    }

    fn skip(&mut self, count: u16) -> Result<(), Refused> {
        self.reader.seek_relative(count.into())?;
        self.position += u64::from(count);
        Ok(())
    }

    fn skip_table(&mut self, flags: u8) -> Result<(), Refused> {
        if flags & HAS_TABLE == 0 { Ok(()) } else { self.skip(3 << ((flags & TABLE_SIZE) + 1)) }
    }

    /// Sub-blocks, up to the one without bytes.
    fn skip_data(&mut self) -> Result<(), Refused> {
        loop {
            match self.take()? {
                [0] => return Ok(()),
                [count] => self.skip(count.into())?,
            }
        }
    }

    /// The width and height of a frame that is whole.
    fn skip_image(&mut self) -> Result<(u32, u32), Refused> {
        let [_, _, _, _, left, right, low, high, flags] = self.take()?;
        self.skip_table(flags)?;
        // The size of the first codes.
        self.skip(1)?;
        self.skip_data()?;
        Ok((u16::from_le_bytes([left, right]).into(), u16::from_le_bytes([low, high]).into()))
    }
}

fn cut(error: std::io::Error) -> Refused {
    if error.kind() == ErrorKind::UnexpectedEof { Refused::Damaged } else { Refused::Io(error) }
}
