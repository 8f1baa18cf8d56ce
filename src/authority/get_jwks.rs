//! Owns the use case GetJwks: the public keys that check our own tokens. Does not know how it was asked.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::answer::HttpAnswer;
use super::{Authority, Error};
use crate::crypto::SigningKey;
use crate::session::mint::KEEP_KEYS_FOR;

/// The answer.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The key set, as JSON (RFC 7517, 5).
    pub jwks: String,
    /// How long it may be kept.
    pub keep_for: Duration,
    /// What to answer whoever asks for it over HTTP.
    pub answer: HttpAnswer,
}

impl Authority {
    /// The keys that check our own tokens, the next one among them before it signs.
    ///
    /// # Errors
    /// When minting is off, or the store can't say.
    pub async fn get_jwks(&self) -> Result<Outcome, Error> {
        let mint = self.settings.mint.as_ref().ok_or(Error::MintingOff)?;
        let keys = self.mint_keys(mint).await?;
        let set = json!({ "keys": keys.all().map(jwk).collect::<Vec<_>>() });
        Ok(Outcome {
            jwks: set.to_string(),
            keep_for: KEEP_KEYS_FOR,
            answer: HttpAnswer::public("application/jwk-set+json", set.to_string(), KEEP_KEYS_FOR),
        })
    }
}

fn jwk(key: &SigningKey) -> Value {
    let members = key.public_members().into_iter().map(|(name, value)| (name.to_owned(), Value::String(value)));
    let more = [("use", "sig"), ("alg", key.algorithm().name()), ("kid", key.id())];
    let more = more.map(|(name, value)| (name.to_owned(), Value::String(value.to_owned())));
    Value::Object(members.chain(more).collect::<Map<_, _>>())
}
