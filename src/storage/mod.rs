//! Where uploaded files lie: a folder of this machine's, or a bucket of any storage that speaks S3.
//!
//! Invariants:
//! - Keys are made here and by the media domain, never by clients; a file is whole from the moment its key leads to it.
//! - What is written is read from a temporary file and never in memory as a whole; nor is what is read.

mod s3;

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    Error, GetOptions, GetRange, GetResultPayload, MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload,
};
use tokio::fs::File as TokioFile;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, SeekFrom};
use tokio::sync::Semaphore;
use tokio_util::io::ReaderStream;

use crate::error::{AppError, AppResult};

pub use s3::S3Settings;

/// Bytes written to a folder at once.
const FOLDER_PART: usize = 256 << 10;

/// Bytes sent to a bucket at once; S3 takes no smaller part but the last.
const BUCKET_PART: usize = 5 << 20;

/// Parts on their way to a bucket at once: what they take in memory.
const PARTS: usize = 4;

/// Bytes read from a folder at once.
const READ: usize = 64 << 10;

/// Longer than anything takes to be written.
const HALF_WRITTEN: Duration = Duration::from_hours(24);

/// Where files lie.
#[derive(Clone, Debug)]
pub enum StorageSettings {
    /// In this folder; none means `media` in the data folder.
    Folder(Option<PathBuf>),
    /// In a bucket.
    S3(Box<S3Settings>),
}

/// See the module.
pub struct Storage {
    store: Arc<dyn ObjectStore>,
    folder: Option<PathBuf>,
    bucket: Option<s3::Door>,
    part: usize,
    parts: Semaphore,
}

/// A file, or a part of one, on its way to a client.
pub struct Download {
    /// Bytes of the whole file.
    pub size: u64,
    /// The first byte that comes, and the one behind the last.
    pub range: std::ops::Range<u64>,
    /// The bytes.
    pub stream: BoxStream<'static, std::io::Result<Bytes>>,
}

impl Storage {
    /// Opens the storage; makes the folder, connects to nothing yet.
    ///
    /// # Errors
    /// When the folder can't be made or the bucket's settings make no sense.
    pub fn open(settings: &StorageSettings, data_dir: &std::path::Path) -> AppResult<Self> {
        let parts = Semaphore::new(PARTS);
        match settings {
            StorageSettings::Folder(folder) => {
                let folder = folder.clone().unwrap_or_else(|| data_dir.join("media"));
                std::fs::create_dir_all(&folder).map_err(AppError::internal)?;
                let store = LocalFileSystem::new_with_prefix(&folder).map_err(AppError::internal)?.with_fsync(true);
                Ok(Self { store: Arc::new(store), folder: Some(folder), bucket: None, part: FOLDER_PART, parts })
            }
            StorageSettings::S3(settings) => {
                let (store, door) = s3::open(settings)?;
                Ok(Self { store, folder: None, bucket: Some(door), part: BUCKET_PART, parts })
            }
        }
    }

    /// An address to which a client may send this very file itself; none where it has to come through Plaza.
    #[must_use]
    pub fn presign(&self, key: &str, content_type: &str, size: u64, lifetime: Duration) -> Option<String> {
        self.bucket.as_ref().map(|door| door.presign(key, content_type, size, lifetime))
    }

    /// Stores a file.
    ///
    /// # Errors
    /// When the storage does not take it.
    pub async fn put(&self, key: &str, file: File) -> AppResult<()> {
        let mut file = TokioFile::from_std(file);
        file.seek(SeekFrom::Start(0)).await.map_err(AppError::internal)?;
        let size = file.metadata().await.map_err(AppError::internal)?.len();
        let path = path(key)?;
        if usize::try_from(size).is_ok_and(|size| size <= self.part) {
            let _turn = self.parts.acquire().await.map_err(AppError::internal)?;
            let whole = read_part(&mut file, self.part).await?;
            return self.store.put(&path, whole).await.map(drop).map_err(AppError::internal);
        }
        let mut upload = self.receive(key).await?;
        loop {
            let _turn = self.parts.acquire().await.map_err(AppError::internal)?;
            let part = read_part(&mut file, self.part).await?;
            if part.content_length() == 0 {
                break;
            }
            upload.write(part).await?;
        }
        upload.finish().await
    }

    /// Stores a file that comes piece by piece; unless it is finished, nothing is stored.
    ///
    /// # Errors
    /// When the storage does not take it.
    pub async fn receive(&self, key: &str) -> AppResult<Incoming> {
        let upload = self.store.put_multipart(&path(key)?).await.map_err(AppError::internal)?;
        Ok(Incoming(Some(upload)))
    }

