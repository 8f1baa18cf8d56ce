//! Owns the sessions that were revoked of late: a store that has lost an end is not believed. Does not know any store.

use std::collections::{HashSet, VecDeque};

use crate::session::key::SessionKey;

/// How many are remembered at most: about 5 MB with what it takes to find them. What is older is left to the store.
const MOST: usize = 65_536;

/// The last sessions that were revoked.
#[derive(Default)]
pub(super) struct Recent {
    known: HashSet<SessionKey>,
    order: VecDeque<SessionKey>,
}

impl Recent {
    pub(super) fn add(&mut self, key: SessionKey) {
        if !self.known.insert(key) {
            return;
        }
        self.order.push_back(key);
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    pub(super) fn has(&self, key: &SessionKey) -> bool {
        self.known.contains(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::key::{Partition, TenantNumber};

    #[test]
    fn the_last_ones_are_known_and_the_number_is_bounded() {
        let key = |number: u32| {
            let mut handle = [0; 16];
            handle[..4].copy_from_slice(&number.to_be_bytes());
            SessionKey::of(TenantNumber(1), Partition::new(0).unwrap(), &handle)
        };
        let mut recent = Recent::default();
        let most = u32::try_from(MOST).unwrap();
        (0..=most).for_each(|number| [key(number); 2].into_iter().for_each(|key| recent.add(key)));
        assert!(!recent.has(&key(0)) && recent.has(&key(1)) && recent.has(&key(most)));
        assert_eq!((recent.known.len(), recent.order.len()), (MOST, MOST));
    }
}
