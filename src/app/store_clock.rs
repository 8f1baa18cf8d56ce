//! Owns the clock that sessions are judged by: the store's time, measured now and then, and carried on between by the
//! monotonic clock of the process. Does not know what is judged.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::time::{Instant, sleep};

use crate::authority::ports::{Clock, SessionStore, StoreResult};
use crate::session::time::Timestamp;

/// How often the store's time is measured.
const EVERY: Duration = Duration::from_secs(2);
/// How soon again until it was measured once.
const AGAIN: Duration = Duration::from_millis(100);
/// What was measured to be this far off is taken at once, in microseconds; what is less, little by little.
const STEP: i64 = 1_000_000;
/// A correction adds or takes at most one part in so many of the time that passes, so the clock never goes back for one.
const SLEW: i64 = 20;
/// The store tells milliseconds: how far off that may be, in microseconds.
const GRAIN: i64 = 1_000;
/// A system clock further off than this many milliseconds is worth a warning.
const FAR: u64 = 5_000;

/// The store's time. Replicas of one store agree on it, whatever the clocks of their machines say. Until it was
/// measured once the system's clock stands in.
///
/// **Invariant:** it never goes back but for a correction of at least a second, which is logged.
pub struct StoreClock {
    system: Arc<dyn Clock>,
    began: Instant,
    course: ArcSwapOption<Course>,
    is_far: AtomicBool,
}

/// The store's time as a line over the process's monotonic clock. In microseconds.
#[derive(Clone, Copy)]
struct Course {
    /// Where on the monotonic clock it begins.
    from: i64,
    /// The store's time there.
    at: i64,
    /// What is still to be added, little by little.
    owed: i64,
    /// How far the store is ahead of the system's clock, as last measured.
    ahead: i64,
}

impl Course {
    const fn time(&self, moment: i64) -> i64 {
        let passed = moment - self.from;
        let most = passed / SLEW;
        let added = if self.owed > most {
            most
        } else if self.owed < -most {
            -most
        } else {
            self.owed
        };
        self.at + passed + added
    }
}

impl StoreClock {
    /// A clock that has not been measured yet.
    #[must_use]
    pub fn new(system: Arc<dyn Clock>) -> Self {
        Self { system, began: Instant::now(), course: ArcSwapOption::empty(), is_far: AtomicBool::new(false) }
    }

    /// How far the store's time is ahead of the system's clock, in milliseconds, as last measured; `None` before.
    #[must_use]
    pub fn ahead(&self) -> Option<i64> {
        self.course.load().as_ref().map(|course| course.ahead / 1000)
    }

    /// Measures the store's time once. Half the way there and back is counted.
    ///
    /// # Errors
    /// When the store does not answer: the clock goes on as it went.
    pub async fn measure(&self, store: &dyn SessionStore) -> StoreResult<()> {
        let asked = self.moment();
        let told = store.time().await?;
        self.learn(told, asked, self.moment());
        Ok(())
    }

    /// Measures it every other second, for as long as the future is not dropped.
    pub fn following(self: &Arc<Self>, store: Arc<dyn SessionStore>) -> impl Future<Output = ()> + Send + use<> {
        let clock = Arc::clone(self);
        async move {
            loop {
                sleep(if clock.ahead().is_some() { EVERY } else { AGAIN }).await;
                if let Err(error) = clock.measure(store.as_ref()).await {
                    let error = &error as &dyn std::error::Error;
                    tracing::debug!(error, "the store's time can't be measured; it goes on as it went");
                }
            }
        }
    }

    fn learn(&self, told: Timestamp, asked: i64, answered: i64) {
        let unsure = (answered - asked) / 2;
        let measured = micros(told) + unsure;
        let ahead = measured - micros(self.system.now());
        let known = self.course.load().as_deref().copied();
        let course = match known {
            None => Course { from: answered, at: measured, owed: 0, ahead },
            Some(course) => match measured - course.time(answered) {
                off if off.abs() <= unsure + GRAIN => Course { ahead, ..course },
                off if off.abs() < STEP => Course { from: answered, at: course.time(answered), owed: off, ahead },
                off => {
                    tracing::warn!(
                        off_ms = off / 1000,
                        "the store's time has jumped; sessions are judged by the new one"
                    );
                    Course { from: answered, at: measured, owed: 0, ahead }
                }
            },
        };
        self.course.store(Some(Arc::new(course)));
        self.report(ahead / 1000);
    }

