//! Owns what the Redis store has to be told, and what can be wrong with it: told with the key that mends it.
//! Does not know how the configuration is read.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use redis::{ErrorKind, RedisError};

use super::tls::RedisTls;
use crate::authority::ports::{NamedTenant, NumberTaken};
use crate::crypto::Secret;

/// How Redis is reached.
#[derive(Clone, Debug)]
pub struct RedisSettings {
    /// `redis://` or `rediss://` addresses, with user and password where needed: one, or some nodes of a cluster. None where
    /// sentinels say where the primary is.
    pub urls: Vec<Secret>,
    /// Whether it is a Redis Cluster.
    pub cluster: bool,
    /// Who says where the primary is.
    pub sentinel: Option<SentinelSettings>,
    /// Whom to trust, and what to show, where an address is `rediss://`.
    pub tls: RedisTls,
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
    /// How many replicas have to have what ends something; `None` when it is enough that the primary has it.
    pub replicas: Option<Replicas>,
}

/// How sentinels are reached, and the servers that they watch.
#[derive(Clone, Debug)]
pub struct SentinelSettings {
    /// The name that they have for the primary.
    pub master: String,
    /// Their addresses, with user and password of theirs where needed.
    pub urls: Vec<Secret>,
    /// The address of a server, of which host and port stand for those that they tell.
    pub server: Secret,
}

/// How many replicas have to have a write, and how long they may take (Redis's WAIT).
#[derive(Clone, Copy, Debug)]
pub struct Replicas {
    /// At least one.
    pub count: u16,
    /// After that it is known that too few have it in time.
    pub within: Duration,
}

/// Why this Redis can't be used. That it can't be reached is not among these: it may come back.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ConnectError {
    /// No address, or one that is not an address. The address itself may hold a password and is not shown.
    #[error("{key}: address {number} is not of the form redis://host:port or rediss://host:port")]
    Address {
        /// The key that they stand under.
        key: &'static str,
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
    /// The sentinels do not take user and password.
    #[error(
        "the sentinels refuse the login; set store.redis.sentinel.password (or password_file there) and, where they have \
         users, store.redis.sentinel.username: store.redis.password is for the servers"
    )]
    SentinelLogin(#[source] RedisError),
    /// They watch nothing of this name.
    #[error(
        "the sentinels know no primary of this name; set store.redis.sentinel.master to the name of `sentinel monitor`"
    )]
    Master(#[source] RedisError),
    /// What answers is no sentinel.
    #[error("store.redis.sentinel.urls: what answers there is no sentinel (their usual port is 26379)")]
    NoSentinel(#[source] RedisError),
    /// There is no common TLS, or a certificate is not to be trusted.
    #[error(
        "no TLS connection to Redis can be made: with rediss:// in store.redis.urls (or store.redis.sentinel.urls) the \
         server's certificate has to name the host, and be of a public authority or of store.redis.tls.ca_file; one that \
         asks for a client's certificate wants store.redis.tls.cert_file and key_file"
    )]
    Tls(#[source] RedisError),
    /// It speaks with TLS where the address says without, or the other way round.
    #[error(
        "store.redis.urls (or store.redis.sentinel.urls): the server of address {number} speaks {}",
        if *speaks_tls { "TLS alone: give rediss:// in place of redis://" }
        else { "no TLS: give redis:// in place of rediss://" }
    )]
    Speech {
        /// Which of them, counted from one.
        number: usize,
        /// What it speaks.
        speaks_tls: bool,
    },
    /// It is a replica.
    #[error(
        "this Redis is a replica, and takes no writes; give the primary in store.redis.urls, or in store.redis.sentinel \
         those who say which one that is"
    )]
    Replica,
    /// It is a sentinel.
    #[error("what answers is a sentinel; move its address from store.redis.urls to store.redis.sentinel.urls")]
    Sentinel,
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
    pub(super) fn address(key: &'static str, number: usize, source: RedisError) -> Self {
        Self::Address { key, number, source: Arc::new(source) }
    }

    /// As [`ConnectError::of`], for what a sentinel says.
    ///
    /// # Errors
    /// The error, when it may pass by itself.
    pub(super) fn of_sentinel(error: RedisError) -> Result<Self, RedisError> {
        let detail = error.detail().unwrap_or_default();
        if detail.contains("No such master") {
            return Ok(Self::Master(error));
        }
        if detail.contains("unknown command") {
            return Ok(Self::NoSentinel(error));
        }
        match Self::of(error)? {
            Self::Login(error) => Ok(Self::SentinelLogin(error)),
            other => Ok(other),
        }
    }

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
