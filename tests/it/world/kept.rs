//! Owns the stores that a world's sessions can be kept in. Does not know what is kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gatelodge::app::world::SystemEntropy;
use gatelodge::authority::Ports;
use gatelodge::crypto::Secret;
use gatelodge::store::redis::{RedisSettings, RedisStore};

use crate::redis::{Server, address};

/// Where a world's sessions are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// The embedded store, without a file.
    Memory,
    /// A real Redis server, under a prefix of the world's own.
    Redis,
}

impl Kept {
    /// Connects to it; then it can be put into a world's ports.
    pub async fn ready(self) -> impl FnOnce(&mut Ports) {
        let store = match self {
            Self::Memory => None,
            Self::Redis => Some(connected().await),
        };
        move |ports| {
            if let Some(store) = store {
                (ports.sessions, ports.logins, ports.events) = (store.clone(), store.clone(), store);
            }
        }
    }
}

async fn connected() -> Arc<RedisStore> {
    static WORLDS: AtomicU64 = AtomicU64::new(0);
    let server = tokio::task::spawn_blocking(Server::shared).await.unwrap();
    let settings = RedisSettings {
        urls: vec![Secret::new(address(server.port))],
        cluster: false,
        key_prefix: format!("world{}.", WORLDS.fetch_add(1, Ordering::SeqCst)),
        // Generous: the machine runs much else beside the tests.
        connect_timeout: Duration::from_secs(5),
        response_timeout: Duration::from_secs(10),
        allow_eviction: false,
    };
    RedisStore::connect(settings, Arc::new(SystemEntropy)).await.unwrap()
}
