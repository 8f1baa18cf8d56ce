//! Owns the compact form of what our own key at a provider signs (RFC 7515, 7.1). Does not know what it says.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::fault::Fault;
use crate::crypto::{PrivateKey, Secret};

/// Signs with the algorithm that the header names.
pub(super) fn sign(key: &PrivateKey, algorithm: &str, header: &Value, claims: &Value) -> Result<Secret, Fault> {
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let signed = format!("{}.{}", encode(header), encode(claims));
    let signature = key.sign(algorithm, signed.as_bytes()).ok_or(Fault::NotSigned("there are no random bytes"))?;
    Ok(Secret::new(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))))
}
