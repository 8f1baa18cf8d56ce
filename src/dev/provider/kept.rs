//! Owns a bounded map whose entries end by themselves. Does not know what they are.

use std::collections::HashMap;

use crate::crypto::Digest;
use crate::session::time::Timestamp;

/// A development provider that remembers more than this is being played with.
const MOST: usize = 10_000;

/// Entries under hashed names, each with an end.
pub(super) struct Kept<T> {
    entries: HashMap<Digest, (Timestamp, T)>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { entries: HashMap::new() }
    }
}

impl<T> Kept<T> {
    /// Keeps `value` until `end`. When there are too many, the one that ends first makes room.
    pub fn put(&mut self, name: Digest, value: T, now: Timestamp, end: Timestamp) {
        self.entries.retain(|_, (end, _)| *end > now);
        if self.entries.len() >= MOST
            && let Some(first) = self.entries.iter().min_by_key(|(_, (end, _))| *end).map(|(name, _)| *name)
        {
            self.entries.remove(&first);
        }
        self.entries.insert(name, (end, value));
    }

    /// The living entry of that name.
    pub fn get(&self, name: &Digest, now: Timestamp) -> Option<&T> {
        self.entries.get(name).filter(|(end, _)| *end > now).map(|(_, value)| value)
    }

    /// The living entry of that name, to change it.
    pub fn get_mut(&mut self, name: &Digest, now: Timestamp) -> Option<&mut T> {
        self.entries.get_mut(name).filter(|(end, _)| *end > now).map(|(_, value)| value)
    }

    /// The living entry of that name, which is then gone.
    pub fn take(&mut self, name: &Digest, now: Timestamp) -> Option<T> {
        self.entries.remove(name).filter(|(end, _)| *end > now).map(|(_, value)| value)
    }

    /// Drops every entry that `ended` names.
    pub fn drop_where(&mut self, ended: impl Fn(&T) -> bool) {
        self.entries.retain(|_, (_, value)| !ended(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_gone_at_its_end_and_the_map_never_outgrows_its_bound() {
        let mut kept = Kept::default();
        let name = |n: usize| crate::crypto::digest("n", &[&n.to_be_bytes()]);
        kept.put(name(0), 0, Timestamp::from_secs(0), Timestamp::from_secs(60));
        assert_eq!(kept.get(&name(0), Timestamp::from_secs(59)), Some(&0));
        assert_eq!(kept.get(&name(0), Timestamp::from_secs(60)), None);
        for n in 1..=MOST {
            kept.put(name(n), n, Timestamp::from_secs(0), Timestamp::from_secs(61));
        }
        assert_eq!(kept.entries.len(), MOST);
        assert_eq!(kept.take(&name(0), Timestamp::from_secs(0)), None);
        assert_eq!(kept.take(&name(MOST), Timestamp::from_secs(0)), Some(MOST));
    }
}
