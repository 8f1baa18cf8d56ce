//! Owns for how long the event log can be trusted: until an own heartbeat is missing. Does not know the log.

use std::collections::VecDeque;
use std::time::Duration;

use super::{HEARTBEAT_EVERY, MAX_STALENESS};

/// How long a heartbeat may take to come back.
const BACK_WITHIN: Duration = Duration::from_secs(2);

/// How many heartbeats are waited for at most; older ones would not help any more.
const WAITED_FOR: usize = 8;

/// The heartbeats of this authority, and when the marks were last read. Moments are lengths since the process began.
#[derive(Default)]
pub(super) struct Pulse {
    number: u64,
    sent: VecDeque<(u64, Duration)>,
    /// When the last heartbeat that came back was sent.
    back: Option<Duration>,
    /// When the last reading of all marks began.
    marks: Option<Duration>,
    /// What began before this moment proves nothing.
    since: Duration,
}

impl Pulse {
    /// Notes a heartbeat that is about to be sent, and answers its number.
    pub(super) fn send(&mut self, now: Duration) -> u64 {
        self.number += 1;
        self.sent.push_back((self.number, now));
        if self.sent.len() > WAITED_FOR {
            self.sent.pop_front();
        }
        self.number
    }

    /// A heartbeat was heard.
    pub(super) fn came_back(&mut self, number: u64) {
        while let Some((earlier, sent)) = self.sent.front().copied()
            && earlier <= number
        {
            self.sent.pop_front();
            if earlier == number {
                self.back = Some(sent);
            }
        }
    }

    /// All marks were read.
    pub(super) fn marks_read(&mut self, began: Duration) {
        if began >= self.since {
            self.marks = self.marks.max(Some(began));
        }
    }

    /// The marks have to be read again.
    pub(super) fn doubt_marks(&mut self, now: Duration) {
        (self.marks, self.since) = (None, now);
    }

    /// Everything has to be shown again.
    pub(super) fn reset(&mut self, now: Duration) {
        self.doubt_marks(now);
        self.sent.clear();
        self.back = None;
    }

    /// The moment at which the next heartbeat will be missing, or the marks will be too old.
    pub(super) fn trusted_until(&self) -> Duration {
        match (self.back, self.marks) {
            (Some(back), Some(marks)) => (back + HEARTBEAT_EVERY + BACK_WITHIN).min(marks + MAX_STALENESS),
            _ => Duration::ZERO,
        }
    }

    /// The moment until which cached answers may be given.
    pub(super) fn vouched_until(&self) -> Duration {
        self.back.map_or(Duration::ZERO, |back| back + MAX_STALENESS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn it_is_trusted_until_an_own_heartbeat_is_missing() {
        let mut pulse = Pulse::default();
        pulse.marks_read(at(10));
        assert_eq!(pulse.trusted_until(), Duration::ZERO, "nothing came back yet");
        let first = pulse.send(at(10));
        pulse.came_back(first);
        assert_eq!((pulse.trusted_until(), pulse.vouched_until()), (at(13), at(15)));
        let (second, third) = (pulse.send(at(11)), pulse.send(at(12)));
        pulse.came_back(third);
        pulse.came_back(second);
        assert_eq!(pulse.trusted_until(), at(15), "the later one counts, and the marks are from 10");
    }

    #[test]
    fn what_began_before_a_reset_proves_nothing() {
        let mut pulse = Pulse::default();
        let before = pulse.send(at(10));
        pulse.reset(at(11));
        pulse.came_back(before);
        pulse.marks_read(at(10));
        assert_eq!((pulse.trusted_until(), pulse.vouched_until()), (Duration::ZERO, Duration::ZERO));
        let after = pulse.send(at(11));
        pulse.came_back(after);
        assert_eq!(pulse.trusted_until(), Duration::ZERO, "the marks are not known");
        pulse.marks_read(at(11));
        assert_eq!(pulse.trusted_until(), at(14));
    }
}
