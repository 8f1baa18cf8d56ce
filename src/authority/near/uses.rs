//! Owns who writes down that sessions were used, of those that ask at the same time, whether the sessions are known or not.
//! Does not know when that is due, or how it is written.

use std::time::Duration;

use crate::session::key::SessionKey;
use crate::session::time::Timestamp;

/// Who has begun to write down a use has this long before another one tries.
const PATIENCE: Duration = Duration::from_secs(1);

/// How many are noted of those sessions that share a lock; of more the oldest is forgotten.
const MOST: usize = 16;

/// Who of those that find a session's use not written down is to write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::authority) enum Turn {
    /// This one, and nobody has tried.
    First,
    /// This one, beside its answer: who tried before has not come to an end.
    Again,
    /// Another one, of late.
    Another,
}

/// The last uses that somebody began to write down.
#[derive(Default)]
pub(super) struct Uses(Vec<Use>);

struct Use {
    key: SessionKey,
    state: State,
}

enum State {
    /// Somebody has begun then.
    BeingWritten(Duration),
    /// It is written that it was used then.
    Written(Timestamp),
}

impl Uses {
    /// Whether whoever asks `at` this moment is to write down a use, unless it is written that there was one after `due`.
    pub(super) fn begin(&mut self, key: &SessionKey, due: Timestamp, at: Duration) -> Turn {
        let turn = match self.0.iter().find(|one| one.key == *key).map(|one| &one.state) {
            Some(State::Written(used)) if *used > due => return Turn::Another,
            Some(State::BeingWritten(before)) if at.saturating_sub(*before) < PATIENCE => return Turn::Another,
            Some(State::BeingWritten(_)) => Turn::Again,
            Some(State::Written(_)) | None => Turn::First,
        };
        self.note(key, State::BeingWritten(at));
        turn
    }

    /// Notes that it is written down that a session was used.
    pub(super) fn written(&mut self, key: &SessionKey, at: Timestamp) {
        self.note(key, State::Written(at));
    }

    /// Forgets a session: what is asked of it from now on begins anew.
    pub(super) fn forget(&mut self, key: &SessionKey) {
        self.0.retain(|one| one.key != *key);
    }

    fn note(&mut self, key: &SessionKey, state: State) {
        self.forget(key);
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        self.0.push(Use { key: *key, state });
    }
}
