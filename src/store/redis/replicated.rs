//! Owns steps that count only when replicas have them (Redis's WAIT): each with a connection to itself, since WAIT holds up all
//! that is behind it, and speaks of what the same connection wrote. Does not know what the steps do.

use std::sync::Arc;
use std::time::Duration;

use redis::{FromRedisValue, RedisError};
use tokio::time::timeout;

use super::exclusive::Exclusive;
use super::link::Link;
use super::script::Script;
use super::settings::Replicas;
use crate::authority::ports::{Cause, StoreError, StoreResult};

/// How many such steps go on at once: in a Cluster each connection leads to every node.
pub const AT_ONCE: u32 = 4;

/// Runs them.
pub struct Replicated {
    connections: Exclusive,
    replicas: Replicas,
    limit: Duration,
}

impl Replicated {
    /// For so many replicas.
    pub fn new(link: &Arc<Link>, replicas: Replicas) -> Self {
        let limit = link.connect_timeout + link.response_timeout + replicas.within;
        Self { connections: Exclusive::new(link, AT_ONCE, limit), replicas, limit }
    }

    /// Runs a script that has been run already and does the same again, and waits until the replicas have what it wrote.
    ///
    /// # Errors
    /// `Unreplicated` when too few have it in time, or nobody can say: it is done all the same.
    pub async fn run<T: FromRedisValue>(&self, script: &Script, keys: &[Vec<u8>], args: &[Vec<u8>]) -> StoreResult<T> {
        let answer = timeout(self.limit, self.send(script, keys, args)).await;
        let answer = answer.unwrap_or_else(|elapsed| Err(elapsed.into()));
        let (value, have) = answer.map_err(StoreError::Unreplicated)?;
        let Replicas { count, within } = self.replicas;
        if have < u64::from(count) {
            return Err(StoreError::Unreplicated(TooFew { have, count, within }.into()));
        }
        Ok(value)
    }

    /// What the script answered, and how many replicas have what it wrote.
    async fn send<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[Vec<u8>],
        args: &[Vec<u8>],
    ) -> Result<(T, u64), Cause> {
        let mut connection = self.connections.get().await?;
        let mut both = redis::pipe();
        // By its source: a pipeline goes on to its end, whether the server knows the script or not.
        both.add_command(script.teach(keys, args));
        let within = u64::try_from(self.replicas.within.as_millis()).unwrap_or(u64::MAX).max(1);
        both.cmd("WAIT").arg(self.replicas.count).arg(within);
        let left = connection.left();
        let answer: Result<(T, u64), RedisError> = tokio::select! {
            answer = both.query_async(&mut *connection) => answer,
            () = left => return Err("another server has become the primary".into()),
        };
        // What was refused was answered too; what broke is not to be used again.
        if !answer.as_ref().is_err_and(|error| error.is_unrecoverable_error() || error.is_io_error()) {
            connection.free();
        }
        Ok(answer?)
    }
}

/// How many replicas have it.
#[derive(Debug, thiserror::Error)]
#[error("{have} of {count} replicas had it within {within:?} (store.redis.wait_replicas)")]
struct TooFew {
    have: u64,
    count: u16,
    within: Duration,
}
