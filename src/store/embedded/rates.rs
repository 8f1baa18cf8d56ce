//! Owns the port of rates, filled from memory alone: one process counts, and whoever ends it ends a flood with it. Bounded:
//! of more clients than there is room for, the one is forgotten whose allowance comes back soonest. Does not know what is
//! counted.

use std::time::Duration;

use async_trait::async_trait;

use super::EmbeddedStore;
use super::memory::{Local, Partition};
use crate::authority::ports::{RateStore, StoreResult};
use crate::session::key::RateKey;
use crate::session::rate::{Allowance, Taken};
use crate::session::time::Timestamp;

/// So many are counted in a partition: in all of them about a million, and 100 MB.
const MOST: usize = 1024;

#[async_trait]
impl RateStore for EmbeddedStore {
    async fn take_one(&self, key: &RateKey, allowance: Allowance) -> StoreResult<Taken> {
        let now = micros(self.now());
        let mut partition = self.memory.write(key.partition);
        let local = (key.tenant, key.id);
        let back_at = partition.rates.get(&local).copied().unwrap_or_default();
        Ok(match allowance.take(back_at, now) {
            Err(wait) => Taken::No(wait),
            Ok(after) => {
                partition.keep_rate(local, after, now);
                Taken::Yes
            }
        })
    }

    async fn owe(&self, key: &RateKey, owed: Duration, allowance: Allowance) -> StoreResult<Duration> {
        let now = micros(self.now());
        let mut partition = self.memory.write(key.partition);
        let local = (key.tenant, key.id);
        let before = partition.rates.get(&local).copied().unwrap_or_default();
        let after = allowance.owe(before, u64::try_from(owed.as_micros()).unwrap_or(u64::MAX), now);
        partition.keep_rate(local, after, now);
        Ok(Duration::from_micros(after.saturating_sub(now)))
    }
}

impl Partition {
    fn keep_rate(&mut self, local: Local, back_at: u64, now: u64) {
        if self.rates.len() >= MOST && !self.rates.contains_key(&local) {
            self.forget_a_rate(now);
        }
        self.rates.insert(local, back_at);
    }

    fn forget_a_rate(&mut self, now: u64) {
        self.rates.retain(|_, back_at| now < *back_at);
        if self.rates.len() >= MOST
            && let Some(soonest) = self.rates.iter().min_by_key(|(_, back_at)| **back_at).map(|(local, _)| *local)
        {
            self.rates.remove(&soonest);
        }
    }

    /// Forgets whoever has taken nothing of late.
    pub(super) fn forget_rates(&mut self, now: Timestamp) {
        let now = micros(now);
        self.rates.retain(|_, back_at| now < *back_at);
    }
}

const fn micros(at: Timestamp) -> u64 {
    at.as_millis().saturating_mul(1000)
}
