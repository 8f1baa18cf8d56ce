//! Owns what the Redis store has to be told, and what can be wrong with it. Does not know where it is configured.

use std::time::Duration;

use crate::authority::ports::Cause;
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
}

/// Why this Redis can't be used. That it can't be reached is not among these: it may come back.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No address, or one that is not an address. The address itself may hold a password and is not shown.
    #[error("the Redis address {number} is not of the form redis://host:port or rediss://host:port")]
    Address {
        /// Which of them, counted from one.
        number: usize,
        /// What is wrong with it.
        #[source]
        source: Cause,
    },
    /// The prefix has a brace.
    #[error("the Redis key prefix must not contain braces: they would become the hash tag of every key")]
    Prefix,
    /// The server may evict sessions.
    #[error(
        "Redis may evict keys (maxmemory-policy {policy}), which would log users out; set maxmemory-policy noeviction, \
         or allow eviction in the configuration"
    )]
    Eviction {
        /// Its policy.
        policy: String,
    },
    /// A cluster that was configured as a single server, or the other way round.
    #[error("Redis runs in {found} mode and the configuration says {configured}")]
    Mode {
        /// What it is.
        found: String,
        /// What it was thought to be.
        configured: &'static str,
    },
    /// It does not tell its policy.
    #[error(
        "Redis does not say whether it evicts keys; let this user run INFO, or allow eviction in the configuration"
    )]
    Untold,
}
