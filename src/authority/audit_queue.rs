//! Owns what waits to be written down of a tenant: a bounded number of entries of each room, one task that writes them, and by
//! what they are written; and of which sessions something that comes with every request was said a moment ago. Does not know
//! what an entry says.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::audit_left_out::{LeftOut, NotKept};
use super::audit_rooms::AuditRooms;
use super::audit_writer::AuditWriter;
use crate::session::audit::{Entry, Room};
use crate::session::key::SessionKey;
use crate::session::time::Timestamp;

/// How many entries of each room may wait. What comes beyond it is in the log alone.
const PLACES: usize = 1024;
/// How long nothing more is said of the same session.
const QUIET: Duration = Duration::from_mins(10);
/// Of how many sessions that is known.
const SESSIONS: usize = 4096;

/// What waits to be written down.
#[derive(Default)]
pub(super) struct AuditQueue {
    state: Mutex<State>,
    late: AtomicU64,
    written: AtomicU16,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Entry>,
    /// How many of each room wait.
    counts: [usize; Room::COUNT],
    is_writing: bool,
    /// By what entries are written, whoever added them.
    writer: Option<Arc<AuditWriter>>,
    rooms: AuditRooms,
    left_out: LeftOut,
    is_telling: bool,
    said: HashMap<SessionKey, Duration>,
}

/// What became of adding an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// Nobody writes: whoever added it has to see to it.
    First,
    /// Somebody is at it.
    Waits,
    /// There is no place for it.
    LeftOut(NotKept),
}

