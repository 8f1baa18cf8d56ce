//! Owns the walk over a tenant's sessions: partition by partition, by id. Does not know who walks.

use std::ops::Bound;

use super::memory::Memory;
use crate::authority::ports::{StoreResult, WalkPage, WalkPosition};
use crate::session::key::{Partition, SessionKey, TenantNumber};
use crate::session::time::Timestamp;
use crate::store::position;

/// At most `limit` sessions after `from`. No lock is held for more than one partition.
pub fn page(
    memory: &Memory,
    now: Timestamp,
    tenant: TenantNumber,
    from: Option<&WalkPosition>,
    limit: usize,
) -> StoreResult<WalkPage> {
    let (first, mut last_seen) = position::read::<16>(from)?;
    let mut sessions = Vec::new();
    for partition in Partition::all().skip(usize::from(first.number())) {
        let start = last_seen.take().map_or(Bound::Included((tenant, [0; 16])), |id| Bound::Excluded((tenant, id)));
        let memory = memory.read(partition);
        for ((_, id), entry) in memory.sessions.range((start, Bound::Included((tenant, [0xff; 16])))) {
            if !entry.visible || entry.expires <= now {
                continue;
            }
            sessions.push((SessionKey { tenant, partition, id: *id }, entry.record.clone()));
            if sessions.len() >= limit.max(1) {
                return Ok(WalkPage { sessions, next: Some(position::after(partition, id)) });
            }
        }
    }
    Ok(WalkPage { sessions, next: None })
}
