//! Owns the provider's signing key: JWTs signed and checked with ES256 (RFC 7515, RFC 7518). Does not know claims.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

/// The algorithm, as headers and metadata name it.
pub(super) const ALGORITHM: &str = "ES256";

/// A P-256 key, made at start and gone at the end.
pub(super) struct SigningKey {
    pair: EcdsaKeyPair,
    id: String,
    jwk: Value,
}

impl SigningKey {
    /// A new key; `None` when chance fails.
    pub fn generate() -> Option<Self> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).ok()?;
        // An uncompressed point: 4, then x and y of 32 bytes each (SEC 1, 2.3.3).
        let (x, y) = pair.public_key().as_ref().get(1..65)?.split_at(32);
        let (x, y) = (encode(x), encode(y));
        // The members and their order are those of a key's thumbprint (RFC 7638, 3.2).
        let id = encode(&sha256(&format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#)));
        let jwk = json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "use": "sig", "alg": ALGORITHM, "kid": id });
        Some(Self { pair, id, jwk })
    }

    /// The key set to publish.
    pub fn jwks(&self) -> Value {
        json!({ "keys": [self.jwk] })
    }

    /// Signs `claims` as a JWT of type `typ`; `None` when chance fails.
    pub fn sign(&self, typ: &str, claims: &Map<String, Value>) -> Option<String> {
        let header = json!({ "alg": ALGORITHM, "typ": typ, "kid": self.id });
        let claims = serde_json::to_vec(claims).ok()?;
        let signed = format!("{}.{}", encode(header.to_string().as_bytes()), encode(&claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).ok()?;
        Some(format!("{signed}.{}", encode(signature.as_ref())))
    }

    /// The claims of a JWT that this key signed as type `typ`. Judges no time.
    pub fn open(&self, typ: &str, jwt: &str) -> Option<Map<String, Value>> {
        let (signed, signature) = jwt.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.pair.public_key().as_ref())
            .verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).ok()?)
            .ok()?;
        let header: Map<String, Value> = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        if header.get("typ").and_then(Value::as_str) != Some(typ) {
            return None;
        }
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
    }
}

/// The PKCE challenge of a verifier (RFC 7636, 4.2).
pub(super) fn challenge_of(verifier: &str) -> String {
    encode(&sha256(verifier))
}

/// The `at_hash` of an access token: the left half of its hash (OpenID Connect Core, 3.1.3.6).
pub(super) fn at_hash(access_token: &str) -> String {
    encode(sha256(access_token).get(..16).unwrap_or_default())
}

/// base64url without padding.
pub(super) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn sha256(text: &str) -> Vec<u8> {
    digest(&SHA256, text.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7636, appendix B.
    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge_of(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn a_jwt_opens_with_its_own_key_and_type_only() {
        let key = SigningKey::generate().unwrap();
        let claims = Map::from_iter([("sub".to_owned(), json!("a"))]);
        let jwt = key.sign("JWT", &claims).unwrap();
        assert_eq!(key.open("JWT", &jwt), Some(claims));
        assert_eq!(key.open("at+jwt", &jwt), None);
        assert_eq!(SigningKey::generate().unwrap().open("JWT", &jwt), None);
    }
}
