//! Owns how the hostile provider knows its client: by a secret, a key, a certificate, or as Apple does. As a strict real one it
//! takes nothing that is wrong in any way. Does not know what is asked.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::keys::Signer;
use super::{CLIENT_ID, Inner};

/// What the client is registered with.
#[derive(Clone)]
pub enum Registered {
    /// Its secret, whichever way it comes.
    Secret,
    /// The public half of this key, named so.
    Key(&'static Signer),
    /// This certificate, DER.
    Certificate(Vec<u8>),
    /// A key of this team, as Apple has it: the secret is what it has signed.
    Team(&'static Signer, &'static str),
}

/// Apple: six months, in seconds.
const LONGEST_SECRET: u64 = 15_777_000;

/// Whether a request is the client's.
pub(super) fn is_known(provider: &Inner, form: &[u8], authorization: Option<&str>, certificate: Option<&[u8]>) -> bool {
    let pairs: Vec<_> = url::form_urlencoded::parse(form).into_owned().collect();
    let fields: HashMap<_, _> = pairs.iter().cloned().collect();
    // RFC 6749, 3.2: no parameter twice.
    if fields.len() != pairs.len() {
        return false;
    }
    let switches = provider.switches();
    let field = |name: &str| fields.get(name).map(String::as_str);
    if let Registered::Secret = switches.client {
        return authorization.is_some() || field("client_secret").is_some();
    }
    if authorization.is_some() || field("client_id") != Some(CLIENT_ID) {
        return false;
    }
    let others = |names: &[&str]| names.iter().all(|name| field(name).is_none());
    match switches.client {
        Registered::Secret => false,
        Registered::Certificate(own) => {
            certificate == Some(own.as_slice())
                && others(&["client_secret", "client_assertion", "client_assertion_type"])
        }
        Registered::Team(signer, team) => {
            let Some((header, claims)) = opened(field("client_secret").unwrap_or_default(), signer) else {
                return false;
            };
            let (from, end) = (claims["iat"].as_u64().unwrap_or(u64::MAX), claims["exp"].as_u64().unwrap_or_default());
            header["alg"] == "ES256"
                && claims["iss"] == team
                && claims["sub"] == CLIENT_ID
                && claims["aud"] == provider.issuer
                && from <= switches.now
                && (switches.now..from + LONGEST_SECRET).contains(&end)
        }
        Registered::Key(signer) => {
            let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
            let assertion = field("client_assertion").unwrap_or_default();
            let Some((_, claims)) = opened(assertion, signer) else { return false };
            let end = claims["exp"].as_u64().unwrap_or_default();
            let fresh =
                claims["jti"].as_str().is_some_and(|id| provider.assertions.lock().unwrap().insert(id.to_owned()));
            field("client_assertion_type") == Some(kind)
                && others(&["client_secret"])
                && claims["iss"] == CLIENT_ID
                && claims["sub"] == CLIENT_ID
                // A string, and the issuer (FAPI 2.0, 5.3.2.1).
                && claims["aud"] == provider.issuer
                && end > switches.now
                && end <= switches.now + 300
                && fresh
        }
    }
}

/// Header and claims of what this key, by its name, has signed.
pub fn opened(token: &str, signer: &Signer) -> Option<(Value, Value)> {
    let (signed, signature) = token.rsplit_once('.')?;
    let read = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
    let (header, claims) = signed.split_once('.')?;
    let (header, claims) = (read(header)?, read(claims)?);
    let is_named = header["kid"] == signer.kid;
    let is_signed = signer.verify(header["alg"].as_str()?, signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).ok()?);
    (is_named && is_signed).then_some((header, claims))
}
