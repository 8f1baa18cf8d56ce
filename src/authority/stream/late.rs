//! Owns what ended of late and when, of one kind of thing: a store that has lost such an end lets nothing slip past it. Does not
//! know what it was, nor any store.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use crate::session::key::TenantNumber;
use crate::session::time::Timestamp;

/// How many are remembered of each tenant at most: less than a megabyte. What is older is left to the store.
const MOST: usize = 8192;

/// The last ones of each tenant apart: no number of one's ends makes those of another forgotten.
pub(super) struct Late<K>(BTreeMap<TenantNumber, Ended<K>>);

struct Ended<K> {
    /// When each ended last, and its place in the order of those ends.
    at: HashMap<K, (Timestamp, u64)>,
    order: BTreeMap<u64, K>,
    next: u64,
}

impl<K> Default for Late<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K> Default for Ended<K> {
    fn default() -> Self {
        Self { at: HashMap::new(), order: BTreeMap::new(), next: 0 }
    }
}

impl<K: Copy + Eq + Hash> Late<K> {
    /// Notes that one ended then.
    pub(super) fn add(&mut self, tenant: TenantNumber, of: K, at: Timestamp) {
        let Ended { at: known, order, next } = self.0.entry(tenant).or_default();
        let former = known.get(&of).copied();
        if let Some((last, place)) = former {
            if last >= at {
                return;
            }
            order.remove(&place);
        }
        known.insert(of, (at, *next));
        order.insert(*next, of);
        *next += 1;
        if order.len() > MOST
            && let Some((_, oldest)) = order.pop_first()
        {
            known.remove(&oldest);
        }
    }

    /// Forgets that one ended: it has begun again.
    pub(super) fn remove(&mut self, tenant: TenantNumber, of: &K) {
        if let Some(Ended { at, order, .. }) = self.0.get_mut(&tenant)
            && let Some((_, place)) = at.remove(of)
        {
            order.remove(&place);
        }
    }

    /// When one ended last, if that is known.
    pub(super) fn of(&self, tenant: TenantNumber, of: &K) -> Option<Timestamp> {
        self.0.get(&tenant)?.at.get(of).map(|(at, _)| *at)
    }

    /// All that are known, and when each ended.
    pub(super) fn all(&self) -> Vec<(K, Timestamp)> {
        self.0.values().flat_map(|ended| ended.at.iter().map(|(of, (at, _))| (*of, *at))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_end_of_each_counts_and_the_number_is_bounded() {
        let (one, two, at) = (TenantNumber(1), TenantNumber(2), Timestamp::from_millis);
        let mut ends = Late::default();
        ends.add(two, 0, at(5));
        ends.add(one, 0, at(9));
        ends.add(one, 0, at(7));
        assert_eq!(ends.of(one, &0), Some(at(9)));
        (1..=MOST).for_each(|of| ends.add(one, of, at(20)));
        assert_eq!([0, 1, MOST].map(|of| ends.of(one, &of)), [None, Some(at(20)), Some(at(20))]);
        assert_eq!(ends.of(two, &0), Some(at(5)), "another tenant's are not among them");
        ends.add(one, 1, at(30));
        ends.add(one, 2, at(19));
        ends.add(one, 0, at(30));
        assert_eq!([0, 1, 2, 3].map(|of| ends.of(one, &of).is_some()), [true, true, false, true]);
        assert_eq!(ends.all().len(), MOST + 1);
    }

    #[test]
    fn what_has_begun_again_is_forgotten() {
        let (tenant, at) = (TenantNumber(1), Timestamp::from_millis);
        let mut ends = Late::default();
        ends.add(tenant, 7, at(5));
        ends.remove(tenant, &7);
        ends.remove(tenant, &8);
        assert_eq!((ends.of(tenant, &7), ends.all()), (None, vec![]));
        ends.add(tenant, 7, at(3));
        assert_eq!(ends.of(tenant, &7), Some(at(3)));
    }
}
