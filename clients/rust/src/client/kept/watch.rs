//! Owns watching what happens to sessions: one stream, made again whenever it ends, going on where it was.
//! Does not know what is kept.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use tonic::transport::Channel;
use tonic::{Request, Status};

use super::Kept;
use crate::chance;
use crate::client::caller::Caller;
use crate::v1;
use crate::v1::session_service_client::SessionServiceClient;

const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// A stream that ends sooner than this may do so again: the pauses go on growing.
const LASTED: Duration = Duration::from_secs(5);
/// A stream that says nothing for so long is made again. It counts as broken long before.
const SILENT: Duration = Duration::from_secs(4);

/// Watches for as long as there is somebody who keeps answers.
pub(in crate::client) async fn watching(kept: Weak<Kept>, channel: Channel, caller: Caller) {
    let mut wait = FIRST_WAIT;
    loop {
        let Some(after_position) = kept.upgrade().map(|kept| kept.position()) else { return };
        let mut request = Request::new(v1::WatchSessionsRequest { after_position, ..Default::default() });
        caller.sign(&mut request);
        let begun = Instant::now();
        let ended = follow(&kept, channel.clone(), request).await;
        if begun.elapsed() >= LASTED {
            wait = FIRST_WAIT;
        }
        let Some(kept) = kept.upgrade() else { return };
        kept.broken();
        if let Err(trouble) = ended {
            tracing::debug!(%trouble, "sessions are not watched; every one is asked about");
        }
        drop(kept);
        sleep(chance::jittered(wait)).await;
        wait = LONGEST_WAIT.min(wait * 2);
    }
}

async fn follow(kept: &Weak<Kept>, channel: Channel, request: Request<v1::WatchSessionsRequest>) -> Result<(), Status> {
    let late = |_| Status::unavailable("the stream says nothing");
    let mut client = SessionServiceClient::new(channel);
    let mut stream = timeout(SILENT, client.watch_sessions(request)).await.map_err(late)??.into_inner();
    while let Some(message) = timeout(SILENT, stream.message()).await.map_err(late)?? {
        let Some(kept) = kept.upgrade() else { return Ok(()) };
        kept.hear(&message);
    }
    Ok(())
}

impl Kept {
    /// Begins to watch, unless it is being done.
    pub(in crate::client) fn watch(self: &Arc<Self>, channel: &Channel, caller: &Caller) {
        let mut watching = self.watching.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if watching.is_none() {
            let (kept, channel) = (Arc::downgrade(self), channel.clone());
            *watching = Some(tokio::spawn(self::watching(kept, channel, caller.clone())).abort_handle());
        }
    }
}
