//! Owns what audit entries are called: their ids, in the order of time, and what they can be found by. Does not know what one
//! says, nor the keys that hash its names.

use super::audit::LoginId;
use super::key::{SessionKey, UserKey};
use super::time::Timestamp;

/// What entries can be found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About<'a> {
    /// The call of this request id.
    Request(&'a str),
    /// A login.
    Login(LoginId),
    /// A session.
    Session(SessionKey),
    /// A user.
    User(UserKey),
}

/// The name of that in a store: a keyed hash, so that whoever reads the store can't try out whose entries there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryName(pub [u8; 16]);

/// An entry's own id: when it was made (milliseconds, 6 bytes), its place among those that its process wrote then (2), and
/// chance (8). So ids are in the order of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(pub [u8; 16]);

impl EntryId {
    /// Before every entry.
    pub const FIRST: Self = Self([0; 16]);
    /// After every entry.
    pub const LAST: Self = Self([0xff; 16]);

    /// A new one.
    #[must_use]
    pub fn new(at: Timestamp, place: u16, chance: [u8; 8]) -> Self {
        let mut bytes = Self::at(at).0;
        bytes[6..8].copy_from_slice(&place.to_be_bytes());
        bytes[8..].copy_from_slice(&chance);
        Self(bytes)
    }

    /// The first of those of a moment.
    #[must_use]
    pub fn at(at: Timestamp) -> Self {
        let mut bytes = [0; 16];
        let [_, _, time @ ..] = at.as_millis().to_be_bytes();
        bytes[..6].copy_from_slice(&time);
        Self(bytes)
    }

    /// When it was made.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        let millis = self.0.iter().take(6).fold(0, |time, byte| time << 8 | u64::from(*byte));
        Timestamp::from_millis(millis)
    }

    /// The one right after it.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(u128::from_be_bytes(self.0).saturating_add(1).to_be_bytes())
    }
}

/// The first bytes of a hash.
pub(super) fn first<const N: usize>(hash: &[u8; 32]) -> [u8; N] {
    let mut bytes = [0; N];
    for (place, byte) in bytes.iter_mut().zip(hash) {
        *place = *byte;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_in_the_order_of_time() {
        let at = |millis, chance| {
            EntryId::new(Timestamp::from_millis(millis), u16::from(chance) << 8 | u16::from(chance), [chance; 8])
        };
        assert!(at(1, 0xff) < at(2, 0) && at(255, 9) < at(256, 0));
        assert_eq!(at(1_700_000_000_000, 7).time(), Timestamp::from_millis(1_700_000_000_000));
        assert!(
            EntryId::at(Timestamp::from_millis(5)) <= at(5, 0) && at(5, 0xff) < EntryId::at(Timestamp::from_millis(6))
        );
        assert_eq!(at(5, 0xff).next(), EntryId::at(Timestamp::from_millis(6)));
    }
}
