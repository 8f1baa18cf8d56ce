//! Owns how long a stream of ours lasts: until the server stops, or as long as a connection may, so that balancers spread
//! those who listen anew; and no longer than its caller's key, and the client certificate of its connection, are good. Does
//! not know what is sent.

use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Duration;

use http::Extensions;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::callers::Callers;
use super::peer::Peer;
use super::tasks::Tasks;
use crate::authority::caller::Caller;
use crate::authority::tenants::Tenants;
use crate::session::caller::CallerKeyId;

/// How often it is looked at whether a caller's key and certificate are good still. It costs a look at what is known.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// When streams end.
#[derive(Clone)]
pub(super) struct Streams {
    /// Cancelled when the server is told to stop.
    stopping: CancellationToken,
    /// As a connection's, so that balancers spread callers anew.
    longest: Duration,
    /// Where streams are driven. A server that stops waits for them.
    pub(super) tasks: Tasks,
    /// The stream's caller, who may not be let in for as long as it lasts.
    caller: Option<Arc<Caller>>,
    tenants: Tenants,
    callers: Callers,
    /// Who is at the other end, where the connection is under TLS.
    peer: Option<Peer>,
}

impl Streams {
    pub(super) const fn new(
        stopping: CancellationToken,
        longest: Duration,
        tasks: Tasks,
        tenants: Tenants,
        callers: Callers,
    ) -> Self {
        Self { stopping, longest, tasks, caller: None, tenants, callers, peer: None }
    }

    /// Those of a caller, whose call this is.
    pub(super) fn of(&self, caller: Option<&Arc<Caller>>, call: &Extensions) -> Self {
        let peer = Peer::of(call).filter(|peer| peer.tls.is_some()).cloned();
        Self { caller: caller.cloned(), peer, ..self.clone() }
    }

    /// Completes when a stream that begins now has to end.
    pub(super) fn end(&self) -> impl Future<Output = ()> + Send + use<> {
        let own = self.clone();
        async move {
            let over = async {
                tokio::select! {
                    () = own.stopping.cancelled() => {}
                    () = own.until_refused() => {}
                    () = until_outlived(own.peer.as_ref()) => {}
                }
            };
            drop(timeout(own.longest, over).await);
        }
    }

    /// Completes when the caller is no longer let in.
    async fn until_refused(&self) {
        match self.caller.as_ref().map(|caller| (caller, caller.key)) {
            None => pending().await,
            Some((_, Some(key))) => until_revoked(key, &self.tenants).await,
            Some((caller, None)) => {
                while self.callers.has(caller) {
                    sleep(LOOK_EVERY).await;
                }
            }
        }
    }
}

/// Completes when a key is no longer good, or nobody could say so for as long as anything may be stale.
async fn until_revoked(key: CallerKeyId, tenants: &Tenants) {
    // Until then it is known to be good; the call was let in just now.
    let mut until = Instant::now() + LOOK_EVERY;
    loop {
        match timeout_at(until, tenants.now().caller_is_good_for(key)).await {
            Ok(Ok(Some(length))) => until = Instant::now() + length,
            Ok(Ok(None)) | Err(_) => return,
            Ok(Err(_)) if Instant::now() >= until => return,
            Ok(Err(_)) => (),
        }
        sleep(LOOK_EVERY.min(until.saturating_duration_since(Instant::now()))).await;
    }
}

/// Completes when a connection would not be opened any more: its certificate is no longer good, or it has none where one is
/// needed now.
async fn until_outlived(peer: Option<&Peer>) {
    let Some(peer) = peer else { return pending().await };
    while peer.refused().is_none() {
        sleep(LOOK_EVERY).await;
    }
}
