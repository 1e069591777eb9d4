//! Where files are worked on: so many at once, in so much memory, off the workers that answer requests. A person's
//! files take half of the hands at most, or the only one; the rest of theirs stand in no line but their own, so no file waits
//! behind all that another person has sent.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use super::{Family, Header, Processed, Refused, Said, inspect, make, worker};
use crate::error::{AppError, AppResult};
use crate::ids::UserId;
use crate::keyed_semaphore::KeyedSemaphore;

/// MiB that all decoding takes together: one of the largest pictures at a time, or many small ones.
const MEMORY: u32 = 120;

/// How long a file waits for its turn.
const TURN_TIMEOUT: Duration = Duration::from_secs(20);

/// Files that are worked on or wait, and of them of one person. One more is refused at once: a waiting request holds up what
/// waits with it.
const QUEUE: usize = 64;
const QUEUE_PER_PERSON: usize = 16;

/// Where temporary files lie, without names: they go with the process.
#[derive(Clone, Debug)]
pub struct Spool(PathBuf);

impl Spool {
    /// Opens a folder for them.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// A fresh one.
    ///
    /// # Errors
    /// When the disk has no room.
    pub fn file(&self) -> io::Result<File> {
        tempfile::tempfile_in(&self.0)
    }
}

/// See the module.
pub struct Workshop {
    spool: Spool,
    decoder: worker::Decoder,
    hands: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    by_person: KeyedSemaphore<UserId>,
    lines: KeyedSemaphore<UserId>,
}

impl Workshop {
    /// A workshop with its folder below the data folder; half of the processors work in it. Pictures are decoded by
    /// `program`, which is this one unless said otherwise, within `timeout`.
    ///
    /// # Errors
    /// When the folder can't be made.
    pub fn open(data_dir: &Path, program: Option<&Path>, timeout: Duration) -> AppResult<Self> {
        let hands = available_parallelism().map_or(1, |count| (count.get() / 2).max(1));
        Ok(Self {
            spool: Spool::open(data_dir.join("tmp")).map_err(AppError::internal)?,
            // Also when the file that was started has been replaced.
            decoder: worker::Decoder { program: program.unwrap_or(Path::new("/proc/self/exe")).into(), timeout },
            hands: Arc::new(Semaphore::new(hands)),
            memory: Arc::new(Semaphore::new(MEMORY as usize)),
            queue: Arc::new(Semaphore::new(QUEUE)),
            by_person: KeyedSemaphore::new(QUEUE_PER_PERSON),
            lines: KeyedSemaphore::new((hands / 2).max(1)),
        })
    }

    /// Where temporary files lie.
    #[must_use]
    pub fn spool(&self) -> &Spool {
        &self.spool
    }

    /// Makes a person's file fit to be served.
    ///
    /// # Errors
    /// Overloaded when too many wait, or its turn does not come; in the inner result, when the file is refused.
    pub async fn process(&self, person: UserId, mut file: File, said: Said) -> AppResult<Result<Processed, Refused>> {
        let of_person = self.by_person.try_acquire(person).ok_or_else(AppError::overloaded)?;
        let of_all = Arc::clone(&self.queue).try_acquire_owned().map_err(|_| AppError::overloaded())?;
        let deadline = Instant::now() + TURN_TIMEOUT;
        let own = timeout_at(deadline, self.lines.acquire(person)).await.map_err(|_| AppError::overloaded())??;
        let hand = turn(&self.hands, 1, deadline).await?;
        let look = move || {
            let header = inspect(&mut file, &said);
            (header, file, hand)
        };
        let (header, file, hand) = match spawn_blocking(look).await {
            Ok(looked) => looked,
            // A decoder stumbled over the file's first bytes.
            Err(error) if error.is_panic() => return Ok(Err(Refused::Damaged)),
            Err(error) => return Err(AppError::internal(error)),
        };
        let header = match header {
            Ok(header) => header,
            Err(refused) => return Ok(Err(refused)),
        };
        let memory = turn(&self.memory, mebibytes(&header), deadline).await?;
        let (spool, decoder) = (self.spool.clone(), self.decoder.clone());
        // The work goes on when nobody waits for it any more: until then its place is taken.
        let work = move || {
            let _held = (hand, memory, own, of_person, of_all);
            if header.kind.family == Family::Picture {
                worker::hire(&decoder, file, &header, &spool)
            } else {
                make(file, &header, &spool)
            }
        };
        spawn_blocking(work).await.map_err(AppError::internal)
    }
}

fn mebibytes(header: &Header) -> u32 {
    u32::try_from(header.memory.div_ceil(1 << 20)).unwrap_or(MEMORY).clamp(1, MEMORY)
}

async fn turn(places: &Arc<Semaphore>, count: u32, deadline: Instant) -> AppResult<OwnedSemaphorePermit> {
    match timeout_at(deadline, Arc::clone(places).acquire_many_owned(count)).await {
        Ok(Ok(permit)) => Ok(permit),
        _ => Err(AppError::overloaded()),
    }
}
