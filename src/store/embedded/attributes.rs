//! Owns what applications keep with sessions, beside each in memory. Does not know what is sealed in it.

use super::EmbeddedStore;
use super::change::Change;
use crate::authority::ports::{KeptAttributes, StoreResult, Written};
use crate::session::key::SessionKey;

impl EmbeddedStore {
    /// As the port's `attributes`.
    pub(super) fn kept_attributes(&self, key: &SessionKey) -> Option<KeptAttributes> {
        let now = self.now();
        self.memory.read(key.partition).living(key, now).and_then(|entry| entry.attributes.clone())
    }

    /// As the port's `put_attributes`. They are seen at once, so that of two writers over one version one succeeds.
    pub(super) async fn keep_attributes(&self, key: &SessionKey, new: KeptAttributes) -> StoreResult<Written> {
        let place = self.journal.place().await?;
        let ordered = {
            let now = self.now();
            let mut partition = self.memory.write(key.partition);
            let Some(entry) = partition.living_mut(key, now) else { return Ok(Written::Gone) };
            let version = entry.attributes.as_ref().map_or(0, |kept| kept.version);
            if version.checked_add(1) != Some(new.version) {
                return Ok(Written::RevisionChanged);
            }
            entry.attributes = Some(new.clone());
            self.journal.order(place, vec![Change::PutAttributes(*key, new)], || Written::Yes)
        };
        ordered.settled().await
    }
}
