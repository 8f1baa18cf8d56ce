//! Owns what is known in memory: one partition, one lock, so that a step within a partition is atomic.
//! Does not know files or waiting. Nothing here is reachable before it may be seen (see [`Entry::visible`]).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{LockResult, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use tokio::sync::Notify;

use super::answers::KnownCall;
use super::caller_keys::CallerKey;
use super::joined::Joined;
use super::login::Login;
use super::marks::NotBefore;
use super::mint_keys::MintKeys;
use super::users::Users;
use crate::authority::logout_store::Carrier;
use crate::authority::ports::KeptAttributes;
use crate::session::caller::CallerKeyId;
use crate::session::key::{PARTITIONS, Partition as Number, SessionId, SessionKey, TenantNumber, UserKey};
use crate::session::mark::MarksNow;
use crate::session::record::{Ending, Record};
use crate::session::time::Timestamp;
use crate::store::record::{Owner, UserHash};

/// What names a thing within its partition.
pub type Local = (TenantNumber, [u8; 16]);

/// A session in memory.
pub struct Entry {
    pub owner: Owner,
    pub record: Record,
    /// When it is gone, unless it is used again.
    pub expires: Timestamp,
    /// False while its creation is on its way to the disk: it counts against the cap, and nothing else sees it.
    pub visible: bool,
    /// Whether it ends as soon as a newer one, for which it makes room, is on disk: it lives until then, and no longer
    /// counts against the cap.
    pub leaving: bool,
    /// The highest revision that is in memory or on its way to the disk.
    pub newest_revision: u64,
    pub tokens: KeptTokens,
    pub tokens_end: Timestamp,
    pub attributes: Option<KeptAttributes>,
    pub lease: Option<LeaseTerm>,
    /// Whether the list of used sessions names it already.
    pub use_noted: bool,
}

/// Where a session's tokens are.
pub enum KeptTokens {
    None,
    InMemory(Bytes),
    InFile,
}

/// A token lease.
pub struct LeaseTerm {
    pub fence: u64,
    pub until: Timestamp,
}

/// What is left of an ended session.
#[derive(Clone, Copy)]
pub struct Tombstone {
    pub why: Option<Ending>,
    pub until: Timestamp,
}

/// The moment before which no login of a user counts.
#[derive(Clone, Copy)]
pub struct UserMark {
    pub at: Timestamp,
    pub until: Timestamp,
}

/// Everything in one partition.
#[derive(Default)]
pub struct Partition {
    /// The way of every read: one probe. What needs an order goes by the index.
    pub sessions: HashMap<Local, Entry>,
    pub index: BTreeSet<(TenantNumber, UserHash, SessionId)>,
    pub tombstones: BTreeMap<Local, Tombstone>,
    pub marks: BTreeMap<(TenantNumber, UserHash), UserMark>,
    pub logins: BTreeMap<Local, Login>,
    pub users: Users,
    pub joined: Joined,
    /// Until when it is remembered that these logout tokens were carried out.
    pub spent: BTreeMap<Local, Timestamp>,
    /// Who carries out these logout tokens now, and until when they may take for it.
    pub claimed: BTreeMap<Local, (Carrier, Timestamp)>,
    /// What is known of calls with an idempotency key: who carries them out, in memory alone, and how they were answered.
    pub calls: BTreeMap<Local, KnownCall>,
    /// When what a client has taken will have come back, in microseconds since 1970. In memory alone.
    pub rates: BTreeMap<Local, u64>,
    /// In the first partition alone.
    pub mint_keys: BTreeMap<TenantNumber, MintKeys>,
    /// In the first partition alone.
    pub caller_keys: BTreeMap<CallerKeyId, CallerKey>,
}

impl Partition {
    /// The session, if it may be seen and lives.
    pub fn living(&self, key: &SessionKey, now: Timestamp) -> Option<&Entry> {
        self.sessions.get(&(key.tenant, key.id)).filter(|entry| entry.visible && now < entry.expires)
    }

    /// As [`Partition::living`], to change it.
    pub fn living_mut(&mut self, key: &SessionKey, now: Timestamp) -> Option<&mut Entry> {
        self.sessions.get_mut(&(key.tenant, key.id)).filter(|entry| entry.visible && now < entry.expires)
    }

    /// The ids that the index has for a user.
    pub fn ids_of(&self, user: &UserKey) -> Vec<SessionId> {
        let range = (user.tenant, user.hash, [0; 16])..=(user.tenant, user.hash, [0xff; 16]);
        self.index.range(range).map(|(_, _, id)| *id).collect()
    }

