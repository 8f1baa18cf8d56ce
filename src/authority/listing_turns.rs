//! Owns whose turn it is to list a tenant's keys, so that a store which is slow to answer costs one question of each tenant, and
//! few of those who ask wait for it. Does not know what is listed, nor for whom.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::lock::{Mutex as Turnstile, OwnedMutexGuard};

use super::ports::Clock;
use crate::session::key::TenantNumber;

/// How long nobody lists a tenant's keys again where that came to nothing.
const QUIET: Duration = Duration::from_secs(1);
/// How many may list, or wait for one who does. Each holds the place of a call, and anybody can be one.
const WAITING: usize = 64;

/// The turns of all tenants.
#[derive(Default)]
pub(super) struct Turns {
    /// Held by whoever lists; in it, when a listing has last come to nothing, as a length since the process began.
    of: Mutex<HashMap<TenantNumber, Arc<Turnstile<Option<Duration>>>>>,
    waiting: Arc<AtomicUsize>,
}

/// A turn, until it is dropped.
pub(super) struct Turn {
    failed: OwnedMutexGuard<Option<Duration>>,
    clock: Arc<dyn Clock>,
    is_trying: bool,
    _waits: Waits,
}

/// One of those who list or wait.
struct Waits(Arc<AtomicUsize>);

impl Turns {
    /// The next turn with the keys of a tenant; `None` where too many wait, or listing has come to nothing of late.
    pub(super) async fn next(&self, tenant: TenantNumber, clock: &Arc<dyn Clock>) -> Option<Turn> {
        let waits = Waits(Arc::clone(&self.waiting));
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= WAITING {
            return None;
        }
        let turnstile = {
            let mut all = self.of.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(all.entry(tenant).or_default())
        };
        let failed = turnstile.lock_owned().await;
        let is_early = failed.is_some_and(|at| clock.running().saturating_sub(at) < QUIET);
        (!is_early).then(|| Turn { failed, clock: Arc::clone(clock), is_trying: false, _waits: waits })
    }
}

impl Turn {
    /// Lists. An error is remembered, and so is that whoever waited has given up.
    pub(super) async fn list<T, E>(&mut self, listing: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        self.is_trying = true;
        let found = listing.await;
        self.is_trying = found.is_err();
        found
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *self.failed = self.is_trying.then(|| self.clock.running());
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
