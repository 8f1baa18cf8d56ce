//! Owns key rings as they are written: keys with dates. Does not know what a key does at which time: `session::key_ring`
//! does.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::moment::Moment;
use super::sessions::Sessions;
use crate::crypto::{KeyId, Secret, key_id};
use crate::session::key_ring::{Ring, RingKey};

/// Keys with dates, beside `signing_secret` and `csrf_signing_secret`, which count as keys that are there since ever.
/// `gatelodge rings rotate` adds to them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rings {
    /// For credentials, and for all of the below that have no keys of their own.
    pub session: Vec<Key>,
    /// For CSRF tokens.
    pub csrf: Vec<Key>,
    /// For sealing sessions, users, logins under way, API keys that are made at run time and the audit.
    pub sealing: Vec<Key>,
    /// For hashing fingerprints.
    pub fingerprint: Vec<Key>,
    /// For sealing answers that are kept to be repeated.
    pub answers: Vec<Key>,
    /// For sealing the keys that sign our own tokens.
    pub minting: Vec<Key>,
}

/// A key of a ring.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Key {
    /// What names the key: a hash of its secret, 8 hex digits. Where it stands, a secret that is another one is refused. With
    /// no secret beside it, it is a key that was lost: what names it is answered `KEY_UNAVAILABLE`, which is no logout,
    /// until `retire_after`.
    pub id: Option<String>,
    /// The secret; at least 32 characters.
    pub secret: Option<Secret>,
    /// From when on it signs and seals. Until then it only verifies and opens, so that every replica has it before any
    /// uses it. Default: since ever.
    pub active_from: Option<Moment>,
    /// When it is dropped. Default: when it is taken out of the configuration. One key of `session` and of `csrf` at least is
    /// without.
    pub retire_after: Option<Moment>,
}

impl Rings {
    /// The rings, by name, and whether one is the base of others.
    #[must_use]
    pub fn named(&self) -> [(&'static str, &[Key]); 6] {
        [
            ("session", &self.session),
            ("csrf", &self.csrf),
            ("sealing", &self.sealing),
            ("fingerprint", &self.fingerprint),
            ("answers", &self.answers),
            ("minting", &self.minting),
        ]
    }
}

impl Key {
    /// What the id says, if it is one.
    #[must_use]
    pub fn written_id(&self) -> Option<KeyId> {
        let text = self.id.as_deref().filter(|text| text.len() == 8)?;
        text.bytes()
            .all(|byte| byte.is_ascii_hexdigit())
            .then(|| u32::from_str_radix(text, 16).ok())?
            .map(u32::to_be_bytes)
    }

    /// The secret, if one is there.
    #[must_use]
    pub fn secret(&self) -> Option<&Secret> {
        self.secret.as_ref().filter(|secret| !secret.is_empty())
    }

    fn ring_key(&self) -> Option<RingKey> {
        let id = self.secret().map(key_id).or_else(|| self.written_id())?;
        let (active_from, retire_after) = (self.active_from.map(Moment::get), self.retire_after.map(Moment::get));
        Some(RingKey { id, secret: self.secret().cloned(), active_from, retire_after })
    }
}

/// A ring of keys alone.
#[must_use]
pub fn ring(keys: &[Key]) -> Ring {
    Ring::new(keys.iter().filter_map(Key::ring_key))
}

impl Sessions {
    /// The ring of credentials: former secrets, the secret, keys with dates. `otherwise` is the secret where none is given
    /// and no key either.
    #[must_use]
    pub fn session_ring(&self, otherwise: Option<Secret>) -> Ring {
        base(&self.former_signing_secrets, self.signing_secret.as_ref(), &self.rings.session, otherwise)
    }

    /// The ring of CSRF tokens, likewise.
    #[must_use]
    pub fn csrf_ring(&self, otherwise: Option<Secret>) -> Ring {
        base(&self.former_csrf_signing_secrets, self.csrf_signing_secret.as_ref(), &self.rings.csrf, otherwise)
    }
}

fn base(former: &[Secret], present: Option<&Secret>, keys: &[Key], otherwise: Option<Secret>) -> Ring {
    let has_key = keys.iter().any(|key| key.secret().is_some());
    let present = present.filter(|secret| !secret.is_empty()).cloned();
    let present = present.or_else(|| otherwise.filter(|_| !has_key));
    let steady = former.iter().rev().cloned().chain(present).map(RingKey::steady);
    Ring::new(steady.chain(keys.iter().filter_map(Key::ring_key))).never_empty()
}
