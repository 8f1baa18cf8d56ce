//! Owns the form of our own tokens: a JWT of type `at+jwt` (RFC 9068), signed and opened. Does not know sessions.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::mint_keys::MintKeys;
use crate::crypto::{Secret, SigningKey};

const KIND: &str = "at+jwt";

/// The header, as far as it is read before anything is believed.
#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

/// Signs a token; `None` when the system's random bytes fail.
pub(super) fn sign(key: &SigningKey, claims: &Map<String, Value>) -> Option<Secret> {
    let header = json!({ "alg": key.algorithm().name(), "typ": KIND, "kid": key.id() });
    let claims = serde_json::to_vec(claims).ok()?;
    let signed = format!("{}.{}", encode(header.to_string().as_bytes()), encode(&claims));
    let signature = key.sign(signed.as_bytes())?;
    Some(Secret::new(format!("{signed}.{}", encode(&signature))))
}

/// The name of the key that a token says it is signed with.
pub(super) fn key_id(token: &Secret) -> Option<String> {
    Some(header(token.expose())?.kid)
}

/// The claims of a token that one of these keys has signed as an access token; `None` for any other.
pub(super) fn open(keys: &MintKeys, token: &Secret) -> Option<Map<String, Value>> {
    let (signed, signature) = token.expose().rsplit_once('.')?;
    let header = header(token.expose())?;
    let key = keys.named(&header.kid)?;
    // The algorithm is the key's, whatever the token says (security.md 22).
    if header.alg != key.algorithm().name() || header.typ != KIND {
        return None;
    }
    if !key.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).ok()?) {
        return None;
    }
    payload(token.expose())
}

fn payload(token: &str) -> Option<Map<String, Value>> {
    let mut segments = token.split('.');
    let (Some(_), Some(payload), Some(_), None) = (segments.next(), segments.next(), segments.next(), segments.next())
    else {
        return None;
    };
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

fn header(token: &str) -> Option<Header> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?).ok()
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
