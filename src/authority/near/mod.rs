//! Owns the near cache: sessions as the store had them of late, opened. Each is good until something is announced of it,
//! and no longer than an answer may be old. Does not know how a session is judged, whether the stream is whole, or who asks:
//! what a caller may ask is judged when its call begins.

#[cfg(test)]
mod tests;
mod uses;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::authority::open_standing::OpenStanding;
use crate::session::event::Position;
use crate::session::key::{SessionKey, UserKey};
use crate::session::record::Record;
use crate::session::time::Timestamp;
use crate::vault::{Vault, VaultError};
pub(super) use uses::Turn;
use uses::Uses;

/// How many sessions share a lock; of more than these the one that was not asked for the longest goes.
const WAYS: usize = 8;
/// Users share so many numbers: one that was revoked makes those it shares with be read again.
const USERS: usize = 4096;
/// A body that is larger is opened anew each time, so that memory is bounded by the number of sessions: about 2 kB each, and
/// 20 kB at most; twice as much of those that a proxy asks about.
const LARGEST_BODY: usize = 4096;

/// Where a reading of the store began. What was forgotten since then makes what it gave worthless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    number: u64,
    /// When it began, as a length since the process began.
    pub(super) at: Duration,
    /// Up to where events were heard then.
    pub(super) position: Option<Position>,
}

impl Reading {
    /// The same, of what still holds as of a later position.
    pub(super) fn as_of(self, position: Option<Position>) -> Self {
        Self { position, ..self }
    }
}

/// The sessions that are known.
///
/// **Invariants:** a standing is what [`Vault::open_standing`] would answer now: key, marks and every sealed byte have to
/// be those that were opened. A record is answered only while nothing was forgotten, of it, its user or everything, since
/// its reading began: so an insert that began before never wins, and nothing has to be remembered of what was forgotten.
pub(super) struct Near {
    /// Rises with everything that is forgotten.
    number: AtomicU64,
    all_forgotten: AtomicU64,
    users_forgotten: Box<[AtomicU64]>,
    sets: Box<[Mutex<Set>]>,
}

#[derive(Default)]
struct Set {
    forgotten: u64,
    turn: u64,
    slots: Vec<Slot>,
    uses: Uses,
}

struct Slot {
    key: SessionKey,
    record: Record,
    standing: Arc<OpenStanding>,
    /// The turn in which it was last asked for.
    used: u64,
    /// What vouches for the record, and the place of its user; `None` for a standing alone.
    vouched: Option<(Reading, usize)>,
}

/// A session as it is known here.
pub(super) struct Known {
    pub(super) record: Record,
    pub(super) standing: Arc<OpenStanding>,
    pub(super) reading: Reading,
}

impl Near {
    /// With room for about `sessions`.
    pub(super) fn new(sessions: usize) -> Self {
        Self {
            number: AtomicU64::new(0),
            all_forgotten: AtomicU64::new(0),
            users_forgotten: (0..USERS).map(|_| AtomicU64::new(0)).collect(),
            sets: (0..sessions.div_ceil(WAYS).max(1)).map(|_| Mutex::default()).collect(),
        }
    }

    /// To be noted before the store is read.
    pub(super) fn reading(&self, at: Duration, position: Option<Position>) -> Reading {
        Reading { number: self.number.load(Ordering::SeqCst), at, position }
    }

    /// The standing in a record's body.
    ///
    /// # Errors
    /// As [`Vault::open_standing`].
    pub(super) fn standing(
        &self,
        vault: &Vault,
        key: &SessionKey,
        record: &Record,
    ) -> Result<Arc<OpenStanding>, VaultError> {
        let same = |slot: &&mut Slot| {
            slot.record.header.marks == record.header.marks && slot.record.body == record.body && slot.key == *key
        };
        if let Some(slot) = self.set(key).and_then(|mut set| Some(set.find(key).filter(same)?.standing.clone())) {
            return Ok(slot);
        }
        let standing: Arc<OpenStanding> = vault.open_standing(key, &record.header.marks, &record.body)?.into();
        self.put(key, record, &standing, None);
        Ok(standing)
    }

    /// Keeps what `reading` gave.
    pub(super) fn keep(&self, key: &SessionKey, record: &Record, standing: &Arc<OpenStanding>, reading: Reading) {
        let identity = &standing.identity;
        let user = UserKey::of(key.tenant, &identity.issuer, &identity.sub);
        self.put(key, record, standing, Some((reading, place_of(&user))));
    }

