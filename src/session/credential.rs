//! Owns the session credential: what the browser's cookie holds. Does not know what lies behind it.

use super::key::{Partition, SessionKey, TenantNumber};
use super::signed;
use crate::crypto::{KeyId, MacRing, Secret, SecretBytes, digest, equal};

const PREFIX: &str = "sess_";
const VERSION: u8 = 1;
const SIGNED_LEN: usize = 1 + 4 + 2 + 16 + 4 + 32;

/// How long a credential is as text: the prefix and base64url without padding.
pub const TEXT_LEN: usize = PREFIX.len() + signed::text_len(SIGNED_LEN);

/// A hash of a credential's secret, as the record keeps it.
pub type SecretHash = [u8; 16];

/// A session credential whose MAC was made or verified by this authority.
///
/// `sess_` + base64url of: version (1 byte), tenant number (4), partition (2), handle (16), generation (4),
/// secret (32), key id (4), MAC over all before the key id (16). Every field has a fixed length and numbers are
/// big-endian. Nothing in it describes the user.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Where its session is kept.
    pub key: SessionKey,
    /// Which generation of the session's credential it is: 1 at first.
    pub generation: u32,
    handle: SecretBytes<16>,
    secret: SecretBytes<32>,
}

impl Credential {
    /// A new credential from fresh random bytes.
    #[must_use]
    pub fn new(
        tenant: TenantNumber,
        partition: Partition,
        handle: [u8; 16],
        generation: u32,
        secret: [u8; 32],
    ) -> Self {
        let key = SessionKey::of(tenant, partition, &handle);
        Self { key, generation, handle: SecretBytes::new(handle), secret: SecretBytes::new(secret) }
    }

    /// The credential that follows this one, with a secret of its own.
    #[must_use]
    pub fn next(&self, secret: SecretBytes<32>) -> Self {
        self.later(self.generation.saturating_add(1), secret)
    }

    /// A later credential of the same session, with a secret of its own.
    #[must_use]
    pub fn later(&self, generation: u32, secret: SecretBytes<32>) -> Self {
        Self { key: self.key, generation, handle: self.handle.clone(), secret }
    }

    /// What the cookie holds.
    #[must_use]
    pub fn text(&self, ring: &MacRing) -> Secret {
        let mut bytes = Vec::with_capacity(SIGNED_LEN);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.key.tenant.0.to_be_bytes());
        bytes.extend_from_slice(&self.key.partition.number().to_be_bytes());
        bytes.extend_from_slice(self.handle.expose());
        bytes.extend_from_slice(&self.generation.to_be_bytes());
        bytes.extend_from_slice(self.secret.expose());
        signed::write(PREFIX, &bytes, ring)
    }

    /// Reads a cookie's value. `None` for whatever this ring has not signed: no IO is needed to say so.
    #[must_use]
    pub fn read(text: &[u8], ring: &MacRing) -> Option<Self> {
        let bytes = signed::read::<SIGNED_LEN>(PREFIX, text, ring)?;
        let (version, rest) = bytes.split_first()?;
        if *version != VERSION {
            return None;
        }
        let (tenant, rest) = rest.split_first_chunk::<4>()?;
        let (partition, rest) = rest.split_first_chunk::<2>()?;
        let (handle, rest) = rest.split_first_chunk::<16>()?;
        let (generation, secret) = rest.split_first_chunk::<4>()?;
        let partition = Partition::new(u16::from_be_bytes(*partition))?;
        Some(Self::new(
            TenantNumber(u32::from_be_bytes(*tenant)),
            partition,
            *handle,
            u32::from_be_bytes(*generation),
            secret.try_into().ok()?,
        ))
    }

    /// The tenant whose number a cookie's value carries, before anybody has verified it.
    #[must_use]
    pub fn claimed_tenant(text: &[u8]) -> Option<TenantNumber> {
        signed::claimed_tenant(PREFIX, text, VERSION)
    }

    /// The key that a cookie's value names, if it belongs to this ring and is not at hand: whether it signed that value
    /// can't be said.
    #[must_use]
    pub fn missing_key(text: &[u8], ring: &MacRing) -> Option<KeyId> {
        signed::claimed_key::<SIGNED_LEN>(PREFIX, text).filter(|id| ring.lacks(id))
    }

    /// The hash under which the record knows this credential's secret.
    #[must_use]
    pub fn secret_hash(&self) -> SecretHash {
        let hash = digest("gatelodge secret", &[self.secret.expose()]);
        let mut short = [0; 16];
        short.copy_from_slice(&hash[..16]);
        short
    }

    /// Whether `kept` is the hash of this credential's secret.
    #[must_use]
    pub fn matches(&self, kept: &SecretHash) -> bool {
        equal(&self.secret_hash(), kept)
    }

    /// The handle, which every credential of the session carries, and the store knows by a hash alone.
    #[must_use]
    pub const fn handle(&self) -> &SecretBytes<16> {
        &self.handle
    }

    /// The secret: one half of what opens the session's tokens.
    #[must_use]
    pub const fn secret(&self) -> &SecretBytes<32> {
        &self.secret
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::KeyRing;

    fn ring(secret: &str) -> MacRing {
        KeyRing::new(Secret::new(secret), []).mac("credential")
    }

    fn credential() -> Credential {
        Credential::new(TenantNumber(1), Partition::new(1023).unwrap(), [3; 16], 7, [5; 32])
    }

    #[test]
    fn a_credential_reads_back() {
        let ring = ring("one");
        let text = credential().text(&ring);
        let read = Credential::read(text.expose().as_bytes(), &ring).unwrap();
        assert_eq!((read.key, read.generation, text.expose().len()), (credential().key, 7, TEXT_LEN));
        assert!(read.matches(&credential().secret_hash()));
    }

    // security.md 51, 53: whatever was not signed as it stands is nothing at all.
    #[test]
    fn no_changed_credential_is_accepted() {
        let ring = ring("one");
        let text = credential().text(&ring);
        let bytes = text.expose().as_bytes();
        for position in 0..bytes.len() {
            for replacement in [b'A', b'z', b'=', 0, 0xff] {
                let mut bent = bytes.to_vec();
                if std::mem::replace(&mut bent[position], replacement) != replacement {
                    // The last character carries two unused bits: base64url with stray bits is refused too.
                    assert!(Credential::read(&bent, &ring).is_none(), "{position} {replacement}");
                }
            }
            assert!(Credential::read(&bytes[..position], &ring).is_none());
        }
        assert!(Credential::read(&[bytes, b"A"].concat(), &ring).is_none());
    }

    #[test]
    fn another_ring_does_not_know_it() {
        let text = credential().text(&ring("one"));
        assert!(Credential::read(text.expose().as_bytes(), &ring("two")).is_none());
    }

    #[test]
    fn its_debug_form_holds_no_secret() {
        let shown = format!("{:?}", credential());
        assert!(!shown.contains("5, 5, 5"), "{shown}");
    }
}
