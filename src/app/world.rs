//! Owns the ports that the operating system fills: time, chance, and work beside an answer.
//! Does not know who asks for them.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::future::BoxFuture;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::authority::ports::{Beside, Clock, Entropy};
use crate::session::time::Timestamp;
use crate::telemetry;

/// The system's clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that all others are told to use")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// The system's random bytes.
#[derive(Clone, Copy, Debug)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    /// A credential from a source that fails would be worse than no process: it ends here.
    fn fill(&self, bytes: &mut [u8]) {
        if let Err(error) = getrandom::fill(bytes) {
            tracing::error!(%error, "the system has no random bytes");
            std::process::abort();
        }
    }
}

/// How much may run beside the answers at once.
const MOST_BESIDE: usize = 1024;

/// Tasks of the async runtime, in a tracker by which a server that stops can wait for them.
#[derive(Clone, Debug)]
pub struct RuntimeTasks {
    tracker: TaskTracker,
    room: Arc<Semaphore>,
}

impl RuntimeTasks {
    /// Tasks of this tracker.
    #[must_use]
    pub fn new(tracker: TaskTracker) -> Self {
        Self { tracker, room: Arc::new(Semaphore::new(MOST_BESIDE)) }
    }
}

impl Beside for RuntimeTasks {
    fn run(&self, work: BoxFuture<'static, ()>) -> bool {
        let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else {
            tracing::warn!(most = MOST_BESIDE, "work beside an answer was left out: too much is at work already");
            return false;
        };
        let work = async move {
            work.await;
            drop(room);
        };
        self.tracker.spawn(work.instrument(telemetry::beside()));
        true
    }

    fn finish(&self, work: BoxFuture<'static, ()>) {
        self.tracker.spawn(work);
    }

    fn pause(&self, length: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_beside_the_answers_is_waited_for_and_bounded() {
        let tracker = TaskTracker::new();
        let tasks = RuntimeTasks::new(tracker.clone());
        let (go, going) = tokio::sync::watch::channel(false);
        let start = || {
            let mut going = going.clone();
            tasks.run(Box::pin(async move { drop(going.wait_for(|go| *go).await) }))
        };
        assert!((0..MOST_BESIDE).all(|_| start()));
        assert!(!start(), "and it says so");
        assert_eq!(tracker.len(), MOST_BESIDE);
        go.send_replace(true);
        tracker.close();
        tracker.wait().await;
        tasks.run(Box::pin(async {}));
        assert_eq!(tracker.len(), 1, "there is room again");
    }
}
