//! Owns the public half of a key pair as others read it: the members of a JWK, and their thumbprint (RFC 7517, RFC 7638).
//! Does not know private halves.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::sha256;

/// The required members of a JWK, in the order of their names.
pub type Members = Vec<(&'static str, String)>;

/// Of a key on an elliptic curve (RFC 7518, 6.2), whose public half is an uncompressed point: 4, then x and y of the same
/// length (SEC 1, 2.3.3).
pub(super) fn of_curve(curve: &'static str, point: &[u8]) -> Option<Members> {
    let (4, both) = point.split_first().map(|(form, both)| (*form, both))? else { return None };
    let (x, y) = both.split_at(both.len() / 2);
    Some(vec![("crv", curve.to_owned()), ("kty", "EC".to_owned()), ("x", text(x)), ("y", text(y))])
}

/// Of an Ed25519 key (RFC 8037, 2).
pub(super) fn of_ed25519(public: &[u8]) -> Members {
    vec![("crv", "Ed25519".to_owned()), ("kty", "OKP".to_owned()), ("x", text(public))]
}

/// The thumbprint of a key: the members without white space, hashed (RFC 7638, 3).
pub(super) fn thumbprint(members: &Members) -> String {
    let members: Vec<_> = members.iter().map(|(name, value)| format!(r#""{name}":"{value}""#)).collect();
    text(&sha256(format!("{{{}}}", members.join(",")).as_bytes()))
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
