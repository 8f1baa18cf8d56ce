//! Owns key rings: one active key and any number of former ones, each known by an id that is a hash of it.
//! Does not know what the derived keys are for.

use hkdf::Hkdf;
use sha2::Sha256;

use super::mac::MacRing;
use super::seal::SealRing;
use super::{Secret, SecretBytes, digest};

/// How long a key id is, in bytes.
pub const KEY_ID_LEN: usize = 4;

/// Names a key of a ring: the first bytes of a hash of its secret.
pub type KeyId = [u8; KEY_ID_LEN];

/// Secrets from which purpose keys are derived. The first makes what is new; all of them accept what is old.
#[derive(Clone, Debug)]
pub struct KeyRing {
    keys: Vec<(KeyId, Secret)>,
}

impl KeyRing {
    /// A ring that signs and seals with `active`, and still accepts what any of `former` made.
    #[must_use]
    pub fn new(active: Secret, former: impl IntoIterator<Item = Secret>) -> Self {
        let keys = std::iter::once(active).chain(former).map(|secret| (id_of(&secret), secret)).collect();
        Self { keys }
    }

    /// The keys that authenticate things of one purpose.
    #[must_use]
    pub fn mac(&self, purpose: &str) -> MacRing {
        MacRing::new(self.derive(purpose))
    }

    /// The keys that seal things of one purpose.
    #[must_use]
    pub fn seal(&self, purpose: &str) -> SealRing {
        SealRing::new(self.derive(purpose))
    }

    fn derive(&self, purpose: &str) -> Vec<(KeyId, SecretBytes<32>)> {
        self.keys.iter().map(|(id, secret)| (*id, expand(secret, purpose))).collect()
    }
}

fn id_of(secret: &Secret) -> KeyId {
    let hash = digest("gatelodge key id", &[secret.expose().as_bytes()]);
    [hash[0], hash[1], hash[2], hash[3]]
}

fn expand(secret: &Secret, purpose: &str) -> SecretBytes<32> {
    let mut key = [0; 32];
    let hkdf = Hkdf::<Sha256>::new(Some(b"gatelodge"), secret.expose().as_bytes());
    // HKDF-SHA256 can't fail for outputs up to 8,160 bytes (RFC 5869, 2.3); 32 zero bytes would fail every test.
    let filled = hkdf.expand(purpose.as_bytes(), &mut key);
    debug_assert!(filled.is_ok());
    SecretBytes::new(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    // security.md 54, 76: a former key still verifies; one that is no longer in the ring does not.
    #[test]
    fn a_former_key_verifies_and_a_removed_one_does_not() {
        let old = Secret::new("old secret of at least 32 characters");
        let new = Secret::new("new secret of at least 32 characters");
        let (id, mac) = KeyRing::new(old.clone(), []).mac("p").sign(&[b"x"]);
        assert!(KeyRing::new(new.clone(), [old]).mac("p").verify(&id, &[b"x"], &mac));
        assert!(!KeyRing::new(new, []).mac("p").verify(&id, &[b"x"], &mac));
    }

    #[test]
    fn purposes_never_share_a_key() {
        let ring = KeyRing::new(Secret::new("a secret of at least 32 characters..."), []);
        let (id, mac) = ring.mac("credential").sign(&[b"x"]);
        assert!(!ring.mac("csrf").verify(&id, &[b"x"], &mac));
    }
}
