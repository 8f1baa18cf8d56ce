//! Owns the Redis store: standalone, Sentinel or Cluster, each step one script whose keys all lie in one slot. A store that is
//! down is no crash: calls answer `Unavailable` in time, and work again when it is back.
//! Does not know what is inside a record's body. Keys and values are described in FORMAT.md.

mod answers;
mod audit;
mod caller_keys;
mod connection;
mod events;
mod exclusive;
mod fitness;
mod followed;
mod gather;
mod index;
mod joined;
mod key;
mod lease;
mod link;
mod logins;
mod logouts;
mod marks;
mod mint_keys;
mod rates;
mod renewable;
mod replicated;
mod script;
mod sentinel;
mod sessions;
mod settings;
mod speech;
mod tag;
mod tenants;
mod tls;
mod users;
mod value;
mod wait;

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::authority::ports::{Entropy, TenantStore as _};
use crate::session::key::TenantNumber;
use gather::Gather;
use key::Keys;
use link::Link;
use replicated::Replicated;
pub use settings::{ConnectError, RedisSettings, Replicas, SentinelSettings};
use tenants::Claim;
pub use tls::{RedisTls, RedisTlsFault};
use wait::Bells;

/// Sessions in Redis.
pub struct RedisStore {
    link: Arc<Link>,
    keys: Keys,
    bells: Bells,
    /// `None` over a cluster, whose keys lie on several servers.
    gather: Option<Gather>,
    /// `None` where it is enough that the primary has what ends something.
    replicated: Option<Replicated>,
    /// The one reader of the event log has connections of its own: those of `bells` may all be taken.
    log_bells: Bells,
    log_history: Mutex<String>,
    entropy: Arc<dyn Entropy>,
}

impl RedisStore {
    /// Prepares the store, and asks the servers whether they are fit. Those that can't be reached now are asked beside
    /// the calls, which answer `Unavailable` with the remedy as long as one is not fit.
    ///
    /// # Errors
    /// [`ConnectError`] when settings or server are not fit. A server that can't be reached is not an error.
    pub async fn connect(settings: RedisSettings, entropy: Arc<dyn Entropy>) -> Result<Arc<Self>, ConnectError> {
        if settings.key_prefix.contains(['{', '}']) {
            return Err(ConnectError::Prefix);
        }
        let keys = Keys::new(settings.key_prefix.clone());
        let claim = Claim { key: keys.tenants(), tenants: settings.tenants.clone() };
        let link = Arc::new(Link::new(&settings, claim)?);
        link.check_now().await?;
        let (bells, log_bells) = (Bells::new(&link), Bells::new(&link));
        let gather = (!settings.cluster).then(|| Gather::new(&link));
        let replicated = settings.replicas.map(|replicas| Replicated::new(&link, replicas));
        let log_history = Mutex::default();
        Ok(Arc::new(Self { link, keys, bells, gather, replicated, log_bells, log_history, entropy }))
    }

    /// What tells one call from every other: a script that finds it kept is sent again, and answers as before.
    fn token(&self) -> Vec<u8> {
        let mut token = vec![0; 16];
        self.entropy.fill(&mut token);
        token
    }

    /// Removes what the indexes of `tenants`, and of those that had a number here before, still name though it is gone,
    /// `every` so often, until the store is gone or the future is dropped. Of all processes over one Redis one does it.
    pub fn sweeping(
        self: &Arc<Self>,
        tenants: Vec<TenantNumber>,
        every: Duration,
    ) -> impl Future<Output = ()> + Send + use<> {
        let store = Arc::downgrade(self);
        async move {
            let mut ticks = tokio::time::interval(every.max(Duration::from_millis(1)));
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let Some(store) = store.upgrade() else { return };
                let known = store.tenants().await.unwrap_or_default().into_iter().map(|(tenant, _)| tenant);
                let all: BTreeSet<_> = tenants.iter().copied().chain(known).collect();
                for tenant in &all {
                    if let Err(error) = store.sweep_once_every(*tenant, every).await {
                        tracing::debug!(error = &error as &dyn std::error::Error, "the sweep has to wait");
                    }
                }
            }
        }
    }
}
