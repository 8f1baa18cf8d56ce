//! Owns which key of a ring does what at which time (store.md, 2). Does not know what the keys sign or seal, nor where they
//! come from.
//!
//! A key verifies and opens from when it is known, signs and seals from its date until a later key's, and is dropped at the
//! end of its time. So replicas may learn of it at different times: all that do before its date understand each other.

use super::time::Timestamp;
use crate::crypto::{KeyId, KeyRing, Secret, key_id};

/// A key of a ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RingKey {
    /// A hash of its secret.
    pub id: KeyId,
    /// The secret; `None` for a key that belongs to the ring and is not at hand.
    pub secret: Option<Secret>,
    /// From when on it signs and seals; `None`: since ever.
    pub active_from: Option<Timestamp>,
    /// When it is dropped; `None`: not by itself.
    pub retire_after: Option<Timestamp>,
}

impl RingKey {
    /// One that is there since ever, and for good.
    #[must_use]
    pub fn steady(secret: Secret) -> Self {
        Self { id: key_id(&secret), secret: Some(secret), active_from: None, retire_after: None }
    }
}

/// What a key does at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It verifies and opens, and waits for its date.
    VerifyOnly,
    /// It signs and seals.
    Active,
    /// A later one signs and seals; it verifies and opens what it made before.
    Retiring,
    /// Its time is over: what it made is to this authority as if it were not there.
    Retired,
    /// Its secret is not at hand: what it made can't be judged.
    Missing,
}

impl KeyState {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::VerifyOnly => "verify-only",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
            Self::Missing => "missing",
        }
    }
}

/// The keys of a ring: those that were there before rings had dates first, then by their dates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ring {
    keys: Vec<RingKey>,
    /// Whether one of them stays, whatever the dates say.
    never_empty: bool,
}

/// The times between which no key of some rings does anything else. `None` on a side on which nothing is to change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// It begins here.
    pub from: Option<Timestamp>,
    /// It is over here.
    pub until: Option<Timestamp>,
}

impl Span {
    /// Whether the time is within it.
    #[must_use]
    pub fn has(&self, now: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }

    /// What both have in common.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let until = [self.until, other.until].into_iter().flatten().min();
        Self { from: self.from.max(other.from), until }
    }
}

impl Ring {
    /// These keys. Of two that become active at the same time the later one in the list does. One that is there twice
    /// counts as it stands later.
    #[must_use]
    pub fn new(keys: impl IntoIterator<Item = RingKey>) -> Self {
        let mut ring: Vec<RingKey> = Vec::new();
        for key in keys {
            ring.retain(|other| other.id != key.id);
            ring.push(key);
        }
        ring.sort_by_key(|key| key.active_from);
        Self { keys: ring, never_empty: false }
    }

    /// The same, that others fall back on: where the time of every key at hand is over, the one that was to stay the longest does
    /// stay. Whoever has nothing to sign with logs everybody out.
    #[must_use]
    pub fn never_empty(self) -> Self {
        Self { never_empty: true, ..self }
    }

    /// This ring for a purpose of its own: until a key of `own` is active, those here sign and seal, and they go on to
    /// verify and open.
    #[must_use]
    pub fn with_own(&self, own: &Self) -> OwnRing {
        OwnRing { base: self.clone(), own: own.clone() }
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &[RingKey] {
        &self.keys
    }

    /// What each of the keys does at this time.
    pub fn states(&self, now: Timestamp) -> impl Iterator<Item = (&RingKey, KeyState)> {
        let active = self.active(now).map(|key| key.id);
        let kept = self.kept(now).map(|key| key.id);
        self.keys.iter().map(move |key| (key, state(key, active, kept, now)))
    }

    /// Since when this key no more signs and seals; `None` where it does, or nobody has written down since when.
    #[must_use]
    pub fn followed_since(&self, id: KeyId, now: Timestamp) -> Option<Timestamp> {
        let later = self.there(now).skip_while(|key| key.id != id).skip(1);
        later.filter_map(|key| key.active_from).find(|date| *date <= now)
    }

    /// The keys as they are at this time. Where no date has come yet, the earliest key is active all the same.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> KeyRing {
        ring_of(self, &Self::default(), now)
    }

    /// How long before and after this time the keys do what they do at it.
    #[must_use]
    pub fn span(&self, now: Timestamp) -> Span {
        let dates = || self.keys.iter().flat_map(|key| [key.active_from, key.retire_after]).flatten();
        Span { from: dates().filter(|date| *date <= now).max(), until: dates().filter(|date| *date > now).min() }
    }

    /// The one that signs and seals: of those whose date has come the latest, else the earliest.
    fn active(&self, now: Timestamp) -> Option<&RingKey> {
        self.dated(now).or_else(|| self.there(now).next())
    }

