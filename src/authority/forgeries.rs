//! Owns the count of what came forged to this process, and which counts are to be shared with other replicas: a forged
//! credential waits for no store, and a good one costs nothing at all. Does not know what is forged, or where it is shared.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::session::key::RateKey;
use crate::session::rate::{Allowance, Taken};

/// So many counts there are, whoever comes: 512 kB. Those that share one share an allowance.
const COUNTS: usize = 16_384;
/// A count is shared when what is not shared yet is this part of the allowance, so that a stray cookie never is.
const PART: u64 = 16;
/// So many counts may wait to be shared. Beyond that they are this process's own until the next one comes.
const PLACES: usize = 1024;

/// How often something forged came of late.
#[derive(Debug)]
pub(super) struct Forgeries {
    counts: Box<[Mutex<Count>]>,
    sharing: Mutex<Sharing>,
}

/// Moments are in microseconds since some moment of this process.
#[derive(Debug, Default)]
struct Count {
    /// When all that was taken will have come back, here and wherever we have heard of.
    back_at: u64,
    /// When it would have, but for what was taken here and not shared.
    shared: u64,
    waits: bool,
}

#[derive(Debug, Default)]
struct Sharing {
    waiting: VecDeque<(RateKey, Allowance)>,
    is_at_work: bool,
}

/// What became of taking one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Noted {
    pub(super) taken: Taken,
    /// Whether it is the caller's to begin to share: nobody else is at it.
    pub(super) begins: bool,
}

/// What this process has counted and others have not heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) key: RateKey,
    pub(super) allowance: Allowance,
    /// How much, as the time in which it comes back.
    pub(super) owed: Duration,
    /// When that was so.
    pub(super) at: Duration,
}

impl Default for Forgeries {
    fn default() -> Self {
        let counts = (0..COUNTS).map(|_| Mutex::default()).collect();
        Self { counts, sharing: Mutex::default() }
    }
}

impl Count {
    fn take(&mut self, allowance: Allowance, now: u64) -> Result<(), Duration> {
        self.back_at = allowance.take(self.back_at, now)?;
        Ok(())
    }

    fn unshared(&self, now: u64) -> u64 {
        self.back_at.saturating_sub(self.shared.max(now))
    }

    /// From now on all of it counts as shared, also where that fails: nobody is counted twice because of trouble.
    fn share(&mut self, now: u64) -> u64 {
        let owed = self.unshared(now);
        (self.shared, self.waits) = (self.shared.max(self.back_at), false);
        owed
    }

    /// All replicas together have counted so much that it would have come back by `common`.
    fn learn(&mut self, common: u64) {
        if common > self.shared {
            self.back_at = common.saturating_add(self.back_at.saturating_sub(self.shared));
            self.shared = common;
        }
    }
}

impl Forgeries {
    /// Takes one of `allowance` for what `key` names; `now` is a length since some moment of this process.
    pub(super) fn take(&self, key: &RateKey, allowance: Allowance, now: Duration) -> Noted {
        let (mut count, now) = (self.count(key), micros(now));
        if let Err(wait) = count.take(allowance, now) {
            return Noted { taken: Taken::No(wait), begins: false };
        }
        let is_due = !count.waits && count.unshared(now) >= allowance.whole() / PART;
        let mut begins = false;
        if is_due {
            let mut sharing = self.sharing();
            if sharing.waiting.len() < PLACES {
                sharing.waiting.push_back((*key, allowance));
                count.waits = true;
                begins = !std::mem::replace(&mut sharing.is_at_work, true);
            }
        }
        Noted { taken: Taken::Yes, begins }
    }

    /// What is to be shared next, at most so many; `None` when nothing is, and whoever shares is done.
    pub(super) fn next(&self, most: usize, now: Duration) -> Option<Vec<Share>> {
        let next: Vec<_> = {
            let mut sharing = self.sharing();
            let Sharing { waiting, is_at_work } = &mut *sharing;
            *is_at_work = !waiting.is_empty();
            waiting.drain(..waiting.len().min(most)).collect()
        };
        let share = |(key, allowance): (RateKey, Allowance)| {
            let owed = Duration::from_micros(self.count(&key).share(micros(now)));
            (!owed.is_zero()).then_some(Share { key, allowance, owed, at: now })
        };
        (!next.is_empty()).then(|| next.into_iter().filter_map(share).collect())
    }

