//! Owns the callers whose keys were read of late, and the keys that were revoked: what a process remembers of API keys that are
//! made at run time. Does not know the store, nor who asks.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use super::caller::Caller;
use crate::crypto::Digest;
use crate::session::caller::CallerKeyId;

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
pub(super) struct KnownCallers(RwLock<Inner>);

#[derive(Default)]
struct Inner {
    /// Rises with everything that is forgotten.
    forgotten: u64,
    known: HashMap<CallerKeyId, Slot>,
    revoked: HashSet<CallerKeyId>,
    order: VecDeque<CallerKeyId>,
}

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

    /// Nobody can say what was missed.
    pub(super) fn forget_all(&self) {
        let mut inner = self.write();
        inner.forgotten += 1;
        inner.known.clear();
    }

    /// The keys that are known to have been revoked.
    pub(super) fn revoked(&self) -> Vec<CallerKeyId> {
        self.read().order.iter().copied().collect()
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
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
    fn of_all_who_find_a_key_that_is_soon_too_old_one_reads_it_again() {
        let known = KnownCallers::default();
        let due = |at| matches!(known.get(&id(1), Duration::from_secs(at), FOR), Known::Key(_, true));
        known.keep(id(1), Some(key()), known.reading(), Duration::from_secs(10));
        assert_eq!([due(11), due(12), due(12)], [false, true, false]);
        known.keep(id(1), None, known.reading(), Duration::from_secs(12));
        assert!(matches!(known.get(&id(1), Duration::from_secs(13), FOR), Known::Gone));
    }
}
