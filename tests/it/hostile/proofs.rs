//! Owns how the hostile provider takes proofs of possession (RFC 9449): nothing in them may be wrong. Does not know tokens.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::Inner;
use super::keys::{Signer, b64};
use super::switches::Answer;

/// What came with a request.
pub(super) struct Presented<'a> {
    pub method: &'a str,
    pub address: &'a str,
    pub proof: Option<&'a str>,
    /// The access token.
    pub token: Option<&'a str>,
}

/// What the provider answers to a request without the proof that it wants.
pub(super) fn refusal(provider: &Inner, signer: &Signer, presented: &Presented<'_>) -> Option<Answer> {
    let wanted = provider.switches().nonce;
    let nonce = match read(provider, signer, presented) {
        Some(claims) => claims.get("nonce").and_then(Value::as_str).map(str::to_owned),
        None => return Some(Answer::json(400, json!({ "error": "invalid_dpop_proof" }))),
    };
    if nonce.as_deref() == wanted {
        return None;
    }
    let error = "use_dpop_nonce";
    let answer = match presented.token {
        None => Answer::json(400, json!({ "error": error })),
        // One way on a line of its own, then the other.
        Some(_) => Answer::json(401, "{}")
            .with("www-authenticate", "Bearer")
            .with("www-authenticate", format!(r#"DPoP error="{error}""#)),
    };
    Some(answer.with("dpop-nonce", wanted.unwrap_or_default()))
}

pub(super) fn read(provider: &Inner, signer: &Signer, presented: &Presented<'_>) -> Option<Value> {
    let (input, signature) = presented.proof?.rsplit_once('.')?;
    let read = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
    let (header, claims) = input.split_once('.')?;
    let (header, claims) = (read(header)?, read(claims)?);
    let hash = presented.token.map(|token| b64(digest::digest(&digest::SHA256, token.as_bytes())));
    let right = header["typ"] == "dpop+jwt"
        && header["jwk"] == public(signer)
        && signer.verify(header["alg"].as_str()?, input.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).ok()?)
        && claims["htm"] == presented.method
        && claims["htu"] == presented.address
        && claims["iat"] == provider.switches().now
        && claims.get("ath").and_then(Value::as_str) == hash.as_deref()
        && provider.assertions.lock().unwrap().insert(claims["jti"].as_str()?.to_owned());
    right.then_some(claims)
}

/// The required members of the public key.
fn public(signer: &Signer) -> Value {
    let jwk = signer.jwk();
    let members = ["crv", "kty", "x", "y"].into_iter().filter_map(|name| Some((name, jwk.get(name)?.clone())));
    members.map(|(name, value)| (name.to_owned(), value)).collect::<serde_json::Map<_, _>>().into()
}

/// The key's thumbprint (RFC 7638).
pub fn thumbprint(signer: &Signer) -> String {
    b64(digest::digest(&digest::SHA256, public(signer).to_string().as_bytes()))
}
