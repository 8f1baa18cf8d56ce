//! Owns how often something may be done: an allowance, and what becomes of taking one of it. Does not know what is counted,
//! or where.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

/// So many within so long. What was taken comes back evenly, one by one (the generic cell rate algorithm): at most `most`
/// at once, and at most twice as many in any stretch of that length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// So many.
    pub most: u32,
    /// Within so long.
    pub within: Duration,
}

/// What became of taking one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is taken.
    Yes,
    /// None is left. Nothing was taken; the next one is there after so long.
    No(Duration),
}

impl Allowance {
    /// How long one takes to come back, in microseconds: what a store keeps counts in them.
    #[must_use]
    pub fn interval(&self) -> u64 {
        let within = u64::try_from(self.within.as_micros()).unwrap_or(u64::MAX);
        (within / u64::from(self.most.max(1))).max(1)
    }

    /// Takes one at `now`. What was taken before comes back by `back_at`; what comes back then, or why none is left. Both
    /// moments are in microseconds since the same one.
    ///
    /// # Errors
    /// How long it is until the next one is there.
    pub fn take(&self, back_at: u64, now: u64) -> Result<u64, Duration> {
        let interval = self.interval();
        let after = back_at.max(now).saturating_add(interval);
        let latest = now.saturating_add(interval.saturating_mul(u64::from(self.most)));
        if after > latest { Err(Duration::from_micros(after - latest)) } else { Ok(after) }
    }

    /// How long all of it takes to come back, in microseconds.
    #[must_use]
    pub fn whole(&self) -> u64 {
        self.interval().saturating_mul(u64::from(self.most))
    }

    /// Adds what somebody else has let through at the same time, of which nobody asked here: when all comes back then, in
    /// microseconds as for [`Allowance::take`]. More than there was is paid back before the next one is there, but never more
    /// than as much again.
    #[must_use]
    pub fn owe(&self, back_at: u64, owed: u64, now: u64) -> u64 {
        let (before, latest) = (back_at.max(now), now.saturating_add(self.whole().saturating_mul(2)));
        before.saturating_add(owed).min(latest).max(before)
    }
}

/// How often one client may do something, and all clients of a tenant together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// One client; `None`: as often as it likes.
    pub client: Option<Allowance>,
    /// All of them; `None`: as often as they like.
    pub tenant: Option<Allowance>,
}

/// The network by which a client counts: an IPv4 address, or the 64 bits of an IPv6 address that one customer has at least.
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => {
            let [a, b, c, d, ..] = six.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREE: Allowance = Allowance { most: 3, within: Duration::from_mins(1) };
    const SECOND: u64 = 1_000_000;

    #[test]
    fn as_many_as_allowed_go_at_once_and_the_rest_come_back_one_by_one() {
        let mut back_at = 0;
        for _ in 0..3 {
            back_at = THREE.take(back_at, SECOND).unwrap();
        }
        assert_eq!(THREE.take(back_at, SECOND), Err(Duration::from_secs(20)));
        assert_eq!(THREE.take(back_at, SECOND * 20), Err(Duration::from_secs(1)));
        back_at = THREE.take(back_at, SECOND * 21).unwrap();
        assert_eq!(THREE.take(back_at, SECOND * 21), Err(Duration::from_secs(20)));
        assert_eq!(THREE.take(back_at, SECOND * 900), Ok(SECOND * 920), "no more than all of it comes back");
    }

    // Replicas that let too many through at once let fewer through afterwards, and keep nobody waiting for ever.
    #[test]
    fn what_others_let_through_is_paid_back() {
        let minute = 60 * SECOND;
        assert_eq!(THREE.owe(0, minute, SECOND), SECOND + minute);
        let back_at = THREE.owe(SECOND + minute, minute / 3, SECOND);
        assert_eq!(THREE.take(back_at, SECOND), Err(Duration::from_secs(40)), "one that came back is owed");
        assert_eq!(THREE.owe(back_at, 99 * minute, SECOND), SECOND + 2 * minute);
        assert_eq!(THREE.owe(SECOND * 500, minute, SECOND), SECOND * 500, "nothing is given back");
    }

    // What does not divide gives nobody one more.
    #[test]
    fn an_odd_allowance_is_exact() {
        for (most, micros) in [(7, 60_000_000), (1000, 1_500), (1, 1), (5, 1)] {
            let odd = Allowance { most, within: Duration::from_micros(micros) };
            let mut back_at = 0;
            for _ in 0..most {
                back_at = odd.take(back_at, SECOND).unwrap();
            }
            assert!(odd.take(back_at, SECOND).is_err(), "{most} in {micros}");
        }
    }

    #[test]
    fn an_ipv6_client_counts_by_its_64_bits() {
        let of = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("203.0.113.7"), "203.0.113.7");
    }
}
