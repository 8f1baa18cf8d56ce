//! Owns the walk over a tenant's sessions: partition by partition, by the index. Does not know who walks.

use std::ops::Bound;

use super::memory::Memory;
use crate::authority::ports::{StoreResult, WalkPage, WalkPosition};
use crate::session::key::{Partition, SessionId, SessionKey, TenantNumber};
use crate::session::mark::MarksNow;
use crate::session::time::Timestamp;
use crate::store::position;
use crate::store::record::UserHash;

/// How long a member of an index is: the user's hash and the session's id.
const MEMBER_LEN: usize = 26;

/// At most `limit` sessions after `from`. No lock is held for more than one partition.
pub fn page(
    memory: &Memory,
    marks: &MarksNow,
    now: Timestamp,
    tenant: TenantNumber,
    from: Option<&WalkPosition>,
    limit: usize,
) -> StoreResult<WalkPage> {
    let (first, mut last_seen) = position::read::<MEMBER_LEN>(from)?;
    let mut sessions = Vec::new();
    for partition in Partition::all().skip(usize::from(first.number())) {
        let start = match last_seen.take().map(|member| split(&member)) {
            None => Bound::Included((tenant, [0; 10], [0; 16])),
            Some((user, id)) => Bound::Excluded((tenant, user, id)),
        };
        let end = Bound::Included((tenant, [0xff; 10], [0xff; 16]));
        let memory = memory.read(partition);
        for (_, user, id) in memory.index.range((start, end)) {
            let key = SessionKey { tenant, partition, id: *id };
            let living = memory.living(&key, now).filter(|entry| !marks.kill(&entry.record.header.marks));
            let Some(entry) = living else { continue };
            sessions.push((key, entry.record.clone()));
            if sessions.len() >= limit.max(1) {
                return Ok(WalkPage {
                    sessions,
                    next: Some(position::after(partition, &[user.as_slice(), id].concat())),
                });
            }
        }
    }
    Ok(WalkPage { sessions, next: None })
}

fn split(member: &[u8; MEMBER_LEN]) -> (UserHash, SessionId) {
    let (mut user, mut id) = ([0; 10], [0; 16]);
    let (first, last) = member.split_at(user.len());
    user.copy_from_slice(first);
    id.copy_from_slice(last);
    (user, id)
}
