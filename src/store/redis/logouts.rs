//! Owns the port of logout tokens: a string for each that was carried out, gone when the token is too old to be taken.
//! Does not know what they ended.

use std::time::Duration;

use async_trait::async_trait;
use redis::cmd;

use super::RedisStore;
use super::value::millis;
use crate::authority::ports::{LogoutStore, StoreResult};
use crate::session::key::LogoutTokenKey;

#[async_trait]
impl LogoutStore for RedisStore {
    async fn is_spent(&self, token: &LogoutTokenKey) -> StoreResult<bool> {
        self.link.command(cmd("EXISTS").arg(self.keys.logout_token(token))).await
    }

    async fn spend(&self, token: &LogoutTokenKey, keep_for: Duration) -> StoreResult<()> {
        self.link.command(cmd("SET").arg(self.keys.logout_token(token)).arg("").arg("PX").arg(millis(keep_for))).await
    }
}
