//! Owns the rotation of a session's credential: which generation was presented, when the next is due, how long the one
//! before stays good. Does not know how a record is written or a cookie delivered.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::credential::SecretHash;
use super::record::{Header, Other, Standing};
use super::time::Timestamp;
use crate::crypto::equal;

/// When credentials are replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RotationPolicy {
    /// A generation is replaced this long after it was first presented; `None`: never by age.
    pub after: Option<Duration>,
    /// How long the one before stays good once its successor was presented: what was under way then still arrives.
    pub grace: Duration,
}

/// What a credential that this authority signed is to its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standpoint {
    /// The one in force.
    Current,
    /// The one in force, whose successor was issued and has not come back yet. It yields that successor again.
    Awaiting,
    /// The successor, for the first time: from now on it is the one in force, and the grace of the one before begins.
    Successor,
    /// The one before, in its grace. It yields the successor again.
    Predecessor,
    /// One of before, past its grace: two hold a credential of this session, and one of them is not its user.
    Stolen,
    /// One of before a step-up, which leaves it no grace; but what was under way with it when that was done is no theft.
    Superseded,
    /// Signed by us, and the record knows nothing of it: a write that a failover lost. Never theft (store.md, 1).
    Lost,
}

/// Since when a generation is in force, and how it came to be.
#[derive(Clone, Copy, Debug)]
pub struct InForce {
    /// When it was first presented.
    pub since: Timestamp,
    /// Whether it came by a step-up.
    pub stepped_up: bool,
}

impl From<&Standing> for InForce {
    fn from(standing: &Standing) -> Self {
        Self { since: standing.generation_since, stepped_up: standing.stepped_up }
    }
}

/// Says what a credential is to its record.
#[must_use]
pub fn standpoint(
    header: &Header,
    generation: u32,
    hash: &SecretHash,
    in_force: InForce,
    now: Timestamp,
    policy: &RotationPolicy,
) -> Standpoint {
    let in_grace = now < in_force.since + policy.grace;
    if equal(hash, &header.current) {
        return if matches!(header.other, Some(Other::Next(_))) { Standpoint::Awaiting } else { Standpoint::Current };
    }
    match header.other {
        Some(Other::Next(next)) if equal(hash, &next) => Standpoint::Successor,
        Some(Other::Previous(previous)) if equal(hash, &previous) && in_grace => Standpoint::Predecessor,
        _ if generation < header.generation && in_force.stepped_up && in_grace => Standpoint::Superseded,
        _ if generation < header.generation => Standpoint::Stolen,
        _ => Standpoint::Lost,
    }
}

/// The generation that a step-up makes: above every one that was given out, also as a successor that has not come back.
#[must_use]
pub const fn stepped_up(header: &Header) -> u32 {
    let given_out = if matches!(header.other, Some(Other::Next(_))) { 2 } else { 1 };
    header.generation.saturating_add(given_out)
}

/// When the generation in force is to be replaced; `None` when that is not by age, or its successor is under way.
#[must_use]
pub fn due(header: &Header, since: Timestamp, policy: &RotationPolicy) -> Option<Timestamp> {
    let waiting = match header.other {
        Some(Other::Next(_)) => return None,
        // Never while the one before is in its grace: there is one place for another secret.
        Some(Other::Previous(_)) => policy.grace,
        None => Duration::ZERO,
    };
    Some(since + policy.after?.max(waiting))
}

