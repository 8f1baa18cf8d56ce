//! Owns what one tenant has learnt from the log: its marks in force, and up to where it has heard. Does not know other
//! tenants.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use crate::session::event::Position;
use crate::session::mark::MarksNow;

/// What is one tenant's own.
#[derive(Default)]
pub(super) struct Own {
    pub(super) marks: ArcSwap<MarksNow>,
    position: Mutex<Option<Position>>,
}

impl Own {
    /// Of a tenant that is told of now.
    pub(super) fn after(position: Option<Position>) -> Arc<Self> {
        Arc::new(Self { marks: ArcSwap::default(), position: Mutex::new(position) })
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
        *self.position.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn move_to(&self, position: Position) {
        *self.position.lock().unwrap_or_else(PoisonError::into_inner) = Some(position);
    }
}
