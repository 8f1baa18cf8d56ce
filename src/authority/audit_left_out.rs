//! Owns how many audit entries are not kept, and why, until that is written down itself. Does not know what they said.

use crate::session::audit::{Action, Entry, Outcome};
use crate::session::time::Timestamp;

/// Why an entry is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotKept {
    TooManyWait,
    HourIsFull,
    StoreInTrouble,
}

impl NotKept {
    const ALL: [Self; 3] = [Self::TooManyWait, Self::HourIsFull, Self::StoreInTrouble];

    /// For figures, and for people.
    pub(super) const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::TooManyWait => ("queue_full", "too many wait"),
            Self::HourIsFull => ("hour_full", "too many in an hour of what can be caused without a session"),
            Self::StoreInTrouble => ("store_unavailable", "trouble of the store"),
        }
    }
}

/// How many are not kept, for each reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LeftOut([u64; NotKept::ALL.len()]);

impl LeftOut {
    pub(super) fn add(&mut self, why: NotKept, count: u64) {
        for (own, _) in self.0.iter_mut().zip(NotKept::ALL).filter(|(_, known)| *known == why) {
            *own += count;
        }
    }

    /// These were told.
    pub(super) fn take(&mut self, told: &Self) {
        for (own, told) in self.0.iter_mut().zip(told.0) {
            *own = own.saturating_sub(told);
        }
    }

    pub(super) fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The entry that says so.
    pub(super) fn entry(&self, at: Timestamp) -> Entry {
        let told = self.0.iter().zip(NotKept::ALL).filter(|(count, _)| **count > 0);
        let told: Vec<_> = told.map(|(count, why)| format!("{count}: {}", why.words().1)).collect();
        Entry {
            outcome: Outcome::Failed,
            reason: "not_kept".to_owned(),
            detail: told.join("; "),
            ..Entry::new(Action::EntriesLeftOut, at)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_told_with_its_reasons_and_once() {
        let mut left_out = LeftOut::default();
        left_out.add(NotKept::HourIsFull, 3);
        left_out.add(NotKept::StoreInTrouble, 1);
        let told = left_out;
        let text = "3: too many in an hour of what can be caused without a session; 1: trouble of the store";
        assert_eq!(told.entry(Timestamp::default()).detail, text);
        left_out.add(NotKept::HourIsFull, 2);
        left_out.take(&told);
        assert_eq!(left_out.0, [0, 2, 0]);
        left_out.take(&told);
        assert!(left_out.is_none());
    }
}
