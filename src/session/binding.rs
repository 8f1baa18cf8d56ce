//! Owns the binding: the secret of a browser that a login belongs to. Does not know the logins.

use super::signed;
use crate::crypto::{MacRing, Secret, SecretBytes};

const PREFIX: &str = "bind_";
const VERSION: u8 = 1;
const SIGNED_LEN: usize = 1 + 32;

/// The binding of a browser: one for all its logins, in a cookie of its own (security.md 3).
///
/// `bind_` + base64url of: version (1 byte), secret (32), key id (4), MAC (16). It carries no tenant: it is the
/// browser's.
#[derive(Clone, Debug)]
pub struct Binding(SecretBytes<32>);

impl Binding {
    /// A new binding from fresh random bytes.
    #[must_use]
    pub const fn new(secret: [u8; 32]) -> Self {
        Self(SecretBytes::new(secret))
    }

    /// What the cookie holds.
    #[must_use]
    pub fn text(&self, ring: &MacRing) -> Secret {
        let mut bytes = Vec::with_capacity(SIGNED_LEN);
        bytes.push(VERSION);
        bytes.extend_from_slice(self.0.expose());
        signed::write(PREFIX, &bytes, ring)
    }

    /// Reads a cookie's value; `None` for whatever this ring has not signed.
    #[must_use]
    pub fn read(text: &[u8], ring: &MacRing) -> Option<Self> {
        let bytes = signed::read::<SIGNED_LEN>(PREFIX, text, ring)?;
        let (version, secret) = bytes.split_first()?;
        if *version != VERSION {
            return None;
        }
        Some(Self::new(secret.try_into().ok()?))
    }

    /// The secret itself.
    #[must_use]
    pub const fn secret(&self) -> &SecretBytes<32> {
        &self.0
    }
}
