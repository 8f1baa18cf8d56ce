//! Owns the port of callers' keys, filled from memory. A key is shown once it is on disk; one that is removed is gone before
//! that. Does not know what is sealed in them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::EmbeddedStore;
use super::change::Change;
use crate::authority::ports::{CallerKeyAdded, CallerKeyStore, KeptCallerKey, StoreResult};
use crate::session::caller::CallerKeyId;
use crate::session::key::{Partition, TenantNumber};
use crate::session::time::Timestamp;

/// A caller's key in memory, under the first partition's lock.
pub struct CallerKey {
    pub kept: KeptCallerKey,
    /// Whether it is on disk.
    pub shown: bool,
}

#[async_trait]
impl CallerKeyStore for EmbeddedStore {
    async fn caller_key(&self, key: &CallerKeyId) -> StoreResult<Option<KeptCallerKey>> {
        let Some(first) = Partition::new(0) else { return Ok(None) };
        let partition = self.memory.read(first);
        Ok(partition.caller_keys.get(key).filter(|one| one.shown).map(|one| one.kept.clone()))
    }

    async fn caller_keys(&self, tenant: TenantNumber) -> StoreResult<Vec<(CallerKeyId, KeptCallerKey)>> {
        let Some(first) = Partition::new(0) else { return Ok(Vec::new()) };
        let partition = self.memory.read(first);
        let shown = partition.caller_keys.iter().filter(|(id, one)| id.tenant == tenant && one.shown);
        Ok(shown.map(|(id, one)| (*id, one.kept.clone())).collect())
    }

    async fn add_caller_key(
        &self,
        key: &CallerKeyId,
        kept: KeptCallerKey,
        now: Timestamp,
        _keep_for: Duration,
        most: usize,
    ) -> StoreResult<CallerKeyAdded> {
        let Some(first) = Partition::new(0) else { return Ok(CallerKeyAdded::Full) };
        let (place, key) = (self.journal.place().await?, *key);
        let ordered = {
            let mut partition = self.memory.write(first);
            let keys = &mut partition.caller_keys;
            let is_repeat = keys.get(&key).is_some_and(|one| one.kept == kept);
            let others =
                || keys.iter().filter(|(id, one)| id.tenant == key.tenant && **id != key && one.kept.ends > now);
            let refused = if is_repeat {
                None
            } else if others().any(|(_, one)| one.kept.name == kept.name) {
                Some(CallerKeyAdded::NameTaken)
            } else {
                (others().count() >= most).then_some(CallerKeyAdded::Full)
            };
            // Answered in its turn: by then whoever has the name can be seen.
            if let Some(refused) = refused {
                self.journal.order(place, Vec::new(), move || refused)
            } else {
                let ended: Vec<_> = keys.extract_if(.., |_, one| one.kept.ends <= now).map(|(id, _)| id).collect();
                let mut changes: Vec<_> = ended.into_iter().map(Change::DropCallerKey).collect();
                changes.push(Change::PutCallerKey(key, kept.clone()));
                keys.insert(key, CallerKey { kept, shown: false });
                let memory = Arc::clone(&self.memory);
                self.journal.order(place, changes, move || {
                    if let Some(one) = memory.write(first).caller_keys.get_mut(&key) {
                        one.shown = true;
                    }
                    CallerKeyAdded::Yes
                })
            }
        };
        ordered.settled().await
    }

    async fn reseal_caller_key(&self, key: &CallerKeyId, before: KeptCallerKey, sealed: Vec<u8>) -> StoreResult<bool> {
        let Some(first) = Partition::new(0) else { return Ok(false) };
        let place = self.journal.place().await?;
        let ordered = {
            let mut partition = self.memory.write(first);
            let one = partition.caller_keys.get_mut(key).filter(|one| one.shown && one.kept == before);
            let Some(one) = one else { return Ok(false) };
            one.kept.sealed = sealed;
            self.journal.order(place, vec![Change::PutCallerKey(*key, one.kept.clone())], || true)
        };
        ordered.settled().await
    }

    async fn remove_caller_key(&self, key: &CallerKeyId) -> StoreResult<bool> {
        let Some(first) = Partition::new(0) else { return Ok(false) };
        let place = self.journal.place().await?;
        let ordered = {
            let removed = self.memory.write(first).caller_keys.remove(key).is_some();
            self.journal.order(place, vec![Change::DropCallerKey(*key)], move || removed)
        };
        ordered.settled().await
    }
}
