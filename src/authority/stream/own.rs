//! Owns what one tenant has learnt from the log: its marks in force, and up to where it has heard. Does not know other
//! tenants.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;

use crate::session::event::Position;
use crate::session::mark::MarksNow;

/// What is one tenant's own.
#[derive(Default)]
pub(super) struct Own {
    pub(super) marks: ArcSwap<MarksNow>,
    position: Mutex<Option<Position>>,
    /// Up to where this process itself has announced something of it.
    announced: Mutex<Option<Position>>,
}

impl Own {
    /// Of a tenant that is told of now.
    pub(super) fn after(position: Option<Position>) -> Arc<Self> {
        Arc::new(Self { position: Mutex::new(position), ..Self::default() })
    }

    /// Takes over marks that are higher than those known.
    pub(super) fn learn(&self, marks: &MarksNow) {
        self.change_marks(|known| known.merge(marks));
    }

    pub(super) fn change_marks(&self, change: impl Fn(&mut MarksNow)) {
        self.marks.rcu(|known| {
            let mut marks = MarksNow::clone(known);
            change(&mut marks);
            marks
        });
    }

    /// Up to where it has heard.
    pub(super) fn position(&self) -> Option<Position> {
        *held(&self.position)
    }

    pub(super) fn move_to(&self, position: Position) {
        *held(&self.position) = Some(position);
    }

    pub(super) fn announced(&self) -> Option<Position> {
        *held(&self.announced)
    }

    pub(super) fn note_announced(&self, position: Position) {
        let mut announced = held(&self.announced);
        *announced = (*announced).max(Some(position));
    }

    /// What was announced may stand in a log that is no more.
    pub(super) fn forget_announced(&self) {
        *held(&self.announced) = None;
    }
}

fn held(position: &Mutex<Option<Position>>) -> MutexGuard<'_, Option<Position>> {
    position.lock().unwrap_or_else(PoisonError::into_inner)
}
