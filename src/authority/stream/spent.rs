//! Owns which refresh tokens have brought others of late, at whichever replica, and whether the store may have forgotten so:
//! what the provider says of one that a failover brought back says nothing of its user. Does not know any store.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Stream;
use crate::session::key::{SessionKey, TenantNumber};
use crate::session::spent::Spent;

/// How many are remembered of each tenant at most: less than 6 MB with what it takes to find them.
const MOST: usize = 65_536;

/// For how long nobody can tell what a store has lost that has begun another history. Tokens that a lost refresh leaves
/// behind are those that were due: a session in use sends them again within moments.
const DOUBT: Duration = Duration::from_mins(10);

/// What was heard of spent refresh tokens.
#[derive(Default)]
pub(super) struct SpentOfLate(Mutex<Heard>);

#[derive(Default)]
struct Heard {
    /// Of each tenant apart: no number of one's refreshes makes those of another forgotten.
    tenants: BTreeMap<TenantNumber, Last>,
    doubt_until: Duration,
}

#[derive(Default)]
struct Last {
    known: HashSet<(SessionKey, Spent)>,
    order: VecDeque<(SessionKey, Spent)>,
}

impl SpentOfLate {
    pub(super) fn add(&self, session: SessionKey, spent: Spent) {
        let mut heard = self.heard();
        let Last { known, order } = heard.tenants.entry(session.tenant).or_default();
        if !known.insert((session, spent)) {
            return;
        }
        order.push_back((session, spent));
        if order.len() > MOST
            && let Some(oldest) = order.pop_front()
        {
            known.remove(&oldest);
        }
    }

    /// The store has begun another history: what nobody has heard of yet may be lost.
    pub(super) fn doubt(&self, now: Duration) {
        self.heard().doubt_until = now + DOUBT;
    }

    fn may_be(&self, session: &SessionKey, spent: Spent, now: Duration) -> bool {
        let heard = self.heard();
        now < heard.doubt_until
            || heard.tenants.get(&session.tenant).is_some_and(|last| last.known.contains(&(*session, spent)))
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream {
    /// Notes that this refresh token has brought another.
    pub(in crate::authority) fn note_spent(&self, session: &SessionKey, spent: Spent) {
        self.ear.spent.add(*session, spent);
    }

    /// Whether this refresh token may have brought another, and the store knows nothing of it: it has lost its last writes.
    pub(in crate::authority) fn may_be_spent(&self, session: &SessionKey, spent: Spent, now: Duration) -> bool {
        self.ear.spent.may_be(session, spent, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::key::Partition;

    fn session(tenant: u32) -> SessionKey {
        SessionKey::of(TenantNumber(tenant), Partition::new(0).unwrap(), &[7; 16])
    }

    fn number(number: usize) -> Spent {
        Spent(u64::try_from(number).unwrap().to_be_bytes())
    }

    #[test]
    fn the_last_ones_are_known_and_the_number_is_bounded() {
        let known = |spent: &SpentOfLate, tenant, token| spent.may_be(&session(tenant), number(token), Duration::ZERO);
        let spent = SpentOfLate::default();
        spent.add(session(2), number(7));
        (0..=MOST).for_each(|token| [number(token); 2].into_iter().for_each(|token| spent.add(session(1), token)));
        assert_eq!([0, 1, MOST, MOST + 1].map(|token| known(&spent, 1, token)), [false, true, true, false]);
        assert_eq!([7, 8].map(|token| known(&spent, 2, token)), [true, false], "another tenant's, and nothing else");
        assert_eq!(spent.heard().tenants[&TenantNumber(1)].order.len(), MOST);
    }

    #[test]
    fn after_a_failover_nobody_can_tell_for_a_while() {
        let spent = SpentOfLate::default();
        let at = |seconds| spent.may_be(&session(1), number(1), Duration::from_secs(seconds));
        assert!(!at(100));
        spent.doubt(Duration::from_secs(100));
        assert_eq!([at(100), at(699), at(700)], [true, true, false]);
    }
}
