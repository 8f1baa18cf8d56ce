//! Owns a provider's signing keys: reading a key set (RFC 7517), leaving out what is weak or odd, and finding the
//! keys that fit a token. Does not know how the set came, nor how long it is kept.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::JsonWebKeyId;
use openidconnect::core::{CoreJsonCurveType, CoreJsonWebKey};
use serde_json::Value;

use super::algorithm::{Algorithm, Family};
use crate::providers::fault::Fault;
use crate::providers::json::Object;
use crate::session::identity::IssuerRule;

/// At most so many usable keys are kept; a set that has more is odd, and the rest is left out.
const MAX_KEYS: usize = 64;
/// At most so many keys are tried on one token (security.md 45).
const MAX_TRIES: usize = 4;

/// The usable keys of a provider.
#[derive(Debug)]
pub(super) struct Keys(Vec<Key>);

#[derive(Debug)]
struct Key {
    id: Option<String>,
    family: Family,
    algorithm: Option<Algorithm>,
    /// Whose tokens it signs, where a set serves several issuers (Microsoft's `issuer` member).
    issuer: Option<IssuerRule>,
    public: CoreJsonWebKey,
}

impl Keys {
    /// Reads a key set. Keys that can't be used are left out, since sets may hold keys for other purposes.
    pub(super) fn read(document: &Object) -> Result<Self, Fault> {
        let Some(Value::Array(items)) = document.get("keys") else { return Err(Fault::Invalid("jwks: no keys")) };
        let keys: Vec<_> = items.iter().filter_map(|item| read_key(item.as_object()?)).take(MAX_KEYS).collect();
        if keys.is_empty() {
            return Err(Fault::Invalid("jwks: no usable key"));
        }
        Ok(Self(keys))
    }

    /// The keys that a token of `issuer` with this header may have been signed with; a few at most.
    pub(super) fn fitting(&self, algorithm: Algorithm, id: Option<&str>, issuer: &str) -> Vec<&CoreJsonWebKey> {
        self.0
            .iter()
            .filter(|key| key.family == algorithm.family() && key.algorithm.is_none_or(|own| own == algorithm))
            .filter(|key| id.is_none() || key.id.as_deref() == id)
            .filter(|key| key.issuer.as_ref().is_none_or(|own| own.admits(issuer)))
            .map(|key| &key.public)
            .take(MAX_TRIES)
            .collect()
    }

    /// Whether a key of this name is there, whatever it fits.
    pub(super) fn knows(&self, id: &str) -> bool {
        self.0.iter().any(|key| key.id.as_deref() == Some(id))
    }
}

/// A public signature key that we can use; `None` for any other.
fn read_key(jwk: &Object) -> Option<Key> {
    const PRIVATE: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "k"];
    if PRIVATE.iter().any(|name| jwk.contains_key(*name)) {
        return None;
    }
    if jwk.get("use").is_some_and(|purpose| purpose != "sig") {
        return None;
    }
    if let Some(operations) = jwk.get("key_ops")
        && !operations.as_array()?.iter().any(|operation| operation == "verify")
    {
        return None;
    }
    let id = match jwk.get("kid") {
        None => None,
        Some(id) => Some(id.as_str().filter(|id| id.len() <= 512)?.to_owned()),
    };
    let algorithm = match jwk.get("alg") {
        None => None,
        Some(name) => Some(Algorithm::named(name.as_str()?)?),
    };
    let issuer = match jwk.get("issuer") {
        None => None,
        Some(issuer) => Some(IssuerRule::new(issuer.as_str()?)),
    };
    let key_id = id.clone().map(JsonWebKeyId::new);
    let curve = |curve, length| Some((curve, coordinate(jwk, "x", length)?));
    let (family, public) = match (text(jwk, "kty")?, jwk.get("crv").and_then(Value::as_str)) {
        ("RSA", _) => {
            let (modulus, exponent) = rsa(jwk)?;
            (Family::Rsa, CoreJsonWebKey::new_rsa(modulus, exponent, key_id))
        }
        ("EC", Some("P-256")) => {
            let (curve, x) = curve(CoreJsonCurveType::P256, 32)?;
            (Family::P256, CoreJsonWebKey::new_ec(x, coordinate(jwk, "y", 32)?, curve, key_id))
        }
        ("EC", Some("P-384")) => {
            let (curve, x) = curve(CoreJsonCurveType::P384, 48)?;
            (Family::P384, CoreJsonWebKey::new_ec(x, coordinate(jwk, "y", 48)?, curve, key_id))
        }
        ("OKP", Some("Ed25519")) => {
            let (curve, x) = curve(CoreJsonCurveType::Ed25519, 32)?;
            (Family::Ed25519, CoreJsonWebKey::new_okp(x, curve, key_id))
        }
        _ => return None,
    };
    if algorithm.is_some_and(|algorithm| algorithm.family() != family) {
        return None;
    }
    Some(Key { id, family, algorithm, issuer, public })
}

