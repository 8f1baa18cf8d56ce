//! Owns not-before marks: one list for all partitions, looked at under a partition's lock. Does not know the file.

use std::collections::BTreeMap;
use std::time::Duration;

use super::EmbeddedStore;
use super::change::Change;
use super::memory::UserMark;
use crate::authority::ports::StoreResult;
use crate::session::key::{Partition, TenantNumber};
use crate::session::mark::{EVERY_TENANT, MarkTarget, MarksNow, ProviderTag};
use crate::session::time::Timestamp;
use crate::store::length;

/// What a mark is about: a tenant, and one of its providers.
pub type Marked = (TenantNumber, Option<ProviderTag>);

/// Every mark.
#[derive(Default)]
pub struct NotBefore(pub BTreeMap<Marked, UserMark>);

impl NotBefore {
    /// The marks in force for a tenant.
    pub fn of(&self, tenant: TenantNumber, now: Timestamp) -> MarksNow {
        let mark = |marked| self.0.get(&marked).filter(|mark| now < mark.until).map_or(0, |mark| mark.at.as_millis());
        let own = self.0.range((tenant, Some(ProviderTag([0; 4])))..=(tenant, Some(ProviderTag([0xff; 4]))));
        let providers = own.filter_map(|(marked, _)| Some((marked.1?, mark(*marked)))).filter(|(_, mark)| *mark > 0);
        MarksNow {
            everything: mark((EVERY_TENANT, None)),
            tenant: mark((tenant, None)),
            providers: providers.collect(),
        }
    }

    fn raise(&mut self, marked: Marked, now: Timestamp, until: Timestamp) -> UserMark {
        let after = |before: &UserMark| before.at + Duration::from_millis(1);
        let at = self.0.get(&marked).map_or(now, |before| now.max(after(before)));
        self.raise_to(marked, at, until)
    }

    fn raise_to(&mut self, marked: Marked, at: Timestamp, until: Timestamp) -> UserMark {
        let before = self.0.get(&marked);
        let at = before.map_or(at, |before| at.max(before.at));
        let mark = UserMark { at, until: before.map_or(until, |before| until.max(before.until)) };
        self.0.insert(marked, mark);
        mark
    }
}

impl EmbeddedStore {
    /// As the port's `raise`. In force at once; the answer waits for the disk.
    pub(super) async fn raise_mark(&self, target: &MarkTarget, keep_for: Duration) -> StoreResult<u64> {
        let ordered = {
            let now = self.now();
            let marked = (target.tenant(), target.provider());
            let mut marks = self.memory.not_before_mut();
            let mark = marks.raise(marked, now, now + length(keep_for));
            self.order_end(vec![Change::PutNotBefore(marked, mark)], mark.at.as_millis())
        };
        ordered?.settled().await
    }

    /// As the port's `raise_to`.
    pub(super) async fn raise_mark_to(&self, target: &MarkTarget, mark: u64, keep_for: Duration) -> StoreResult<()> {
        let ordered = {
            let marked = (target.tenant(), target.provider());
            let mut marks = self.memory.not_before_mut();
            let mark = marks.raise_to(marked, Timestamp::from_millis(mark), self.now() + length(keep_for));
            self.order_end(vec![Change::PutNotBefore(marked, mark)], ())
        };
        ordered?.settled().await
    }

    /// The marks in force for a tenant.
    pub(super) fn marks_of(&self, tenant: TenantNumber) -> MarksNow {
        self.memory.not_before().of(tenant, self.now())
    }

    /// How many sessions the indexes of a tenant name.
    pub(super) fn indexed(&self, tenant: TenantNumber) -> u64 {
        let range = (tenant, [0; 10], [0; 16])..=(tenant, [0xff; 10], [0xff; 16]);
        let count = |partition| self.memory.read(partition).index.range(range.clone()).count() as u64;
        Partition::all().map(count).sum()
    }
}
