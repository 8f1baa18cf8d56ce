//! Owns the events of late, for those who come back with a position: of each tenant apart, so that nobody can tell from what
//! is still known of their own how much happens to another. Does not know who they are.

use std::collections::{BTreeMap, VecDeque};

use crate::authority::tenants::Scope;
use crate::session::event::{Event, Position, What};
use crate::session::key::TenantNumber;

/// How many are kept of each tenant, and of what is everyone's: less than half a megabyte.
const MOST: usize = 4096;

/// The last events, heartbeats left out.
#[derive(Default)]
pub(super) struct Past {
    /// Everything after this position is there, but for what was left behind; `None` before anything was heard.
    begun: Option<Position>,
    tails: BTreeMap<TenantNumber, Tail>,
}

/// The last events of one tenant.
#[derive(Default)]
struct Tail {
    /// The last one that was left behind.
    left: Option<Position>,
    events: VecDeque<(Position, Event)>,
}

impl Past {
    /// Begins anew after this position.
    pub(super) fn begin(&mut self, position: Position) {
        self.begun = Some(position);
        self.tails.clear();
    }

    pub(super) fn add(&mut self, position: Position, event: &Event) {
        if matches!(event.what, What::Heartbeat { .. }) {
            return;
        }
        let tail = self.tails.entry(event.whose()).or_default();
        tail.events.push_back((position, event.clone()));
        if tail.events.len() > MOST
            && let Some((left, _)) = tail.events.pop_front()
        {
            tail.left = Some(left);
        }
    }

    /// What came after this position of these tenants; `None` when that is no longer known.
    pub(super) fn after(&self, position: Position, whose: &Scope) -> Option<Vec<Event>> {
        self.begun.filter(|begun| *begun <= position)?;
        let mut found = Vec::new();
        for (_, tail) in self.tails.iter().filter(|(tenant, _)| whose.is_told_of(**tenant)) {
            if tail.left.is_some_and(|left| left > position) {
                return None;
            }
            let first = tail.events.partition_point(|(at, _)| *at <= position);
            found.extend(tail.events.range(first..));
        }
        found.sort_by_key(|(at, _)| *at);
        Some(found.into_iter().map(|(_, event)| event.clone()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::mark::{EVERY_TENANT, MarkTarget};

    const OWN: TenantNumber = TenantNumber(1);
    const OTHER: TenantNumber = TenantNumber(2);

    fn at(millis: u64) -> Position {
        Position::new(millis, 0)
    }

    #[test]
    fn what_came_after_a_position_is_known_whole_or_not_at_all() {
        let event = Event::of(OWN, What::KeysRotated);
        let known = |past: &Past, position| past.after(at(position), &Scope::one(OWN)).map(|events| events.len());
        let mut past = Past::default();
        assert_eq!(known(&past, 5), None, "nothing was heard yet");
        past.begin(at(5));
        assert_eq!((known(&past, 4), known(&past, 5)), (None, Some(0)));
        past.add(at(6), &event);
        past.add(at(7), &Event::of(OWN, What::Heartbeat { author: [0; 8], number: 1 }));
        past.add(at(8), &event);
        assert_eq!([4, 5, 6, 7, 8].map(|position| known(&past, position)), [None, Some(2), Some(1), Some(1), Some(0)]);
        (0..MOST as u64).for_each(|more| past.add(at(100 + more), &event));
        assert_eq!((known(&past, 7), known(&past, 8)), (None, Some(MOST)));
    }

    #[test]
    fn no_number_of_anothers_events_makes_ones_own_forgotten() {
        let (own, other) = (Event::of(OWN, What::KeysRotated), Event::of(OTHER, What::KeysRotated));
        let everyones = What::Marked { target: MarkTarget::Everything, mark: 1 };
        let mut past = Past::default();
        past.begin(at(5));
        past.add(at(6), &own);
        past.add(at(7), &Event::of(EVERY_TENANT, everyones));
        (0..2 * MOST as u64).for_each(|more| past.add(at(8 + more), &other));
        let after = |position, whose: &Scope| past.after(at(position), whose);
        let owns = after(5, &Scope::one(OWN)).unwrap();
        assert_eq!(owns.iter().map(Event::whose).collect::<Vec<_>>(), [OWN, EVERY_TENANT], "in order");
        assert_eq!((after(5, &Scope::one(OTHER)), after(5, &Scope::Every)), (None, None));
        assert_eq!(after(8 + MOST as u64, &Scope::Every).unwrap().len(), MOST - 1);
    }
}
