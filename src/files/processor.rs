//! Runs file processing off the async workers, limited in concurrency and in memory. Fair per user: one user's files take
//! at most half of the CPU permits (at least one), and the rest wait in that user's own queue.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use super::model::{DeclaredType, Family, FileError, Header, ProcessedFile};
use super::temp_dir::TempDir;
use super::{encode_file, inspect, subprocess};
use crate::error::{AppError, AppResult};
use crate::ids::UserId;
use crate::keyed_semaphore::KeyedSemaphore;

/// MiB of memory for all decoders together: one of the largest pictures, or many small ones.
const DECODING_MIB_LIMIT: u32 = 120;

/// Longest wait for permits.
const PERMIT_TIMEOUT: Duration = Duration::from_secs(20);

/// Files running or queued, in all and per user. More are rejected at once, so that requests do not pile up.
const QUEUE_LIMIT: usize = 64;
const USER_QUEUE_LIMIT: usize = 16;

/// See the module docs.
pub struct FileProcessor {
    temp_dir: TempDir,
    decoder: subprocess::Decoder,
    cpu_permits: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    queued_by_user: KeyedSemaphore<UserId>,
    running_by_user: KeyedSemaphore<UserId>,
}

impl FileProcessor {
    /// Uses half of the CPUs, and temporary files in `tmp` below the data folder. `program` decodes pictures; by default
    /// this executable. `timeout` limits one picture.
    ///
    /// # Errors
    /// When the folder can't be created.
    pub fn open(data_dir: &Path, program: Option<&Path>, timeout: Duration) -> AppResult<Self> {
        let cpu_permits = available_parallelism().map_or(1, |count| (count.get() / 2).max(1));
        Ok(Self {
            temp_dir: TempDir::open(data_dir.join("tmp")).map_err(AppError::internal)?,
            // Keeps working after the binary on disk was replaced.
            decoder: subprocess::Decoder { program: program.unwrap_or(Path::new("/proc/self/exe")).into(), timeout },
            cpu_permits: Arc::new(Semaphore::new(cpu_permits)),
            memory: Arc::new(Semaphore::new(DECODING_MIB_LIMIT as usize)),
            queue: Arc::new(Semaphore::new(QUEUE_LIMIT)),
            queued_by_user: KeyedSemaphore::new(USER_QUEUE_LIMIT),
            running_by_user: KeyedSemaphore::new((cpu_permits / 2).max(1)),
        })
    }

    /// The folder of temporary files.
    #[must_use]
    pub fn temp_dir(&self) -> &TempDir {
        &self.temp_dir
    }

    /// Sanitises a file of a user's.
    ///
    /// # Errors
    /// Overloaded if a queue is full or permits do not come in time; the inner error if the file is rejected.
    pub async fn process(
        &self,
        user: UserId,
        mut file: File,
        declared: DeclaredType,
    ) -> AppResult<Result<ProcessedFile, FileError>> {
        let user_queue_permit = self.queued_by_user.try_acquire(user).ok_or_else(AppError::overloaded)?;
        let queue_permit = Arc::clone(&self.queue).try_acquire_owned().map_err(|_| AppError::overloaded())?;
        let deadline = Instant::now() + PERMIT_TIMEOUT;
        let user_permit =
            timeout_at(deadline, self.running_by_user.acquire(user)).await.map_err(|_| AppError::overloaded())??;
        let cpu = acquire(&self.cpu_permits, 1, deadline).await?;
        let inspect_first = move || {
            let header = inspect(&mut file, &declared);
            (header, file, cpu)
        };
        let (header, file, cpu) = match spawn_blocking(inspect_first).await {
            Ok(done) => done,
            // A header parser panicked on crafted bytes.
            Err(error) if error.is_panic() => return Ok(Err(FileError::Damaged)),
            Err(error) => return Err(AppError::internal(error)),
        };
        let header = match header {
            Ok(header) => header,
            Err(refused) => return Ok(Err(refused)),
        };
        let memory = acquire(&self.memory, mebibytes(&header), deadline).await?;
        let (temp_dir, decoder) = (self.temp_dir.clone(), self.decoder.clone());
        // Not cancelled with the request: the permits are held until the work ends.
        let work = move || {
            let _permits = (cpu, memory, user_permit, user_queue_permit, queue_permit);
            if header.kind.family == Family::Picture {
                subprocess::decode_in_subprocess(&decoder, file, &header, &temp_dir)
            } else {
                encode_file(file, &header, &temp_dir)
            }
        };
        spawn_blocking(work).await.map_err(AppError::internal)
    }
}

fn mebibytes(header: &Header) -> u32 {
    u32::try_from(header.memory.div_ceil(1 << 20)).unwrap_or(DECODING_MIB_LIMIT).clamp(1, DECODING_MIB_LIMIT)
}

async fn acquire(semaphore: &Arc<Semaphore>, count: u32, deadline: Instant) -> AppResult<OwnedSemaphorePermit> {
    match timeout_at(deadline, Arc::clone(semaphore).acquire_many_owned(count)).await {
        Ok(Ok(permit)) => Ok(permit),
        _ => Err(AppError::overloaded()),
    }
}
