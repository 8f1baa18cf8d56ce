//! Owns message authentication under a ring. Does not know what the messages mean.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::hash::each_delimited;
use super::ring::KeyId;
use super::{SecretBytes, equal};

/// How long a tag is: HMAC-SHA256 cut to 128 bits (RFC 2104, 5).
pub const MAC_LEN: usize = 16;

/// Keys of one purpose that authenticate messages; the first one signs.
#[derive(Clone)]
pub struct MacRing {
    keys: Vec<(KeyId, Hmac<Sha256>)>,
    /// How many of those that follow the first were there before it.
    older: usize,
    missing: Vec<KeyId>,
}

impl MacRing {
    pub(super) fn new(keys: Vec<(KeyId, SecretBytes<32>)>, older: usize, missing: Vec<KeyId>) -> Self {
        let keys =
            keys.into_iter().filter_map(|(id, key)| Some((id, Hmac::new_from_slice(key.expose()).ok()?))).collect();
        Self { keys, older, missing }
    }

    /// Authenticates the length-delimited `parts`, and names the key that did it.
    #[must_use]
    pub fn sign(&self, parts: &[&[u8]]) -> (KeyId, [u8; MAC_LEN]) {
        self.keys.first().map_or(([0; 4], [0; MAC_LEN]), |(id, key)| (*id, tag(key, parts)))
    }

    /// Whether the key `id` of this ring made `mac` over `parts`. Takes the same time for any wrong `mac`.
    #[must_use]
    pub fn verify(&self, id: &KeyId, parts: &[&[u8]], mac: &[u8]) -> bool {
        self.keys.iter().any(|(own, key)| own == id && equal(&tag(key, parts), mac))
    }

    /// The key that signs; `None` for a ring without keys.
    #[must_use]
    pub fn active(&self) -> Option<KeyId> {
        self.keys.first().map(|(id, _)| *id)
    }

    /// Whether the key `id` is at hand.
    #[must_use]
    pub fn has(&self, id: &KeyId) -> bool {
        self.keys.iter().any(|(own, _)| own == id)
    }

    /// Whether the key `id` belongs to this ring and is not at hand: what it signed can't be told from what is forged.
    #[must_use]
    pub fn lacks(&self, id: &KeyId) -> bool {
        self.missing.contains(id)
    }

    /// A key that belongs to this ring and is not at hand, if there is one: whether it made a keyed hash can't be told.
    #[must_use]
    pub fn missing(&self) -> Option<KeyId> {
        self.missing.first().copied()
    }

    /// The tags of `parts` under every key, the oldest first, whichever signs: what names something at every replica
    /// alike. Where it has all of these names, it is found while newer keys come and become active, and when the oldest
    /// is dropped.
    pub fn names<'a>(&'a self, parts: &'a [&'a [u8]]) -> impl Iterator<Item = [u8; MAC_LEN]> + 'a {
        let (older, later) = (1..=self.older, self.older + 1..);
        let keys = older.chain([0]).chain(later.take_while(|at| *at < self.keys.len()));
        keys.filter_map(|at| self.keys.get(at)).map(|(_, key)| tag(key, parts))
    }

    /// The first of these names: for what may be lost with the oldest key.
    #[must_use]
    pub fn steady(&self, parts: &[&[u8]]) -> [u8; MAC_LEN] {
        self.names(parts).next().unwrap_or_default()
    }

    /// The tag of `parts` under every key, the signing one first: what a stored keyed hash may be equal to.
    pub fn tags<'a>(&'a self, parts: &'a [&'a [u8]]) -> impl Iterator<Item = [u8; MAC_LEN]> + 'a {
        self.keys.iter().map(move |(_, key)| tag(key, parts))
    }
}

fn tag(key: &Hmac<Sha256>, parts: &[&[u8]]) -> [u8; MAC_LEN] {
    let mut mac = key.clone();
    each_delimited("", parts, |bytes| mac.update(bytes));
    let whole: [u8; 32] = mac.finalize().into_bytes().into();
    let mut tag = [0; MAC_LEN];
    tag.copy_from_slice(&whole[..MAC_LEN]);
    tag
}
