//! Owns the port of rates: a moment for each client and each thing that is counted, moved on by a script; gone once all has
//! come back. Does not know what is counted.

use std::time::Duration;

use async_trait::async_trait;

use super::RedisStore;
use super::script::SCRIPTS;
use super::value::number;
use crate::authority::ports::{RateStore, StoreError, StoreResult};
use crate::session::key::RateKey;
use crate::session::rate::{Allowance, Taken};

#[async_trait]
impl RateStore for RedisStore {
    async fn take_one(&self, key: &RateKey, allowance: Allowance) -> StoreResult<Taken> {
        let args = [number(allowance.interval()), number(allowance.most)];
        let wait: String = self.link.run(&SCRIPTS.take_one, &[self.keys.rate(key)], &args).await?;
        let wait: u64 = wait.parse().map_err(|error| StoreError::Unreadable(Box::new(error)))?;
        Ok(if wait == 0 { Taken::Yes } else { Taken::No(Duration::from_micros(wait)) })
    }

    async fn owe(&self, key: &RateKey, owed: Duration, allowance: Allowance) -> StoreResult<Duration> {
        let args = [number(owed.as_micros()), number(allowance.whole().saturating_mul(2))];
        let back_in: String = self.link.run(&SCRIPTS.owe, &[self.keys.rate(key)], &args).await?;
        back_in.parse().map(Duration::from_micros).map_err(|error| StoreError::Unreadable(Box::new(error)))
    }
}
