//! Owns moments and the limits of a session's life. Does not know what time it is.

use std::time::Duration;

/// A moment: milliseconds since the Unix epoch, UTC, by the store's time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The moment that many milliseconds after the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// The moment that many seconds after the Unix epoch.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the Unix epoch.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }

    /// How long it is from `earlier` until this moment; zero if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, length: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(length.as_millis()).unwrap_or(u64::MAX)))
    }
}

impl std::ops::Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, length: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(length.as_millis()).unwrap_or(u64::MAX)))
    }
}

/// How long sessions live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// A session that is not used for this long ends.
    pub idle: Duration,
    /// A session ends this long after it began, whatever happens.
    pub absolute: Duration,
    /// Use is written down at most this often, so the idle limit is accurate to it.
    pub touch_interval: Duration,
}

/// The times of one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// When it began.
    pub created: Timestamp,
    /// When it was last used, as far as it was written down.
    pub last_active: Timestamp,
    /// When it ends whatever happens: moved by no use.
    pub absolute_end: Timestamp,
}

/// What the times say of a session at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// It lives. `touch_due` when this use should be written down.
    Living {
        /// Whether the touch interval has passed since use was last written down.
        touch_due: bool,
    },
    /// Past its absolute limit.
    Expired,
    /// Not used for longer than its idle limit.
    Idle,
}

impl Times {
    /// When it ends if it is not used again. Never later than the absolute end.
    #[must_use]
    pub fn idle_end(&self, limits: &Lifetimes) -> Timestamp {
        (self.last_active + limits.idle).min(self.absolute_end)
    }

    /// What the times say at `now`. Both limits are judged here, whatever the store has kept (security.md 56).
    /// Use may lie up to one touch interval behind what was written down, so idleness counts from there.
    #[must_use]
    pub fn judge(&self, now: Timestamp, limits: &Lifetimes) -> Liveness {
        if now >= self.absolute_end {
            Liveness::Expired
        } else if now >= self.last_active + limits.idle + limits.touch_interval {
            Liveness::Idle
        } else {
            Liveness::Living { touch_due: now >= self.last_active + limits.touch_interval }
        }
    }

    /// How long the store should keep the record from `now` on: idle plus touch interval, capped by the absolute end.
    #[must_use]
    pub fn keep_for(&self, now: Timestamp, limits: &Lifetimes) -> Duration {
        (limits.idle + limits.touch_interval).min(self.absolute_end.since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Lifetimes = Lifetimes {
        idle: Duration::from_secs(100),
        absolute: Duration::from_secs(1000),
        touch_interval: Duration::from_secs(10),
    };

    fn times(last_active: u64) -> Times {
        Times {
            created: Timestamp::from_secs(0),
            last_active: Timestamp::from_secs(last_active),
            absolute_end: Timestamp::from_secs(1000),
        }
    }

    // security.md 56: idle and absolute limits are enforced here, and activity never moves the absolute end.
    #[test]
    fn each_limit_ends_a_session_exactly_at_its_moment() {
        let table = [
            (0, 0, Liveness::Living { touch_due: false }),
            (0, 9, Liveness::Living { touch_due: false }),
            (0, 10, Liveness::Living { touch_due: true }),
            (0, 109, Liveness::Living { touch_due: true }),
            (0, 110, Liveness::Idle),
            (995, 999, Liveness::Living { touch_due: false }),
            (995, 1000, Liveness::Expired),
            (5000, 1000, Liveness::Expired),
            // A clock that went backwards neither ends a session nor lengthens it.
            (500, 400, Liveness::Living { touch_due: false }),
        ];
        for (last_active, now, expected) in table {
            let judged = times(last_active).judge(Timestamp::from_secs(now), &LIMITS);
            assert_eq!(judged, expected, "last active {last_active}, now {now}");
        }
    }

    #[test]
    fn the_idle_end_is_capped_by_the_absolute_end() {
        assert_eq!(times(0).idle_end(&LIMITS), Timestamp::from_secs(100));
        assert_eq!(times(950).idle_end(&LIMITS), Timestamp::from_secs(1000));
        assert_eq!(times(950).keep_for(Timestamp::from_secs(950), &LIMITS), Duration::from_secs(50));
    }
}
