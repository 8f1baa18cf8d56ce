//! Owns the proof that a request comes from whoever holds the key that access tokens are bound to (RFC 9449): for one method and
//! one address, with the nonce that the server wants in it. Does not know what is asked.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::future::BoxFuture;
use serde_json::{Map, Value, json};
use url::Url;

use super::fault::Fault;
use super::http::Answer;
use super::jws;
use crate::crypto::{PrivateKey, Secret, sha256, unique_name};
use crate::session::time::Timestamp;

/// The servers whose nonces are remembered: a provider has its token endpoint, and userinfo perhaps elsewhere.
const SERVERS: usize = 8;

/// Our key at one provider, and the nonces that its servers wanted last.
pub(super) struct Proofs {
    key: PrivateKey,
    algorithm: &'static str,
    public: Value,
    thumbprint: String,
    nonces: Mutex<HashMap<String, String>>,
}

/// What a proof is for.
#[derive(Clone, Copy)]
pub(super) struct Proven<'a> {
    pub method: &'a str,
    pub address: &'a Url,
    /// The access token that goes with the request.
    pub token: Option<&'a Secret>,
    /// The world's time.
    pub now: Timestamp,
}

impl Proofs {
    /// Reads the key; `None` where it is none that can make proofs.
    pub(super) fn by(key: &Secret) -> Option<Self> {
        let key = PrivateKey::from_pem(key)?;
        let public: Map<_, _> =
            key.public_members()?.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        let (algorithm, thumbprint) = (*key.algorithms().first()?, key.thumbprint()?);
        Some(Self { key, algorithm, public: public.into(), thumbprint, nonces: Mutex::default() })
    }

    /// The algorithm that proofs are signed with.
    pub(super) const fn algorithm(&self) -> &'static str {
        self.algorithm
    }

    /// The key's thumbprint, which tokens that are bound to it name (`jkt`).
    pub(super) fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// Asks by `send`, with a proof; once more where the server answers that it wants its nonce in it: it has done nothing then
    /// (RFC 9449, 8 and 9).
    pub(super) async fn ask<'a>(
        &self,
        proven: Proven<'_>,
        send: impl Fn(Secret) -> BoxFuture<'a, Result<Answer, Fault>> + Send,
    ) -> Result<Answer, Fault> {
        let server = proven.address.origin().ascii_serialization();
        let nonce = self.nonces().get(&server).cloned();
        let answer = send(self.proof(proven, nonce.as_deref())?).await?;
        self.note(&server, &answer);
        if !wants_nonce(&answer) || answer.nonce.is_none() || answer.nonce == nonce {
            return Ok(answer);
        }
        let answer = send(self.proof(proven, answer.nonce.as_deref())?).await?;
        self.note(&server, &answer);
        Ok(answer)
    }

    /// A proof (RFC 9449, 4.2).
    pub(super) fn proof(&self, proven: Proven<'_>, nonce: Option<&str>) -> Result<Secret, Fault> {
        let id = unique_name().ok_or(Fault::NotSigned("there are no random bytes"))?;
        let mut address = proven.address.clone();
        address.set_query(None);
        address.set_fragment(None);
        let mut claims = Map::new();
        claims.insert("jti".to_owned(), id.into());
        claims.insert("htm".to_owned(), proven.method.into());
        claims.insert("htu".to_owned(), address.as_str().into());
        claims.insert("iat".to_owned(), proven.now.as_secs().into());
        if let Some(token) = proven.token {
            let hash = URL_SAFE_NO_PAD.encode(sha256(token.expose().as_bytes()));
            claims.insert("ath".to_owned(), hash.into());
        }
        if let Some(nonce) = nonce {
            claims.insert("nonce".to_owned(), nonce.into());
        }
        let header = json!({ "typ": "dpop+jwt", "alg": self.algorithm, "jwk": self.public });
        jws::sign(&self.key, self.algorithm, &header, &claims.into())
    }

    /// Remembers the nonce that a server wants in the next proof.
    fn note(&self, server: &str, answer: &Answer) {
        let Some(nonce) = &answer.nonce else { return };
        let mut nonces = self.nonces();
        if nonces.len() >= SERVERS && !nonces.contains_key(server) {
            nonces.clear();
        }
        nonces.insert(server.to_owned(), nonce.clone());
    }

    fn nonces(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.nonces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// At a token endpoint the body says so (RFC 9449, 8), at a resource the challenge does (9).
fn wants_nonce(answer: &Answer) -> bool {
    const ERROR: &str = "use_dpop_nonce";
    match answer.status {
        400 => answer.object().is_ok_and(|body| body.get("error").and_then(Value::as_str) == Some(ERROR)),
        401 => answer.challenge.contains(ERROR),
        _ => false,
    }
}
