//! Owns what the fake tells those who watch. Does not know what happens to whom.

use std::pin::Pin;
use std::sync::{PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::sleep;
use tokio_stream::Stream;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::Status;

use super::answers::away;
use super::{FakeAuthority, Shared};
use crate::v1::{self, SessionEventKind};

pub(super) type Told = Result<v1::WatchSessionsResponse, Status>;
pub(super) type Telling = Pin<Box<dyn Stream<Item = Told> + Send>>;

/// Well within the two seconds after which a client relies on nothing that it keeps.
const HEARTBEAT: Duration = Duration::from_millis(500);
/// For so long an answer may be kept.
pub(super) const KEEP_FOR: Duration = Duration::from_secs(5);

/// How much has happened, and who is told of it.
#[derive(Default)]
pub(super) struct Events {
    last: u64,
    watchers: Vec<UnboundedSender<Told>>,
}

impl Events {
    /// How much has happened.
    pub(super) fn position(&self) -> Bytes {
        Bytes::copy_from_slice(&self.last.to_be_bytes())
    }

    /// Tells that something happened to this session.
    pub(super) fn tell(&mut self, session_id: &str) {
        self.last += 1;
        let (kind, session_id) = (SessionEventKind::Changed.into(), session_id.to_owned());
        let told = self.now(vec![v1::SessionEvent { kind, session_id, ..Default::default() }]);
        self.watchers.retain(|watcher| watcher.send(Ok(told.clone())).is_ok());
    }

    /// Tells that something happened to anybody.
    pub(super) fn tell_all(&mut self) {
        self.tell("");
    }

    /// Ends every stream.
    pub(super) fn break_off(&mut self) {
        for watcher in self.watchers.drain(..) {
            // Who is gone needs no end.
            let _ = watcher.send(Err(away()));
        }
    }

    fn now(&self, events: Vec<v1::SessionEvent>) -> v1::WatchSessionsResponse {
        let max_staleness = prost_types::Duration::try_from(KEEP_FOR).ok();
        v1::WatchSessionsResponse { events, position: self.position(), max_staleness, reset: false }
    }
}

impl FakeAuthority {
    /// Tells of everything that happens from now on. Who has missed something is told to forget all.
    pub(super) fn tell_from_now_on(&self, after: &[u8]) -> Telling {
        let (watcher, told) = unbounded_channel();
        let mut world = self.world();
        let events = &mut world.events;
        let reset = !after.is_empty() && after != events.position();
        if watcher.send(Ok(v1::WatchSessionsResponse { reset, ..events.now(Vec::new()) })).is_ok() {
            events.watchers.push(watcher.clone());
            tokio::spawn(beat(std::sync::Arc::downgrade(&self.0), watcher));
        }
        Box::pin(UnboundedReceiverStream::new(told))
    }
}

/// Says again and again that nothing has happened, for as long as the stream lasts.
async fn beat(shared: Weak<Shared>, watcher: UnboundedSender<Told>) {
    loop {
        sleep(HEARTBEAT).await;
        let Some(shared) = shared.upgrade() else { return };
        let world = shared.lock().unwrap_or_else(PoisonError::into_inner);
        let lasts = world.events.watchers.iter().any(|one| one.same_channel(&watcher));
        if !lasts || watcher.send(Ok(world.events.now(Vec::new()))).is_err() {
            return;
        }
    }
}
