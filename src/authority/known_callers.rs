//! Owns the callers whose keys were read of late, and the keys that were revoked: what a process remembers of API keys that are
//! made at run time. Does not know the store, nor who asks.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use super::caller::Caller;
use super::listing_turns::Turns;
use crate::crypto::{Digest, KeyId};
use crate::session::caller::CallerKeyId;
use crate::session::key::TenantNumber;
use crate::vault::VaultError;

/// How many keys of a tenant are known at most: of more, all of its keys are read again. It may have 1,000.
const KNOWN: usize = 2048;
/// How many revoked keys of a tenant are remembered beside what the store says. That matters where the store has lost a
/// revocation in a failover, and it loses those of the last moments.
const REVOKED: usize = 8192;

/// What was read of a key.
#[derive(Clone)]
pub(super) struct KnownKey {
    pub(super) caller: Arc<Caller>,
    /// The hash of the key.
    pub(super) hash: Digest,
    /// When its reading began, as a length since the process began.
    pub(super) at: Duration,
}

/// What a process remembers of keys, those of each tenant apart: whatever is done with the keys of one costs the others
/// nothing.
///
/// **Invariant:** what was read is answered only while nothing was forgotten of its tenant since its reading began, and a key
/// that is known to have been revoked is never answered again, whatever a store says that has lost so.
#[derive(Default)]
pub(super) struct KnownCallers {
    inner: RwLock<Inner>,
    /// Whose turn it is to list keys: the others wait for what they find.
    pub(super) turns: Turns,
}

#[derive(Default)]
struct Inner {
    /// Rises when all is forgotten.
    forgotten: u64,
    rooms: HashMap<TenantNumber, Room>,
}

/// What is remembered of a tenant's keys.
#[derive(Default)]
struct Room {
    /// Rises with everything that is forgotten of them.
    forgotten: u64,
    known: HashMap<CallerKeyId, Slot>,
    /// All of them, where they were listed.
    listed: Option<Signers>,
    revoked: HashSet<CallerKeyId>,
    order: VecDeque<CallerKeyId>,
}

/// Keys, and what signed them; `None` where that can't be said.
pub(super) type Signers = HashMap<CallerKeyId, Option<KeyId>>;

/// What had been forgotten when a reading began.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    of_all: u64,
    of_tenant: u64,
}

/// What a reading gave: a key, that there is none, or that it does not open.
pub(super) type Found = Result<Option<KnownKey>, VaultError>;

struct Slot {
    found: Found,
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
    /// It does not open.
    Shut(VaultError),
    /// This, and whether whoever asks is to read it again beside the answer: it becomes too old soon.
    Key(KnownKey, bool),
}

impl KnownCallers {
    /// To be noted before a key of this tenant is read.
    pub(super) fn reading(&self, tenant: TenantNumber) -> Reading {
        self.read().reading(tenant)
    }

    /// Keeps what a reading gave that began `at` this moment.
    pub(super) fn keep(&self, id: CallerKeyId, found: Found, reading: Reading, at: Duration) {
        let mut inner = self.write();
        if inner.reading(id.tenant) != reading {
            return;
        }
        let known = &mut inner.rooms.entry(id.tenant).or_default().known;
        if known.len() >= KNOWN {
            known.clear();
        }
        known.insert(id, Slot { found, at, asked: AtomicBool::new(false) });
    }

    /// What is known of a key that was read within `for_at_most`.
    pub(super) fn get(&self, id: &CallerKeyId, now: Duration, for_at_most: Duration) -> Known {
        let inner = self.read();
        let Some(room) = inner.rooms.get(&id.tenant) else { return Known::Unknown };
        if room.revoked.contains(id) {
            return Known::Gone;
        }
        let Some(slot) = room.known.get(id) else { return Known::Unknown };
        let age = now.saturating_sub(slot.at);
        match &slot.found {
            _ if age >= for_at_most => Known::Unknown,
            Ok(None) => Known::Gone,
            Err(error) => Known::Shut(*error),
            Ok(Some(key)) => {
                let is_due = age >= for_at_most / 2 && !slot.asked.swap(true, Ordering::Relaxed);
                Known::Key(key.clone(), is_due)
            }
        }
    }

    /// Whether a key is known to have been revoked.
    pub(super) fn is_revoked(&self, id: &CallerKeyId) -> bool {
        self.read().rooms.get(&id.tenant).is_some_and(|room| room.revoked.contains(id))
    }

    /// A key was revoked: it is never taken again.
    pub(super) fn revoke(&self, id: CallerKeyId) {
        let mut inner = self.write();
        let room = inner.rooms.entry(id.tenant).or_default();
        room.forgotten += 1;
        room.known.remove(&id);
        if !room.revoked.insert(id) {
            return;
        }
        room.order.push_back(id);
        if room.order.len() > REVOKED
            && let Some(oldest) = room.order.pop_front()
        {
            room.revoked.remove(&oldest);
        }
    }

    /// Keeps which keys a tenant has, as a reading gave it.
    pub(super) fn list(&self, tenant: TenantNumber, keys: Signers, reading: Reading) {
        let mut inner = self.write();
        if inner.reading(tenant) == reading {
            inner.rooms.entry(tenant).or_default().listed = Some(keys);
        }
    }

    /// Whether there is such a key that none of these may have signed, or was when its tenant's were listed; `None` where they
    /// were not.
    pub(super) fn is_listed(&self, id: &CallerKeyId, signers: impl Fn(&KeyId) -> bool) -> Option<bool> {
        let inner = self.read();
        let signer = inner.rooms.get(&id.tenant)?.listed.as_ref()?.get(id);
        Some(signer.is_some_and(|signer| !signer.as_ref().is_some_and(signers)))
    }