impl AuditQueue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on entries are written by this, those that wait among them.
    pub(super) fn put_in_force(&self, writer: AuditWriter) {
        self.state().writer = Some(Arc::new(writer));
    }

    /// By what entries are written now; `None` where they were never asked for.
    pub(super) fn writer(&self) -> Option<Arc<AuditWriter>> {
        self.state().writer.clone()
    }

    /// Adds an entry, where its hour has fewer than `most` of its room, if that is bounded.
    pub(super) fn add(&self, entry: Entry, most: u64) -> Added {
        let mut state = self.state();
        let State { waiting, counts, is_writing, rooms, .. } = &mut *state;
        let room = entry.room();
        let Some(count) = counts.get_mut(room.place()).filter(|count| **count < PLACES) else {
            return Added::LeftOut(NotKept::TooManyWait);
        };
        if room.is_bounded() && !rooms.take(room, entry.at, most) {
            return Added::LeftOut(NotKept::HourIsFull);
        }
        *count += 1;
        waiting.push_back(entry);
        if std::mem::replace(is_writing, true) { Added::Waits } else { Added::First }
    }

    /// What is to be written next, `most` at most. Nothing: then the writing has ended.
    pub(super) fn take(&self, most: usize) -> Vec<Entry> {
        let mut state = self.state();
        let State { waiting, counts, is_writing, .. } = &mut *state;
        let some: Vec<_> = waiting.drain(..most.min(waiting.len())).collect();
        for entry in &some {
            if let Some(count) = counts.get_mut(entry.room().place()) {
                *count = count.saturating_sub(1);
            }
        }
        *is_writing = !some.is_empty();
        some
    }

    /// Counts an entry that is not kept, until that is told.
    pub(super) fn leave_out(&self, why: NotKept) {
        self.state().left_out.add(why, 1);
    }

    /// What is not kept and was not told yet.
    pub(super) fn left_out(&self) -> LeftOut {
        self.state().left_out
    }

    /// Whether somebody has to begin to tell what is not kept: there is something, and nobody is at it.
    pub(super) fn begin_to_tell(&self) -> bool {
        let mut state = self.state();
        !state.left_out.is_none() && !std::mem::replace(&mut state.is_telling, true)
    }

    /// So much was told; `None`: it could not be. Answers whether to go on.
    pub(super) fn told(&self, told: Option<&LeftOut>) -> bool {
        let mut state = self.state();
        if let Some(told) = told {
            state.left_out.take(told);
        }
        state.is_telling = told.is_some() && !state.left_out.is_none();
        state.is_telling
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

    fn entry(action: Action) -> Entry {
        Entry::new(action, Timestamp::default())
    }

    /// Entries of each room.
    fn kinds() -> [Entry; Room::COUNT] {
        let returned = Entry { provider: "idp".into(), ..entry(Action::LoginCompleted) };
        let (anybodys, begun) = (entry(Action::LoginCompleted), entry(Action::LoginBegun));
        let kinds = [anybodys, begun, returned, entry(Action::Theft), entry(Action::UserDisabled)];
        assert_eq!(kinds.each_ref().map(Entry::room), Room::ALL);
        kinds
    }

    #[test]
    fn one_writes_at_a_time() {
        let queue = AuditQueue::default();
        let taken = |most| queue.take(most).len();
        let add = || queue.add(entry(Action::Theft), UNBOUNDED);
        assert_eq!((add(), add()), (Added::First, Added::Waits));
        assert_eq!((taken(1), taken(9)), (1, 1));
        assert_eq!(add(), Added::Waits, "the writer looks once more");
        assert_eq!((taken(9), taken(9)), (1, 0));
        assert_eq!(add(), Added::First);
    }

    // security.md 108.
    #[test]
    fn a_bounded_number_waits_and_a_flood_of_one_kind_takes_no_place_of_another() {
        for flood in kinds() {
            let queue = AuditQueue::default();
            for _ in 0..PLACES {
                assert!(!matches!(queue.add(flood.clone(), UNBOUNDED), Added::LeftOut(_)));
            }
            for kind in kinds() {
                let is_left_out = queue.add(kind.clone(), UNBOUNDED) == Added::LeftOut(NotKept::TooManyWait);
                assert_eq!(is_left_out, kind.room() == flood.room(), "{:?}", kind.room());
            }
        }
    }

    #[test]
    fn what_is_taken_makes_place() {
        let queue = AuditQueue::default();
        let add = || queue.add(entry(Action::Theft), UNBOUNDED);
        assert!((0..PLACES).all(|_| !matches!(add(), Added::LeftOut(_))));
        assert_eq!((queue.take(1).len(), add()), (1, Added::Waits));
        assert_eq!(add(), Added::LeftOut(NotKept::TooManyWait));
    }

    #[test]
    fn what_has_no_room_waits_nowhere() {
        let queue = AuditQueue::default();
        let full = Added::LeftOut(NotKept::HourIsFull);
        assert_eq!(queue.add(entry(Action::LoginBegun), 1), Added::First);
        assert_eq!(queue.add(entry(Action::LoginBegun), 1), full);
        assert_eq!(queue.add(entry(Action::LoginCompleted), 1), Added::Waits, "another room");
        queue.close(Room::Returned, Timestamp::default());
        let returned = Entry { provider: "idp".into(), ..entry(Action::LoginCompleted) };
        assert_eq!(queue.add(returned, 1), full, "other replicas have filled it");
        assert_eq!(queue.add(entry(Action::Theft), 0), Added::Waits, "which has no bound");
        assert_eq!(queue.take(9).len(), 3);
    }

    #[test]
    fn what_is_left_out_is_told_by_one_and_kept_until_it_was() {
        let queue = AuditQueue::default();
        assert!(!queue.begin_to_tell(), "nothing is");
        queue.leave_out(NotKept::HourIsFull);
        assert!(queue.begin_to_tell() && !queue.begin_to_tell());
        assert!(!queue.told(None) && queue.begin_to_tell(), "it is tried again");
        let told = queue.left_out();
        queue.leave_out(NotKept::TooManyWait);
        assert!(queue.told(Some(&told)), "there is more by now");
        assert!(!queue.told(Some(&queue.left_out())) && !queue.begin_to_tell());
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
