//! Owns what a process keeps from call to call, for all its tenants: sessions that are known, what was heard of the event
//! log, work under way. None of it another replica lacks and could not learn. Does not know settings or keys: it outlives
//! a change of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::audit_queue::AuditQueue;
use super::forgeries::Forgeries;
use super::mint_keys::KeysAtHand;
use super::near::Near;
use super::ports::Entropy;
use super::refusals::Refusals;
use super::settings::CacheSettings;
use super::stream::{Ear, Stream, Untold};
use super::under_way::UnderWay;
use crate::session::event::What;
use crate::session::key::TenantNumber;

/// How many standings are kept open where records are not kept.
const STANDINGS: usize = 8192;

/// What is kept from call to call. Every key in it has the tenant's number, so that all tenants of a process share one;
/// over another store it would be wrong.
#[derive(Clone)]
pub struct Memory {
    pub(super) near: Arc<Near>,
    pub(super) refusals: Arc<Refusals>,
    pub(super) forgeries: Arc<Forgeries>,
    ear: Arc<Ear>,
    keys: Arc<Mutex<BTreeMap<TenantNumber, Arc<KeysAtHand>>>>,
    /// Of each tenant apart, bounds included: what one is at keeps none waiting.
    under_way: Arc<Mutex<BTreeMap<TenantNumber, Arc<UnderWay>>>>,
    audit: Arc<Mutex<BTreeMap<TenantNumber, Arc<AuditQueue>>>>,
}

impl Memory {
    /// Nothing is known yet. `cache` bounds it for all tenants together.
    #[must_use]
    pub fn new(entropy: &dyn Entropy, cache: Option<CacheSettings>) -> Self {
        let near = Arc::new(Near::new(cache.map_or(STANDINGS, |cache| cache.max_sessions)));
        let mut author = [0; 8];
        entropy.fill(&mut author);
        let ear = Ear::new(author, Arc::clone(&near));
        Self {
            ear,
            near,
            refusals: Arc::default(),
            forgeries: Arc::default(),
            keys: Arc::default(),
            under_way: Arc::default(),
            audit: Arc::default(),
        }
    }

    /// Forgets what was opened, sessions, callers' keys and mint keys: what opened it may do so no more.
    pub fn forget_what_was_opened(&self) {
        self.near.empty();
        self.ear.forget_callers();
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).values().for_each(|keys| keys.forget());
    }

    /// Tells whoever keeps answers that other keys are in force here, for this tenant or for [`EVERY_TENANT`]: to be called
    /// once they are. Where the log does not take it, it is told as soon as it does; until then no watcher relies on
    /// anything.
    ///
    /// Every replica tells it of itself, however many do at the same date: what a client keeps may rest on the one that
    /// changes last, whichever of them it watches.
    ///
    /// [`EVERY_TENANT`]: crate::session::mark::EVERY_TENANT
    pub fn announce_other_keys(&self, whose: TenantNumber) {
        Untold::of(whose, &self.ear).add(What::KeysRotated);
    }

    pub(super) fn stream(&self, tenant: TenantNumber, now: Duration) -> Arc<Stream> {
        Stream::of(tenant, &self.ear, now)
    }

    pub(super) fn under_way(&self, tenant: TenantNumber) -> Arc<UnderWay> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(under_way.entry(tenant).or_default())
    }

    pub(super) fn audit_queue(&self, tenant: TenantNumber) -> Arc<AuditQueue> {
        let mut queues = self.audit.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(queues.entry(tenant).or_default())
    }

    pub(super) fn keys_at_hand(&self, tenant: TenantNumber) -> Arc<KeysAtHand> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(keys.entry(tenant).or_default())
    }
}