    fn dated(&self, now: Timestamp) -> Option<&RingKey> {
        self.there(now).filter(|key| key.active_from.is_none_or(|date| date <= now)).last()
    }

    fn there(&self, now: Timestamp) -> impl Iterator<Item = &RingKey> {
        self.timely(now).chain(self.kept(now))
    }

    fn timely(&self, now: Timestamp) -> impl Iterator<Item = &RingKey> {
        self.keys.iter().filter(move |key| key.secret.is_some() && !is_over(key, now))
    }

    /// The key that stays because no other is left.
    fn kept(&self, now: Timestamp) -> Option<&RingKey> {
        let is_wanted = self.never_empty && self.timely(now).next().is_none();
        let at_hand = self.keys.iter().filter(|key| key.secret.is_some());
        at_hand.max_by_key(|key| key.retire_after).filter(|_| is_wanted)
    }
}

/// A ring for one purpose, beside the one that all purposes have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnRing {
    base: Ring,
    own: Ring,
}

impl OwnRing {
    /// As [`Ring::at`].
    #[must_use]
    pub fn at(&self, now: Timestamp) -> KeyRing {
        ring_of(&self.base, &self.own, now)
    }
}

fn is_over(key: &RingKey, now: Timestamp) -> bool {
    key.retire_after.is_some_and(|date| date <= now)
}

fn state(key: &RingKey, active: Option<KeyId>, kept: Option<KeyId>, now: Timestamp) -> KeyState {
    match key {
        _ if kept == Some(key.id) => KeyState::Active,
        _ if is_over(key, now) => KeyState::Retired,
        RingKey { secret: None, .. } => KeyState::Missing,
        _ if active == Some(key.id) => KeyState::Active,
        RingKey { active_from: Some(date), .. } if *date > now => KeyState::VerifyOnly,
        _ => KeyState::Retiring,
    }
}