    /// Nobody can say what was missed, or what opened the records may do so no more.
    pub(super) fn forget_all(&self) {
        let mut inner = self.write();
        inner.forgotten += 1;
        for room in inner.rooms.values_mut() {
            room.known.clear();
            room.listed = None;
        }
    }

    /// The keys that are known to have been revoked.
    pub(super) fn revoked(&self) -> Vec<CallerKeyId> {
        self.read().rooms.values().flat_map(|room| room.order.iter().copied()).collect()
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn reading(&self, tenant: TenantNumber) -> Reading {
        let of_tenant = self.rooms.get(&tenant).map_or(0, |room| room.forgotten);
        Reading { of_all: self.forgotten, of_tenant }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::caller::Role;

    const FOR: Duration = Duration::from_secs(4);
    const OURS: TenantNumber = TenantNumber(1);
    const THEIRS: TenantNumber = TenantNumber(2);

    fn id(number: u8) -> CallerKeyId {
        CallerKeyId { tenant: OURS, id: [number; 12] }
    }

    fn key(at: Duration) -> KnownKey {
        KnownKey { caller: Arc::new(Caller::new("ci", Role::Edge)), hash: [7; 32], at }
    }

    fn is_known(known: &KnownCallers, number: u8, at: u64) -> bool {
        matches!(known.get(&id(number), Duration::from_secs(at), FOR), Known::Key(..))
    }

    // store.md, 6: a reading that began before a revocation never wins.
    #[test]
    fn what_was_read_before_it_was_revoked_is_not_known() {
        let (known, at) = (KnownCallers::default(), Duration::from_secs(10));
        let before = known.reading(OURS);
        known.keep(id(1), Ok(Some(key(at))), before, at);
        assert!(is_known(&known, 1, 13) && !is_known(&known, 1, 14), "it is too old");
        known.revoke(id(1));
        known.keep(id(1), Ok(Some(key(at))), before, at);
        known.keep(id(1), Ok(Some(key(at))), known.reading(OURS), at);
        assert!(!is_known(&known, 1, 10) && known.is_revoked(&id(1)), "not even where the store has lost it");
        known.keep(id(2), Ok(Some(key(at))), before, at);
        assert!(!is_known(&known, 2, 10));
        known.keep(id(2), Ok(Some(key(at))), known.reading(OURS), at);
        assert!(is_known(&known, 2, 10));
        known.forget_all();
        assert!(!is_known(&known, 2, 10));
        assert_eq!(known.revoked(), [id(1)]);
    }

    // security.md 102: what an admin of one tenant does with its keys is no cost of another.
    #[test]
    fn whatever_becomes_of_another_tenants_keys_nothing_of_ours_is_forgotten() {
        let (known, at) = (KnownCallers::default(), Duration::from_secs(10));
        let theirs = |number: usize| {
            let mut id = [9; 12];
            id[..8].copy_from_slice(&number.to_be_bytes());
            CallerKeyId { tenant: THEIRS, id }
        };
        known.revoke(id(1));
        known.keep(id(2), Ok(Some(key(at))), known.reading(OURS), at);
        let reading = known.reading(OURS);
        for number in 0..=REVOKED {
            known.keep(theirs(number), Ok(None), known.reading(THEIRS), at);
            known.revoke(theirs(number));
        }
        for number in 0..=KNOWN {
            known.keep(theirs(REVOKED + 1 + number), Ok(None), known.reading(THEIRS), at);
        }
        known.keep(id(3), Ok(Some(key(at))), reading, at);
        assert!(known.is_revoked(&id(1)) && is_known(&known, 2, 10) && is_known(&known, 3, 10));
        assert!(known.is_revoked(&theirs(REVOKED)) && !known.is_revoked(&theirs(0)), "their own oldest goes");
        assert_eq!(known.revoked().len(), REVOKED + 1);
    }

    #[test]
    fn the_keys_of_a_tenant_are_listed_until_something_is_forgotten() {
        let known = KnownCallers::default();
        let keys = Signers::from([(id(1), Some([1; 4])), (id(2), Some([2; 4])), (id(3), None)]);
        let is_listed = |id| known.is_listed(&id, |signer| *signer == [2; 4]);
        assert_eq!(is_listed(id(1)), None);
        known.list(OURS, keys.clone(), known.reading(OURS));
        let other = CallerKeyId { tenant: THEIRS, ..id(1) };
        let expected = [Some(true), Some(false), Some(true), Some(false), None];
        assert_eq!([id(1), id(2), id(3), id(4), other].map(is_listed), expected);
        let before = known.reading(OURS);
        known.forget_all();
        known.list(OURS, keys, before);
        assert_eq!(is_listed(id(1)), None);
    }

    #[test]
    fn of_all_who_find_a_key_that_is_soon_too_old_one_reads_it_again() {
        let known = KnownCallers::default();
        let due = |at| matches!(known.get(&id(1), Duration::from_secs(at), FOR), Known::Key(_, true));
        let at = Duration::from_secs(10);
        known.keep(id(1), Ok(Some(key(at))), known.reading(OURS), at);
        assert_eq!([due(11), due(12), due(12)], [false, true, false]);
        known.keep(id(1), Ok(None), known.reading(OURS), Duration::from_secs(12));
        assert!(matches!(known.get(&id(1), Duration::from_secs(13), FOR), Known::Gone));
    }
}
