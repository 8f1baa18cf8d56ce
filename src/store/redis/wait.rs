//! Owns waiting for a bell: a stream that is rung when something changes, read with a blocking command on a connection
//! of one's own, since a blocking command holds up all that is behind it. Does not know what the bells stand for.

use std::sync::Arc;
use std::time::Duration;

use redis::{FromRedisValue, RedisResult, Value, cmd};
use tokio::time::{Instant, sleep, timeout};

use super::exclusive::Exclusive;
use super::link::Link;
use crate::authority::ports::{Cause, StoreError, StoreResult};

/// No single blocking command lasts longer than the second; no connection waits longer than the first for its answer.
pub const LONGEST: Duration = Duration::from_secs(30);
const LONGEST_READ: Duration = Duration::from_secs(28);

/// How many may listen at once; those beyond look now and then instead.
const LISTENERS: u32 = 16;

/// How often one looks who can't listen.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long an answer may be late.
const LATE: Duration = Duration::from_secs(1);

/// Listens for bells.
pub struct Bells {
    listeners: Exclusive,
}

/// What a waiter saw: how long to wait at most before looking again, and the last ring it knows of.
pub struct Seen {
    pub look_again_in: Duration,
    pub last_ring: Vec<u8>,
}

impl Bells {
    /// Nothing is connected before somebody listens.
    pub fn new(link: &Arc<Link>) -> Self {
        Self { listeners: Exclusive::new(link, LISTENERS, link.connect_timeout) }
    }

    /// Waits until `bell` rings, a ring after the one that was seen included, or it is time to look again. False, at
    /// once, when `deadline` has come.
    pub async fn pause(&self, bell: &[u8], seen: &Seen, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        let length = left.min(seen.look_again_in).clamp(Duration::from_millis(1), LONGEST_READ);
        if !self.listen(bell, &seen.last_ring, length).await {
            sleep(length.min(LOOK_EVERY)).await;
        }
        true
    }

    /// Whether it could listen.
    async fn listen(&self, bell: &[u8], after: &[u8], length: Duration) -> bool {
        self.read::<Value>(bell, after, 1, length).await.is_ok()
    }

    /// What a stream has after an entry: at most `count`, waiting at most `length` for the first.
    ///
    /// # Errors
    /// `Unavailable` when it could not listen.
    pub async fn read<T: FromRedisValue>(
        &self,
        stream: &[u8],
        after: &[u8],
        count: usize,
        length: Duration,
    ) -> StoreResult<T> {
        let unavailable = |cause: Cause| StoreError::Unavailable(cause);
        let length = length.min(LONGEST_READ);
        let listener = timeout(length.max(LATE), self.listeners.get()).await;
        let listener = listener.map_err(|elapsed| unavailable(elapsed.into()))?;
        let mut listener = listener.map_err(|error| unavailable(Box::new(error)))?;
        let millis = u64::try_from(length.as_millis()).unwrap_or(1).max(1);
        let mut read = cmd("XREAD");
        read.arg("COUNT").arg(count).arg("BLOCK").arg(millis).arg("STREAMS").arg(stream).arg(after);
        let left = listener.left();
        let reading = timeout(length + LATE, read.query_async(&mut *listener));
        let heard: RedisResult<T> = tokio::select! {
            heard = reading => heard.map_err(|elapsed| unavailable(elapsed.into()))?,
            () = left => return Err(unavailable("another server has become the primary".into())),
        };
        let heard = heard.map_err(|error| unavailable(error.into()))?;
        listener.free();
        Ok(heard)
    }
}
