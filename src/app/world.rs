//! Owns the ports that the operating system fills: time, chance, and work beside an answer.
//! Does not know who asks for them.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::future::BoxFuture;
use tokio::sync::Semaphore;
use tracing::Instrument as _;

use crate::authority::ports::{Beside, Clock, Entropy};
use crate::rpc::tasks::Tasks;
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

/// Tasks of the async runtime, which a server that stops waits for.
#[derive(Clone, Debug)]
pub struct RuntimeTasks {
    tasks: Tasks,
    room: Arc<Semaphore>,
}

impl RuntimeTasks {
    /// Among these tasks.
    #[must_use]
    pub fn new(tasks: Tasks) -> Self {
        Self { tasks, room: Arc::new(Semaphore::new(MOST_BESIDE)) }
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
        self.tasks.spawn(work.instrument(telemetry::beside()));
        true
    }

    fn finish(&self, work: BoxFuture<'static, ()>) {
        self.tasks.spawn(work);
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
        let all = Tasks::default();
        let tasks = RuntimeTasks::new(all.clone());
        let (go, going) = tokio::sync::watch::channel(false);
        let start = || {
            let mut going = going.clone();
            tasks.run(Box::pin(async move { drop(going.wait_for(|go| *go).await) }))
        };
        assert!((0..MOST_BESIDE).all(|_| start()));
        assert!(!start(), "and it says so");
        assert_eq!(all.count(), MOST_BESIDE);
        go.send_replace(true);
        all.ended().await;
        tasks.run(Box::pin(async {}));
        assert_eq!(all.count(), 1, "there is room again");
    }
}