    pub fn insert(&mut self, key: &SessionKey, entry: Entry) {
        self.index.insert((key.tenant, entry.owner.user, key.id));
        self.sessions.insert((key.tenant, key.id), entry);
    }

    /// Removes a session with its lease and index entry.
    pub fn remove(&mut self, key: &SessionKey) {
        if let Some(entry) = self.sessions.remove(&(key.tenant, key.id)) {
            self.index.remove(&(key.tenant, entry.owner.user, key.id));
        }
    }

    /// As [`Partition::remove`]. Answers whether it lived, and no mark killed it.
    pub fn remove_living(&mut self, key: &SessionKey, marks: &MarksNow, now: Timestamp) -> bool {
        let lived = self.living(key, now).is_some_and(|entry| !marks.kill(&entry.record.header.marks));
        self.remove(key);
        lived
    }

    /// Leaves a tombstone. One that is there keeps its reason, since it was the first, and lasts for the longer time.
    pub fn bury(&mut self, key: &SessionKey, why: Ending, until: Timestamp, now: Timestamp) -> Tombstone {
        let local = (key.tenant, key.id);
        let before = self.tombstones.get(&local).filter(|before| now < before.until);
        let tombstone =
            before.map_or(Tombstone { why: Some(why), until }, |b| Tombstone { why: b.why, until: b.until.max(until) });
        self.tombstones.insert(local, tombstone);
        tombstone
    }

    /// The tombstone of a session, while it stands.
    pub fn tombstone(&self, key: &SessionKey, now: Timestamp) -> Option<Tombstone> {
        self.tombstones.get(&(key.tenant, key.id)).copied().filter(|tombstone| now < tombstone.until)
    }
}

impl Entry {
    /// The bytes that keep its record.
    pub fn kept(&self) -> Vec<u8> {
        crate::store::record::write(&self.owner, &self.record)
    }
}

/// All partitions, and who waits for a change in each of them.
pub struct Memory {
    partitions: Vec<RwLock<Partition>>,
    changed: Vec<Notify>,
    used: Mutex<Vec<SessionKey>>,
    not_before: RwLock<NotBefore>,
}

impl Memory {
    pub fn new() -> Self {
        Self {
            partitions: (0..PARTITIONS).map(|_| RwLock::default()).collect(),
            changed: (0..PARTITIONS).map(|_| Notify::new()).collect(),
            used: Mutex::default(),
            not_before: RwLock::default(),
        }
    }

    pub fn not_before(&self) -> RwLockReadGuard<'_, NotBefore> {
        unpoisoned(self.not_before.read())
    }

    pub fn not_before_mut(&self) -> RwLockWriteGuard<'_, NotBefore> {
        unpoisoned(self.not_before.write())
    }

    pub fn read(&self, partition: Number) -> RwLockReadGuard<'_, Partition> {
        unpoisoned(self.at(partition).read())
    }

    pub fn write(&self, partition: Number) -> RwLockWriteGuard<'_, Partition> {
        unpoisoned(self.at(partition).write())
    }

    #[expect(clippy::indexing_slicing, reason = "a partition's number is below PARTITIONS by construction")]
    fn at(&self, partition: Number) -> &RwLock<Partition> {
        &self.partitions[usize::from(partition.number())]
    }

    /// Rings when a lease, a record or a login in the partition changes.
    #[expect(clippy::indexing_slicing, reason = "a partition's number is below PARTITIONS by construction")]
    pub fn changed(&self, partition: Number) -> &Notify {
        &self.changed[usize::from(partition.number())]
    }

    /// Notes that a session's use is to be written down with a later group.
    pub fn note_use(&self, key: SessionKey) {
        unpoisoned(self.used.lock()).push(key);
    }

    /// The uses noted since the last time: last activity and end, of sessions that still live.
    pub fn take_used(&self) -> Vec<(SessionKey, Timestamp, Timestamp)> {
        let keys = std::mem::take(&mut *unpoisoned(self.used.lock()));
        let mut used = Vec::with_capacity(keys.len());
        for key in keys {
            if let Some(entry) = self.write(key.partition).sessions.get_mut(&(key.tenant, key.id)) {
                entry.use_noted = false;
                used.push((key, entry.record.header.last_active.unwrap_or_default(), entry.expires));
            }
        }
        used
    }
}

/// A panic while a lock was held leaves whole entries behind, since every step ends with plain assignments.
fn unpoisoned<T>(locked: LockResult<T>) -> T {
    locked.unwrap_or_else(PoisonError::into_inner)
}
