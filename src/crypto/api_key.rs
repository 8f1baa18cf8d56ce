//! Owns API keys: how they look, and how they are hashed and compared. Does not know whose they are.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::{Secret, equal};

/// What every API key begins with, so that secret scanners know one.
pub const API_KEY_PREFIX: &str = "glk_";

const CHECKSUM_LEN: usize = 6;
const HASH_PREFIX: &str = "sha256:";

/// An API key: `glk_`, 32 random bytes in base64url, and a checksum of six characters that catches a cut or mistyped
/// one before anything else is looked at.
#[derive(Clone, Debug)]
pub struct ApiKey(Secret);

impl ApiKey {
    /// The key that is made of these random bytes.
    #[must_use]
    pub fn generate(random: &[u8; 32]) -> Self {
        let body = format!("{API_KEY_PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
        let checksum = checksum(&body);
        Self(Secret::new(body + &checksum))
    }

    /// Reads a key; `None` when it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (body, given) = text.split_at_checked(text.len().checked_sub(CHECKSUM_LEN)?)?;
        let random = URL_SAFE_NO_PAD.decode(body.strip_prefix(API_KEY_PREFIX)?).ok()?;
        (random.len() == 32 && equal(checksum(body).as_bytes(), given.as_bytes())).then(|| Self(Secret::new(text)))
    }

    /// The key itself, to be shown once.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// What is kept of it.
    #[must_use]
    pub fn hash(&self) -> ApiKeyHash {
        ApiKeyHash::of(self.0.expose())
    }
}

fn checksum(body: &str) -> String {
    let hash: [u8; 32] = Sha256::digest(body.as_bytes()).into();
    let mut text = URL_SAFE_NO_PAD.encode(hash);
    text.truncate(CHECKSUM_LEN);
    text
}

/// The SHA-256 of an API key. A key has 256 random bits, so one hash is enough and nothing slower is needed
/// (store.md, 10).
#[derive(Clone, Copy)]
pub struct ApiKeyHash([u8; 32]);

impl ApiKeyHash {
    /// The hash of a key, or of whatever was presented as one.
    #[must_use]
    pub fn of(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }

    /// Its bytes, to look it up by: a table keyed by them gives away nothing of the key.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// In constant time.
impl PartialEq for ApiKeyHash {
    fn eq(&self, other: &Self) -> bool {
        equal(&self.0, &other.0)
    }
}

impl Eq for ApiKeyHash {}

impl fmt::Display for ApiKeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HASH_PREFIX)?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ApiKeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Text that is not `sha256:` and 64 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the hash of an API key: sha256: and 64 hex digits")]
pub struct NotAHash;

impl FromStr for ApiKeyHash {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<Self, NotAHash> {
        let hex = text.strip_prefix(HASH_PREFIX).filter(|hex| hex.len() == 64).ok_or(NotAHash)?;
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(pair).map_err(|_| NotAHash)?;
            let valid = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            *byte = u8::from_str_radix(digits, 16).ok().filter(|_| valid).ok_or(NotAHash)?;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_and_any_changed_character_is_noticed() {
        let key = ApiKey::generate(&[7; 32]);
        assert_eq!(key.expose().len(), 4 + 43 + 6);
        assert!(ApiKey::parse(key.expose()).is_some());
        for at in 0..key.expose().len() {
            let mut bent = key.expose().as_bytes().to_vec();
            bent[at] = if bent[at] == b'x' { b'y' } else { b'x' };
            assert!(ApiKey::parse(std::str::from_utf8(&bent).unwrap()).is_none(), "character {at}");
        }
        assert!(ApiKey::parse("").is_none() && ApiKey::parse("äöüß").is_none());
    }

    // The hash is the plain SHA-256 of the key, so that `printf %s KEY | sha256sum` gives it too.
    #[test]
    fn a_hash_is_written_and_read_back() {
        let hash = ApiKeyHash::of("abc");
        let text = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash.to_string(), text);
        assert_eq!(text.parse(), Ok(hash));
        let signs = format!("sha256:{}", "+1".repeat(32));
        for wrong in ["", "sha256:", "ba78", &text[..70], &text.replace("ba", "zz"), &text.to_uppercase(), &signs] {
            assert_eq!(wrong.parse::<ApiKeyHash>(), Err(NotAHash), "{wrong}");
        }
    }

    #[test]
    fn a_key_is_not_shown_when_debugged() {
        assert_eq!(format!("{:?}", ApiKey::generate(&[7; 32])), "ApiKey(***)");
    }
}
