//! Owns real signing keys, made once for each process, and how to sign with them. Does not know tokens.

use std::sync::LazyLock;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{self as sig, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// A key with its name in the key set.
pub struct Signer {
    pub kid: &'static str,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

pub static RSA: LazyLock<Signer> = LazyLock::new(|| rsa("rsa"));
/// A second RSA key, which the key set does not list.
pub static OTHER_RSA: LazyLock<Signer> = LazyLock::new(|| rsa("other"));
pub static P256: LazyLock<Signer> = LazyLock::new(|| Signer {
    kid: "p256",
    pair: Pair::P256(EcdsaKeyPair::generate(&sig::ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()),
});
pub static P384: LazyLock<Signer> = LazyLock::new(|| Signer {
    kid: "p384",
    pair: Pair::P384(EcdsaKeyPair::generate(&sig::ECDSA_P384_SHA384_FIXED_SIGNING).unwrap()),
});
pub static ED25519: LazyLock<Signer> =
    LazyLock::new(|| Signer { kid: "ed25519", pair: Pair::Ed25519(Ed25519KeyPair::generate().unwrap()) });

fn rsa(kid: &'static str) -> Signer {
    Signer { kid, pair: Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()) }
}

/// Base64url without padding.
pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Signer {
    /// Signs `input` with the algorithm of that name; the key has to be of its kind.
    pub fn sign(&self, algorithm: &str, input: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let padding: &'static dyn sig::RsaEncoding = match algorithm {
                    "RS256" => &sig::RSA_PKCS1_SHA256,
                    "RS384" => &sig::RSA_PKCS1_SHA384,
                    "RS512" => &sig::RSA_PKCS1_SHA512,
                    "PS256" => &sig::RSA_PSS_SHA256,
                    "PS384" => &sig::RSA_PSS_SHA384,
                    "PS512" => &sig::RSA_PSS_SHA512,
                    other => panic!("{other} takes no RSA key"),
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, input, &mut signature).unwrap();
                signature
            }
            Pair::P256(pair) | Pair::P384(pair) => pair.sign(&random, input).unwrap().as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.sign(input).as_ref().to_vec(),
        }
    }

    /// The public key as a member of a key set.
    pub fn jwk(&self) -> Value {
        let mut jwk = match &self.pair {
            Pair::Rsa(pair) => {
                let public = pair.public_key();
                let (modulus, exponent) = (public.modulus(), public.exponent());
                json!({ "kty": "RSA", "n": b64(modulus.big_endian_without_leading_zero()),
                        "e": b64(exponent.big_endian_without_leading_zero()) })
            }
            Pair::P256(pair) => ec("P-256", pair.public_key().as_ref()),
            Pair::P384(pair) => ec("P-384", pair.public_key().as_ref()),
            Pair::Ed25519(pair) => json!({ "kty": "OKP", "crv": "Ed25519", "x": b64(pair.public_key()) }),
        };
        jwk["kid"] = self.kid.into();
        jwk["use"] = "sig".into();
        jwk
    }

    /// The private key, as an operator would have it in a file.
    pub fn pem(&self) -> String {
        let der = match &self.pair {
            Pair::Rsa(pair) => {
                let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
                der.as_ref().to_vec()
            }
            Pair::P256(pair) | Pair::P384(pair) => pair.to_pkcs8v1().unwrap().as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.to_pkcs8().unwrap().as_ref().to_vec(),
        };
        let body = base64::engine::general_purpose::STANDARD.encode(der);
        format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")
    }

    /// Whether it has signed `input` with the algorithm of that name.
    pub fn verify(&self, algorithm: &str, input: &[u8], signature: &[u8]) -> bool {
        let (how, public): (&'static dyn sig::VerificationAlgorithm, &[u8]) = match (&self.pair, algorithm) {
            (Pair::Rsa(pair), "RS256") => (&sig::RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref()),
            (Pair::Rsa(pair), "PS256") => (&sig::RSA_PSS_2048_8192_SHA256, pair.public_key().as_ref()),
            (Pair::P256(pair), "ES256") => (&sig::ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref()),
            (Pair::P384(pair), "ES384") => (&sig::ECDSA_P384_SHA384_FIXED, pair.public_key().as_ref()),
            (Pair::Ed25519(pair), "EdDSA") => (&sig::ED25519, pair.public_key().as_ref()),
            _ => return false,
        };
        sig::UnparsedPublicKey::new(how, public).verify(input, signature).is_ok()
    }

    /// The public key of an RSA pair as DER and as PEM: what an HMAC confusion would use as its secret.
    pub fn public_texts(&self) -> (Vec<u8>, String) {
        let Pair::Rsa(pair) = &self.pair else { panic!("not an RSA key") };
        let der = pair.public_key().as_der().unwrap().as_ref().to_vec();
        let body = base64::engine::general_purpose::STANDARD.encode(&der);
        let lines: Vec<_> = body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        (der, format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n")))
    }
}

fn ec(curve: &str, point: &[u8]) -> Value {
    let (x, y) = point[1..].split_at(point.len() / 2);
    json!({ "kty": "EC", "crv": curve, "x": b64(x), "y": b64(y) })
}
