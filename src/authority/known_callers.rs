//! Owns the callers whose keys were read of late, and the keys that were revoked: what a process remembers of API keys that are
//! made at run time. Does not know the store, nor who asks.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use futures::lock::{Mutex, MutexGuard};

use super::caller::Caller;
use crate::crypto::{Digest, KeyId};
use crate::session::caller::CallerKeyId;
use crate::session::key::TenantNumber;

/// How many keys are known at most: of more, all are read again.
const KNOWN: usize = 8192;
/// How many revoked keys are remembered beside what the store says.
const REVOKED: usize = 8192;

/// What was read of a key.
#[derive(Clone)]
pub(super) struct KnownKey {
    pub(super) caller: Arc<Caller>,
    /// The hash of the key.
    pub(super) hash: Digest,
}

/// What a process remembers of keys.
///
/// **Invariant:** what was read is answered only while nothing was forgotten of it since its reading began, and a key that is
/// known to have been revoked is never answered again, whatever a store says that has lost so.
#[derive(Default)]
pub(super) struct KnownCallers {
    inner: RwLock<Inner>,
    /// Held by whoever lists keys: the others wait for what they find.
    listing: Mutex<()>,
}

#[derive(Default)]
struct Inner {
    /// Rises with everything that is forgotten.
    forgotten: u64,
    known: HashMap<CallerKeyId, Slot>,
    /// All keys of those tenants that were listed.
    listed: HashMap<TenantNumber, Signers>,
    revoked: HashSet<CallerKeyId>,
    order: VecDeque<CallerKeyId>,
}

/// Keys, and what signed them; `None` where that can't be said.
pub(super) type Signers = HashMap<CallerKeyId, Option<KeyId>>;

struct Slot {
    /// `None`: there is no such key.
    key: Option<KnownKey>,
    /// When its reading began, as a length since the process began.
    at: Duration,
    /// Somebody reads it again.
    asked: AtomicBool,
}

/// What is known of a key.
pub(super) enum Known {
    /// Nothing that is young enough.
    Unknown,
    /// There is none.
    Gone,
    /// This, and whether whoever asks is to read it again beside the answer: it becomes too old soon.
    Key(KnownKey, bool),
}

impl KnownCallers {
    /// To be noted before a key is read.
    pub(super) fn reading(&self) -> u64 {
        self.read().forgotten
    }

    /// Keeps what a reading gave that began `at` this moment.
    pub(super) fn keep(&self, id: CallerKeyId, key: Option<KnownKey>, reading: u64, at: Duration) {
        let mut inner = self.write();
        if inner.forgotten != reading {
            return;
        }
        if inner.known.len() >= KNOWN {
            inner.known.clear();
        }
        inner.known.insert(id, Slot { key, at, asked: AtomicBool::new(false) });
    }

    /// What is known of a key that was read within `for_at_most`.
    pub(super) fn get(&self, id: &CallerKeyId, now: Duration, for_at_most: Duration) -> Known {
        let inner = self.read();
        if inner.revoked.contains(id) {
            return Known::Gone;
        }
        let Some(slot) = inner.known.get(id) else { return Known::Unknown };
        let age = now.saturating_sub(slot.at);
        match &slot.key {
            _ if age >= for_at_most => Known::Unknown,
            None => Known::Gone,
            Some(key) => {
                let is_due = age >= for_at_most / 2 && !slot.asked.swap(true, Ordering::Relaxed);
                Known::Key(key.clone(), is_due)
            }
        }
    }

    /// Whether a key is known to have been revoked.
    pub(super) fn is_revoked(&self, id: &CallerKeyId) -> bool {
        self.read().revoked.contains(id)
    }

    /// A key was revoked: it is never taken again.
    pub(super) fn revoke(&self, id: CallerKeyId) {
        let mut inner = self.write();
        inner.forgotten += 1;
        inner.known.remove(&id);
        if !inner.revoked.insert(id) {
            return;
        }
        inner.order.push_back(id);
        if inner.order.len() > REVOKED
            && let Some(oldest) = inner.order.pop_front()
        {
            inner.revoked.remove(&oldest);
        }
    }

