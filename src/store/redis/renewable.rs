//! Owns the shared connection to a cluster, which can be made anew: the library's may stop answering for good when much is under
//! way while a node fails over (its recovery waits for requests that wait for the recovery). Does not know when it has.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use redis::cluster::{ClusterClient, ClusterConfig};
use redis::cluster_async::ClusterConnection;
use tokio::time::Instant;

/// How often it is made anew at most.
const EVERY: Duration = Duration::from_secs(2);

/// A connection to a cluster. Its clones are the same one.
#[derive(Clone)]
pub struct Renewable(Arc<Inner>);

struct Inner {
    client: ClusterClient,
    now: ArcSwap<ClusterConnection>,
    renewed: Mutex<Instant>,
}

impl Renewable {
    /// One that connects by itself.
    pub fn new(client: &ClusterClient) -> Self {
        let now = ArcSwap::from_pointee(pending(client));
        Self(Arc::new(Inner { client: client.clone(), now, renewed: Mutex::new(Instant::now()) }))
    }

    /// The connection of now.
    pub fn now(&self) -> ClusterConnection {
        ClusterConnection::clone(&self.0.now.load())
    }

    /// Makes it anew, unless that was done of late. What is under way on the former one ends there.
    pub fn renew(&self) {
        let mut renewed = self.0.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        if renewed.elapsed() >= EVERY {
            *renewed = Instant::now();
            tracing::warn!("the connection to the Redis cluster does not answer; it is made anew");
            self.0.now.store(Arc::new(pending(&self.0.client)));
        }
    }
}

fn pending(client: &ClusterClient) -> ClusterConnection {
    client.get_pending_async_connection_with_config(ClusterConfig::new())
}
