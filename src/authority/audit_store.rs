//! Owns the port of audit entries: what is written down of what happened, to be asked for a while. Does not know what an entry
//! says, nor who keeps it.

use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;

use super::ports::StoreResult;
use crate::session::audit::{EntryId, EntryName};
use crate::session::key::TenantNumber;

/// An entry as a store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptEntry {
    /// Its id, by which entries are in the order of time.
    pub id: EntryId,
    /// What it can be found by.
    pub names: Vec<EntryName>,
    /// Whether anybody can cause such entries, as many as they like.
    pub is_anybodys: bool,
    /// What it says, sealed.
    pub sealed: Vec<u8>,
}

/// A stretch of entries, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryPage {
    /// Ids, and what is sealed.
    pub entries: Vec<(EntryId, Vec<u8>)>,
    /// Those before this one were not looked at yet; `None` when all were.
    pub next: Option<EntryId>,
}

/// The length of a stretch of time within which what anybody can cause is counted.
pub const COUNTED_WITHIN: Duration = Duration::from_hours(1);

/// Keeps audit entries. A tenant's entries are its own.
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Keeps an entry for `keep_for`, and not much longer. One that anybody can cause is left out when there are `most`
    /// entries of its hour already. Answers whether it is kept. What was kept once is there from then on for every reader of
    /// every replica; the same entry again changes nothing.
    async fn keep_entry(
        &self,
        tenant: TenantNumber,
        entry: KeptEntry,
        keep_for: Duration,
        most: u64,
    ) -> StoreResult<bool>;

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