    /// Takes over that all replicas' counts come back in so long, with this share.
    pub(super) fn learn(&self, share: &Share, back_in: Duration) {
        self.count(&share.key).learn(micros(share.at.saturating_add(back_in)));
    }

    /// Nobody can share: what waits is this process's own, until more of it comes.
    pub(super) fn give_up(&self) {
        let waiting = {
            let mut sharing = self.sharing();
            sharing.is_at_work = false;
            std::mem::take(&mut sharing.waiting)
        };
        for (key, _) in &waiting {
            self.count(key).waits = false;
        }
    }

    #[expect(clippy::indexing_slicing, reason = "the remainder is below their number")]
    fn count(&self, key: &RateKey) -> MutexGuard<'_, Count> {
        let [.., a, b] = key.id;
        let at = usize::from(u16::from_be_bytes([a, b])) % COUNTS;
        self.counts[at].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sharing(&self) -> MutexGuard<'_, Sharing> {
        self.sharing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn micros(length: Duration) -> u64 {
    u64::try_from(length.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::key::TenantNumber;

    const HOUR: Allowance = Allowance { most: 32, within: Duration::from_hours(1) };
    const NOW: Duration = Duration::from_secs(1);

    fn key(number: u16) -> RateKey {
        let [a, b] = number.to_be_bytes();
        RateKey::of(TenantNumber(1), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, a, b])
    }

    fn begins(forgeries: &Forgeries, number: u16) -> bool {
        forgeries.take(&key(number), HOUR, NOW).begins
    }

    #[test]
    fn a_part_of_an_allowance_is_shared_at_once_and_by_one() {
        let forgeries = Forgeries::default();
        assert_eq!([0, 0, 0, 1, 1].map(|number| begins(&forgeries, number)), [false, true, false, false, false]);
        let shares = forgeries.next(9, NOW).unwrap();
        let owed: Vec<_> = shares.iter().map(|share| share.owed.as_secs()).collect();
        assert_eq!(owed, [3 * 3600 / 32, 2 * 3600 / 32]);
        assert_eq!((begins(&forgeries, 0), begins(&forgeries, 0)), (false, false), "somebody is at it");
        assert_eq!(forgeries.next(9, NOW).unwrap().len(), 1);
        assert_eq!(forgeries.next(9, NOW), None);
        assert_eq!((begins(&forgeries, 0), begins(&forgeries, 0)), (false, true));
        forgeries.give_up();
        assert_eq!(forgeries.next(9, NOW), None);
        assert!(begins(&forgeries, 0), "what could not be shared then is shared now");
    }

    #[test]
    fn what_others_have_counted_is_taken_over_and_never_given_back() {
        let forgeries = Forgeries::default();
        begins(&forgeries, 0);
        begins(&forgeries, 0);
        let [share] = forgeries.next(9, NOW).unwrap()[..] else { panic!() };
        begins(&forgeries, 0);
        let interval = HOUR.within / 32;
        forgeries.learn(&share, share.owed / 2);
        forgeries.learn(&share, interval * 31);
        let refused = forgeries.take(&key(0), HOUR, NOW);
        assert_eq!(refused.taken, Taken::No(interval), "31 of all, and one that they have not heard of");
    }

    #[test]
    fn of_what_came_long_ago_nothing_is_shared() {
        let forgeries = Forgeries::default();
        begins(&forgeries, 0);
        let later = NOW + HOUR.within;
        assert!(!forgeries.take(&key(0), HOUR, later).begins, "one is there, not two");
    }

    #[test]
    fn a_bounded_number_waits() {
        let forgeries = Forgeries::default();
        for number in 0..2000 {
            forgeries.take(&key(number), HOUR, NOW);
            forgeries.take(&key(number), HOUR, NOW);
        }
        assert_eq!(forgeries.next(5000, NOW).unwrap().len(), PLACES);
    }
}
