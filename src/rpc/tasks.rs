//! Owns what runs beside the calls and may outlast them: a server that stops waits for it, and cuts it off where that takes
//! too long. Does not know what it does.

use std::future::Future;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Tasks. A clone is the same ones.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    cut: CancellationToken,
}

impl Tasks {
    /// Runs work in a task of its own. Its outcome; `None` when it was cut off.
    pub fn spawn<F>(&self, work: F) -> JoinHandle<Option<F::Output>>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.tracker.spawn(self.cut.clone().run_until_cancelled_owned(work))
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.tracker.len()
    }

    /// Waits until there are none.
    pub async fn ended(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Cuts off what still runs, and all that would begin; and waits until what it held is dropped.
    pub async fn cut(&self) {
        self.cut.cancel();
        self.ended().await;
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn what_is_cut_off_is_dropped_and_what_comes_later_never_begins() {
        let (tasks, held) = (Tasks::default(), Arc::new(()));
        assert_eq!(tasks.spawn(ready(1)).await.unwrap(), Some(1));
        let holding = Arc::clone(&held);
        let running = tasks.spawn(async move {
            pending::<()>().await;
            drop(holding);
        });
        assert_eq!((tasks.count(), Arc::strong_count(&held)), (1, 2));
        tasks.cut().await;
        assert_eq!(Arc::strong_count(&held), 1);
        assert!(running.await.unwrap().is_none() && tasks.spawn(ready(2)).await.unwrap().is_none());
    }
}
