//! Owns counters that many threads raise at the same moment, millions of times a second: each thread has a stripe of its
//! own, or shares it with few. Does not know what is counted.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// How many stripes there are.
const STRIPES: usize = 8;

thread_local! {
    /// The stripe of this thread.
    static STRIPE: usize = {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        THREADS.fetch_add(1, Ordering::Relaxed) % STRIPES
    };
}

/// Counters, by their number.
#[derive(Debug)]
pub(super) struct Tally {
    /// Each an allocation of its own, so that threads write to different cache lines.
    stripes: [Box<[AtomicU64]>; STRIPES],
}

impl Tally {
    /// So many, none of them raised.
    pub(super) fn new(counters: usize) -> Self {
        // Rounded up to whole cache lines, so that the end of one stripe is not the beginning of another.
        let cells = counters.next_multiple_of(16);
        Self { stripes: std::array::from_fn(|_| (0..cells).map(|_| AtomicU64::new(0)).collect()) }
    }

    /// Raises one by one.
    pub(super) fn raise(&self, counter: usize) {
        let stripe = STRIPE.with(|stripe| self.stripes.get(*stripe));
        if let Some(cell) = stripe.and_then(|cells| cells.get(counter)) {
            cell.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How often one was raised.
    pub(super) fn read(&self, counter: usize) -> u64 {
        self.stripes.iter().filter_map(|cells| cells.get(counter)).map(|cell| cell.load(Ordering::Relaxed)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_whoever_counts() {
        let tally = Tally::new(3);
        std::thread::scope(|scope| {
            for _ in 0..12 {
                scope.spawn(|| (0..1000).for_each(|number| tally.raise(number % 2)));
            }
        });
        assert_eq!([tally.read(0), tally.read(1), tally.read(2)], [6000, 6000, 0]);
        tally.raise(1000);
        assert_eq!(tally.read(1000), 0, "there is none such");
    }
}
