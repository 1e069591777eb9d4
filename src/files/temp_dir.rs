//! Temporary files.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The folder of temporary files, which are unlinked at creation.
#[derive(Clone, Debug)]
pub struct TempDir(PathBuf);

impl TempDir {
    /// Creates the folder if absent.
    ///
    /// # Errors
    /// When it can't be created.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    /// Its path.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// Creates an empty temporary file.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn file(&self) -> io::Result<File> {
        tempfile::tempfile_in(&self.0)
    }
}
