//! Owns the event log: one stream, read with a blocking command on a connection of its own. Notices when it can't vouch
//! for having read everything: after trimming, a flush, a restart or a failover. Does not know what events mean.

use std::sync::PoisonError;
use std::time::Duration;

use async_trait::async_trait;

use super::RedisStore;
use super::key::Key;
use super::script::SCRIPTS;
use super::value::{millis, number};
use crate::authority::ports::{EventLog, Heard, StoreError, StoreResult};
use crate::session::event::{Event, Position};
use crate::session::key::Partition;

/// How long the log keeps an event.
const KEEP_FOR: Duration = Duration::from_mins(10);

/// How many events it keeps at most: about 50 MB.
const MOST: u32 = 500_000;

/// How many one read takes.
const AT_ONCE: usize = 1024;

/// What a blocking read answers: of each stream its entries, of each entry its fields.
type Entries = Option<Vec<(Vec<u8>, Vec<(String, Vec<Vec<u8>>)>)>>;

#[async_trait]
impl EventLog for RedisStore {
    async fn announce(&self, events: Vec<Event>) -> StoreResult<Position> {
        let mut args = vec![millis(KEEP_FOR), number(MOST)];
        args.extend(events.iter().map(Event::to_bytes));
        let id: String = self.link.insist(&SCRIPTS.announce, &[self.log()], &args).await?;
        position(&id)
    }

    async fn next(&self, after: Option<Position>, at_most: Duration) -> StoreResult<Heard> {
        let Some(after) = after else {
            let vouched = self.vouch(Position::default()).await?;
            self.is_history(&vouched.history);
            return Ok(Heard::Reset(vouched.last));
        };
        let read: Entries = self.log_bells.read(&self.log(), id(after).as_bytes(), AT_ONCE, at_most).await?;
        // After the read: what is in the log now was not trimmed before it was read.
        let vouched = self.vouch(after).await?;
        let nothing_yet = after == Position::default() && vouched.last == after;
        if !self.is_history(&vouched.history) || !(vouched.is_there || nothing_yet) {
            return Ok(Heard::Reset(vouched.last));
        }
        let entries = read.into_iter().flatten().flat_map(|(_, entries)| entries);
        entries.map(|(id, fields)| Ok((position(&id)?, event(&fields)?))).collect::<StoreResult<_>>().map(Heard::Events)
    }
}

/// What the log says of a position.
struct Vouched {
    is_there: bool,
    last: Position,
    history: String,
}

impl RedisStore {
    fn log(&self) -> Key {
        Partition::new(0).map(|first| self.keys.events(first)).unwrap_or_default()
    }

    async fn vouch(&self, after: Position) -> StoreResult<Vouched> {
        let told = self.link.run(&SCRIPTS.vouch, &[self.log()], &[id(after).into_bytes()]).await?;
        let (there, last, history): (u64, String, String) = told;
        Ok(Vouched { is_there: there == 1, last: position(&last)?, history })
    }

    /// Whether the log is still that of the server that was read before. A failover may have lost what nobody has read.
    fn is_history(&self, now: &str) -> bool {
        let mut known = self.log_history.lock().unwrap_or_else(PoisonError::into_inner);
        let same = *known == now;
        if !same {
            now.clone_into(&mut known);
        }
        same
    }
}

fn id(position: Position) -> String {
    let (millis, sequence) = position.parts();
    format!("{millis}-{sequence}")
}

fn position(id: &str) -> StoreResult<Position> {
    let read = || {
        let (millis, sequence) = id.split_once('-')?;
        Some(Position::new(millis.parse().ok()?, sequence.parse().ok()?))
    };
    read().ok_or_else(|| StoreError::Unreadable("an entry of the event log without a place".into()))
}

fn event(fields: &[Vec<u8>]) -> StoreResult<Event> {
    let bytes = fields.get(1).map(Vec::as_slice).unwrap_or_default();
    Event::read(bytes).map_err(|error| StoreError::Unreadable(error.into()))
}
