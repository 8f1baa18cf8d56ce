//! Owns how long a stream of ours lasts: until the server stops, or as long as a connection may, so that balancers spread
//! those who listen anew; and no longer than its caller's key is good. Does not know what is sent.

use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::callers::Callers;
use super::tasks::Tasks;
use crate::authority::caller::Caller;
use crate::authority::stream::MAX_STALENESS;
use crate::authority::tenants::Tenants;
use crate::session::caller::CallerKeyId;

/// How often it is looked at whether a caller's key is good still. It costs a look at what is known.
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
}

impl Streams {
    pub(super) const fn new(
        stopping: CancellationToken,
        longest: Duration,
        tasks: Tasks,
        tenants: Tenants,
        callers: Callers,
    ) -> Self {
        Self { stopping, longest, tasks, caller: None, tenants, callers }
    }

    /// Those of a caller.
    pub(super) fn of(&self, caller: Option<&Arc<Caller>>) -> Self {
        Self { caller: caller.cloned(), ..self.clone() }
    }

    /// Completes when a stream that begins now has to end.
    pub(super) fn end(&self) -> impl Future<Output = ()> + Send + use<> {
        let own = self.clone();
        async move {
            let over = async {
                tokio::select! {
                    () = own.stopping.cancelled() => {}
                    () = own.until_refused() => {}
                }
            };
            drop(tokio::time::timeout(own.longest, over).await);
        }
    }

    /// Completes when the caller is no longer let in.
    async fn until_refused(&self) {
        match self.caller.as_ref().map(|caller| (caller, caller.key)) {
            None => pending().await,
            Some((_, Some(key))) => until_revoked(key, &self.tenants).await,
            Some((caller, None)) => {
                while self.callers.has(caller) {
                    tokio::time::sleep(LOOK_EVERY).await;
                }
            }
        }
    }
}

/// Completes when a key is no longer good, or nobody could say so for as long as anything may be stale.
async fn until_revoked(key: CallerKeyId, tenants: &Tenants) {
    let mut good = Instant::now();
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        match tenants.now().is_caller_good(key).await {
            Ok(true) => good = Instant::now(),
            Err(_) if good.elapsed() < MAX_STALENESS => (),
            Ok(false) | Err(_) => return,
        }
    }
}