    /// The bytes of a file; none when there is no such file.
    ///
    /// # Errors
    /// When the storage does not answer.
    pub async fn size(&self, key: &str) -> AppResult<Option<u64>> {
        found(self.store.head(&path(key)?).await).map(|meta| meta.map(|meta| meta.size))
    }

    /// Copies a file into a temporary one; none when there is no such file.
    ///
    /// # Errors
    /// When the storage does not answer.
    pub async fn fetch(&self, key: &str, into: File) -> AppResult<Option<File>> {
        let Some(mut download) = self.get(key, None).await? else { return Ok(None) };
        let mut file = TokioFile::from_std(into);
        while let Some(bytes) = download.stream.next().await {
            file.write_all(&bytes.map_err(AppError::internal)?).await.map_err(AppError::internal)?;
        }
        file.flush().await.map_err(AppError::internal)?;
        Ok(Some(file.into_std().await))
    }

    /// Opens a file, or a part of it that lies within; none when there is no such file.
    ///
    /// # Errors
    /// When the storage does not answer.
    pub async fn get(&self, key: &str, range: Option<std::ops::Range<u64>>) -> AppResult<Option<Download>> {
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        let Some(result) = found(self.store.get_opts(&path(key)?, options).await)? else { return Ok(None) };
        let (size, range) = (result.meta.size, result.range.clone());
        let stream = match result.payload {
            GetResultPayload::File(file, _) => {
                let mut file = TokioFile::from_std(file);
                file.seek(SeekFrom::Start(range.start)).await.map_err(AppError::internal)?;
                ReaderStream::with_capacity(file.take(range.end - range.start), READ).boxed()
            }
            GetResultPayload::Stream(stream) => stream.map_err(std::io::Error::other).boxed(),
        };
        Ok(Some(Download { size, range, stream }))
    }

    /// Deletes what a killed process left half written in a folder, once it is a day old; how many that were. A bucket's
    /// own rules do that there.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub async fn sweep_halves(&self) -> AppResult<usize> {
        let Some(folder) = self.folder.clone() else { return Ok(0) };
        let sweep = move || delete_halves(&folder).map_err(AppError::internal);
        tokio::task::spawn_blocking(sweep).await.map_err(AppError::internal)?
    }

    /// Deletes a file, if it is there.
    ///
    /// # Errors
    /// When the storage does not answer.
    pub async fn delete(&self, key: &str) -> AppResult<()> {
        found(self.store.delete(&path(key)?).await).map(drop)
    }
}

/// A file that comes piece by piece.
pub struct Incoming(Option<Box<dyn MultipartUpload>>);

impl Incoming {
    /// Takes a piece.
    ///
    /// # Errors
    /// When the storage does not take it.
    pub async fn write(&mut self, bytes: impl Into<PutPayload>) -> AppResult<()> {
        let Some(upload) = &mut self.0 else { return Ok(()) };
        upload.put_part(bytes.into()).await.map_err(AppError::internal)
    }

    /// That was all.
    ///
    /// # Errors
    /// When the storage does not take it.
    pub async fn finish(mut self) -> AppResult<()> {
        if let Some(upload) = &mut self.0 {
            upload.complete().await.map_err(AppError::internal)?;
        }
        self.0 = None;
        Ok(())
    }
}

impl Drop for Incoming {
    /// A storage keeps the pieces of a file that is never finished until it is told.
    fn drop(&mut self) {
        if let (Some(mut upload), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move { upload.abort().await });
        }
    }
}

/// What is being written has a `#` in its name, which no key has.
fn delete_halves(folder: &std::path::Path) -> std::io::Result<usize> {
    let (mut swept, mut folders) = (0, vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else if entry.file_name().to_string_lossy().contains('#') {
                let age = entry.metadata()?.modified()?.elapsed().unwrap_or_default();
                if age > HALF_WRITTEN {
                    std::fs::remove_file(entry.path())?;
                    swept += 1;
                }
            }
        }
    }
    Ok(swept)
}

async fn read_part(file: &mut TokioFile, most: usize) -> AppResult<PutPayload> {
    let mut bytes = Vec::new();
    file.take(most as u64).read_to_end(&mut bytes).await.map_err(AppError::internal)?;
    Ok(bytes.into())
}

fn path(key: &str) -> AppResult<Path> {
    Path::parse(key).map_err(AppError::internal)
}

fn found<T>(result: object_store::Result<T>) -> AppResult<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(AppError::internal(error)),
    }
}
