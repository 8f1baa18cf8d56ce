//! Owns what has happened and is still to be told: as long as the log has not taken it, whoever is told of it waits for
//! nothing else. Does not know the log, or who tries to reach it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Ear;
use crate::session::event::{Event, What};
use crate::session::key::TenantNumber;
use crate::session::mark::EVERY_TENANT;

/// How many events wait at most: who listens is left behind by so many at once, and begins anew.
const MOST: usize = 4096;

/// What the log has not taken. The next heartbeat takes it along.
#[derive(Default)]
pub(super) struct Outbox {
    left: Mutex<Vec<Event>>,
    /// Whether the log did not take what it was last given.
    troubled: AtomicBool,
}

impl Outbox {
    /// Keeps events until they are told. Of more than can be kept nobody is told one by one: everybody begins anew.
    fn leave(&self, events: Vec<Event>) {
        let mut left = self.left();
        if left.first().is_some_and(|first| first.what == What::Reset) {
            return;
        }
        left.extend(events);
        if left.len() > MOST {
            tracing::warn!(most = MOST, "too many events could not be announced: all who listen will begin anew");
            *left = vec![Event::of(EVERY_TENANT, What::Reset)];
        }
    }

    /// Notes whether the log took what it was given.
    pub(super) fn note(&self, taken: bool) {
        self.troubled.store(!taken, Ordering::Relaxed);
    }

    /// Whether the log did not take what it was last given.
    pub(super) fn is_troubled(&self) -> bool {
        self.troubled.load(Ordering::Relaxed)
    }

    /// Whether nothing was left to be told.
    pub(super) fn is_empty(&self) -> bool {
        self.left().is_empty()
    }

    fn left(&self) -> MutexGuard<'_, Vec<Event>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What has happened and is still to be told. Where it is dropped before it was told, the next heartbeat tells it.
pub(in crate::authority) struct Untold {
    ear: Arc<Ear>,
    tenant: TenantNumber,
    events: Vec<Event>,
}

impl Untold {
    /// Nothing of this tenant yet.
    pub(super) fn of(tenant: TenantNumber, ear: &Arc<Ear>) -> Self {
        Self { ear: Arc::clone(ear), tenant, events: Vec::new() }
    }

    /// What was left to be told.
    pub(super) fn left(ear: &Arc<Ear>) -> Self {
        Self { ear: Arc::clone(ear), tenant: EVERY_TENANT, events: std::mem::take(&mut *ear.outbox.left()) }
    }

    /// Adds what has happened. Here it is known at once.
    pub(in crate::authority) fn add(&mut self, what: What) {
        let event = Event::of(self.tenant, what);
        self.ear.apply(&event);
        self.events.push(event);
    }

    pub(super) fn events(&self) -> &[Event] {
        &self.events
    }

    /// All of it was told.
    pub(super) fn told(mut self) {
        self.events.clear();
    }
}

impl Drop for Untold {
    fn drop(&mut self) {
        if !self.events.is_empty() {
            self.ear.outbox.leave(std::mem::take(&mut self.events));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::near::Near;

    fn left(ear: &Arc<Ear>) -> Vec<What> {
        ear.outbox.left().iter().map(|event| event.what.clone()).collect()
    }

    #[test]
    fn what_is_dropped_is_left_and_what_was_told_is_not() {
        let ear = Ear::new([1; 8], Arc::new(Near::new(8)));
        let untold = || {
            let mut untold = Untold::of(TenantNumber(1), &ear);
            untold.add(What::KeysRotated);
            untold
        };
        untold().told();
        assert_eq!(left(&ear), []);
        drop(untold());
        drop(untold());
        let rest = Untold::left(&ear);
        assert_eq!((rest.events().len(), left(&ear)), (2, vec![]));
        drop(rest);
        assert_eq!(left(&ear), [What::KeysRotated, What::KeysRotated], "the log did not take it");
    }

    #[test]
    fn of_more_than_can_be_kept_everybody_begins_anew() {
        let ear = Ear::new([1; 8], Arc::new(Near::new(8)));
        let event = Event::of(TenantNumber(1), What::KeysRotated);
        ear.outbox.leave(vec![event.clone(); MOST]);
        assert_eq!(left(&ear).len(), MOST);
        for _ in 0..2 {
            ear.outbox.leave(vec![event.clone()]);
            assert_eq!(left(&ear), [What::Reset]);
        }
    }
}
