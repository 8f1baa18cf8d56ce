//! Owns when what outlives a key is sealed anew: when other keys are in force, again after hours, and soon where the
//! store could not say. Does not know what is sealed.

use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

/// How soon after a change of keys what outlives them is looked through again: a call that began before it, or a
/// replica that is late, may have sealed something with a former one since.
const AGAIN_AFTER: Duration = Duration::from_hours(6);
/// How soon it is tried again where the store could not say, and how often that time is doubled.
const RETRY_AFTER: Duration = Duration::from_secs(3);
const RETRY_DOUBLED: u32 = 7;

/// What may be sealed with a former key is to be looked through.
#[derive(Default)]
pub(super) struct Resealing(Notify);

impl Resealing {
    /// Other keys are in force, or may be.
    pub(super) fn is_due(&self) {
        self.0.notify_one();
    }

    /// Looks through it whenever that is due, for as long as the future is not dropped. `pass` is told whether the one
    /// before it could not say of all of it, and answers whether it could.
    pub(super) async fn keeping<Pass: Future<Output = bool>>(&self, pass: impl Fn(bool) -> Pass) {
        let (mut wait, mut failures) = (AGAIN_AFTER, 0);
        loop {
            // Either way it is looked through.
            let _ = timeout(wait, self.0.notified()).await;
            tokio::select! {
                biased;
                // What is under way goes by the keys of before, and begins anew.
                () = self.0.notified() => self.is_due(),
                is_done = pass(failures > 0) => {
                    failures = if is_done { 0 } else { failures + 1 };
                    wait = if is_done { AGAIN_AFTER } else { RETRY_AFTER * (1 << failures.min(RETRY_DOUBLED)) };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use tokio::time::Instant;

    use super::*;

    /// The passes of so long a time: when each began, in seconds, and what it was told.
    async fn passes(over: Duration, resealing: &Resealing, pass: impl AsyncFn(usize) -> bool) -> Vec<(u64, bool)> {
        let (began, told) = (Instant::now(), RefCell::new(Vec::new()));
        let keeping = resealing.keeping(|is_again| {
            let number = told.borrow().len();
            told.borrow_mut().push((began.elapsed().as_secs(), is_again));
            pass(number)
        });
        let _ = timeout(over, keeping).await;
        told.into_inner()
    }

    #[tokio::test(start_paused = true)]
    async fn what_could_not_be_said_is_asked_again_soon_and_then_less_often() {
        let resealing = Resealing::default();
        resealing.is_due();
        let told = passes(Duration::from_mins(20), &resealing, async |_| false).await;
        let expected = [0, 6, 18, 42, 90, 186, 378, 762, 1146];
        assert_eq!(told.iter().map(|(second, _)| *second).collect::<Vec<_>>(), expected);
        assert_eq!(told.iter().position(|(_, is_again)| *is_again), Some(1));
        assert!(told.iter().skip(1).all(|(_, is_again)| *is_again));
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_success_it_is_looked_through_again_in_hours() {
        let resealing = Resealing::default();
        resealing.is_due();
        let told = passes(Duration::from_hours(13), &resealing, async |number| number != 0).await;
        assert_eq!(told, [(0, false), (6, true), (6 + 6 * 3600, false), (6 + 12 * 3600, false)]);
    }

    // What goes by the keys of before would seal with one that is former by now.
    #[tokio::test(start_paused = true)]
    async fn a_pass_ends_when_keys_change_under_it_and_begins_anew_at_once() {
        let (resealing, ended) = (Resealing::default(), Cell::new(0));
        resealing.is_due();
        let told = passes(Duration::from_mins(1), &resealing, async |number| {
            if number == 2 {
                return true;
            }
            tokio::time::sleep(Duration::from_secs(5)).await;
            resealing.is_due();
            tokio::time::sleep(Duration::from_secs(5)).await;
            ended.set(ended.get() + 1);
            true
        });
        assert_eq!(told.await, [(0, false), (5, false), (10, false)]);
        assert_eq!(ended.get(), 0, "none went on");
    }
}
