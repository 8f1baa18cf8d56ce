//! Owns what the Redis store has to be told, and what can be wrong with it: told with the key that mends it.
//! Does not know how the configuration is read.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use redis::{ErrorKind, RedisError};

use crate::authority::ports::{NamedTenant, NumberTaken};
use crate::crypto::Secret;

/// How Redis is reached.
#[derive(Clone, Debug)]
pub struct RedisSettings {
    /// `redis://` or `rediss://` addresses, with user and password where needed: one, or some nodes of a cluster.
    pub urls: Vec<Secret>,
    /// Whether it is a Redis Cluster.
    pub cluster: bool,
    /// What every key begins with. No braces: they would become the hash tag. Short: every key carries it.
    pub key_prefix: String,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long any call may take, reconnecting included.
    pub response_timeout: Duration,
    /// Whether a server that may evict keys is accepted: evicted sessions are logouts.
    pub allow_eviction: bool,
    /// The tenants whose numbers have to be their own here.
    pub tenants: Vec<NamedTenant>,
}

/// Why this Redis can't be used. That it can't be reached is not among these: it may come back.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ConnectError {
    /// No address, or one that is not an address. The address itself may hold a password and is not shown.
    #[error("store.redis.urls: address {number} is not of the form redis://host:port or rediss://host:port")]
    Address {
        /// Which of them, counted from one.
        number: usize,
        /// What is wrong with it.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// The prefix has a brace.
    #[error("store.redis.key_prefix must not contain braces: they would become the hash tag of every key")]
    Prefix,
    /// It does not take user and password.
    #[error(
        "Redis refuses the login; set store.redis.password (or store.redis.password_file) and, where the server has \
         users, store.redis.username"
    )]
    Login(#[source] RedisError),
    /// There is no common TLS, or the certificate is not to be trusted.
    #[error(
        "no TLS connection to Redis can be made; store.redis.urls: rediss:// asks for TLS with a certificate of a \
         public authority that names the host, redis:// for none"
    )]
    Tls(#[source] RedisError),
    /// The server may evict sessions.
    #[error(
        "Redis may evict keys (maxmemory-policy {policy}), which would log users out; set maxmemory-policy noeviction \
         there, or store.redis.allow_eviction: true here"
    )]
    Eviction {
        /// Its policy.
        policy: String,
    },
    /// A cluster that was configured as a single server, or the other way round.
    #[error("Redis runs in {found} mode; set store.redis.cluster: {cluster}")]
    Mode {
        /// What it is.
        found: String,
        /// What the setting has to be.
        cluster: bool,
    },
    /// It does not tell its policy.
    #[error(
        "Redis does not say whether it evicts keys; let the user of store.redis.username run INFO, or set \
         store.redis.allow_eviction: true"
    )]
    Untold,
    /// A tenant's number is another's.
    #[error(transparent)]
    Number(#[from] NumberTaken),
}

impl ConnectError {
    /// What no waiting mends; any other error as it is.
    ///
    /// # Errors
    /// The error, when it may pass by itself.
    pub(super) fn of(error: RedisError) -> Result<Self, RedisError> {
        let code = error.code().unwrap_or_default();
        let detail = error.detail().unwrap_or_default();
        if error.kind() == ErrorKind::AuthenticationFailed
            || matches!(code, "WRONGPASS" | "NOAUTH")
            || detail.contains("AUTH <password> called without any password")
        {
            Ok(Self::Login(error))
        } else if speaks_of_tls(&error) {
            Ok(Self::Tls(error))
        } else {
            Err(error)
        }
    }
}

/// Whether TLS is what went wrong: the server does not speak it, or its certificate does not hold.
fn speaks_of_tls(error: &RedisError) -> bool {
    // The library keeps its causes behind an `Arc`, which hides their types from a walk along the sources.
    let kept = error.source().and_then(|source| source.downcast_ref::<Arc<dyn Error + Send + Sync>>());
    let inner = kept.and_then(|kept| kept.downcast_ref::<std::io::Error>()).and_then(std::io::Error::get_ref);
    inner.and_then(|inner| inner.downcast_ref()).or_else(|| kept?.downcast_ref::<rustls::Error>()).is_some()
}
