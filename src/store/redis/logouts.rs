//! Owns the port of logout tokens: a string for each, which names whoever is at it, and is empty once it was carried out; gone
//! when the token is too old to be taken. Does not know what they ended.

use std::time::Duration;

use async_trait::async_trait;
use redis::cmd;

use super::RedisStore;
use super::script::SCRIPTS;
use super::value::millis;
use crate::authority::logout_store::{Carrier, LogoutClaim};
use crate::authority::ports::{LogoutStore, StoreResult};
use crate::session::key::LogoutTokenKey;

#[async_trait]
impl LogoutStore for RedisStore {
    async fn claim_token(&self, token: &LogoutTokenKey, by: Carrier, within: Duration) -> StoreResult<LogoutClaim> {
        let key = self.keys.logout_token(token);
        let mut set = cmd("SET");
        set.arg(&key).arg(&by).arg("NX").arg("PX").arg(millis(within));
        if self.link.command::<Option<String>>(&set).await?.is_some() {
            return Ok(LogoutClaim::Taken);
        }
        let whose: Option<Vec<u8>> = self.link.command(cmd("GET").arg(&key)).await?;
        Ok(match whose.as_deref() {
            Some([]) => LogoutClaim::Done,
            // In a cluster the client sends again by itself what may have been done.
            Some(whose) if whose == by => LogoutClaim::Taken,
            Some(_) | None => LogoutClaim::AtWork,
        })
    }

    async fn give_back(&self, token: &LogoutTokenKey, by: Carrier) -> StoreResult<()> {
        self.link.run(&SCRIPTS.give_back_logout, &[self.keys.logout_token(token)], &[by.to_vec()]).await
    }

    async fn spend(&self, token: &LogoutTokenKey, keep_for: Duration) -> StoreResult<()> {
        self.link.command(cmd("SET").arg(self.keys.logout_token(token)).arg("").arg("PX").arg(millis(keep_for))).await
    }
}
