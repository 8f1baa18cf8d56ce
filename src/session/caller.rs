//! Owns what a caller is: its role, its name, and the API keys that are made at run time. Does not know who keeps them, nor
//! which calls a role allows.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::key::TenantNumber;
use super::signed;
use super::time::Timestamp;
use crate::crypto::{API_KEY_PREFIX, KeyId, MacRing, Secret, SecretBytes};

/// What an API key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// An HTTP edge.
    Edge,
    /// A backend.
    Backend,
    /// A person or program that runs the system.
    Admin,
}

impl Role {
    /// Its name in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Backend => "backend",
            Self::Admin => "admin",
        }
    }
}

/// Which calls of its role a caller may make.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Rpcs {
    /// Those that the role may make without being given any: the least that it is for (security.md 98).
    #[default]
    Usual,
    /// All of them.
    All,
    /// These alone, by their paths.
    Only(Vec<String>),
}

/// Whether a text can be a caller's name: 1 to 64 letters, digits and `-_.`.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let plain = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_' | '.');
    !text.is_empty() && text.len() <= 64 && text.chars().all(plain)
}

/// Where an API key that was made at run time is kept: under the tenant that it is for, or under number 0 if it is for
/// several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallerKeyId {
    /// The tenant, or number 0.
    pub tenant: TenantNumber,
    /// Random: it never comes back.
    pub id: [u8; 12],
}

const PUBLIC_PREFIX: &str = "key_";

impl CallerKeyId {
    /// Its bytes: tenant (4), id (12).
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        let (tenant, id) = bytes.split_at_mut(4);
        tenant.copy_from_slice(&self.tenant.0.to_be_bytes());
        id.copy_from_slice(&self.id);
        bytes
    }

    /// Reads [`CallerKeyId::to_bytes`].
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (tenant, id) = bytes.split_first_chunk::<4>()?;
        Some(Self { tenant: TenantNumber(u32::from_be_bytes(*tenant)), id: id.try_into().ok()? })
    }

    /// How it is shown.
    #[must_use]
    pub fn public(self) -> String {
        format!("{PUBLIC_PREFIX}{}", URL_SAFE_NO_PAD.encode(self.to_bytes()))
    }

    /// Reads [`CallerKeyId::public`].
    #[must_use]
    pub fn read_public(text: &str) -> Option<Self> {
        Self::from_bytes(&URL_SAFE_NO_PAD.decode(text.strip_prefix(PUBLIC_PREFIX)?).ok()?)
    }
}

const VERSION: u8 = 1;
const SIGNED_LEN: usize = 1 + 16 + 32;
/// The version and the id, rounded up to what base64 encodes by itself.
const CLAIMED_LEN: usize = 18;

/// The text of an API key that is made at run time: `glk_` + base64url of: version (1 byte), tenant (4), id (12), secret (32),
/// key id (4), MAC over all before the key id (16). So a forged one is known without a look at any store, and a good one says
/// where it is kept.
#[must_use]
pub fn write_key(id: CallerKeyId, secret: &SecretBytes<32>, ring: &MacRing) -> Secret {
    let mut bytes = Vec::with_capacity(SIGNED_LEN);
    bytes.push(VERSION);
    bytes.extend_from_slice(&id.to_bytes());
    bytes.extend_from_slice(secret.expose());
    signed::write(API_KEY_PREFIX, &bytes, ring)
}

/// The id that a text carries which looks like such a key: not verified, so good for nothing but to find who can verify it.
#[must_use]
pub fn claimed_key(text: &[u8]) -> Option<CallerKeyId> {
    let encoded = text.strip_prefix(API_KEY_PREFIX.as_bytes())?;
    if encoded.len() != signed::text_len(SIGNED_LEN) {
        return None;
    }
    let mut bytes = [0; CLAIMED_LEN];
    URL_SAFE_NO_PAD.decode_slice(encoded.get(..CLAIMED_LEN / 3 * 4)?, &mut bytes).ok()?;
    let (version, rest) = bytes.split_first()?;
    (*version == VERSION).then(|| CallerKeyId::from_bytes(rest.get(..16)?)).flatten()
}

/// What a ring says of the signature of an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// A key of the ring made it, in exactly this form.
    Good,
    /// None did.
    Forged,
    /// It names a key that is not at hand, or never was: the ring can't say.
    Unknown,
}

/// What this ring says of an API key.
#[must_use]
pub fn signature(text: &[u8], ring: &MacRing) -> Signature {
    if signed::read::<SIGNED_LEN>(API_KEY_PREFIX, text, ring).is_some() {
        return Signature::Good;
    }
    match signed::claimed_key::<SIGNED_LEN>(API_KEY_PREFIX, text) {
        Some(signer) if !ring.has(&signer) => Signature::Unknown,
        _ => Signature::Forged,
    }
}

/// What is kept of an API key that was made at run time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerFacts {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// The tenants for which it may ask; `None` for every one.
    pub tenants: Option<Vec<TenantNumber>>,
    /// The calls of its role that it may make.
    pub rpcs: Rpcs,
    /// The SHA-256 of the key: it has 256 random bits, so nothing slower is needed.
    pub hash: [u8; 32],
    /// When it was made.
    pub created: Timestamp,
    /// The caller that made it.
    pub created_by: String,
    /// From when on it is refused.
    pub ends: Timestamp,
    /// The key of the ring that signed it; `None` where that was not noted.
    pub signer: Option<KeyId>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::KeyRing;

    fn ring(text: &str) -> MacRing {
        KeyRing::new(Secret::new(text), []).mac("caller key")
    }

    const ID: CallerKeyId = CallerKeyId { tenant: TenantNumber(7), id: *b"twelve bytes" };

    // security.md 99: whatever is changed is known before anything is looked up.
    #[test]
    fn a_key_says_where_it_is_kept_and_any_changed_character_is_noticed() {
        let ring = ring("a secret of at least 32 characters..");
        let key = write_key(ID, &SecretBytes::new([9; 32]), &ring);
        let text = key.expose().as_bytes();
        assert_eq!((text.len(), claimed_key(text)), (96, Some(ID)));
        assert_eq!(signature(text, &ring), Signature::Good);
        assert_eq!(signature(text, &self::ring("another secret of 32 characters....")), Signature::Unknown);
        // The signer's name stands in these: a ring can't say of a key whose signer it does not know.
        let signer = API_KEY_PREFIX.len() + SIGNED_LEN * 4 / 3..=API_KEY_PREFIX.len() + (SIGNED_LEN + 4) * 4 / 3;
        for at in 0..text.len() {
            let mut bent = text.to_vec();
            bent[at] = if bent[at] == b'x' { b'y' } else { b'x' };
            let said = signature(&bent, &ring);
            assert!(said == Signature::Forged || said == Signature::Unknown && signer.contains(&at), "character {at}");
        }
        for other in ["", "glk_", "sess_abc", crate::crypto::ApiKey::generate(&[7; 32]).expose()] {
            assert_eq!(claimed_key(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn an_id_is_shown_and_read_back() {
        assert_eq!(ID.public(), "key_AAAAB3R3ZWx2ZSBieXRlcw");
        assert_eq!(CallerKeyId::read_public(&ID.public()), Some(ID));
        for wrong in ["", "key_", "key_AAAA", "AAAAB3R3ZWx2ZSBieXRlcw", "key_AAAAB3R3ZWx2ZSBieXRlc!"] {
            assert_eq!(CallerKeyId::read_public(wrong), None, "{wrong}");
        }
    }
}
