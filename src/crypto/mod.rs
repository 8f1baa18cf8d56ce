//! Owns the few cryptographic verbs that the house uses: derive, authenticate, sign, seal, hash, compare, hide.
//! Does not know what a session is, nor where keys come from.

mod api_key;
mod hash;
mod jwk;
mod mac;
mod private_key;
mod ring;
mod seal;
mod secret;
mod sign;

pub use api_key::{API_KEY_PREFIX, ApiKey, ApiKeyHash, NotAHash};
pub use hash::{Digest, digest, equal, sha256, sha384, sha512};
pub use jwk::Members;
pub use mac::{MAC_LEN, MacRing};
pub use private_key::{PrivateKey, unique_name};
pub use ring::{KEY_ID_LEN, KeyId, KeyRing, key_id, key_id_text};
pub use seal::{NONCE_LEN, SealKey, SealRing, Sealed, Unsealable, WRAPPED_LEN, open_with, seal_with};
pub use secret::{Secret, SecretBytes};
pub use sign::{SignatureAlgorithm, SigningKey};
