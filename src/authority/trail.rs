//! Owns the trail of a login under way: the steps that were begun, and what is known of it by then. It becomes an audit entry
//! when the login ends. Does not know where that goes.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::error::in_our_words;
use super::ports::Clock;
use super::provider::ProviderError;
use crate::session::audit::{Entry, Step, StepBegun, readable};

/// The trail of one login. A clone is the same one; the default one notes nothing.
#[derive(Clone, Default)]
pub struct Trail(Option<Arc<Noted>>);

struct Noted {
    clock: Arc<dyn Clock>,
    entry: Mutex<Entry>,
}

impl Trail {
    pub(super) fn new(clock: Arc<dyn Clock>, entry: Entry) -> Self {
        Self(Some(Arc::new(Noted { clock, entry: Mutex::new(entry) })))
    }

    /// The login goes on to a step: the ones before it are passed.
    pub fn begin(&self, step: Step) {
        let Some(noted) = &self.0 else { return };
        let at = noted.clock.now();
        self.note(|entry| entry.steps.push(StepBegun { step, at }));
    }

    /// Notes what is known by now.
    pub(super) fn note(&self, change: impl FnOnce(&mut Entry)) {
        if let Some(noted) = &self.0 {
            change(&mut noted.entry.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Notes in a sentence why the step failed that was begun last: an error with its causes, but for what others wrote.
    pub(super) fn note_cause(&self, error: &ProviderError) {
        self.note(|entry| entry.detail = readable(&in_our_words(error)));
    }

    /// What became of it.
    pub(super) fn entry(&self) -> Option<Entry> {
        self.0.as_ref().map(|noted| noted.entry.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl fmt::Debug for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trail")
    }
}
