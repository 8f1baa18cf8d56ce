//! Owns signatures by key pair: making, keeping, signing, verifying, and the key's public form and name (RFC 7517, RFC
//! 7638). Does not know what is signed.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    UnparsedPublicKey,
};
use zeroize::Zeroizing;

use super::jwk::{Members, of_curve, of_ed25519, thumbprint};

/// A signature algorithm (RFC 7518, 3.4; RFC 8037, 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// EdDSA with Ed25519.
    EdDsa,
}

impl SignatureAlgorithm {
    /// Its registered name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}

/// A key pair that signs. Its private half is never printed, and wiped when dropped.
pub struct SigningKey {
    algorithm: SignatureAlgorithm,
    pair: Pair,
    private: Zeroizing<Vec<u8>>,
    id: String,
}

enum Pair {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// A new pair, of the system's own random bytes; `None` when they fail.
    #[must_use]
    pub fn generate(algorithm: SignatureAlgorithm) -> Option<Self> {
        let chance = SystemRandom::new();
        let document = match algorithm {
            SignatureAlgorithm::Es256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &chance),
            SignatureAlgorithm::EdDsa => Ed25519KeyPair::generate_pkcs8(&chance),
        };
        Self::from_private(algorithm, document.ok()?.as_ref())
    }

    /// The pair whose private half is kept in these bytes (PKCS #8); `None` when they are none of this algorithm.
    #[must_use]
    pub fn from_private(algorithm: SignatureAlgorithm, bytes: &[u8]) -> Option<Self> {
        let pair = match algorithm {
            SignatureAlgorithm::Es256 => {
                Pair::P256(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, bytes).ok()?)
            }
            SignatureAlgorithm::EdDsa => Pair::Ed25519(Ed25519KeyPair::from_pkcs8(bytes).ok()?),
        };
        let id = thumbprint(&pair.members()?);
        Some(Self { algorithm, pair, private: Zeroizing::new(bytes.to_vec()), id })
    }

    /// The bytes that keep the private half. To be sealed.
    #[must_use]
    pub fn private(&self) -> &[u8] {
        &self.private
    }

    /// Its algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// Its name: the thumbprint of its public half.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its public half as the members of a JWK, without name, use and algorithm.
    #[must_use]
    pub fn public_members(&self) -> Members {
        self.pair.members().unwrap_or_default()
    }

    /// Signs; `None` when the system's random bytes fail.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match &self.pair {
            Pair::P256(pair) => Some(pair.sign(&SystemRandom::new(), message).ok()?.as_ref().to_vec()),
            Pair::Ed25519(pair) => Some(pair.sign(message).as_ref().to_vec()),
        }
    }

    /// Whether this key has signed the message.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match &self.pair {
            Pair::P256(pair) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref()).verify(message, signature)
            }
            Pair::Ed25519(pair) => {
                UnparsedPublicKey::new(&ED25519, pair.public_key().as_ref()).verify(message, signature)
            }
        };
        verified.is_ok()
    }
}

impl Pair {
    fn members(&self) -> Option<Members> {
        match self {
            Self::P256(pair) => of_curve("P-256", pair.public_key().as_ref()),
            Self::Ed25519(pair) => Some(of_ed25519(pair.public_key().as_ref())),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    const BOTH: [SignatureAlgorithm; 2] = [SignatureAlgorithm::Es256, SignatureAlgorithm::EdDsa];

    #[test]
    fn a_key_verifies_what_it_signed_and_nothing_else() {
        for algorithm in BOTH {
            let (key, other) = (SigningKey::generate(algorithm).unwrap(), SigningKey::generate(algorithm).unwrap());
            let signature = key.sign(b"message").unwrap();
            assert_eq!(signature.len(), 64, "the form of RFC 7518, not DER");
            assert!(key.verify(b"message", &signature));
            assert!(!key.verify(b"massage", &signature) && !other.verify(b"message", &signature));
            assert!(!key.verify(b"message", b"") && !key.verify(b"message", &[0; 64]));
        }
    }

    #[test]
    fn a_kept_key_is_the_same_key() {
        for algorithm in BOTH {
            let key = SigningKey::generate(algorithm).unwrap();
            let again = SigningKey::from_private(algorithm, key.private()).unwrap();
            assert_eq!((again.id(), again.public_members()), (key.id(), key.public_members()));
            assert!(key.verify(b"m", &again.sign(b"m").unwrap()));
            assert!(SigningKey::from_private(algorithm, &key.private()[1..]).is_none());
            assert!(!format!("{key:?}").contains("private"));
        }
    }

    // RFC 8037, appendices A.1 and A.3.
    #[test]
    fn the_name_is_the_thumbprint_of_the_rfc() {
        let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        let pkcs8 = [&[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20][..], &seed].concat();
        let key = SigningKey::from_private(SignatureAlgorithm::EdDsa, &pkcs8).unwrap();
        assert_eq!(key.id(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }
}
