//! Owns the order in which changes reach the disk: one writer thread that commits whatever has gathered as one group.
//! Does not know what the changes mean. Without a file every change is done at once.

#[cfg(test)]
mod tests;

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::change::Change;
use super::file::SessionFile;
use super::memory::Memory;
use crate::authority::ports::{StoreError, StoreResult};

/// Uses of sessions that no other change takes along are written down this often.
const USES_EVERY: Duration = Duration::from_secs(1);

/// A group holds at most this many changes, so that its commit stays a matter of milliseconds.
const LARGEST_GROUP: usize = 4096;

/// How many steps may be on their way to the disk: those that grant wait for a place, as long as their callers do.
const PLACES: usize = 4096;

/// How many that revoke may be on their way beside them. They are seen at once, so they can't wait for a place first.
const PLACES_TO_REVOKE: usize = 16 * 1024;

struct Job {
    changes: Vec<Change>,
    done: Box<dyn FnOnce() + Send>,
    _place: Place,
}

/// A place on the way to the disk, kept until the commit.
pub struct Place(#[expect(dead_code, reason = "it is given back when it is dropped")] Option<OwnedSemaphorePermit>);

/// The way to the disk.
pub struct Journal {
    queue: Option<Sender<Job>>,
    writer: Option<JoinHandle<()>>,
    failure: Arc<OnceLock<String>>,
    places: Arc<Semaphore>,
    places_to_revoke: Arc<Semaphore>,
}

/// A change on its way: [`Ordered::settled`] waits for the disk.
pub enum Ordered<T> {
    /// There is no disk to wait for.
    Now(Box<dyn FnOnce() -> T + Send>),
    /// The writer thread has it.
    Queued(oneshot::Receiver<T>, Arc<OnceLock<String>>),
}

impl<T> Ordered<T> {
    /// Waits until the change is on disk and has been made visible; what that came to.
    ///
    /// # Errors
    /// `Unavailable` when the disk failed. What the change revoked is gone from memory all the same.
    pub async fn settled(self) -> StoreResult<T> {
        match self {
            Self::Now(done) => Ok(done()),
            Self::Queued(outcome, failure) => outcome.await.map_err(|_| unavailable(&failure)),
        }
    }
}

impl Journal {
    /// A journal that keeps nothing.
    pub fn none() -> Self {
        Self::new(None, None, Arc::default())
    }

    fn new(queue: Option<Sender<Job>>, writer: Option<JoinHandle<()>>, failure: Arc<OnceLock<String>>) -> Self {
        let places = |number| Arc::new(Semaphore::new(number));
        Self { queue, writer, failure, places: places(PLACES), places_to_revoke: places(PLACES_TO_REVOKE) }
    }

    /// Starts the writer thread of `file`.
    pub fn start(file: Arc<SessionFile>, memory: Arc<Memory>) -> std::io::Result<Self> {
        let (queue, jobs) = channel();
        let failure = Arc::new(OnceLock::new());
        let failed = Arc::clone(&failure);
        let writer = std::thread::Builder::new()
            .name("session-journal".to_owned())
            .spawn(move || write_groups(&jobs, &file, &memory, &failed))?;
        Ok(Self::new(Some(queue), Some(writer), failure))
    }

    /// Waits for a place on the way to the disk. To be had before the lock of a partition.
    ///
    /// # Errors
    /// `Unavailable` once a commit has failed: from then on nothing is granted until the process starts again.
    pub async fn place(&self) -> StoreResult<Place> {
        self.check()?;
        match &self.queue {
            None => Ok(Place(None)),
            Some(_) => Ok(Place(Arc::clone(&self.places).acquire_owned().await.ok())),
        }
    }

    /// A place for what revokes, now. What it revokes is gone from memory whether there is one or not.
    ///
    /// # Errors
    /// `Unavailable` when the disk is so far behind that there is none: to be asked again.
    pub fn place_to_revoke(&self) -> StoreResult<Place> {
        match &self.queue {
            None => Ok(Place(None)),
            Some(_) => match Arc::clone(&self.places_to_revoke).try_acquire_owned() {
                Ok(place) => Ok(Place(Some(place))),
                Err(full) => Err(StoreError::Unavailable(full.into())),
            },
        }
    }

    /// Orders `changes`; `done` runs once they are on disk, on the writer thread, and makes visible what they grant.
    /// Both happen also when nobody waits any more. Changes reach the disk in the order of these calls, so calling
    /// this under a partition's lock gives file and memory one order. `done` takes that lock itself.
    pub fn order<T: Send + 'static>(
        &self,
        place: Place,
        changes: Vec<Change>,
        done: impl FnOnce() -> T + Send + 'static,
    ) -> Ordered<T> {
        let Some(queue) = &self.queue else { return Ordered::Now(Box::new(done)) };
        let (tell, outcome) = oneshot::channel();
        let done = Box::new(move || drop(tell.send(done())));
        // A writer that is gone drops the job, and with it the other end of `outcome`.
        drop(queue.send(Job { changes, done, _place: place }));
        Ordered::Queued(outcome, Arc::clone(&self.failure))
    }

    /// Whether the disk still takes changes.
    ///
    /// # Errors
    /// `Unavailable` once a commit has failed: from then on nothing is granted until the process starts again.
    pub fn check(&self) -> StoreResult<()> {
        if self.failure.get().is_some() { Err(unavailable(&self.failure)) } else { Ok(()) }
    }
}

impl Drop for Journal {
    /// Ends the writer after what was ordered is on disk, so that the file can be opened again.
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(writer) = self.writer.take() {
            drop(writer.join());
        }
    }
}

fn write_groups(jobs: &Receiver<Job>, file: &SessionFile, memory: &Memory, failure: &OnceLock<String>) {
    loop {
        let (first, ended) = match jobs.recv_timeout(USES_EVERY) {
            Ok(job) => (Some(job), false),
            Err(RecvTimeoutError::Timeout) => (None, false),
            Err(RecvTimeoutError::Disconnected) => (None, true),
        };
        let group: Vec<Job> = first.into_iter().chain(jobs.try_iter()).take(LARGEST_GROUP).collect();
        // Uses are read after the group was gathered and written before it: what the group ends stays ended.
        let used = memory.take_used();
        if failure.get().is_none() && !(group.is_empty() && used.is_empty()) {
            match file.commit(&used, group.iter().flat_map(|job| &job.changes)) {
                Ok(()) => group.into_iter().for_each(|job| (job.done)()),
                Err(error) => {
                    tracing::error!(error = %error, "the session file can't be written; nothing is granted any more");
                    drop(failure.set(error.to_string()));
                }
            }
        }
        if ended {
            return;
        }
    }
}

fn unavailable(failure: &OnceLock<String>) -> StoreError {
    let cause = failure.get().cloned().unwrap_or_else(|| "the journal has ended".to_owned());
    StoreError::Unavailable(format!("the session file can't be written: {cause}").into())
}
