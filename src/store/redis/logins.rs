//! Owns the port of logins, filled by scripts. Does not know how a call travels.

use std::time::Duration;

use async_trait::async_trait;
use redis::Value;
use tokio::time::Instant;

use super::RedisStore;
use super::script::SCRIPTS;
use super::value::{millis, noted, number, read_noted, unexpected};
use super::wait::Seen;
use crate::authority::ports::{LoginEnd, LoginStore, LoginTaken, OpenLogin, StoreError, StoreResult};
use crate::session::key::{LoginKey, SessionKey};
use crate::session::time::Timestamp;
use crate::store::length;

/// The version of a login's fields.
const VERSION: &[u8] = b"1";

#[async_trait]
impl LoginStore for RedisStore {
    async fn open(&self, key: &LoginKey, login: OpenLogin, ttl: Duration) -> StoreResult<bool> {
        let most = login.most.map(number).unwrap_or_default();
        let args = [VERSION.to_vec(), login.binding.to_vec(), login.sealed, millis(ttl), key.id.to_vec(), most];
        let keys = [self.keys.login(key), self.keys.under_way(key)];
        self.link.insist(&SCRIPTS.open_login, &keys, &args).await
    }

    async fn take(&self, key: &LoginKey, bindings: &[[u8; 16]], lease: Duration) -> StoreResult<LoginTaken> {
        self.take_from(b"o", key, bindings, lease).await
    }

    async fn resume(&self, key: &LoginKey, bindings: &[[u8; 16]], lease: Duration) -> StoreResult<LoginTaken> {
        self.take_from(b"w", key, bindings, lease).await
    }

    async fn hold(&self, key: &LoginKey, sealed: Vec<u8>, ttl: Duration) -> StoreResult<bool> {
        let args = [VERSION.to_vec(), sealed, millis(ttl), key.id.to_vec()];
        self.link.insist(&SCRIPTS.hold_login, &self.keys.ending(key), &args).await
    }

    async fn note(&self, key: &LoginKey, session: &SessionKey) -> StoreResult<bool> {
        let args = [VERSION.to_vec(), noted(session)];
        self.link.insist(&SCRIPTS.note_login, &[self.keys.login(key)], &args).await
    }

    async fn finish(&self, key: &LoginKey, end: LoginEnd, keep_for: Duration) -> StoreResult<bool> {
        let (state, result) = match end {
            LoginEnd::Done(answer) => (b"d", answer),
            LoginEnd::Failed(why) => (b"f", vec![why]),
        };
        let args = [VERSION.to_vec(), state.to_vec(), result, millis(keep_for), key.id.to_vec()];
        self.link.insist(&SCRIPTS.finish_login, &self.keys.ending(key), &args).await
    }

    async fn wait(&self, key: &LoginKey, at_most: Duration) -> StoreResult<()> {
        let bell = self.keys.login_bell(key);
        let watched = [self.keys.login(key), bell.clone()];
        let deadline = Instant::now() + length(at_most);
        loop {
            let (left, last_ring): (u64, Vec<u8>) = self.link.run(&SCRIPTS.watch_login, &watched, &[]).await?;
            let seen = Seen { look_again_in: Duration::from_millis(left), last_ring };
            if left == 0 || !self.bells.pause(&bell, &seen, deadline).await {
                return Ok(());
            }
        }
    }
}

impl RedisStore {
    /// Takes a login that is in this state.
    async fn take_from(
        &self,
        state: &[u8],
        key: &LoginKey,
        bindings: &[[u8; 16]],
        lease: Duration,
    ) -> StoreResult<LoginTaken> {
        let mut args = vec![VERSION.to_vec(), self.token(), millis(lease), state.to_vec()];
        args.extend(bindings.iter().map(|binding| binding.to_vec()));
        let answer: Vec<Value> = self.link.insist(&SCRIPTS.take_login, &[self.keys.login(key)], &args).await?;
        let Some((Value::BulkString(state), rest)) = answer.split_first() else { return unexpected() };
        match (state.as_slice(), rest) {
            (b"t", [Value::BulkString(sealed), Value::Int(started), Value::Int(left)]) => Ok(LoginTaken::Taken {
                sealed: sealed.clone(),
                started: Timestamp::from_millis(u64::try_from(*started).unwrap_or(0)),
                remaining: Duration::from_millis(u64::try_from(*left).unwrap_or(0)),
            }),
            (b"b", []) => Ok(LoginTaken::Busy),
            (b"w", [Value::BulkString(sealed)]) => Ok(LoginTaken::Waiting(sealed.clone())),
            (b"d", [Value::BulkString(answer)]) => Ok(LoginTaken::Done(answer.clone())),
            (b"f", [Value::BulkString(why)]) => why.first().map_or_else(unexpected, |why| Ok(LoginTaken::Failed(*why))),
            (b"i", [Value::BulkString(session)]) => interrupted(session),
            (b"o", []) => Ok(LoginTaken::OtherBrowser),
            (b"m", []) => Ok(LoginTaken::Missing),
            _ => unexpected(),
        }
    }
}

fn interrupted(session: &[u8]) -> StoreResult<LoginTaken> {
    if session.is_empty() {
        return Ok(LoginTaken::Interrupted(None));
    }
    let wrong = || StoreError::Unreadable("a login notes something that is no session".into());
    Ok(LoginTaken::Interrupted(Some(read_noted(session).ok_or_else(wrong)?)))
}
