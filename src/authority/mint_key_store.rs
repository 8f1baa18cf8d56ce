//! Owns the port of mint keys: the keys that sign our own tokens, one set for each tenant. Does not know who keeps it.

use std::time::Duration;

use async_trait::async_trait;

use super::ports::StoreResult;
use crate::session::key::TenantNumber;

/// A tenant's mint keys as a store keeps them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptMintKeys {
    /// Rises by one with every write, from 1.
    pub revision: u64,
    /// The sealed keys.
    pub sealed: Vec<u8>,
}

/// Keeps the keys that sign our own tokens, so that all replicas sign with the same.
#[async_trait]
pub trait MintKeyStore: Send + Sync {
    /// The keys of a tenant; `None` when there are none, or no longer.
    async fn mint_keys(&self, tenant: TenantNumber) -> StoreResult<Option<KeptMintKeys>>;

    /// Writes the keys of a tenant over those whose revision is one lower (0: there are none), and keeps them
    /// `keep_for` from now. Of several callers with one revision exactly one MUST succeed. Answers whether it was this; to
    /// whom it was not, what won MUST be readable by then.
    async fn put_mint_keys(&self, tenant: TenantNumber, keys: KeptMintKeys, keep_for: Duration) -> StoreResult<bool>;

    /// Puts the same keys, sealed anew, into the place of those that were read `before`, if they are still there. Answers whether
    /// they were. Revision and end stay.
    async fn reseal_mint_keys(&self, tenant: TenantNumber, before: KeptMintKeys, sealed: Vec<u8>) -> StoreResult<bool>;
}
