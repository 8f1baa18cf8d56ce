//! Owns what has happened and is still to be told, whatever becomes of whoever did it: of a call that is cut off, and of a
//! step of the store whose answer is lost, what may have happened is told. Does not know the log, or who tries to reach it.

use std::collections::HashSet;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use futures::task::AtomicWaker;

use super::Ear;
use crate::session::event::{Event, What};
use crate::session::key::TenantNumber;
use crate::session::mark::EVERY_TENANT;

/// How many events wait at most: who listens is left behind by so many at once, and begins anew.
const MOST: usize = 4096;

/// What the log has not taken, and who waits to give it to the log.
#[derive(Default)]
pub(super) struct Outbox {
    left: Mutex<Vec<Event>>,
    teller: AtomicWaker,
}

impl Outbox {
    /// Keeps events until they are told. Of more than can be kept nobody is told one by one: everybody begins anew.
    fn leave(&self, events: Vec<Event>) {
        let mut left = self.left();
        left.extend(events);
        if left.len() > MOST {
            tracing::warn!(most = MOST, "too many events could not be announced: all who listen will begin anew");
            *left = vec![Event::of(EVERY_TENANT, What::Reset)];
        }
        drop(left);
        self.teller.wake();
    }

    /// Waits until something is left. One at a time may.
    pub(super) async fn something(&self) {
        poll_fn(|context| {
            self.teller.register(context.waker());
            if self.is_empty() { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
    }

    /// Whether nothing was left to be told.
    pub(super) fn is_empty(&self) -> bool {
        self.left().is_empty()
    }

    fn left(&self) -> MutexGuard<'_, Vec<Event>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What has happened and is still to be told, and what may be happening. Where it is dropped before it was told, it is left
/// for whoever gives the log what is left.
///
/// **Invariant:** whatever changes what others rely on is in doubt here before the store is asked for it, and until its
/// outcome is known. So it is told though the caller goes away, the answer is lost, or the process stops.
pub(in crate::authority) struct Untold {
    ear: Arc<Ear>,
    tenant: TenantNumber,
    events: Vec<Event>,
    in_doubt: HashSet<What>,
}

impl Untold {
    /// Nothing of this tenant yet.
    pub(in crate::authority) fn of(tenant: TenantNumber, ear: &Arc<Ear>) -> Self {
        Self { ear: Arc::clone(ear), tenant, events: Vec::new(), in_doubt: HashSet::new() }
    }

    /// What was left to be told.
    pub(super) fn left(ear: &Arc<Ear>) -> Self {
        let mut left = Self::of(EVERY_TENANT, ear);
        left.events = std::mem::take(&mut *ear.outbox.left());
        left
    }

    /// Adds what has happened. Here it is known at once.
    pub(in crate::authority) fn add(&mut self, what: What) {
        let event = Event::of(self.tenant, what);
        self.ear.apply(&event);
        self.events.push(event);
    }

    /// Notes what holds if something happens that is about to be asked for: it is told, unless the outcome becomes known.
    pub(in crate::authority) fn doubt(&mut self, what: What) {
        self.in_doubt.insert(what);
    }

    /// The outcome is known of what was in doubt: this has happened, or nothing.
    pub(in crate::authority) fn settle(&mut self, doubt: &What, happened: Option<What>) {
        self.in_doubt.remove(doubt);
        if let Some(what) = happened {
            self.add(what);
        }
    }

    /// What is still in doubt will be told like what has happened.
    pub(super) fn conclude(&mut self) {
        for what in std::mem::take(&mut self.in_doubt) {
            self.add(what);
        }
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
        self.conclude();
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
    fn what_is_in_doubt_is_left_until_its_outcome_is_known() {
        let ear = Ear::new([1; 8], Arc::new(Near::new(8)));
        let mut untold = Untold::of(TenantNumber(1), &ear);
        untold.doubt(What::Reset);
        untold.settle(&What::Reset, None);
        drop(untold);
        assert_eq!(left(&ear), []);
        let mut untold = Untold::of(TenantNumber(1), &ear);
        untold.doubt(What::Reset);
        untold.settle(&What::Reset, Some(What::KeysRotated));
        untold.doubt(What::Unknown(99));
        drop(untold);
        assert_eq!(left(&ear), [What::KeysRotated, What::Unknown(99)]);
    }

    #[test]
    fn of_more_than_can_be_kept_everybody_begins_anew() {
        let ear = Ear::new([1; 8], Arc::new(Near::new(8)));
        let event = Event::of(TenantNumber(1), What::KeysRotated);
        ear.outbox.leave(vec![event.clone(); MOST]);
        assert_eq!(left(&ear).len(), MOST);
        ear.outbox.leave(vec![event.clone()]);
        assert_eq!(left(&ear), [What::Reset]);
        ear.outbox.leave(vec![event]);
        assert_eq!(left(&ear), [What::Reset, What::KeysRotated], "what comes then is told after it");
    }
}
