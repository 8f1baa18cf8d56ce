//! Owns the stores that a world's sessions can be kept in. Does not know what is kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gatelodge::app::world::SystemEntropy;
use gatelodge::authority::Ports;
use gatelodge::authority::ports::{
    AnswerStore, AuditStore, CallerKeyStore, EventLog, LoginStore, LogoutStore, MintKeyStore, RateStore, SessionStore,
    UserStore,
};
use gatelodge::store::redis::{RedisSettings, RedisStore};

use crate::redis::Server;
use crate::store::bench::settings_for;

/// Makes a test of every function named, on every store there is; where calls are to race, `in several threads`.
macro_rules! on_every_store {
    ($($name:ident)*) => {
        on_every_store!(@as [tokio::test]: $($name)*);
    };
    (in several threads: $($name:ident)*) => {
        on_every_store!(@as [tokio::test(flavor = "multi_thread", worker_threads = 2)]: $($name)*);
    };
    (@as $test:tt: $($name:ident)*) => {
        on_every_store!(@on memory Memory $test: $($name)*);
        on_every_store!(@on redis Redis $test: $($name)*);
    };
    (@on $module:ident $kept:ident $test:tt: $($name:ident)*) => {
        mod $module {
            $(
                # $test
                async fn $name() {
                    super::$name(crate::world::Kept::$kept).await;
                }
            )*
        }
    };
}
pub(crate) use on_every_store;

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
        self.twice(&fresh_prefix()).await.0
    }

    /// Connects to it twice, as two processes do. In memory there is one store, which the first world's ports have.
    pub async fn twice(self, prefix: &str) -> (impl FnOnce(&mut Ports) + use<>, impl FnOnce(&mut Ports) + use<>) {
        let connect = async || match self {
            Self::Memory => None,
            Self::Redis => Some(connected(prefix).await),
        };
        let put = |store: Option<Arc<RedisStore>>| {
            move |ports: &mut Ports| {
                if let Some(store) = store {
                    put_all(ports, &store);
                }
            }
        };
        (put(connect().await), put(connect().await))
    }
}

/// Puts one store into all of a world's ports that keep something.
pub fn put_all<S>(ports: &mut Ports, store: &Arc<S>)
where
    S: SessionStore
        + LoginStore
        + LogoutStore
        + AnswerStore
        + UserStore
        + MintKeyStore
        + CallerKeyStore
        + AuditStore
        + RateStore
        + EventLog
        + 'static,
{
    (ports.sessions, ports.logins, ports.users) = (store.clone(), store.clone(), store.clone());
    (ports.mint_keys, ports.events, ports.logouts) = (store.clone(), store.clone(), store.clone());
    (ports.rates, ports.answers) = (store.clone(), store.clone());
    (ports.callers, ports.audit) = (store.clone(), store.clone());
}

/// What the keys of a world in Redis begin with.
pub fn fresh_prefix() -> String {
    static WORLDS: AtomicU64 = AtomicU64::new(0);
    format!("world{}.", WORLDS.fetch_add(1, Ordering::SeqCst))
}

async fn connected(prefix: &str) -> Arc<RedisStore> {
    connected_at(tokio::task::spawn_blocking(Server::shared).await.unwrap().port, prefix).await
}

/// A store at a server, under a prefix of its own.
pub async fn connected_to(server: &Server) -> Arc<RedisStore> {
    connected_at(server.port, &fresh_prefix()).await
}

/// A store at the server of that port.
pub async fn connected_at(port: u16, prefix: &str) -> Arc<RedisStore> {
    let settings = RedisSettings { key_prefix: prefix.to_owned(), ..settings_for(port) };
    RedisStore::connect(settings, Arc::new(SystemEntropy)).await.unwrap()
}
