//! Owns the token endpoint and its siblings: one request, never repeated, and the strict reading of the answer
//! (security.md 18, 19). Does not know what the tokens say, nor how we show who we are.

use std::time::Duration;

use serde_json::Value;
use url::Url;

use super::credential::{Authenticated, Credential, Way};
use super::dpop::{Proofs, Proven};
use super::fault::{Fault, OAuthError};
use super::http::{Answer, Http, Shown};
use super::json::Object;
use crate::authority::not_refreshed::NotRefreshed;
use crate::authority::provider::ProviderError;
use crate::crypto::Secret;

/// Longer texts are no tokens.
const MAX_TOKEN: usize = 64 * 1024;
/// Longer lives are no lives: 10 years.
const MAX_LIFE: u64 = 10 * 365 * 24 * 3600;
const MAX_SCOPES: usize = 200;

/// Refuses by the check of that name.
fn rejected<T>(check: &'static str) -> Result<T, ProviderError> {
    Err(ProviderError::Rejected(check))
}

/// What a token endpoint answered; well-formed, not yet to be believed.
pub(super) struct TokenAnswer {
    pub access: Secret,
    /// Whether the access token is good with a proof by our key alone (RFC 9449, 5).
    pub is_bound: bool,
    pub expires_in: Option<Duration>,
    pub refresh: Option<Secret>,
    pub id: Option<Secret>,
    /// The granted scopes, where they are not those that were asked for (RFC 6749, 5.1).
    pub scopes: Option<Vec<String>>,
}

/// How access tokens are presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenType {
    /// As they are (RFC 6750).
    Bearer,
    /// With a proof of the key that they are bound to (RFC 9449).
    Dpop,
}

impl TokenType {
    const fn name(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
        }
    }
}

/// Who we are to a provider, and the way to ask it.
#[derive(Clone, Copy)]
pub(super) struct Client<'a> {
    pub http: &'a Http,
    pub credential: &'a Credential,
    pub way: Way<'a>,
    /// Where access tokens are bound to a key of ours (RFC 9449).
    pub proofs: Option<&'a Proofs>,
}

impl Client<'_> {
    /// Sends a grant, once: whatever becomes of it, it is not sent again. An answer that wants another proof first is none.
    pub(super) async fn ask(self, endpoint: &Url, grant: &[(&str, &str)]) -> Result<Object, Fault> {
        let answer = match self.proofs {
            None => self.post(endpoint, grant, None).await?,
            Some(proofs) => {
                let proven = Proven { method: "POST", address: endpoint, token: None, now: self.way.now };
                proofs.ask(proven, |proof| Box::pin(self.post(endpoint, grant, Some(proof)))).await?
            }
        };
        if answer.status == 200 { answer.document() } else { Err(refusal(&answer)) }
    }

    /// Sends a refresh token, once, and says of one that brought nothing whether it may be spent.
    pub(super) async fn refresh(self, endpoint: &Url, token: &Secret) -> Result<Object, NotRefreshed> {
        let grant = [("grant_type", "refresh_token"), ("refresh_token", token.expose())];
        Ok(self.ask(endpoint, &grant).await?)
    }

    /// Asks about a token (RFC 7662, 2.1). Any status is an answer.
    pub(super) async fn introspect(self, endpoint: &Url, token: &Secret) -> Result<Answer, Fault> {
        self.post(endpoint, &[("token", token.expose()), ("token_type_hint", "access_token")], None).await
    }

    /// Hands over the parameters of an authorization request, but for the client's id (RFC 9126, 2.1), once.
    pub(super) async fn push(self, endpoint: &Url, parameters: &[(&str, &str)]) -> Result<Object, Fault> {
        // Where a header says who we are, the request has to say it too: it stands for itself.
        let own = [("client_id", self.credential.id())];
        let own = if self.way.is_by_header() { &own[..] } else { &[] };
        let answer = self.post(endpoint, &[own, parameters].concat(), None).await?;
        if answer.status == 201 { answer.object() } else { Err(refusal(&answer)) }
    }

    /// Revokes a token (RFC 7009, 2). A token that the provider does not know is revoked.
    pub(super) async fn revoke(self, endpoint: &Url, token: &Secret) -> Result<(), ProviderError> {
        let answer = self.post(endpoint, &[("token", token.expose())], None).await?;
        if answer.status == 200 { Ok(()) } else { Err(refusal(&answer).into()) }
    }

    async fn post(self, endpoint: &Url, fields: &[(&str, &str)], proof: Option<Secret>) -> Result<Answer, Fault> {
        let Authenticated { form, authorization } = self.credential.authenticate(fields, self.way)?;
        self.http.post(endpoint, form, &Shown { authorization, proof }).await
    }
}

/// What an answer that is no success says. Only errors of the client (4xx) are read (RFC 6749, 5.2).
fn refusal(answer: &Answer) -> Fault {
    if !(400..500).contains(&answer.status) || answer.status == 429 {
        return Fault::Status(answer.status);
    }
    match answer.object().ok().as_ref().and_then(|body| body.get("error")).and_then(Value::as_str) {
        Some(code) => Fault::OAuth(OAuthError::of(code)),
        None => Fault::Status(answer.status),
    }
}

impl TokenAnswer {
    /// Reads what a provider answered that was asked for a token of this type: another one is not what it is taken for.
    pub(super) fn read(body: &Object, kind: TokenType) -> Result<Self, ProviderError> {
        if body.contains_key("error") {
            return rejected("token_response.error");
        }
        let Ok(Some(access)) = token(body, "access_token") else { return rejected("token_response.access_token") };
        let own = body.get("token_type").and_then(Value::as_str).unwrap_or_default();
        if !own.eq_ignore_ascii_case(kind.name()) {
            return rejected("token_response.token_type");
        }
        let expires_in = match body.get("expires_in") {
            None => None,
            Some(seconds) => match seconds.as_u64().filter(|seconds| *seconds <= MAX_LIFE) {
                Some(seconds) => Some(Duration::from_secs(seconds)),
                None => return rejected("token_response.expires_in"),
            },
        };
        let Ok(refresh) = token(body, "refresh_token") else { return rejected("token_response.refresh_token") };
        let Ok(id) = token(body, "id_token") else { return rejected("token_response.id_token") };
        let scopes = match body.get("scope") {
            None => None,
            Some(Value::String(text)) => {
                let scopes: Vec<_> = text.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
                if scopes.len() > MAX_SCOPES {
                    return rejected("token_response.scope");
                }
                Some(scopes)
            }
            Some(_) => return rejected("token_response.scope"),
        };
        Ok(Self { access, is_bound: kind == TokenType::Dpop, expires_in, refresh, id, scopes })
    }
}

struct NoToken;

/// A token that may be absent: visible ASCII, so that it fits a header (RFC 6750, 2.1).
fn token(body: &Object, name: &str) -> Result<Option<Secret>, NoToken> {
    match body.get(name) {
        None => Ok(None),
        Some(Value::String(text))
            if !text.is_empty() && text.len() <= MAX_TOKEN && text.bytes().all(|byte| byte.is_ascii_graphic()) =>
        {
            Ok(Some(Secret::new(text.clone())))
        }
        Some(_) => Err(NoToken),
    }
}
