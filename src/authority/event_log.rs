//! Owns the port of the event log: what replicas tell each other, in one order. Does not know who keeps it.

use std::time::Duration;

use async_trait::async_trait;

use super::ports::StoreResult;
use crate::session::event::{Event, Position};

/// What a reader of the log hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// What came after the asked position, in order; empty when nothing did in time.
    Events(Vec<(Position, Event)>),
    /// Nobody can say what came after the asked position. What was learnt from events is to be forgotten; the log goes
    /// on after this one.
    Reset(Position),
}

/// Keeps what has happened, in one order for all replicas, for some minutes.
///
/// A reader that gets `Events` for the last position it got has missed nothing; whenever that can't be said, it gets
/// `Reset`. Each store of a process has one reader.
#[async_trait]
pub trait EventLog: Send + Sync {
    /// Tells all readers. When it answers, the events are in the log, in this order; the last one's position.
    async fn announce(&self, events: Vec<Event>) -> StoreResult<Position>;

    /// What came after `after`, waiting at most `at_most`. With `None`, at once: a `Reset` to now.
    async fn next(&self, after: Option<Position>, at_most: Duration) -> StoreResult<Heard>;
}
