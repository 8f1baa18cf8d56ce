//! Owns the sessions that were revoked of late: a store that has lost an end is not believed. Does not know any store.

use std::collections::{BTreeMap, HashSet, VecDeque};

use crate::session::key::{SessionKey, TenantNumber};

/// How many are remembered of each tenant at most: about 5 MB with what it takes to find them. What is older is left to the
/// store.
const MOST: usize = 65_536;

/// The last sessions that were revoked, of each tenant apart: no number of one's ends makes those of another forgotten.
#[derive(Default)]
pub(super) struct Recent(BTreeMap<TenantNumber, Ended>);

#[derive(Default)]
struct Ended {
    known: HashSet<SessionKey>,
    order: VecDeque<SessionKey>,
}

impl Recent {
    pub(super) fn add(&mut self, key: SessionKey) {
        let Ended { known, order } = self.0.entry(key.tenant).or_default();
        if !known.insert(key) {
            return;
        }
        order.push_back(key);
        if order.len() > MOST
            && let Some(oldest) = order.pop_front()
        {
            known.remove(&oldest);
        }
    }

    pub(super) fn has(&self, key: &SessionKey) -> bool {
        self.0.get(&key.tenant).is_some_and(|ended| ended.known.contains(key))
    }

    /// All of them, the last of each tenant first: they are the likeliest to be lost.
    pub(super) fn all(&self) -> Vec<SessionKey> {
        self.0.values().flat_map(|ended| ended.order.iter().rev().copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::key::{Partition, TenantNumber};

    #[test]
    fn the_last_ones_are_known_and_the_number_is_bounded() {
        let of = |tenant: TenantNumber, number: u32| {
            let mut handle = [0; 16];
            handle[..4].copy_from_slice(&number.to_be_bytes());
            SessionKey::of(tenant, Partition::new(0).unwrap(), &handle)
        };
        let key = |number| of(TenantNumber(1), number);
        let mut recent = Recent::default();
        recent.add(of(TenantNumber(2), 7));
        let most = u32::try_from(MOST).unwrap();
        (0..=most).for_each(|number| [key(number); 2].into_iter().for_each(|key| recent.add(key)));
        assert!(!recent.has(&key(0)) && recent.has(&key(1)) && recent.has(&key(most)));
        let ended = &recent.0[&TenantNumber(1)];
        assert_eq!((ended.known.len(), ended.order.len()), (MOST, MOST));
        assert!(recent.has(&of(TenantNumber(2), 7)), "another tenant's is not among them");
    }
}
