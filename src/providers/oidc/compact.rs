//! Owns the outer form of a signed token (RFC 7515, 7.1): three segments, canonical base64url, strict JSON, and a
//! header that promises nothing we do not do. Does not know the claims, and verifies nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::algorithm::Algorithm;
use super::{TokenKind, rejected};
use crate::authority::provider::ProviderError;
use crate::providers::json::{self, Object};
use crate::session::claimed_jwt::LONGEST;

const MAX_HEADER: usize = 8 * 1024;
const MAX_KEY_ID: usize = 512;

/// A token whose form is right. Nothing in it is to be believed yet.
pub(super) struct Compact {
    pub algorithm: Algorithm,
    pub key_id: Option<String>,
    /// What the header says that it is (`typ`), unless that is nothing but a JWT.
    pub kind: Option<String>,
    pub claims: Object,
    pub signature: Vec<u8>,
}

impl Compact {
    /// Reads an ID token that may be signed with one of `algorithms`. Any type but a plain one is another kind of token:
    /// `at+jwt`, `logout+jwt`, `dpop+jwt` (security.md 25).
    pub(super) fn read(token: &str, algorithms: &[Algorithm]) -> Result<Self, ProviderError> {
        let compact = Self::open(token, algorithms)?;
        if compact.kind.is_some() { rejected("id_token.typ") } else { Ok(compact) }
    }

    /// Reads a token of any kind that may be signed with one of `algorithms`.
    pub(super) fn open(token: &str, algorithms: &[Algorithm]) -> Result<Self, ProviderError> {
        let compact = Self::parse(token, TokenKind::Id)?;
        if algorithms.contains(&compact.algorithm) { Ok(compact) } else { rejected("id_token.alg") }
    }

    /// Reads a token of any kind that is signed with an algorithm that we know.
    ///
    /// Of the header, `alg`, `kid` and `typ` are read. Headers that name a key (`jwk`, `jku`, `x5u`, `x5c`) are not
    /// looked at (security.md 24); those that change what the rest means are refused.
    pub(super) fn parse(token: &str, of: TokenKind) -> Result<Self, ProviderError> {
        if token.len() > LONGEST {
            return refuse!(of, "size");
        }
        let segments: Vec<_> = token.split('.').take(6).collect();
        let [header, payload, signature] = segments.as_slice() else {
            return if segments.len() == 5 { refuse!(of, "encrypted") } else { refuse!(of, "segments") };
        };
        let header = json::object(&decode(header, of)?).filter(|_| header.len() <= MAX_HEADER);
        let Some(header) = header else { return refuse!(of, "header") };
        let Some(claims) = json::object(&decode(payload, of)?) else { return refuse!(of, "payload") };
        let signature = decode(signature, of)?;

        if ["crit", "b64", "zip", "enc", "cty"].iter().any(|name| header.contains_key(*name)) {
            return refuse!(of, "header");
        }
        let Some(algorithm) = header.get("alg").and_then(Value::as_str).and_then(Algorithm::named) else {
            return refuse!(of, "alg");
        };
        let kind = match header.get("typ") {
            None => None,
            Some(Value::String(kind)) if is_plain_jwt(kind) => None,
            Some(Value::String(kind)) => Some(kind.clone()),
            Some(_) => return refuse!(of, "typ"),
        };
        let key_id = match header.get("kid") {
            None => None,
            Some(Value::String(id)) if id.len() <= MAX_KEY_ID => Some(id.clone()),
            Some(_) => return refuse!(of, "kid"),
        };
        Ok(Self { algorithm, key_id, kind, claims, signature })
    }
}

fn is_plain_jwt(kind: &str) -> bool {
    kind.eq_ignore_ascii_case("jwt") || kind.eq_ignore_ascii_case("application/jwt")
}

/// Base64url without padding, white space or stray bits, so that no two texts stand for the same bytes.
fn decode(segment: &str, of: TokenKind) -> Result<Vec<u8>, ProviderError> {
    match URL_SAFE_NO_PAD.decode(segment) {
        Ok(bytes) if !bytes.is_empty() => Ok(bytes),
        _ => refuse!(of, "encoding"),
    }
}
