//! Owns the port of audit entries. With a file they are in it alone: nothing that is asked for so seldom takes memory. Without
//! one they are in memory, as many as fit of each tenant and room. Does not know what is sealed in an entry.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::EmbeddedStore;
use super::change::Change;
use crate::authority::audit_store::{AuditStore, EntryAdded, EntryPage, KeptEntry, WRITTEN_WITHIN, hour_of};
use crate::authority::ports::{StoreError, StoreResult};
use crate::session::audit::{EntryId, EntryName, Room};
use crate::session::key::TenantNumber;
use crate::session::time::Timestamp;
use crate::store::length;

/// How many entries of a tenant's room are in memory at most, where there is no file: more than one who watches is told at
/// once, who would miss the others unawares.
const MOST_IN_MEMORY: usize = 20_000;

/// What is known of entries without a look at the file.
#[derive(Default)]
pub struct Audit {
    /// Of each tenant an hour, and how many entries of each room it has.
    counts: Mutex<BTreeMap<TenantNumber, (u64, [u64; Room::COUNT])>>,
    entries: Mutex<HashMap<TenantNumber, [InRoom; Room::COUNT]>>,
}

/// Entries of one room. Where there are too many, the oldest of them goes.
type InRoom = BTreeMap<EntryId, InMemory>;

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
        // What is of the hour before counts with this one: else each of a few that are late would empty both.
        if hour > *of || hour + 1 < *of {
            (*of, *rooms) = (hour, Default::default());
        }
        match rooms.get_mut(entry.room.place()).filter(|_| entry.room.is_bounded()) {
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
        let mut entries = self.entries();
        entries.values_mut().flatten().for_each(|room| room.retain(|_, entry| now < entry.until));
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<TenantNumber, [InRoom; Room::COUNT]>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, tenant: TenantNumber, until: Timestamp, entry: KeptEntry) {
        let KeptEntry { id, names, room, sealed } = entry;
        let mut entries = self.entries();
        let Some(room) = entries.entry(tenant).or_default().get_mut(room.place()) else { return };
        room.insert(id, InMemory { until, names, sealed });
        if room.len() > MOST_IN_MEMORY {
            room.pop_first();
        }
    }

    fn page(
        &self,
        tenant: TenantNumber,
        name: Option<EntryName>,
        ids: Range<EntryId>,
        limit: usize,
        now: Timestamp,
    ) -> EntryPage {
        let entries = self.entries();
        let is_meant = |entry: &InMemory| now < entry.until && name.is_none_or(|name| entry.names.contains(&name));
        let newest = |room: &InRoom| {
            let those = room.range(ids.clone()).rev().filter(|(_, entry)| is_meant(entry)).take(limit + 1);
            let mut found: Vec<_> = those.map(|(id, entry)| (*id, entry.sealed.clone())).collect();
            let more = found.len() > limit;
            found.truncate(limit);
            EntryPage { next: found.last().map(|(id, _)| *id).filter(|_| more), entries: found }
        };
        let mut page = EntryPage::merged(entries.get(&tenant).into_iter().flatten().map(newest));
        if page.entries.len() > limit {
            page.entries.truncate(limit);
            page.next = page.entries.last().map(|(id, _)| *id);
        }
        page
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
    ) -> StoreResult<EntryAdded> {
        let (place, now) = (self.journal.place().await?, self.now());
        if now.since(entry.id.time()) > WRITTEN_WITHIN {
            return Ok(EntryAdded::TooLate(now));
        }
        if !self.audit.count(tenant, &entry, most) {
            return Ok(EntryAdded::HourIsFull);
        }
        let until = now + length(keep_for);
        if self.file.is_none() {
            self.audit.keep(tenant, until, entry);
            return Ok(EntryAdded::Yes);
        }
        self.journal.order(place, vec![Change::AddEntry(tenant, until, entry)], || EntryAdded::Yes).settled().await
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
        Ok(self.audit.page(tenant, name, ids, limit, now))
    }

    async fn drop_entries(&self, tenant: TenantNumber) -> StoreResult<()> {
        let place = self.journal.place().await?;
        self.audit.counts.lock().unwrap_or_else(PoisonError::into_inner).remove(&tenant);
        self.audit.entries().remove(&tenant);
        self.journal.order(place, vec![Change::DropEntries(tenant)], || ()).settled().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // security.md 108.
    #[test]
    fn in_memory_a_flood_of_one_room_or_tenant_puts_out_its_own_oldest_alone() {
        let (audit, at) = (Audit::default(), Timestamp::from_secs(1_800_000_000));
        let keep = |tenant, number: u64, room| {
            let id = EntryId::at(at + Duration::from_millis(number));
            let entry = KeptEntry { id, names: Vec::new(), room, sealed: Vec::new() };
            audit.keep(TenantNumber(tenant), at + Duration::from_hours(1), entry);
            id
        };
        let most = u64::try_from(MOST_IN_MEMORY).unwrap();
        let (admins, others) = (keep(1, 0, Room::Admins), keep(2, 0, Room::Anybodys));
        let all: Vec<_> = (1..=most + 2).map(|number| keep(1, number, Room::Anybodys)).collect();
        let page = |tenant, ids, limit| audit.page(TenantNumber(tenant), None, ids, limit, at);
        let ids = |page: EntryPage| page.entries.into_iter().map(|(id, _)| id).collect::<Vec<_>>();
        assert_eq!(ids(page(1, EntryId::FIRST..all[3], 9)), [all[2], admins]);
        assert_eq!(ids(page(2, EntryId::FIRST..EntryId::LAST, 9)), [others]);
        let newest = page(1, EntryId::FIRST..EntryId::LAST, 2);
        assert_eq!(
            (newest.next, ids(newest)),
            (Some(all[MOST_IN_MEMORY]), all[MOST_IN_MEMORY..].iter().rev().copied().collect())
        );
    }
}
