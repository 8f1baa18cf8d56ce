//! Owns token leases: a key of their own that runs out by itself, renewed beside the work it guards.
//! Does not know what is done under a lease.

use std::slice;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use redis::Value;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};

use super::RedisStore;
use super::link::Link;
use super::script::SCRIPTS;
use super::value::{millis, unexpected};
use super::wait::Seen;
use crate::authority::ports::{Lease, LeaseAttempt, StoreResult};
use crate::session::key::SessionKey;
use crate::store::length;

/// A lease is renewed this many times before it would end.
const RENEWALS: u32 = 3;

struct RedisLease {
    link: Arc<Link>,
    fence: u64,
    token: Vec<u8>,
    lease: Vec<u8>,
    bell: Vec<u8>,
    held_until: watch::Receiver<Instant>,
    renewal: AbortHandle,
}

impl RedisStore {
    pub(super) async fn take_lease(&self, key: &SessionKey, ttl: Duration) -> StoreResult<LeaseAttempt> {
        let keys = self.keys.session(key);
        let ttl = length(ttl);
        // Counted from before the call: the lease here never outlasts the one in Redis.
        let asked = Instant::now();
        let (token, taking) = (self.token(), [keys.record.clone(), keys.lease.clone()]);
        let answer: Vec<Value> = self.link.insist(&SCRIPTS.lease, &taking, &[token.clone(), millis(ttl)]).await?;
        let fence = match answer.as_slice() {
            [Value::Int(1), Value::Int(fence)] => u64::try_from(*fence).or_else(|_| unexpected())?,
            [Value::Int(2)] => return Ok(LeaseAttempt::Busy),
            [Value::Int(3)] => return Ok(LeaseAttempt::Gone),
            _ => return unexpected(),
        };
        let (extend, held_until) = watch::channel(asked + ttl);
        let renewal = tokio::spawn(renew(Arc::clone(&self.link), taking, token.clone(), ttl, extend)).abort_handle();
        let link = Arc::clone(&self.link);
        let lease = RedisLease { link, fence, token, lease: keys.lease, bell: keys.bell, held_until, renewal };
        Ok(LeaseAttempt::Taken(Box::new(lease)))
    }

    pub(super) async fn wait_lease(&self, key: &SessionKey, at_most: Duration) -> StoreResult<()> {
        let keys = self.keys.session(key);
        let watched = [keys.record, keys.lease, keys.bell.clone()];
        let deadline = Instant::now() + length(at_most);
        let mut first_revision = None;
        loop {
            let (left, revision, last_ring): (i64, Vec<u8>, Vec<u8>) =
                self.link.run(&SCRIPTS.watch_lease, &watched, &[]).await?;
            let look_again_in = Duration::from_millis(u64::try_from(left).unwrap_or(0));
            let changed = *first_revision.get_or_insert_with(|| revision.clone()) != revision;
            let seen = Seen { look_again_in, last_ring };
            if changed || look_again_in.is_zero() || !self.bells.pause(&keys.bell, &seen, deadline).await {
                return Ok(());
            }
        }
    }
}

/// Renews until the lease is lost. A call that fails is tried again at the next turn; `extend` alone says how long the
/// lease is sure.
async fn renew(link: Arc<Link>, keys: [Vec<u8>; 2], token: Vec<u8>, ttl: Duration, extend: watch::Sender<Instant>) {
    loop {
        sleep(ttl / RENEWALS).await;
        let asked = Instant::now();
        let renewed: StoreResult<bool> = link.run(&SCRIPTS.renew_lease, &keys, &[token.clone(), millis(ttl)]).await;
        match renewed {
            Ok(true) => extend.send_replace(asked + ttl),
            Ok(false) => {
                extend.send_replace(asked);
                return;
            }
            Err(_) => continue,
        };
    }
}

#[async_trait]
impl Lease for RedisLease {
    fn fence(&self) -> u64 {
        self.fence
    }

    fn is_held(&self) -> bool {
        Instant::now() < *self.held_until.borrow()
    }

    async fn release(self: Box<Self>) {
        self.renewal.abort();
        let keys = [self.lease.clone(), self.bell.clone()];
        let released: StoreResult<u64> =
            self.link.run(&SCRIPTS.release_lease, &keys, slice::from_ref(&self.token)).await;
        if let Err(error) = released {
            tracing::debug!(error = &error as &dyn std::error::Error, "a lease was left to run out");
        }
    }
}

impl Drop for RedisLease {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}
