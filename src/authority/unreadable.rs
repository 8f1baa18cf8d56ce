//! Owns saying of a list what in it does not open: it hides none of the others, and is not hidden itself. Does not know what is
//! listed.

use std::collections::BTreeMap;
use std::error::Error as _;

use super::Error;

/// How many records do not open, by the reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unreadable(BTreeMap<String, u64>);

impl Unreadable {
    /// One more that does not.
    pub(super) fn note(&mut self, error: &Error) {
        let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        *self.0.entry(why).or_default() += 1;
    }

    /// Tells the log that they can't be sealed anew: once for each reason, however many there are.
    pub(super) fn tell_not_resealed(&self, tenant: &str) {
        for (why, count) in self.each() {
            tracing::warn!(tenant, why, count, "what does not open can't be sealed anew");
        }
    }

    /// Each reason, such as the key that is not loaded, and of how many.
    pub fn each(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(why, count)| (why.as_str(), *count))
    }
}
