//! Owns the port of audit entries: what is written down of what happened, to be asked for a while. Does not know what an entry
//! says, nor who keeps it.

use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;

use super::ports::StoreResult;
use crate::session::audit::{EntryId, EntryName, Room};
use crate::session::key::TenantNumber;
use crate::session::time::Timestamp;

/// An entry as a store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptEntry {
    /// Its id, by which entries are in the order of time.
    pub id: EntryId,
    /// What it can be found by.
    pub names: Vec<EntryName>,
    /// Whose room it takes.
    pub room: Room,
    /// What it says, sealed.
    pub sealed: Vec<u8>,
}

/// What became of keeping an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryAdded {
    /// It is kept.
    Yes,
    /// Its hour has as many of its room as it may have.
    HourIsFull,
    /// Whoever watches may have looked past its id. By the store's time it is now: an id of that moment will do.
    TooLate(Timestamp),
}

/// How far the time of an id may lie back when its entry comes to the store. Whoever watches looks back further than this.
pub const WRITTEN_WITHIN: Duration = Duration::from_secs(5);

/// A stretch of entries, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryPage {
    /// Ids, and what is sealed.
    pub entries: Vec<(EntryId, Vec<u8>)>,
    /// Those before this one were not looked at yet; `None` when all were.
    pub next: Option<EntryId>,
}

impl EntryPage {
    /// Pages of the same stretch as one: as far back as each of them was looked at.
    #[must_use]
    pub fn merged(pages: impl IntoIterator<Item = Self>) -> Self {
        let (mut entries, mut next) = (Vec::new(), None);
        for page in pages {
            entries.extend(page.entries);
            next = next.max(page.next);
        }
        entries.retain(|(id, _)| next.is_none_or(|next| *id >= next));
        entries.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
        Self { entries, next }
    }
}

/// The length of a stretch of time within which the entries of a [`Room`] are counted.
pub const COUNTED_WITHIN: Duration = Duration::from_hours(1);

/// The number of such a stretch since 1970.
#[must_use]
pub fn hour_of(at: Timestamp) -> u64 {
    at.as_millis() / u64::try_from(COUNTED_WITHIN.as_millis()).unwrap_or(u64::MAX)
}

/// Keeps audit entries. A tenant's entries are its own.
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Keeps an entry for `keep_for`, and not much longer. In a bounded room it is left out when its hour has `most` of that
    /// room already, of all replicas together. What was kept once is there from then on for every reader of every replica;
    /// the same entry again changes nothing.
    ///
    /// One whose id lies further back than [`WRITTEN_WITHIN`] when it comes, by the store's own time, MUST be refused: however
    /// long its writer or the way here stood still, it does not appear where nobody looks any more.
    async fn keep_entry(
        &self,
        tenant: TenantNumber,
        entry: KeptEntry,
        keep_for: Duration,
        most: u64,
    ) -> StoreResult<EntryAdded>;

    /// At most `limit` entries of these ids, the newest first: of one name, or all. A page may hold fewer than there are.
    async fn entries(
        &self,
        tenant: TenantNumber,
        name: Option<EntryName>,
        ids: Range<EntryId>,
        limit: usize,
    ) -> StoreResult<EntryPage>;

    /// Removes all entries of a tenant whose number is to be given to another.
    async fn drop_entries(&self, tenant: TenantNumber) -> StoreResult<()>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_merged_as_far_back_as_each_was_looked_at() {
        let id = |millis| EntryId::at(Timestamp::from_millis(millis));
        let page = |ids: &[u64], next: Option<u64>| EntryPage {
            entries: ids.iter().map(|millis| (id(*millis), vec![])).collect(),
            next: next.map(id),
        };
        let merged = EntryPage::merged([page(&[9, 7], Some(7)), page(&[8, 2], Some(2)), page(&[6], None)]);
        assert_eq!(merged, page(&[9, 8, 7], Some(7)));
        assert_eq!(EntryPage::merged([page(&[5], None), page(&[6], None)]), page(&[6, 5], None));
        assert_eq!(EntryPage::merged([]), EntryPage::default());
    }
}
