//! Owns token leases and waiting for a change. A lease lives in memory alone: whoever holds one is in this process.
//! Does not know what is done under a lease.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::EmbeddedStore;
use super::memory::{LeaseTerm, Memory, Partition};
use crate::authority::ports::{Clock, Lease, LeaseAttempt, StoreResult};
use crate::session::key::{Partition as Number, SessionKey};
use crate::session::time::Timestamp;
use crate::store::length;

/// A lease is renewed this many times before it would end.
const RENEWALS: u32 = 3;

struct EmbeddedLease {
    term: Term,
    renewal: AbortHandle,
}

/// Which lease of which session.
#[derive(Clone)]
struct Term {
    memory: Arc<Memory>,
    clock: Arc<dyn Clock>,
    key: SessionKey,
    fence: u64,
}

impl EmbeddedStore {
    pub(super) fn take_lease(&self, key: &SessionKey, ttl: Duration) -> StoreResult<LeaseAttempt> {
        self.journal.check()?;
        let ttl = length(ttl);
        let fence = {
            let now = self.now();
            let mut partition = self.memory.write(key.partition);
            let Some(entry) = partition.living_mut(key, now) else { return Ok(LeaseAttempt::Gone) };
            if entry.lease.as_ref().is_some_and(|term| now < term.until) {
                return Ok(LeaseAttempt::Busy);
            }
            let fence = entry.record.header.fence + 1;
            entry.record.header.fence = fence;
            entry.lease = Some(LeaseTerm { fence, until: now + ttl });
            fence
        };
        let (memory, clock) = (Arc::clone(&self.memory), Arc::clone(&self.clock));
        let term = Term { memory, clock, key: *key, fence };
        let renewing = term.clone();
        let renewal = tokio::spawn(async move {
            loop {
                tokio::time::sleep(ttl / RENEWALS).await;
                if !renewing.renew(ttl) {
                    return;
                }
            }
        });
        Ok(LeaseAttempt::Taken(Box::new(EmbeddedLease { term, renewal: renewal.abort_handle() })))
    }
}

impl Term {
    fn renew(&self, ttl: Duration) -> bool {
        let now = self.clock.now();
        let mut partition = self.memory.write(self.key.partition);
        let lease = partition.living_mut(&self.key, now).and_then(|entry| entry.lease.as_mut());
        let Some(lease) = lease.filter(|lease| lease.fence == self.fence && now < lease.until) else { return false };
        lease.until = now + ttl;
        true
    }

    fn is_held(&self) -> bool {
        let now = self.clock.now();
        let partition = self.memory.read(self.key.partition);
        let lease = partition.living(&self.key, now).and_then(|entry| entry.lease.as_ref());
        lease.is_some_and(|lease| lease.fence == self.fence && now < lease.until)
    }

    fn give_back(&self) {
        if let Some(entry) = self.memory.write(self.key.partition).living_mut(&self.key, self.clock.now())
            && entry.lease.as_ref().is_some_and(|lease| lease.fence == self.fence)
        {
            entry.lease = None;
        }
        self.memory.changed(self.key.partition).notify_waiters();
    }
}

#[async_trait]
impl Lease for EmbeddedLease {
    fn fence(&self) -> u64 {
        self.term.fence
    }

    fn is_held(&self) -> bool {
        self.term.is_held()
    }

    async fn release(self: Box<Self>) {
        self.term.give_back();
    }
}

impl Drop for EmbeddedLease {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

/// Waits until the session's lease is free or its revision another, at most for `at_most`.
pub async fn wait(memory: &Memory, clock: &Arc<dyn Clock>, key: &SessionKey, at_most: Duration) {
    let mut seen = None;
    wait_while(memory, clock, key.partition, at_most, |partition, now| {
        let entry = partition.living(key, now)?;
        let revision = entry.record.header.revision;
        let until = entry.lease.as_ref().filter(|lease| now < lease.until)?.until;
        (*seen.get_or_insert(revision) == revision).then_some(until)
    })
    .await;
}

/// Waits while `held` says until when the thing is held, at most for `at_most`; looks again at every change in the
/// partition, and when that moment has come.
pub async fn wait_while(
    memory: &Memory,
    clock: &Arc<dyn Clock>,
    partition: Number,
    at_most: Duration,
    mut held: impl FnMut(&Partition, Timestamp) -> Option<Timestamp>,
) {
    let deadline = Instant::now() + length(at_most);
    while Instant::now() < deadline {
        let changed = memory.changed(partition).notified();
        tokio::pin!(changed);
        changed.as_mut().enable();
        let now = clock.now();
        let until = held(&memory.read(partition), now);
        let Some(until) = until else { return };
        let look_again = deadline.min(Instant::now() + length(until.since(now)));
        // Either way it is looked at again.
        let _elapsed = tokio::time::timeout_at(look_again, changed).await;
    }
}
