//! Owns the port of mint keys: one string for each tenant, under partition 0, written over the one before it.
//! Does not know what is sealed in it.

use std::time::Duration;

use async_trait::async_trait;
use redis::cmd;

use super::RedisStore;
use super::script::SCRIPTS;
use super::value::millis;
use crate::authority::ports::{KeptMintKeys, MintKeyStore, StoreError, StoreResult};
use crate::session::key::TenantNumber;
use crate::store::mint_keys;

#[async_trait]
impl MintKeyStore for RedisStore {
    async fn mint_keys(&self, tenant: TenantNumber) -> StoreResult<Option<KeptMintKeys>> {
        let kept: Option<Vec<u8>> = self.link.command(cmd("GET").arg(self.keys.mint_keys(tenant))).await?;
        kept.map(|kept| mint_keys::read(&kept)).transpose().map_err(|error| StoreError::Unreadable(error.into()))
    }

    async fn put_mint_keys(&self, tenant: TenantNumber, keys: KeptMintKeys, keep_for: Duration) -> StoreResult<bool> {
        let Some(before) = keys.revision.checked_sub(1) else { return Ok(false) };
        let args = [mint_keys::write(&keys), before.to_be_bytes().to_vec(), millis(keep_for)];
        self.link.run(&SCRIPTS.put_mint_keys, &[self.keys.mint_keys(tenant)], &args).await
    }

    async fn reseal_mint_keys(&self, tenant: TenantNumber, before: KeptMintKeys, sealed: Vec<u8>) -> StoreResult<bool> {
        let anew = KeptMintKeys { revision: before.revision, sealed };
        let args = [mint_keys::write(&before), mint_keys::write(&anew)];
        self.link.run(&SCRIPTS.reseal_mint_keys, &[self.keys.mint_keys(tenant)], &args).await
    }
}
