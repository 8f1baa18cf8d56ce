//! Owns the port of callers' keys: those API keys that are made at run time. Does not know who keeps them.

use std::time::Duration;

use async_trait::async_trait;

use super::ports::StoreResult;
use crate::session::caller::CallerKeyId;
use crate::session::key::TenantNumber;
use crate::session::time::Timestamp;

/// A caller's key as a store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptCallerKey {
    /// From when on it is refused.
    pub ends: Timestamp,
    /// A hash of its name.
    pub name: [u8; 16],
    /// What is sealed of it.
    pub sealed: Vec<u8>,
}

/// What became of adding a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerKeyAdded {
    /// It is kept.
    Yes,
    /// Another key of the tenant that has not ended has the name.
    NameTaken,
    /// The tenant has as many as it may have.
    Full,
}

/// Keeps callers' keys, those of each tenant apart; those that are for several under number 0.
///
/// Every method is one atomic step, or MUST look like one to every other caller of every replica.
#[async_trait]
pub trait CallerKeyStore: Send + Sync {
    /// What is kept of a key, which may have ended; `None` when there is none, or no longer.
    async fn caller_key(&self, key: &CallerKeyId) -> StoreResult<Option<KeptCallerKey>>;

    /// All that are kept for a tenant, in no promised order. Some may have ended.
    async fn caller_keys(&self, tenant: TenantNumber) -> StoreResult<Vec<(CallerKeyId, KeptCallerKey)>>;

    /// Adds a key for `keep_for`, unless one that has not ended by `now` has the name, or there are `most` of these. Those that
    /// have ended are forgotten. The same key again MUST be a repeat.
    async fn add_caller_key(
        &self,
        key: &CallerKeyId,
        kept: KeptCallerKey,
        now: Timestamp,
        keep_for: Duration,
        most: usize,
    ) -> StoreResult<CallerKeyAdded>;

    /// Puts other sealed bytes into what is kept of a key, if that is still what it was `before`. Answers whether it was. End and
    /// name stay.
    async fn reseal_caller_key(&self, key: &CallerKeyId, before: KeptCallerKey, sealed: Vec<u8>) -> StoreResult<bool>;

    /// Removes a key, and answers whether it was there.
    async fn remove_caller_key(&self, key: &CallerKeyId) -> StoreResult<bool>;
}
