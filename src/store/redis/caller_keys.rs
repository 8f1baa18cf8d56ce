//! Owns the port of callers' keys: one hash for each tenant, under partition 0. Does not know what is sealed in them.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use redis::{Value, cmd};

use super::RedisStore;
use super::script::SCRIPTS;
use super::value::{millis, number, unexpected};
use crate::authority::ports::{CallerKeyAdded, CallerKeyStore, KeptCallerKey, StoreError, StoreResult};
use crate::session::caller::CallerKeyId;
use crate::session::key::TenantNumber;
use crate::session::time::Timestamp;
use crate::store::caller_key;

#[async_trait]
impl CallerKeyStore for RedisStore {
    async fn caller_key(&self, key: &CallerKeyId) -> StoreResult<Option<KeptCallerKey>> {
        let mut get = cmd("HGET");
        get.arg(self.keys.caller_keys(key.tenant)).arg(&key.id);
        let kept: Option<Vec<u8>> = self.link.command(&get).await?;
        kept.map(|kept| read(&kept)).transpose()
    }

    async fn caller_keys(&self, tenant: TenantNumber) -> StoreResult<Vec<(CallerKeyId, KeptCallerKey)>> {
        let all = cmd("HGETALL").arg(self.keys.caller_keys(tenant)).to_owned();
        let all: HashMap<Vec<u8>, Vec<u8>> = self.link.command(&all).await?;
        let one = |(id, kept): (Vec<u8>, Vec<u8>)| {
            let id = id.try_into().map_err(|_| StoreError::Unreadable("the id of a caller's key".into()))?;
            Ok((CallerKeyId { tenant, id }, read(&kept)?))
        };
        all.into_iter().map(one).collect()
    }

    async fn add_caller_key(
        &self,
        key: &CallerKeyId,
        kept: KeptCallerKey,
        now: Timestamp,
        keep_for: Duration,
        most: usize,
    ) -> StoreResult<CallerKeyAdded> {
        let most = u64::try_from(most).unwrap_or(u64::MAX);
        let args = [key.id.to_vec(), caller_key::write(&kept), number(now.as_millis()), millis(keep_for), number(most)];
        let keys = [self.keys.caller_keys(key.tenant)];
        match self.link.run::<u64>(&SCRIPTS.add_caller_key, &keys, &args).await? {
            1 => Ok(CallerKeyAdded::Yes),
            2 => Ok(CallerKeyAdded::NameTaken),
            3 => Ok(CallerKeyAdded::Full),
            _ => unexpected(),
        }
    }

    async fn reseal_caller_key(&self, key: &CallerKeyId, before: KeptCallerKey, sealed: Vec<u8>) -> StoreResult<bool> {
        let anew = KeptCallerKey { sealed, ..before.clone() };
        let args = [key.id.to_vec(), caller_key::write(&before), caller_key::write(&anew)];
        self.link.run(&SCRIPTS.reseal_caller_key, &[self.keys.caller_keys(key.tenant)], &args).await
    }

    async fn remove_caller_key(&self, key: &CallerKeyId) -> StoreResult<bool> {
        let (keys, args) = ([self.keys.caller_keys(key.tenant)], [key.id.to_vec()]);
        let removed = self.link.run(&SCRIPTS.remove_caller_key, &keys, &args).await?;
        if let Some(replicated) = &self.replicated {
            replicated.run::<Value>(&SCRIPTS.remove_caller_key, &keys, &args).await?;
        }
        Ok(removed)
    }
}

fn read(kept: &[u8]) -> StoreResult<KeptCallerKey> {
    caller_key::read(kept).map_err(|error| StoreError::Unreadable(error.into()))
}
