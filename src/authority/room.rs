//! Owns the room that a tenant has: for logins under way, and for living sessions. Does not know what is kept in it.
//!
//! Logins are spread over partitions, each of which holds its share and no more: together never more than may be under way,
//! and hardly any is refused while less than nine tenths of them are, since one that finds a partition full tries others.
//! Sessions are counted in the store at most once a second, while logins come; to that is added what this process has made
//! since. So one authority is exact, but for what has ended within the second; several may make too many between them, but no
//! more than the others make in that second.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::ports::Lookup;
use super::{Authority, Error};
use crate::session::key::{PARTITIONS, SessionKey};
use crate::session::login::LoginState;

/// A partition's share is at least so large, so that chance fills none long before the others.
const SHARE: u32 = 64;
/// How long a count of sessions is gone by.
const FRESH: Duration = Duration::from_secs(1);

/// Where logins are spread, where their number is bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LoginRoom {
    /// The first so many partitions.
    places: u16,
    /// How many each of them holds.
    pub(super) share: u32,
}

/// In how many partitions room is looked for.
const TRIES: u16 = 4;

impl LoginRoom {
    /// Room for `most`, and hardly less.
    pub(super) fn new(most: u32) -> Self {
        let places = u16::try_from(most / SHARE).unwrap_or(PARTITIONS).clamp(1, PARTITIONS);
        Self { places, share: (most / u32::from(places)).max(1) }
    }

    /// How often room is looked for, each time with another state.
    pub(super) fn tries(self) -> u16 {
        self.places.min(TRIES)
    }
}

/// How many sessions there are, as far as it is known here.
#[derive(Debug, Default)]
pub(super) struct Occupancy(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// What the store counted, when that began, and how many had been made here until then.
    counted: Option<(u64, Duration, u64)>,
    /// How many were made here, ever.
    made: u64,
    /// How many are about to be made.
    coming: u64,
}

/// A place for a session that is about to be made; given back unless it is taken.
pub(super) struct Place {
    occupancy: Option<Arc<Occupancy>>,
    is_taken: bool,
}

impl Place {
    /// There is a session in it now.
    pub(super) fn take(mut self) {
        self.is_taken = true;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(occupancy) = &self.occupancy {
            let mut known = occupancy.lock();
            known.coming = known.coming.saturating_sub(1);
            known.made += u64::from(self.is_taken);
        }
    }
}

impl Occupancy {
    /// A place among `most`; `None` when there is none, or nobody has counted.
    fn place(self: &Arc<Self>, most: u64) -> Option<Place> {
        let mut known = self.lock();
        let (counted, _, before) = known.counted?;
        if counted + (known.made - before) + known.coming >= most {
            return None;
        }
        known.coming += 1;
        Some(Place { occupancy: Some(Arc::clone(self)), is_taken: false })
    }

    fn is_fresh(&self, now: Duration) -> bool {
        self.lock().counted.is_some_and(|(_, at, _)| now < at + FRESH)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Authority {
    /// A state for a new login, in a partition where there may be room for it.
    pub(super) fn new_state(&self, room: Option<LoginRoom>) -> LoginState {
        let mut secret = self.random();
        let fits = |state: &LoginState| room.is_none_or(|room| state.key().partition.number() < room.places);
        let mut state = LoginState::new(self.settings.tenant, secret);
        // Which partition it is follows from a hash. In one of few a state is found by counting on from a random one.
        while !fits(&state) {
            let [a, b, ..] = &mut secret;
            [*a, *b] = u16::from_be_bytes([*a, *b]).wrapping_add(1).to_be_bytes();
            state = LoginState::new(self.settings.tenant, secret);
        }
        state
    }

    /// A place for one more session, or in the stead of one of `priors`, which end when it is made; `None` when the tenant
    /// is full.
    ///
    /// # Errors
    /// When the store can't say.
    pub(super) async fn place_for_session(&self, priors: &[SessionKey]) -> Result<Option<Place>, Error> {
        let free = || Place { occupancy: None, is_taken: false };
        let Some(most) = self.settings.capacity.sessions else { return Ok(Some(free())) };
        let now = self.ports.clock.running();
        let occupancy = &self.under_way.occupancy;
        if !occupancy.is_fresh(now) {
            self.count_sessions(now).await?;
        }
        if let Some(place) = occupancy.place(most) {
            return Ok(Some(place));
        }
        for prior in priors {
            if matches!(self.ports.sessions.read(prior).await?, Lookup::Found(_)) {
                return Ok(Some(free()));
            }
        }
        Ok(None)
    }

    /// Counts the sessions of the tenant, once for all who want to know.
    async fn count_sessions(&self, now: Duration) -> Result<(), Error> {
        let (authority, run) = (self.clone(), |work| self.ports.beside.run(work));
        let counting = self.under_way.counts.join((), run, move || {
            Box::pin(async move {
                let occupancy = &authority.under_way.occupancy;
                let made = occupancy.lock().made;
                let counted = authority.ports.sessions.count(authority.settings.tenant).await;
                let counted = counted.map_err(|error| Arc::new(Error::from(error)))?;
                occupancy.lock().counted = Some((counted, now, made));
                Ok(())
            })
        });
        let crowded = || Error::StoreUnavailable("too much is at work beside answers to count".into());
        Ok(counting.await.ok_or_else(crowded)??)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_partitions_hold_together_what_may_be_under_way_and_hardly_less() {
        for most in [1, 7, 63, 64, 100, 127, 128, 1000, 65_535, 65_536, 100_000, 1_000_000] {
            let LoginRoom { places, share } = LoginRoom::new(most);
            let room = u32::from(places) * share;
            assert!(room <= most && room * 100 >= most * 98, "{most}: {places} of {share}");
        }
    }

    #[test]
    fn a_place_that_is_not_taken_is_free_again() {
        let (occupancy, at) = (Arc::new(Occupancy::default()), Duration::from_secs(9));
        assert!(occupancy.place(2).is_none() && !occupancy.is_fresh(at), "nobody has counted");
        occupancy.lock().counted = Some((1, at, 0));
        let place = occupancy.place(2).unwrap();
        assert!(occupancy.place(2).is_none(), "one is about to be made");
        drop(place);
        occupancy.place(2).unwrap().take();
        assert!(occupancy.place(2).is_none(), "one was made");
        assert!(occupancy.is_fresh(at) && !occupancy.is_fresh(at + FRESH));
    }
}