    fn report(&self, ahead_ms: i64) {
        let is_far = ahead_ms.unsigned_abs() > FAR;
        match (self.is_far.swap(is_far, Ordering::Relaxed), is_far) {
            (false, true) => tracing::warn!(
                ahead_ms,
                "the store's time is far from this machine's clock; sessions go by the store's, what providers sign \
                 by the machine's: set the clocks right"
            ),
            (true, false) => tracing::info!(ahead_ms, "the store's time and this machine's clock agree again"),
            _ => (),
        }
    }

    fn moment(&self) -> i64 {
        i64::try_from(self.began.elapsed().as_micros()).unwrap_or(i64::MAX)
    }
}

impl Clock for StoreClock {
    fn now(&self) -> Timestamp {
        match self.course.load().as_deref() {
            Some(course) => Timestamp::from_millis(u64::try_from(course.time(self.moment()) / 1000).unwrap_or(0)),
            None => self.system.now(),
        }
    }

    fn running(&self) -> Duration {
        self.began.elapsed()
    }
}

fn micros(time: Timestamp) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX).saturating_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: u64 = 1_800_000_000_000;

    struct At(u64);

    impl Clock for At {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.0)
        }
    }

    fn clock() -> StoreClock {
        StoreClock::new(Arc::new(At(NOON)))
    }

    /// Learns that the store said so, half of `there_and_back` ago.
    fn learn(clock: &StoreClock, told: u64, there_and_back: Duration) {
        let answered = clock.moment();
        let asked = answered - i64::try_from(there_and_back.as_micros()).unwrap();
        clock.learn(Timestamp::from_millis(told), asked, answered);
    }

    async fn pass(length: Duration) {
        tokio::time::advance(length).await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_measurement_is_taken_and_carried_on() {
        let clock = clock();
        assert_eq!((clock.now().as_millis(), clock.ahead()), (NOON, None));
        learn(&clock, NOON + 3_600_000, Duration::from_millis(40));
        assert_eq!((clock.now().as_millis(), clock.ahead()), (NOON + 3_600_020, Some(3_600_020)));
        pass(Duration::from_secs(10)).await;
        assert_eq!(clock.now().as_millis(), NOON + 3_610_020);
    }

    #[tokio::test(start_paused = true)]
    async fn a_small_correction_is_made_little_by_little_and_never_backwards() {
        for off in [-400_i64, 400] {
            let clock = clock();
            learn(&clock, NOON, Duration::ZERO);
            learn(&clock, NOON.checked_add_signed(off).unwrap(), Duration::ZERO);
            let mut last = clock.now();
            assert_eq!(last.as_millis(), NOON, "not at once");
            for _ in 0..1000 {
                pass(Duration::from_millis(10)).await;
                let now = clock.now();
                assert!(now >= last && now.since(last) <= Duration::from_millis(12), "{last:?} {now:?}");
                last = now;
            }
            assert_eq!(last.as_millis(), (NOON + 10_000).checked_add_signed(off).unwrap());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_way_there_and_back_explains_corrects_nothing() {
        let clock = clock();
        learn(&clock, NOON, Duration::ZERO);
        learn(&clock, NOON - 30, Duration::from_millis(100));
        learn(&clock, NOON - 80, Duration::from_millis(100));
        pass(Duration::from_secs(100)).await;
        assert_eq!(clock.now().as_millis(), NOON + 100_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_correction_is_taken_at_once() {
        let clock = clock();
        for off in [0, 7_200_000, 60_000] {
            learn(&clock, NOON + off, Duration::ZERO);
            assert_eq!(clock.now().as_millis(), NOON + off);
        }
    }
}
