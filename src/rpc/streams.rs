//! Owns how long a stream of ours lasts: until the server stops, or as long as a connection may, so that balancers spread
//! those who listen anew. Does not know what is sent.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// When streams end.
#[derive(Clone, Debug)]
pub(super) struct Streams {
    pub(super) stopping: CancellationToken,
    pub(super) longest: Duration,
}

impl Streams {
    /// Completes when a stream that begins now has to end.
    pub(super) fn end(&self) -> impl Future<Output = ()> + Send + use<> {
        let (stopping, longest) = (self.stopping.clone(), self.longest);
        async move { drop(tokio::time::timeout(longest, stopping.cancelled()).await) }
    }
}