/// Modulus and exponent of a key of 2,048 to 4,096 bits with an odd exponent from 3 to 2^32.
fn rsa(jwk: &Object) -> Option<(Vec<u8>, Vec<u8>)> {
    let (modulus, exponent) = (bytes(jwk, "n")?, bytes(jwk, "e")?);
    let significant = modulus.iter().position(|byte| *byte != 0).and_then(|start| modulus.get(start..))?;
    let bits = significant.len() * 8 - significant.first()?.leading_zeros() as usize;
    let value = exponent.iter().try_fold(0_u64, |value, byte| {
        value.checked_mul(256).map(|value| value | u64::from(*byte)).filter(|value| *value <= 1 << 32)
    })?;
    ((2048..=4096).contains(&bits) && value >= 3 && value % 2 == 1).then_some((modulus, exponent))
}

fn coordinate(jwk: &Object, name: &str, length: usize) -> Option<Vec<u8>> {
    bytes(jwk, name).filter(|bytes| bytes.len() == length)
}

fn bytes(jwk: &Object, name: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text(jwk, name)?).ok()
}

fn text<'a>(jwk: &'a Object, name: &str) -> Option<&'a str> {
    jwk.get(name)?.as_str()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn usable(key: &Value) -> bool {
        read_key(key.as_object().unwrap()).is_some()
    }

    fn with(key: &Value, name: &str, value: Value) -> Value {
        let mut key = key.clone();
        key[name] = value;
        key
    }

    // security.md 45: weak and odd keys are skipped.
    #[test]
    fn only_strong_public_signature_keys_are_used() {
        let b64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let rsa = json!({"kty": "RSA", "n": b64(&[0xff; 256]), "e": "AQAB", "use": "sig", "alg": "RS256", "kid": "a"});
        let ec = json!({"kty": "EC", "crv": "P-256", "x": b64(&[1; 32]), "y": b64(&[2; 32])});
        let okp = json!({"kty": "OKP", "crv": "Ed25519", "x": b64(&[1; 32])});
        assert!(usable(&rsa) && usable(&ec) && usable(&okp));
        assert!(usable(&with(&rsa, "n", b64(&[&[0][..], &[0xff; 256]].concat()).into())), "a leading zero");
        let refused = [
            with(&rsa, "n", b64(&[0xff; 128]).into()),
            with(&rsa, "n", b64(&[&[0; 200][..], &[0xff; 128]].concat()).into()),
            with(&rsa, "n", b64(&[0xff; 2048]).into()),
            with(&rsa, "n", "not base64!".into()),
            with(&rsa, "e", b64(&[1]).into()),
            with(&rsa, "e", b64(&[2]).into()),
            with(&rsa, "e", b64(&[0xff; 9]).into()),
            with(&rsa, "use", "enc".into()),
            with(&rsa, "use", json!(["sig"])),
            with(&rsa, "key_ops", json!(["encrypt"])),
            with(&rsa, "key_ops", "verify".into()),
            with(&rsa, "alg", "ES256".into()),
            with(&rsa, "alg", "RSA-OAEP".into()),
            with(&rsa, "alg", "none".into()),
            with(&rsa, "kid", 5.into()),
            with(&rsa, "d", "AQAB".into()),
            with(&ec, "x", b64(&[1; 31]).into()),
            with(&ec, "crv", "P-384".into()),
            with(&ec, "crv", "secp256k1".into()),
            with(&okp, "crv", "X25519".into()),
            json!({"kty": "oct", "k": "AAAA"}),
            json!({"kty": "RSA"}),
            json!({}),
        ];
        for key in refused {
            assert!(!usable(&key), "{key}");
        }
    }

    #[test]
    fn a_key_set_is_capped() {
        let key = json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode([1; 32])});
        let document = json!({"keys": vec![key; 10_000]});
        let keys = Keys::read(document.as_object().unwrap()).unwrap();
        assert_eq!(
            (keys.0.len(), keys.fitting(Algorithm::EdDsa, None, "https://op.example").len()),
            (MAX_KEYS, MAX_TRIES)
        );
    }
}
