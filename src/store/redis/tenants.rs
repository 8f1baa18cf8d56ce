//! Owns whose the tenants' numbers are: one hash for all of them, under partition 0. Does not know when they are claimed.

use std::collections::BTreeMap;

use async_trait::async_trait;
use redis::{RedisResult, cmd};

use super::RedisStore;
use super::connection::Connection;
use super::key::Key;
use super::link::evaluate;
use super::script::SCRIPTS;
use crate::authority::ports::{NamedTenant, NumberTaken, StoreError, StoreResult, TenantStore};
use crate::session::key::TenantNumber;

/// The tenants whose numbers have to be their own, until they are known to be.
pub struct Claim {
    pub key: Key,
    pub tenants: Vec<NamedTenant>,
}

impl Claim {
    /// Notes whose the numbers are. A claim that was once made good holds for as long as the process lives: another process
    /// may know one of them by a newer name.
    pub async fn make(&mut self, connection: &mut Connection) -> RedisResult<Result<(), NumberTaken>> {
        for tenant in &self.tenants {
            let mut args = vec![tenant.number.0.to_be_bytes().to_vec(), tenant.name.clone().into_bytes()];
            args.extend(tenant.formerly.iter().map(|name| name.clone().into_bytes()));
            let keys = std::slice::from_ref(&self.key);
            let kept: String = evaluate(&SCRIPTS.claim_number, connection, keys, &args).await?;
            if !kept.is_empty() {
                return Ok(Err(tenant.refused(kept)));
            }
        }
        self.tenants.clear();
        Ok(Ok(()))
    }
}

#[async_trait]
impl TenantStore for RedisStore {
    async fn tenants(&self) -> StoreResult<Vec<(TenantNumber, String)>> {
        let kept: BTreeMap<Vec<u8>, String> = self.link.command(cmd("HGETALL").arg(self.keys.tenants())).await?;
        let read = |(number, name): (Vec<u8>, String)| {
            let number = number.try_into().map_err(|_| StoreError::Unreadable("a tenant's number".into()))?;
            Ok((TenantNumber(u32::from_be_bytes(number)), name))
        };
        kept.into_iter().map(read).collect()
    }

    async fn release(&self, tenant: TenantNumber) -> StoreResult<()> {
        let mut release = cmd("HDEL");
        release.arg(self.keys.tenants()).arg(&tenant.0.to_be_bytes());
        self.link.command::<()>(&release).await
    }
}
