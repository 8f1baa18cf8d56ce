//! Owns the port of audit entries. With a file they are in it alone: nothing that is asked for so seldom takes memory. Without
//! one they are in memory, as many as fit. Does not know what is sealed in an entry.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::EmbeddedStore;
use super::change::Change;
use crate::authority::audit_store::{AuditStore, EntryPage, KeptEntry, hour_of};
use crate::authority::ports::{StoreError, StoreResult};
use crate::session::audit::{EntryId, EntryName, Room};
use crate::session::key::TenantNumber;
use crate::session::time::Timestamp;
use crate::store::length;

/// How many entries are in memory at most, where there is no file.
const MOST_IN_MEMORY: usize = 50_000;

/// What is known of entries without a look at the file.
#[derive(Default)]
pub struct Audit {
    /// Of each tenant an hour, and how many entries of each room it has.
    counts: Mutex<BTreeMap<TenantNumber, (u64, [u64; Room::COUNT])>>,
    entries: Mutex<BTreeMap<(TenantNumber, EntryId), InMemory>>,
}

struct InMemory {
    until: Timestamp,
    names: Vec<EntryName>,
    sealed: Vec<u8>,
}

impl Audit {
    /// Counts an entry of its hour and room, unless that has `most` already. The count begins anew with the process.
    fn count(&self, tenant: TenantNumber, entry: &KeptEntry, most: u64) -> bool {
        let hour = hour_of(entry.id.time());
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let (of, rooms) = counts.entry(tenant).or_default();
        if *of != hour {
            (*of, *rooms) = (hour, Default::default());
        }
        match entry.room.and_then(|room| rooms.get_mut(room.place())) {
            Some(count) if *count >= most => false,
            Some(count) => {
                *count += 1;
                true
            }
            None => true,
        }
    }

    /// Forgets what is past its end.
    pub(super) fn forget(&self, now: Timestamp) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, entry| now < entry.until);
    }
}

#[async_trait]
impl AuditStore for EmbeddedStore {
    async fn keep_entry(
        &self,
        tenant: TenantNumber,
        entry: KeptEntry,
        keep_for: Duration,
        most: u64,
    ) -> StoreResult<bool> {
        let place = self.journal.place().await?;
        if !self.audit.count(tenant, &entry, most) {
            return Ok(false);
        }
        let until = self.now() + length(keep_for);
        if self.file.is_none() {
            let KeptEntry { id, names, sealed, .. } = entry;
            let mut entries = self.audit.entries.lock().unwrap_or_else(PoisonError::into_inner);
            entries.insert((tenant, id), InMemory { until, names, sealed });
            if entries.len() > MOST_IN_MEMORY {
                let oldest = entries.keys().min_by_key(|(_, id)| *id).copied();
                oldest.and_then(|oldest| entries.remove(&oldest));
            }
            return Ok(true);
        }
        self.journal.order(place, vec![Change::AddEntry(tenant, until, entry)], || true).settled().await
    }

    async fn entries(
        &self,
        tenant: TenantNumber,
        name: Option<EntryName>,
        ids: Range<EntryId>,
        limit: usize,
    ) -> StoreResult<EntryPage> {
        let now = self.now();
        if ids.is_empty() {
            return Ok(EntryPage::default());
        }
        if let Some(file) = &self.file {
            return file.entries(tenant, name, ids, limit, now).map_err(|error| StoreError::Unavailable(error.into()));
        }
        let entries = self.audit.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let those = entries.range((tenant, ids.start)..(tenant, ids.end)).rev();
        let those = those.filter(|(_, entry)| now < entry.until && name.is_none_or(|name| entry.names.contains(&name)));
        let mut found: Vec<_> = those.take(limit + 1).map(|((_, id), entry)| (*id, entry.sealed.clone())).collect();
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().map(|(id, _)| *id).filter(|_| more);
        Ok(EntryPage { entries: found, next })
    }

    async fn drop_entries(&self, tenant: TenantNumber) -> StoreResult<()> {
        let place = self.journal.place().await?;
        self.audit.counts.lock().unwrap_or_else(PoisonError::into_inner).remove(&tenant);
        self.audit.entries.lock().unwrap_or_else(PoisonError::into_inner).retain(|(of, _), _| *of != tenant);
        self.journal.order(place, vec![Change::DropEntries(tenant)], || ()).settled().await
    }
}
