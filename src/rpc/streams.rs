//! Owns how long a stream of ours lasts: until the server stops, or as long as a connection may, so that balancers spread
//! those who listen anew. Does not know what is sent.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::tasks::Tasks;

/// When streams end.
#[derive(Clone, Debug)]
pub(super) struct Streams {
    /// Cancelled when the server is told to stop.
    pub(super) stopping: CancellationToken,
    /// As a connection's, so that balancers spread callers anew.
    pub(super) longest: Duration,
    /// Where streams are driven. A server that stops waits for them.
    pub(super) tasks: Tasks,
}

impl Streams {
    /// Completes when a stream that begins now has to end.
    pub(super) fn end(&self) -> impl Future<Output = ()> + Send + use<> {
        let (stopping, longest) = (self.stopping.clone(), self.longest);
        async move { drop(tokio::time::timeout(longest, stopping.cancelled()).await) }
    }
}
