//! Owns which of the providers' own sessions ended of late: a store that has lost such an end lets no login slip past it.
//! Does not know any store.

use std::collections::{BTreeMap, HashMap};

use crate::session::key::{ProviderSessionKey, TenantNumber};
use crate::session::time::Timestamp;

/// How many are remembered of each tenant at most: less than a megabyte. What is older is left to the store.
const MOST: usize = 8192;

/// The last ones of each tenant apart: no number of one's ends makes those of another forgotten.
#[derive(Default)]
pub(super) struct ProviderEnds(BTreeMap<TenantNumber, Ended>);

#[derive(Default)]
struct Ended {
    /// When each ended last, and its place in the order of those ends.
    at: HashMap<ProviderSessionKey, (Timestamp, u64)>,
    order: BTreeMap<u64, ProviderSessionKey>,
    next: u64,
}

impl ProviderEnds {
    /// Notes that one ended then.
    pub(super) fn add(&mut self, of: ProviderSessionKey, at: Timestamp) {
        let Ended { at: known, order, next } = self.0.entry(of.tenant).or_default();
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

    /// Whether one ended at this moment or later.
    pub(super) fn has_since(&self, of: &ProviderSessionKey, moment: Timestamp) -> bool {
        self.0.get(&of.tenant).and_then(|ended| ended.at.get(of)).is_some_and(|(at, _)| *at >= moment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_end_of_each_counts_and_the_number_is_bounded() {
        let of = |tenant, sid: usize| ProviderSessionKey::of(TenantNumber(tenant), "idp", &sid.to_string());
        let at = Timestamp::from_millis;
        let mut ends = ProviderEnds::default();
        ends.add(of(2, 0), at(5));
        ends.add(of(1, 0), at(9));
        ends.add(of(1, 0), at(7));
        assert_eq!([8, 9, 10].map(|moment| ends.has_since(&of(1, 0), at(moment))), [true, true, false]);
        (1..=MOST).for_each(|sid| ends.add(of(1, sid), at(20)));
        assert_eq!([0, 1, MOST].map(|sid| ends.has_since(&of(1, sid), at(1))), [false, true, true]);
        assert!(ends.has_since(&of(2, 0), at(5)), "another tenant's are not among them");
        ends.add(of(1, 1), at(30));
        ends.add(of(1, 2), at(19));
        ends.add(of(1, 0), at(30));
        assert_eq!([0, 1, 2, 3].map(|sid| ends.has_since(&of(1, sid), at(1))), [true, true, false, true]);
    }
}
