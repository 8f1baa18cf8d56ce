//! Owns what waits to be written down of a tenant: a bounded number of entries, one writer at a time; and of which sessions
//! something that comes with every request was said a moment ago. Does not know what an entry says.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::audit_rooms::AuditRooms;
use crate::session::audit::{Entry, Room};
use crate::session::key::SessionKey;
use crate::session::time::Timestamp;

/// How many entries may wait. What comes beyond it is in the log alone.
const MOST: usize = 4096;
/// How long nothing more is said of the same session.
const QUIET: Duration = Duration::from_mins(10);
/// Of how many sessions that is known.
const SESSIONS: usize = 4096;

/// What waits to be written down.
#[derive(Debug, Default)]
pub(super) struct AuditQueue {
    state: Mutex<State>,
    late: AtomicU64,
    writers: AtomicU64,
    written: AtomicU16,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Entry>,
    /// Who writes, if anybody does.
    writer: Option<Writer>,
    rooms: AuditRooms,
    said: HashMap<SessionKey, Duration>,
}

/// Who may write: an authority with its keys and settings. Of two that have one queue the later has those in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Writer(u64);

/// What became of adding an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// Nobody writes, or somebody whose place is to be taken: whoever added it has to see to it.
    First,
    /// Somebody is at it.
    Waits,
    /// Too many wait.
    Full,
    /// Its hour has as many of its kind as it may have.
    NoRoom,
}

impl AuditQueue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another one who may write, later than all before.
    pub(super) fn another_writer(&self) -> Writer {
        Writer(self.writers.fetch_add(1, Ordering::Relaxed))
    }

    /// Adds an entry, where its hour has fewer than `most` of its room.
    pub(super) fn add(&self, by: Writer, entry: Entry, most: u64) -> Added {
        let mut state = self.state();
        let room = entry.room();
        // Each leaves places for what is rarer.
        let places = match room {
            Some(Room::Anybodys) => MOST / 4,
            Some(Room::Begun) => MOST / 2,
            Some(Room::Returned) => MOST / 4 * 3,
            None => MOST,
        };
        if state.waiting.len() >= places {
            return Added::Full;
        }
        if room.is_some_and(|room| !state.rooms.take(room, entry.at, most)) {
            return Added::NoRoom;
        }
        state.waiting.push_back(entry);
        if state.writer.is_some_and(|writer| writer >= by) {
            return Added::Waits;
        }
        state.writer = Some(by);
        Added::First
    }

    /// What is to be written next, `most` at most. Nothing: then the writer has ended, or another has taken its place.
    pub(super) fn take(&self, by: Writer, most: usize) -> Vec<Entry> {
        let mut state = self.state();
        if state.writer != Some(by) {
            return Vec::new();
        }
        let count = most.min(state.waiting.len());
        let taken: Vec<_> = state.waiting.drain(..count).collect();
        state.writer = Some(by).filter(|_| !taken.is_empty());
        taken
    }

    /// The place of the next entry among those of its moment.
    pub(super) fn place(&self) -> u16 {
        self.written.fetch_add(1, Ordering::Relaxed)
    }

    /// The store has as many of that room and hour as it may have.
    pub(super) fn close(&self, room: Room, at: Timestamp) {
        self.state().rooms.close(room, at);
    }

    /// Notes that the store took so long with an entry that those who watch may have looked past it.
    pub(super) fn note_late(&self) {
        self.late.fetch_add(1, Ordering::Relaxed);
    }

    /// How often that was so.
    pub(super) fn late(&self) -> u64 {
        self.late.load(Ordering::Relaxed)
    }

    /// Whether something that comes with every request of a session is to be said now.
    pub(super) fn say(&self, session: &SessionKey, now: Duration) -> bool {
        let mut state = self.state();
        if state.said.get(session).is_some_and(|at| now < *at + QUIET) {
            return false;
        }
        if state.said.len() >= SESSIONS {
            state.said.retain(|_, at| now < *at + QUIET);
        }
        if state.said.len() >= SESSIONS {
            return false;
        }
        state.said.insert(*session, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::audit::Action;
    use crate::session::key::{Partition, TenantNumber};

    const UNBOUNDED: u64 = u64::MAX;
    const ONE: Writer = Writer(1);

    fn entry(action: Action) -> Entry {
        Entry::new(action, Timestamp::default())
    }

    #[test]
    fn one_writes_at_a_time() {
        let queue = AuditQueue::default();
        let add = || queue.add(ONE, entry(Action::Theft), UNBOUNDED);
        assert_eq!((add(), add()), (Added::First, Added::Waits));
        assert_eq!((queue.take(ONE, 1).len(), queue.take(ONE, 9).len()), (1, 1));
        assert_eq!(add(), Added::Waits, "the writer looks once more");
        assert_eq!((queue.take(ONE, 9).len(), queue.take(ONE, 9).len()), (1, 0));
        assert_eq!(add(), Added::First);
    }

    // Over a reload: what is written from then on is under the keys, and by the settings, that are in force.
    #[test]
    fn a_later_writer_takes_the_place_of_one_that_is_at_it() {
        let queue = AuditQueue::default();
        let (before, later) = (queue.another_writer(), queue.another_writer());
        let add = |by| queue.add(by, entry(Action::Theft), UNBOUNDED);
        assert_eq!((add(before), add(before), add(later)), (Added::First, Added::Waits, Added::First));
        assert_eq!((queue.take(before, 9).len(), add(before), queue.take(later, 9).len()), (0, Added::Waits, 4));
        assert_eq!((queue.take(later, 9).len(), add(before)), (0, Added::First), "nobody is at it");
    }

    // security.md 108.
    #[test]
    fn a_bounded_number_waits_and_a_flood_of_one_kind_leaves_places_for_the_rest() {
        let queue = AuditQueue::default();
        let returned = Entry { provider: "idp".into(), ..entry(Action::LoginCompleted) };
        let kinds = [entry(Action::LoginCompleted), entry(Action::LoginBegun), returned, entry(Action::Theft)];
        let mut waiting = 0;
        for (kind, places) in kinds.into_iter().zip([MOST / 4, MOST / 2, MOST / 4 * 3, MOST]) {
            while waiting < places {
                assert_ne!(queue.add(ONE, kind.clone(), UNBOUNDED), Added::Full, "{waiting}");
                waiting += 1;
            }
            assert_eq!(queue.add(ONE, kind, UNBOUNDED), Added::Full);
        }
    }

    #[test]
    fn what_has_no_room_waits_nowhere() {
        let queue = AuditQueue::default();
        assert_eq!(queue.add(ONE, entry(Action::LoginBegun), 1), Added::First);
        assert_eq!(queue.add(ONE, entry(Action::LoginBegun), 1), Added::NoRoom);
        assert_eq!(queue.add(ONE, entry(Action::LoginCompleted), 1), Added::Waits, "another room");
        queue.close(Room::Returned, Timestamp::default());
        let returned = Entry { provider: "idp".into(), ..entry(Action::LoginCompleted) };
        assert_eq!(queue.add(ONE, returned, 1), Added::NoRoom, "other replicas have filled it");
        assert_eq!(queue.take(ONE, 9).len(), 2);
    }

    #[test]
    fn of_a_session_the_same_is_said_now_and_then() {
        let queue = AuditQueue::default();
        let session = |id| SessionKey { tenant: TenantNumber(1), partition: Partition::new(0).unwrap(), id: [id; 16] };
        let at = Duration::from_secs;
        assert!(queue.say(&session(1), at(0)) && queue.say(&session(2), at(1)));
        assert!(!queue.say(&session(1), at(599)) && queue.say(&session(1), at(600)));
    }
}