/// The generations whose CSRF tokens are good: the one in force, the one before while it is in its grace, and one that
/// was issued and has not come back yet, whose token may arrive before its cookie does.
#[must_use]
pub fn generations(header: &Header, since: Timestamp, now: Timestamp, policy: &RotationPolicy) -> RangeInclusive<u32> {
    let own = header.generation;
    match header.other {
        Some(Other::Next(_)) => own..=own.saturating_add(1),
        Some(Other::Previous(_)) if now < since + policy.grace => own.saturating_sub(1)..=own,
        _ => own..=own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::record::Marks;

    const POLICY: RotationPolicy =
        RotationPolicy { after: Some(Duration::from_secs(100)), grace: Duration::from_secs(30) };
    const SINCE: Timestamp = Timestamp::from_secs(1000);

    fn header(other: Option<Other>) -> Header {
        let marks = Marks::default();
        Header { revision: 1, generation: 5, current: [5; 16], other, last_active: None, fence: 0, marks }
    }

    fn at(other: Option<Other>, generation: u32, secret: u8, after: u64) -> Standpoint {
        let now = SINCE + Duration::from_secs(after);
        let in_force = InForce { since: SINCE, stepped_up: false };
        standpoint(&header(other), generation, &[secret; 16], in_force, now, &POLICY)
    }

    // store.md, 1: older and past its grace is theft; ahead of the record, or unknown to it, never is.
    #[test]
    fn every_generation_is_told_from_the_others() {
        let (next, previous) = (Some(Other::Next([6; 16])), Some(Other::Previous([4; 16])));
        let table = [
            (None, 5, 5, 0, Standpoint::Current),
            (previous, 5, 5, 0, Standpoint::Current),
            (next, 5, 5, 9999, Standpoint::Awaiting),
            (next, 6, 6, 9999, Standpoint::Successor),
            (previous, 4, 4, 29, Standpoint::Predecessor),
            (previous, 4, 4, 30, Standpoint::Stolen),
            (previous, 3, 3, 0, Standpoint::Stolen),
            (next, 4, 4, 0, Standpoint::Stolen),
            (None, 4, 4, 0, Standpoint::Stolen),
            (None, 6, 6, 0, Standpoint::Lost),
            (previous, 7, 7, 0, Standpoint::Lost),
            // Two successors of one: the record that named the first was lost.
            (next, 6, 7, 0, Standpoint::Lost),
            (previous, 5, 7, 0, Standpoint::Lost),
        ];
        for (other, generation, secret, after, expected) in table {
            assert_eq!(at(other, generation, secret, after), expected, "{other:?} {generation} {secret} {after}");
        }
    }

    // A step-up leaves no grace; and who was faster or slower than its answer is no thief.
    #[test]
    fn what_was_under_way_before_a_step_up_is_refused_and_no_theft() {
        let at = |generation, secret: u8, after| {
            let (now, in_force) = (SINCE + Duration::from_secs(after), InForce { since: SINCE, stepped_up: true });
            standpoint(&header(None), generation, &[secret; 16], in_force, now, &POLICY)
        };
        assert_eq!((at(5, 5, 0), at(6, 6, 0)), (Standpoint::Current, Standpoint::Lost));
        assert_eq!((at(4, 4, 29), at(3, 3, 0)), (Standpoint::Superseded, Standpoint::Superseded));
        assert_eq!(at(4, 4, 30), Standpoint::Stolen);
        assert_eq!(stepped_up(&header(None)), 6);
        assert_eq!(stepped_up(&header(Some(Other::Previous([4; 16])))), 6);
        assert_eq!(stepped_up(&header(Some(Other::Next([6; 16])))), 7, "never the number of the successor");
    }

    #[test]
    fn a_rotation_is_due_by_age_and_never_while_another_secret_is_good() {
        let (next, previous) = (Some(Other::Next([6; 16])), Some(Other::Previous([4; 16])));
        assert_eq!(due(&header(None), SINCE, &POLICY), Some(Timestamp::from_secs(1100)));
        assert_eq!(due(&header(next), SINCE, &POLICY), None);
        let short = RotationPolicy { after: Some(Duration::from_secs(10)), ..POLICY };
        assert_eq!(due(&header(previous), SINCE, &short), Some(Timestamp::from_secs(1030)));
        assert_eq!(due(&header(None), SINCE, &RotationPolicy { after: None, ..POLICY }), None);
    }

    #[test]
    fn tokens_of_the_neighbouring_generation_are_good_as_long_as_its_credential() {
        let (next, previous) = (Some(Other::Next([6; 16])), Some(Other::Previous([4; 16])));
        let at = |other, after| generations(&header(other), SINCE, SINCE + Duration::from_secs(after), &POLICY);
        assert_eq!(at(None, 0), 5..=5);
        assert_eq!(at(next, 9999), 5..=6);
        assert_eq!((at(previous, 29), at(previous, 30)), (4..=5, 5..=5));
    }
}
