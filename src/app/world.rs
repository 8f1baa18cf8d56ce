//! Owns the ports that the operating system fills: time, chance, and work beside an answer.
//! Does not know who asks for them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::future::BoxFuture;

use crate::authority::ports::{Beside, Clock, Entropy};
use crate::session::time::Timestamp;

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

/// Tasks of the async runtime.
#[derive(Clone, Copy, Debug)]
pub struct RuntimeTasks;

impl Beside for RuntimeTasks {
    fn run(&self, work: BoxFuture<'static, ()>) {
        tokio::spawn(work);
    }

    fn pause(&self, length: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(length))
    }
}
