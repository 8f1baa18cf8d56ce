//! Owns the events of late, for those who come back with a position. Does not know who they are.

use std::collections::VecDeque;

use crate::session::event::{Event, Position, What};

/// How many are kept: less than 1 MB.
const MOST: usize = 8192;

/// The last events, heartbeats left out.
#[derive(Default)]
pub(super) struct Past {
    /// Everything after this position is there; `None` before anything was heard.
    since: Option<Position>,
    events: VecDeque<(Position, Event)>,
}

impl Past {
    /// Begins anew after this position.
    pub(super) fn begin(&mut self, position: Position) {
        self.since = Some(position);
        self.events.clear();
    }

    pub(super) fn add(&mut self, position: Position, event: &Event) {
        if matches!(event.what, What::Heartbeat { .. }) {
            return;
        }
        self.events.push_back((position, event.clone()));
        if self.events.len() > MOST
            && let Some((oldest, _)) = self.events.pop_front()
        {
            self.since = Some(oldest);
        }
    }

    /// What came after this position; `None` when that is no longer known.
    pub(super) fn after(&self, position: Position) -> Option<Vec<Event>> {
        self.since.filter(|since| *since <= position)?;
        let first = self.events.partition_point(|(at, _)| *at <= position);
        Some(self.events.range(first..).map(|(_, event)| event.clone()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::key::TenantNumber;

    #[test]
    fn what_came_after_a_position_is_known_whole_or_not_at_all() {
        let at = |millis| Position::new(millis, 0);
        let event = Event::of(TenantNumber(1), What::KeysRotated);
        let mut past = Past::default();
        assert_eq!(past.after(at(5)), None, "nothing was heard yet");
        past.begin(at(5));
        assert_eq!((past.after(at(4)), past.after(at(5))), (None, Some(Vec::new())));
        past.add(at(6), &event);
        past.add(at(7), &Event::of(TenantNumber(1), What::Heartbeat { author: [0; 8], number: 1 }));
        past.add(at(8), &event);
        let known = |position| past.after(at(position)).map(|events| events.len());
        assert_eq!([4, 5, 6, 7, 8].map(known), [None, Some(2), Some(1), Some(1), Some(0)]);
        (0..MOST as u64).for_each(|more| past.add(at(100 + more), &event));
        assert_eq!((past.after(at(7)), past.after(at(8)).unwrap().len()), (None, MOST));
    }
}
