//! Owns the event log of one process: a ring in memory. A restart empties it, and is a reset for who knew it before.
//! Does not know what events mean.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::EmbeddedStore;
use crate::authority::ports::{EventLog, Heard, StoreResult};
use crate::session::event::{Event, Position};
use crate::session::time::Timestamp;

/// How many events are kept: about 8 MB.
const MOST: usize = 65_536;

/// The last events.
pub struct Ring {
    kept: Mutex<Kept>,
    rung: Notify,
}

struct Kept {
    /// What was left behind last: whoever has heard it and nothing later has missed nothing.
    before: Position,
    events: VecDeque<(Position, Event)>,
}

impl Ring {
    pub fn new(now: Timestamp) -> Self {
        let kept = Kept { before: Position::new(now.as_millis(), 0), events: VecDeque::new() };
        Self { kept: Mutex::new(kept), rung: Notify::new() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn last(&self) -> Position {
        self.events.back().map_or(self.before, |(position, _)| *position)
    }

    fn push(&mut self, event: Event, now: Timestamp) {
        let (millis, sequence) = self.last().parts();
        let position = match now.as_millis() {
            later if later > millis => Position::new(later, 0),
            _ => Position::new(millis, sequence + 1),
        };
        self.events.push_back((position, event));
        if self.events.len() > MOST
            && let Some((left, _)) = self.events.pop_front()
        {
            self.before = left;
        }
    }

    /// What came after a position that is known here.
    fn after(&self, after: Position) -> Option<Vec<(Position, Event)>> {
        let from = if after == self.before {
            0
        } else {
            self.events.binary_search_by_key(&after, |(position, _)| *position).ok()? + 1
        };
        Some(self.events.range(from..).cloned().collect())
    }
}

#[async_trait]
impl EventLog for EmbeddedStore {
    async fn announce(&self, events: Vec<Event>) -> StoreResult<Position> {
        let now = self.now();
        let last = {
            let mut kept = self.ring.kept();
            for event in events {
                kept.push(event, now);
            }
            kept.last()
        };
        self.ring.rung.notify_waiters();
        Ok(last)
    }

    async fn next(&self, after: Option<Position>, at_most: Duration) -> StoreResult<Heard> {
        let deadline = Instant::now() + at_most;
        loop {
            let rung = self.ring.rung.notified();
            tokio::pin!(rung);
            // From here on no ring is missed.
            rung.as_mut().enable();
            {
                let kept = self.ring.kept();
                match after.map(|after| kept.after(after)) {
                    None | Some(None) => return Ok(Heard::Reset(kept.last())),
                    Some(Some(events)) if !events.is_empty() => return Ok(Heard::Events(events)),
                    Some(Some(_)) => {}
                }
            }
            if timeout_at(deadline, rung).await.is_err() {
                return Ok(Heard::Events(Vec::new()));
            }
        }
    }
}
