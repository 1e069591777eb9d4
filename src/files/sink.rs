//! A temporary file that counts and hashes what is written.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};

use sha2::{Digest, Sha256};

use super::model::{EncodedFile, FileError, Kind, STORED_BYTES_LIMIT};
use super::temp_dir::TempDir;

const BUFFER: usize = 64 << 10;

/// A temporary file being written.
pub struct Sink {
    file: BufWriter<File>,
    hash: Sha256,
    size: u64,
}

impl Sink {
    pub fn new(temp_dir: &TempDir) -> io::Result<Self> {
        Ok(Self { file: BufWriter::with_capacity(BUFFER, temp_dir.file()?), hash: Sha256::new(), size: 0 })
    }

    /// Whether the size limit was exceeded; some encoders swallow the write error.
    fn is_full(&self) -> bool {
        self.size > STORED_BYTES_LIMIT
    }

    /// The result of an encoder, or [`FileError::StoredTooLarge`] where it was the cause.
    pub fn or_too_large<T>(&self, written: Result<T, FileError>) -> Result<T, FileError> {
        if self.is_full() { Err(FileError::StoredTooLarge) } else { written }
    }

    /// Flushes and returns the file.
    pub fn finish(self, kind: &'static Kind) -> Result<EncodedFile, FileError> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(EncodedFile { file, size: self.size, sha256: self.hash.finalize().into(), kind })
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

/// A file that is stored unchanged.
pub fn unchanged(mut file: File, kind: &'static Kind) -> Result<EncodedFile, FileError> {
    file.rewind()?;
    let (mut hash, mut size) = (Sha256::new(), 0);
    let mut buffer = vec![0; BUFFER];
    loop {
        let read = file.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        hash.update(bytes);
        size += read as u64;
    }
    Ok(EncodedFile { file, size, sha256: hash.finalize().into(), kind })
}
