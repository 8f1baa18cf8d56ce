//! Owns the port of mint keys, filled from memory. Keys are shown once they are on disk: what they sign outlives this
//! process. Does not know what is sealed in them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::EmbeddedStore;
use super::change::Change;
use crate::authority::ports::{KeptMintKeys, MintKeyStore, StoreResult};
use crate::session::key::{Partition, TenantNumber};
use crate::session::time::Timestamp;
use crate::store::length;

/// A tenant's mint keys in memory, under the first partition's lock.
#[derive(Default)]
pub struct MintKeys {
    /// Those that may be seen, and when they are gone.
    pub shown: Option<(KeptMintKeys, Timestamp)>,
    /// The highest revision that is shown or on its way to the disk.
    pub newest: u64,
}

impl MintKeys {
    fn revision(&self, now: Timestamp) -> u64 {
        let shown = self.living(now).map_or(0, |keys| keys.revision);
        // One on its way to the disk counts; those that have gone by themselves do not.
        if self.shown.as_ref().is_some_and(|(keys, _)| keys.revision == self.newest) { shown } else { self.newest }
    }

    /// Whether they have gone by themselves, and none are on their way.
    pub fn is_gone(&self, now: Timestamp) -> bool {
        self.shown.as_ref().is_some_and(|(keys, until)| keys.revision == self.newest && *until <= now)
    }

    fn living(&self, now: Timestamp) -> Option<&KeptMintKeys> {
        self.shown.as_ref().filter(|(_, until)| now < *until).map(|(keys, _)| keys)
    }
}

#[async_trait]
impl MintKeyStore for EmbeddedStore {
    async fn mint_keys(&self, tenant: TenantNumber) -> StoreResult<Option<KeptMintKeys>> {
        let Some(first) = Partition::new(0) else { return Ok(None) };
        let now = self.now();
        Ok(self.memory.read(first).mint_keys.get(&tenant).and_then(|keys| keys.living(now)).cloned())
    }

    async fn put_mint_keys(&self, tenant: TenantNumber, keys: KeptMintKeys, keep_for: Duration) -> StoreResult<bool> {
        let Some(first) = Partition::new(0) else { return Ok(false) };
        let place = self.journal.place().await?;
        let ordered = {
            let now = self.now();
            let mut partition = self.memory.write(first);
            let kept = partition.mint_keys.entry(tenant).or_default();
            if kept.revision(now).checked_add(1) == Some(keys.revision) {
                kept.newest = keys.revision;
                let until = now + length(keep_for);
                let change = Change::PutMintKeys(tenant, until, keys.clone());
                let memory = Arc::clone(&self.memory);
                self.journal.order(place, vec![change], move || {
                    let mut partition = memory.write(first);
                    partition.mint_keys.entry(tenant).or_default().shown = Some((keys, until));
                    true
                })
            } else {
                // Answered in its turn: by then those that came first can be read, so that nobody tries again in vain.
                self.journal.order(place, Vec::new(), || false)
            }
        };
        ordered.settled().await
    }

    async fn reseal_mint_keys(&self, tenant: TenantNumber, before: KeptMintKeys, sealed: Vec<u8>) -> StoreResult<bool> {
        let Some(first) = Partition::new(0) else { return Ok(false) };
        let place = self.journal.place().await?;
        let ordered = {
            let now = self.now();
            let mut partition = self.memory.write(first);
            let kept = partition.mint_keys.get_mut(&tenant).filter(|kept| kept.living(now) == Some(&before));
            // Not over others that are on their way to the disk.
            let kept = kept.filter(|kept| kept.newest == before.revision).and_then(|kept| kept.shown.as_mut());
            let Some((keys, until)) = kept else { return Ok(false) };
            keys.sealed = sealed;
            self.journal.order(place, vec![Change::PutMintKeys(tenant, *until, keys.clone())], || true)
        };
        ordered.settled().await
    }
}
