//! Owns the count of what came forged to this process: it costs no store, and a good credential nothing at all. Does not
//! know what is forged.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::session::key::RateKey;
use crate::session::rate::{Allowance, Taken};

/// So many counts there are, whoever comes: 128 kB. Those that share one share an allowance.
const COUNTS: usize = 16_384;

/// How often something forged came of late.
#[derive(Debug)]
pub(super) struct Forgeries(Box<[AtomicU64]>);

impl Default for Forgeries {
    fn default() -> Self {
        Self((0..COUNTS).map(|_| AtomicU64::new(0)).collect())
    }
}

impl Forgeries {
    /// Takes one of `allowance` for what `key` names; `now` is a length since some moment of this process.
    pub(super) fn take(&self, key: &RateKey, allowance: Allowance, now: Duration) -> Taken {
        let [.., a, b] = key.id;
        let Some(count) = self.0.get(usize::from(u16::from_be_bytes([a, b])) % COUNTS) else { return Taken::Yes };
        let now = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        let mut left = Duration::ZERO;
        let taken = count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |back_at| {
            allowance.take(back_at, now).inspect_err(|wait| left = *wait).ok()
        });
        taken.map_or(Taken::No(left), |_| Taken::Yes)
    }
}