    /// The session, if it is known and its reading began after `since`.
    pub(super) fn known(&self, key: &SessionKey, since: Duration) -> Option<Known> {
        let mut set = self.set(key)?;
        let forgotten = set.forgotten.max(self.all_forgotten.load(Ordering::SeqCst));
        let slot = set.find(key)?;
        let (reading, user) = slot.vouched?;
        let users = self.users_forgotten.get(user)?.load(Ordering::SeqCst);
        (reading.at > since && reading.number >= forgotten.max(users)).then(|| Known {
            record: slot.record.clone(),
            standing: Arc::clone(&slot.standing),
            reading,
        })
    }

    /// Whether whoever asks `at` this moment is to write down that a session was used, which is not to be written when it
    /// was used after `due`.
    pub(super) fn begin_touch(&self, key: &SessionKey, due: Timestamp, at: Duration) -> Turn {
        let Some(mut set) = self.set(key) else { return Turn::First };
        match set.find(key) {
            Some(slot) if slot.record.header.last_active.is_some_and(|used| used > due) => Turn::Another,
            _ => set.uses.begin(key, due, at),
        }
    }

    /// Notes that it is written down that a session was used.
    pub(super) fn used(&self, key: &SessionKey, at: Timestamp) {
        let Some(mut set) = self.set(key) else { return };
        set.uses.written(key, at);
        if let Some(slot) = set.find(key) {
            let header = &mut slot.record.header;
            header.last_active = header.last_active.max(Some(at));
        }
    }

    /// Forgets a session: it has changed, or has ended.
    pub(super) fn forget(&self, key: &SessionKey) {
        let number = self.rise();
        if let Some(mut set) = self.set(key) {
            set.forgotten = set.forgotten.max(number);
            set.slots.retain(|slot| slot.key != *key);
            set.uses.forget(key);
        }
    }

    /// Forgets every session of a user.
    pub(super) fn forget_user(&self, user: &UserKey) {
        let number = self.rise();
        if let Some(forgotten) = self.users_forgotten.get(place_of(user)) {
            forgotten.fetch_max(number, Ordering::SeqCst);
        }
    }

    /// Forgets every session.
    pub(super) fn forget_all(&self) {
        self.all_forgotten.fetch_max(self.rise(), Ordering::SeqCst);
    }

    /// Forgets every session, and every standing that is open.
    pub(super) fn empty(&self) {
        self.forget_all();
        self.sets.iter().for_each(|set| set.lock().unwrap_or_else(PoisonError::into_inner).slots.clear());
    }

    fn rise(&self) -> u64 {
        self.number.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn put(&self, key: &SessionKey, record: &Record, standing: &Arc<OpenStanding>, vouched: Option<(Reading, usize)>) {
        let Some(mut set) = self.set(key).filter(|_| record.body.len() <= LARGEST_BODY) else { return };
        set.turn += 1;
        let (key, record, standing, used) = (*key, record.clone(), Arc::clone(standing), set.turn);
        let mut slot = Slot { key, record, standing, used, vouched };
        if let Some(same) = set.slots.iter_mut().find(|other| other.key == key) {
            let last_active = &mut slot.record.header.last_active;
            *last_active = same.record.header.last_active.max(*last_active);
            *same = slot;
        } else if set.slots.len() < WAYS {
            set.slots.push(slot);
        } else if let Some(oldest) = set.slots.iter_mut().min_by_key(|other| other.used) {
            *oldest = slot;
        }
    }

    fn set(&self, key: &SessionKey) -> Option<MutexGuard<'_, Set>> {
        let [a, b, c, d, ..] = key.id;
        let place = u32::from_be_bytes([a, b, c, d]) as usize % self.sets.len();
        Some(self.sets.get(place)?.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Set {
    fn find(&mut self, key: &SessionKey) -> Option<&mut Slot> {
        let slot = self.slots.iter_mut().find(|slot| slot.key == *key)?;
        self.turn += 1;
        slot.used = self.turn;
        Some(slot)
    }
}

fn place_of(user: &UserKey) -> usize {
    let [first, second, ..] = user.hash;
    usize::from(u16::from_be_bytes([first, second])) % USERS
}