    /// Keeps which keys a tenant has, as a reading gave it.
    pub(super) fn list(&self, tenant: TenantNumber, keys: Signers, reading: u64) {
        let mut inner = self.write();
        if inner.forgotten == reading {
            inner.listed.insert(tenant, keys);
        }
    }

    /// Whether there is such a key that none of these may have signed, or was when its tenant's were listed; `None` where they
    /// were not.
    pub(super) fn is_listed(&self, id: &CallerKeyId, signers: impl Fn(&KeyId) -> bool) -> Option<bool> {
        let inner = self.read();
        let signer = inner.listed.get(&id.tenant)?.get(id);
        Some(signer.is_some_and(|signer| !signer.as_ref().is_some_and(signers)))
    }

    /// To be held while keys are listed.
    pub(super) async fn listing(&self) -> MutexGuard<'_, ()> {
        self.listing.lock().await
    }

    /// Nobody can say what was missed, or what opened the records may do so no more.
    pub(super) fn forget_all(&self) {
        let mut inner = self.write();
        inner.forgotten += 1;
        inner.known.clear();
        inner.listed.clear();
    }

    /// The keys that are known to have been revoked.
    pub(super) fn revoked(&self) -> Vec<CallerKeyId> {
        self.read().order.iter().copied().collect()
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::caller::Role;
    use crate::session::key::TenantNumber;

    const FOR: Duration = Duration::from_secs(4);

    fn id(number: u8) -> CallerKeyId {
        CallerKeyId { tenant: TenantNumber(1), id: [number; 12] }
    }

    fn key() -> KnownKey {
        KnownKey { caller: Arc::new(Caller::new("ci", Role::Edge)), hash: [7; 32] }
    }

    fn is_known(known: &KnownCallers, number: u8, at: u64) -> bool {
        matches!(known.get(&id(number), Duration::from_secs(at), FOR), Known::Key(..))
    }

    // store.md, 6: a reading that began before a revocation never wins.
    #[test]
    fn what_was_read_before_it_was_revoked_is_not_known() {
        let (known, at) = (KnownCallers::default(), Duration::from_secs(10));
        let before = known.reading();
        known.keep(id(1), Some(key()), before, at);
        assert!(is_known(&known, 1, 13) && !is_known(&known, 1, 14), "it is too old");
        known.revoke(id(1));
        known.keep(id(1), Some(key()), before, at);
        known.keep(id(1), Some(key()), known.reading(), at);
        assert!(!is_known(&known, 1, 10) && known.is_revoked(&id(1)), "not even where the store has lost it");
        known.keep(id(2), Some(key()), before, at);
        assert!(!is_known(&known, 2, 10));
        known.keep(id(2), Some(key()), known.reading(), at);
        assert!(is_known(&known, 2, 10));
        known.forget_all();
        assert!(!is_known(&known, 2, 10));
        assert_eq!(known.revoked(), [id(1)]);
    }

    #[test]
    fn the_keys_of_a_tenant_are_listed_until_something_is_forgotten() {
        let known = KnownCallers::default();
        let keys = Signers::from([(id(1), Some([1; 4])), (id(2), Some([2; 4])), (id(3), None)]);
        let is_listed = |id| known.is_listed(&id, |signer| *signer == [2; 4]);
        assert_eq!(is_listed(id(1)), None);
        known.list(TenantNumber(1), keys.clone(), known.reading());
        let other = CallerKeyId { tenant: TenantNumber(2), ..id(1) };
        let expected = [Some(true), Some(false), Some(true), Some(false), None];
        assert_eq!([id(1), id(2), id(3), id(4), other].map(is_listed), expected);
        let before = known.reading();
        known.forget_all();
        known.list(TenantNumber(1), keys, before);
        assert_eq!(is_listed(id(1)), None);
    }

    #[test]
    fn of_all_who_find_a_key_that_is_soon_too_old_one_reads_it_again() {
        let known = KnownCallers::default();
        let due = |at| matches!(known.get(&id(1), Duration::from_secs(at), FOR), Known::Key(_, true));
        known.keep(id(1), Some(key()), known.reading(), Duration::from_secs(10));
        assert_eq!([due(11), due(12), due(12)], [false, true, false]);
        known.keep(id(1), None, known.reading(), Duration::from_secs(12));
        assert!(matches!(known.get(&id(1), Duration::from_secs(13), FOR), Known::Gone));
    }
}
