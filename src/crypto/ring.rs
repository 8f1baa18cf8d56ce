//! Owns key rings: one active key and any number of others, each known by an id that is a hash of it.
//! Does not know what the derived keys are for, nor when which of them is active.

use hkdf::Hkdf;
use sha2::Sha256;

use super::mac::MacRing;
use super::seal::SealRing;
use super::{Secret, SecretBytes, digest};

/// How long a key id is, in bytes.
pub const KEY_ID_LEN: usize = 4;

/// Names a key of a ring: the first bytes of a hash of its secret.
pub type KeyId = [u8; KEY_ID_LEN];

/// Secrets from which purpose keys are derived. The first makes what is new; all of them accept what any of them made.
#[derive(Clone, Debug)]
pub struct KeyRing {
    keys: Vec<(KeyId, Secret)>,
    /// How many were there before the active one: they follow it, and the later ones these.
    older: usize,
    /// Keys that belong to the ring, and are not at hand.
    missing: Vec<KeyId>,
}

impl KeyRing {
    /// A ring that signs and seals with `active`, and still accepts what any of `former` made.
    #[must_use]
    pub fn new(active: Secret, former: impl IntoIterator<Item = Secret>) -> Self {
        let mut secrets: Vec<_> = former.into_iter().collect();
        secrets.reverse();
        secrets.push(active);
        let active = secrets.len() - 1;
        Self::of(secrets, active, Vec::new())
    }

    /// A ring of these secrets, the oldest first, of which the one at `active` signs and seals (the oldest, where there is
    /// none at it). The keys of `missing` belong to it as well, and are not at hand.
    #[must_use]
    pub fn of(oldest_first: Vec<Secret>, active: usize, missing: Vec<KeyId>) -> Self {
        let mut keys: Vec<_> = oldest_first.into_iter().map(|secret| (key_id(&secret), secret)).collect();
        let active = if active < keys.len() { active } else { 0 };
        // The active one comes to the front; the others stay in their order.
        if !keys.is_empty() {
            let key = keys.remove(active);
            keys.insert(0, key);
        }
        Self { keys, older: active, missing }
    }

    /// The keys that authenticate things of one purpose.
    #[must_use]
    pub fn mac(&self, purpose: &str) -> MacRing {
        MacRing::new(self.derive(purpose), self.older, self.missing.clone())
    }

    /// The keys that seal things of one purpose.
    #[must_use]
    pub fn seal(&self, purpose: &str) -> SealRing {
        SealRing::new(self.derive(purpose), self.older)
    }

    fn derive(&self, purpose: &str) -> Vec<(KeyId, SecretBytes<32>)> {
        self.keys.iter().map(|(id, secret)| (*id, expand(secret, purpose))).collect()
    }
}

/// The id of a key.
#[must_use]
pub fn key_id(secret: &Secret) -> KeyId {
    let hash = digest("gatelodge key id", &[secret.expose().as_bytes()]);
    [hash[0], hash[1], hash[2], hash[3]]
}

/// A key id as people and programs read it: 8 hex digits.
#[must_use]
pub fn key_id_text(id: KeyId) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
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

    // Replicas whose rings differ by keys that come and go name the same thing alike.
    #[test]
    fn names_are_in_the_order_of_the_keys_whichever_is_active() {
        let secrets = ["old", "new", "next"].map(Secret::new);
        let names = |ring: KeyRing| ring.mac("p").names(&[b"x"]).collect::<Vec<_>>();
        let each = secrets.each_ref().map(|one| KeyRing::new(one.clone(), []).mac("p").steady(&[b"x"]));
        for active in [0, 1, 2, 7] {
            let ring = KeyRing::of(secrets.to_vec(), active, Vec::new());
            assert_eq!(ring.mac("p").steady(&[b"x"]), each[0]);
            assert_eq!(names(ring), each, "{active}");
        }
        let [old, new, _] = secrets;
        assert_eq!(names(KeyRing::new(new, [old])), each[..2]);
        assert_eq!(KeyRing::of(Vec::new(), 0, Vec::new()).mac("p").steady(&[b"x"]), [0; 16]);
    }

    #[test]
    fn a_missing_key_is_known_by_its_id_alone() {
        let lost = key_id(&Secret::new("lost"));
        let ring = KeyRing::of(vec![Secret::new("there")], 0, vec![lost]).mac("p");
        assert!(ring.lacks(&lost) && !ring.lacks(&key_id(&Secret::new("there"))) && !ring.lacks(&[0; 4]));
    }

    #[test]
    fn purposes_never_share_a_key() {
        let ring = KeyRing::new(Secret::new("a secret of at least 32 characters..."), []);
        let (id, mac) = ring.mac("credential").sign(&[b"x"]);
        assert!(!ring.mac("csrf").verify(&id, &[b"x"], &mac));
    }
}
