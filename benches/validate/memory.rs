//! Owns what a session takes in Redis: record, index entry, TTL and what the allocator rounds up, with its tokens
//! and without. Does not know the format.

use std::sync::Arc;

use gatelodge::authority::ports::{Creation, SessionStore as _};
use gatelodge::session::record::Tokens;
use gatelodge::store::redis::RedisStore;
use gatelodge::vault::Vault;
use tokio::task::JoinSet;

use crate::redis_server::RedisServer;
use crate::{Result, redis_store, session};

/// Bytes for each session.
pub struct Bytes {
    /// How many sessions there were.
    pub sessions: usize,
    /// Record and index entry.
    pub session: f64,
    /// The same with three sealed JWTs of a provider.
    pub with_tokens: f64,
}

/// How many are made at once.
const AT_ONCE: usize = 64;

/// Fills an empty Redis twice, and leaves the sessions there: the rounds then read one among many.
pub async fn per_session(redis: &RedisServer, sessions: usize) -> Result<Bytes> {
    let tenth = sessions / 10;
    let with_tokens = fill(redis, tenth, Some(session::tokens())).await?;
    redis.flush()?;
    Ok(Bytes { sessions, session: fill(redis, sessions, None).await?, with_tokens })
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52 sessions")]
async fn fill(redis: &RedisServer, sessions: usize, tokens: Option<Tokens>) -> Result<f64> {
    let (store, vault, tokens) =
        (redis_store::connect(&redis.address).await?, Arc::new(session::vault(session::TENANT)), Arc::new(tokens));
    // The first one brings scripts and connections with it, which are no session's.
    create(&store, &vault, sessions, tokens.as_ref().as_ref()).await?;
    let before = redis.used_memory()?;
    let mut tasks = JoinSet::new();
    for first in 0..AT_ONCE {
        let (store, vault, tokens) = (Arc::clone(&store), Arc::clone(&vault), Arc::clone(&tokens));
        tasks.spawn(async move {
            for user in (first..sessions).step_by(AT_ONCE) {
                create(&store, &vault, user, tokens.as_ref().as_ref()).await?;
            }
            Result::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok((redis.used_memory()? - before) / sessions as f64)
}

async fn create(store: &RedisStore, vault: &Vault, user: usize, tokens: Option<&Tokens>) -> Result<()> {
    let (new, _) = session::make(vault, session::user(user), tokens);
    match store.create(new).await? {
        Creation::Created(_) => Ok(()),
        refused => Err(format!("the store refuses a session: {refused:?}").into()),
    }
}