fn ring_of(base: &Ring, own: &Ring, now: Timestamp) -> KeyRing {
    let active = own.dated(now).or_else(|| base.active(now)).or_else(|| own.there(now).next());
    let there: Vec<_> = base.there(now).chain(own.there(now)).collect();
    let place = there.iter().position(|key| active.is_some_and(|active| active.id == key.id)).unwrap_or_default();
    let missing = base.keys.iter().chain(&own.keys).filter(|key| key.secret.is_none() && !is_over(key, now));
    let missing = missing.map(|key| key.id).collect();
    KeyRing::of(there.into_iter().filter_map(|key| key.secret.clone()).collect(), place, missing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use KeyState::{Active, Missing, Retired, Retiring, VerifyOnly};

    fn at(second: u64) -> Timestamp {
        Timestamp::from_secs(second)
    }

    fn key(name: &str, from: u64, until: u64) -> RingKey {
        let date = |second: u64| (second > 0).then(|| at(second));
        RingKey { active_from: date(from), retire_after: date(until), ..RingKey::steady(Secret::new(name)) }
    }

    fn lost(name: &str, from: u64, until: u64) -> RingKey {
        RingKey { secret: None, ..key(name, from, until) }
    }

    fn states(ring: &Ring, now: u64) -> Vec<KeyState> {
        ring.states(at(now)).map(|(_, state)| state).collect()
    }

    /// Which of the names signs.
    fn signs<'a>(ring: &KeyRing, names: &[&'a str]) -> Option<&'a str> {
        let (id, _) = ring.mac("p").sign(&[b"x"]);
        names.iter().copied().find(|name| key_id(&Secret::new(*name)) == id)
    }

    // store.md 2: verify-only, active from a date, retiring.
    #[test]
    fn a_key_verifies_first_then_signs_then_retires_and_is_dropped() {
        let ring = Ring::new([key("a", 0, 300), key("b", 100, 0), key("c", 200, 0)]);
        assert_eq!(states(&ring, 99), [Active, VerifyOnly, VerifyOnly]);
        assert_eq!(states(&ring, 100), [Retiring, Active, VerifyOnly]);
        assert_eq!(states(&ring, 200), [Retiring, Retiring, Active]);
        assert_eq!(states(&ring, 300), [Retired, Retiring, Active]);
        let span =
            |from: u64, until: u64| Span { from: (from > 0).then(|| at(from)), until: (until > 0).then(|| at(until)) };
        let spans = [0, 99, 100, 200, 300].map(|now| ring.span(at(now)));
        assert_eq!(spans, [span(0, 100), span(0, 100), span(100, 200), span(200, 300), span(300, 0)]);
        assert_eq!([99, 100, 199, 200].map(|now| span(100, 200).has(at(now))), [false, true, true, false]);
        assert_eq!(span(0, 200).and(span(100, 0)), span(100, 200));
        let (id, mac) = KeyRing::new(Secret::new("a"), []).mac("p").sign(&[b"x"]);
        let accepts = |now| ring.at(at(now)).mac("p").verify(&id, &[b"x"], &mac);
        assert!(accepts(0) && accepts(299) && !accepts(300));
        for (now, name) in [(0, "a"), (99, "a"), (100, "b"), (250, "c"), (400, "c")] {
            assert_eq!(signs(&ring.at(at(now)), &["a", "b", "c"]), Some(name), "{now}");
        }
    }

    #[test]
    fn a_key_is_followed_from_the_date_of_the_next_that_is_there() {
        let ring = Ring::new([key("a", 0, 0), key("b", 0, 0), key("c", 100, 200), key("d", 300, 0), lost("e", 50, 0)]);
        let followed = |name: &str, now| ring.followed_since(key_id(&Secret::new(name)), at(now));
        assert_eq!([99, 100, 199].map(|now| followed("a", now)), [None, Some(at(100)), Some(at(100))]);
        // Between the end of one and the date of the next it signs once more.
        assert_eq!([200, 299, 300].map(|now| followed("b", now)), [None, None, Some(at(300))]);
        assert_eq!((followed("d", 400), followed("e", 400)), (None, None));
    }

    #[test]
    fn the_order_in_which_keys_are_written_down_does_not_matter() {
        let keys = [key("a", 0, 0), key("b", 100, 0), key("c", 200, 0)];
        let [a, b, c] = keys.clone();
        assert_eq!(Ring::new([c, a, b]), Ring::new(keys));
        let twice = Ring::new([key("a", 0, 0), key("b", 100, 0), key("a", 0, 500)]);
        assert_eq!(twice.keys().len(), 2, "a key that is there twice is one");
        assert_eq!(twice.span(at(200)).until, Some(at(500)), "as it stands later");
    }

    #[test]
    fn before_any_date_has_come_the_earliest_key_signs() {
        let ring = Ring::new([key("late", 200, 0), key("early", 100, 0)]);
        assert_eq!(signs(&ring.at(at(1)), &["late", "early"]), Some("early"));
        assert_eq!(states(&ring, 1), [Active, VerifyOnly]);
    }

    // A lost key never signs, and what names it is no forgery until its time is over.
    #[test]
    fn a_lost_key_is_missing_until_it_would_have_been_dropped() {
        let ring = Ring::new([key("a", 0, 0), lost("b", 100, 300)]);
        assert_eq!(states(&ring, 150), [Active, Missing]);
        let lacks = |now| ring.at(at(now)).mac("p").lacks(&key_id(&Secret::new("b")));
        assert!(lacks(1) && lacks(299) && !lacks(300));
        assert_eq!(signs(&ring.at(at(150)), &["a", "b"]), Some("a"));
    }

    // Whatever the dates say: with no key at all nothing could be signed, and everybody would be logged out.
    #[test]
    fn of_a_ring_that_others_fall_back_on_the_last_key_stays() {
        let keys = [key("a", 0, 300), key("b", 100, 200), lost("c", 0, 400)];
        let ring = Ring::new(keys.clone()).never_empty();
        assert_eq!(states(&ring, 250), [Active, Missing, Retired]);
        for now in [300, 400, 4000] {
            assert_eq!(signs(&ring.at(at(now)), &["a", "b"]), Some("a"), "{now}");
        }
        assert_eq!(states(&ring, 400), [Active, Retired, Retired]);
        assert_eq!(signs(&Ring::new(keys).at(at(400)), &["a", "b"]), None, "another ring may be empty");
        let own = ring.with_own(&Ring::new([key("own", 0, 300)]));
        assert_eq!(signs(&own.at(at(299)), &["a", "own"]), Some("own"));
        assert_eq!(signs(&own.at(at(300)), &["a", "own"]), Some("a"));
    }

    // Given a ring of its own, a purpose goes on to open what the common one sealed.
    #[test]
    fn a_ring_of_its_own_begins_where_the_common_one_leaves_off() {
        let base = Ring::new([key("a", 0, 0)]);
        let own = base.with_own(&Ring::new([key("own", 100, 0)]));
        let sealed = base.at(at(0)).seal("s").seal([1; 12], &[b"x"], &[], b"text");
        for (now, name) in [(50, "a"), (100, "own")] {
            assert_eq!(signs(&own.at(at(now)), &["a", "own"]), Some(name));
            assert_eq!(own.at(at(now)).seal("s").open(&[b"x"], &[], &sealed).as_deref(), Ok(&b"text"[..]));
        }
        assert_eq!(signs(&Ring::default().with_own(&Ring::new([key("own", 100, 0)])).at(at(1)), &["own"]), Some("own"));
    }
}
