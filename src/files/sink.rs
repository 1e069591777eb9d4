//! Writing a file that will be stored: counted and hashed as it goes.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};

use sha2::{Digest, Sha256};

use super::workshop::Spool;
use super::{Kind, MOST_STORED, Made, Refused};

const BUFFER: usize = 64 << 10;

/// A temporary file being written.
pub struct Sink {
    file: BufWriter<File>,
    hash: Sha256,
    size: u64,
}

impl Sink {
    pub fn new(spool: &Spool) -> io::Result<Self> {
        Ok(Self { file: BufWriter::with_capacity(BUFFER, spool.file()?), hash: Sha256::new(), size: 0 })
    }

    /// Whether it took more than may be stored; encoders do not always pass on what it said then.
    fn is_full(&self) -> bool {
        self.size > MOST_STORED
    }

    /// What an encoder said of writing to it, or that it was too much.
    pub fn judge<T>(&self, written: Result<T, Refused>) -> Result<T, Refused> {
        if self.is_full() { Err(Refused::StoredTooLarge) } else { written }
    }

    /// The file that was written.
    pub fn finish(self, kind: &'static Kind) -> Result<Made, Refused> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Made { file, size: self.size, sha256: self.hash.finalize().into(), kind })
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.size += bytes.len() as u64;
        if self.is_full() {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the file is too large to be stored"));
        }
        self.hash.update(bytes);
        self.file.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A file that is stored as it came.
pub fn as_it_is(mut file: File, kind: &'static Kind) -> Result<Made, Refused> {
    file.rewind()?;
    let (mut hash, mut size) = (Sha256::new(), 0);
    let mut buffer = vec![0; BUFFER];
    loop {
        let read = file.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        hash.update(bytes);
        size += read as u64;
    }
    Ok(Made { file, size, sha256: hash.finalize().into(), kind })
}
