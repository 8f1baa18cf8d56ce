//! Owns signatures with a private key that somebody else has made and an operator brings, in the form of JWS (RFC 7518, 3.1).
//! Does not know what is signed; keys of our own making are `sign`'s.

use std::fmt;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;

use super::Secret;
use super::jwk::{Members, of_curve, of_ed25519, thumbprint};

/// A private key. It is never printed.
pub struct PrivateKey(Pair);

enum Pair {
    Rsa(Box<RsaKeyPair>),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// A curve, and what a pair on it is.
type Curve = (&'static EcdsaSigningAlgorithm, fn(EcdsaKeyPair) -> Pair);

impl PrivateKey {
    /// Reads the first private key of a PEM text, in whichever form (PKCS #8, PKCS #1, SEC 1): RSA of at least 2,048 bits,
    /// P-256, P-384 or Ed25519. `None` where there is none of these, or it is encrypted.
    #[must_use]
    pub fn from_pem(pem: &Secret) -> Option<Self> {
        let curves: [Curve; 2] =
            [(&ECDSA_P256_SHA256_FIXED_SIGNING, Pair::P256), (&ECDSA_P384_SHA384_FIXED_SIGNING, Pair::P384)];
        let on_a_curve = |read: fn(&'static EcdsaSigningAlgorithm, &[u8]) -> Option<EcdsaKeyPair>, der: &[u8]| {
            curves.iter().find_map(|(curve, pair)| read(curve, der).map(pair))
        };
        let pair = match PrivateKeyDer::from_pem_slice(pem.expose().as_bytes()).ok()? {
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()).ok().map(Box::new).map(Pair::Rsa),
            PrivateKeyDer::Sec1(der) => {
                on_a_curve(|curve, der| EcdsaKeyPair::from_private_key_der(curve, der).ok(), der.secret_sec1_der())
            }
            PrivateKeyDer::Pkcs8(der) => {
                let der = der.secret_pkcs8_der();
                on_a_curve(|curve, der| EcdsaKeyPair::from_pkcs8(curve, der).ok(), der)
                    .or_else(|| Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).ok().map(Pair::Ed25519))
                    .or_else(|| RsaKeyPair::from_pkcs8(der).ok().map(Box::new).map(Pair::Rsa))
            }
            _ => None,
        };
        pair.map(Self)
    }

    /// The registered names of the algorithms with which it signs; the usual one first.
    #[must_use]
    pub const fn algorithms(&self) -> &'static [&'static str] {
        match &self.0 {
            Pair::Rsa(_) => &["RS256", "PS256"],
            Pair::P256(_) => &["ES256"],
            Pair::P384(_) => &["ES384"],
            Pair::Ed25519(_) => &["EdDSA"],
        }
    }

    /// Its public half as the members of a JWK, without name, use and algorithm; `None` for RSA, which nobody wants whole in
    /// every request.
    #[must_use]
    pub fn public_members(&self) -> Option<Members> {
        match &self.0 {
            Pair::Rsa(_) => None,
            Pair::P256(pair) => of_curve("P-256", pair.public_key().as_ref()),
            Pair::P384(pair) => of_curve("P-384", pair.public_key().as_ref()),
            Pair::Ed25519(pair) => Some(of_ed25519(pair.public_key().as_ref())),
        }
    }

    /// The thumbprint of its public half (RFC 7638); `None` for RSA.
    #[must_use]
    pub fn thumbprint(&self) -> Option<String> {
        self.public_members().as_ref().map(thumbprint)
    }

    /// Signs with the algorithm of that name; `None` when it is none of this key's, or the system's random bytes fail.
    #[must_use]
    pub fn sign(&self, algorithm: &str, message: &[u8]) -> Option<Vec<u8>> {
        if !self.algorithms().contains(&algorithm) {
            return None;
        }
        let chance = SystemRandom::new();
        match &self.0 {
            Pair::Rsa(pair) => {
                let padding = if algorithm == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &chance, message, &mut signature).ok()?;
                Some(signature)
            }
            Pair::P256(pair) | Pair::P384(pair) => Some(pair.sign(&chance, message).ok()?.as_ref().to_vec()),
            Pair::Ed25519(pair) => Some(pair.sign(message).as_ref().to_vec()),
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PrivateKey").field(&self.algorithms()).finish()
    }
}

/// A name that nobody has given to anything before: 128 random bits. `None` when the system's random bytes fail.
#[must_use]
pub fn unique_name() -> Option<String> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn pem(label: &str, der: &[u8]) -> Secret {
        Secret::new(format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der)))
    }

    type Case = (Secret, Vec<u8>, Vec<(&'static str, &'static dyn VerificationAlgorithm)>);

    fn keys() -> Vec<Case> {
        let (p256, p384) = (&ECDSA_P256_SHA256_FIXED_SIGNING, &ECDSA_P384_SHA384_FIXED_SIGNING);
        let on_a_curve = |curve| {
            let pair = EcdsaKeyPair::generate(curve).unwrap();
            let pkcs8 = pair.to_pkcs8v1().unwrap();
            let sec1 = pair.private_key().as_der().unwrap();
            let public = pair.public_key().as_ref().to_vec();
            [(pem("PRIVATE KEY", pkcs8.as_ref()), public.clone()), (pem("EC PRIVATE KEY", sec1.as_ref()), public)]
        };
        let mut all: Vec<Case> = Vec::new();
        for (key, public) in on_a_curve(p256) {
            all.push((key, public, vec![("ES256", &signature::ECDSA_P256_SHA256_FIXED)]));
        }
        for (key, public) in on_a_curve(p384) {
            all.push((key, public, vec![("ES384", &signature::ECDSA_P384_SHA384_FIXED)]));
        }
        let pair = Ed25519KeyPair::generate().unwrap();
        let pkcs8 = pair.to_pkcs8().unwrap();
        all.push((
            pem("PRIVATE KEY", pkcs8.as_ref()),
            pair.public_key().as_ref().to_vec(),
            vec![("EdDSA", &signature::ED25519)],
        ));
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let pkcs8: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().unwrap();
        all.push((
            pem("PRIVATE KEY", pkcs8.as_ref()),
            pair.public_key().as_ref().to_vec(),
            vec![("RS256", &signature::RSA_PKCS1_2048_8192_SHA256), ("PS256", &signature::RSA_PSS_2048_8192_SHA256)],
        ));
        all
    }

    #[test]
    fn a_key_in_any_usual_form_signs_as_its_algorithms_say() {
        for (text, public, algorithms) in keys() {
            let key = PrivateKey::from_pem(&text).unwrap();
            assert_eq!(key.algorithms(), algorithms.iter().map(|(name, _)| *name).collect::<Vec<_>>());
            for (name, verifier) in algorithms {
                let signature = key.sign(name, b"message").unwrap();
                UnparsedPublicKey::new(verifier, &public).verify(b"message", &signature).unwrap();
            }
            assert!(key.sign("none", b"message").is_none() && key.sign("HS256", b"message").is_none());
            assert_eq!(format!("{key:?}"), format!("PrivateKey({:?})", key.algorithms()));
        }
    }

    #[test]
    fn what_is_no_private_key_is_none() {
        let (text, public, _) = keys().remove(0);
        let cut = Secret::new(text.expose().replace("MI", "MA"));
        for text in [Secret::new(""), Secret::new("key"), pem("PUBLIC KEY", &public), pem("PRIVATE KEY", &public), cut]
        {
            assert!(PrivateKey::from_pem(&text).is_none());
        }
    }
}
