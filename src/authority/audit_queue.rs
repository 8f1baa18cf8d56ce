//! Owns what waits to be written down of a tenant: a bounded number of entries, one writer at a time; and of which sessions
//! something that comes with every request was said a moment ago. Does not know what an entry says.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::audit_store::KeptEntry;
use crate::session::key::SessionKey;

/// How many entries may wait. What comes beyond it is in the log alone.
const MOST: usize = 4096;
/// How long nothing more is said of the same session.
const QUIET: Duration = Duration::from_mins(10);
/// Of how many sessions that is known.
const SESSIONS: usize = 4096;

/// What waits to be written down.
#[derive(Debug, Default)]
pub(super) struct AuditQueue(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<KeptEntry>,
    is_writing: bool,
    said: HashMap<SessionKey, Duration>,
}

/// What became of adding an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// Nobody writes: whoever added it has to see to it.
    First,
    /// Somebody is at it.
    Waits,
    /// There is no room.
    Full,
}

impl AuditQueue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, entry: KeptEntry) -> Added {
        let mut state = self.state();
        // What anybody can cause leaves room for the rest.
        if state.waiting.len() >= if entry.is_anybodys { MOST / 2 } else { MOST } {
            return Added::Full;
        }
        state.waiting.push_back(entry);
        if std::mem::replace(&mut state.is_writing, true) { Added::Waits } else { Added::First }
    }

    /// What is to be written next, `most` at most. Nothing: then the writer has ended.
    pub(super) fn take(&self, most: usize) -> Vec<KeptEntry> {
        let mut state = self.state();
        let count = most.min(state.waiting.len());
        let taken: Vec<_> = state.waiting.drain(..count).collect();
        state.is_writing = !taken.is_empty();
        taken
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
    use crate::session::audit::EntryId;
    use crate::session::key::{Partition, TenantNumber};

    fn entry() -> KeptEntry {
        KeptEntry { id: EntryId::FIRST, names: Vec::new(), is_anybodys: false, sealed: Vec::new() }
    }

    #[test]
    fn one_writes_at_a_time_and_a_bounded_number_waits() {
        let queue = AuditQueue::default();
        assert_eq!((queue.add(entry()), queue.add(entry())), (Added::First, Added::Waits));
        assert_eq!((queue.take(1).len(), queue.take(9).len()), (1, 1));
        assert_eq!(queue.add(entry()), Added::Waits, "the writer looks once more");
        assert_eq!((queue.take(9).len(), queue.take(9).len()), (1, 0));
        assert_eq!(queue.add(entry()), Added::First);
        let anybodys = || KeptEntry { is_anybodys: true, ..entry() };
        (1..MOST / 2).for_each(|_| assert_eq!(queue.add(anybodys()), Added::Waits));
        assert_eq!(queue.add(anybodys()), Added::Full, "there is room for the rest");
        (MOST / 2..MOST).for_each(|_| assert_eq!(queue.add(entry()), Added::Waits));
        assert_eq!(queue.add(entry()), Added::Full);
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
