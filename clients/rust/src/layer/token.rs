//! Owns bearer tokens on the routes of an API: a tower layer for any framework, and axum's extractor. Does not know cookies.

use axum::extract::FromRequestParts;
use bytes::Bytes;
use http::Response;
use http::request::Parts;
use tower::Layer;

use super::asking::asking;
use super::extract::NoSession;
use super::guarded::{Guard, Guarded};
use crate::answer::{Answer, Asker};
use crate::client::Client;
use crate::client::tokens::TokenVerdict;
use crate::presented;
use crate::requirements::Requirements;
use crate::token::Token;
use crate::v1;

/// Lets only requests through that carry a good access token as `Authorization: Bearer TOKEN` (RFC 6750, 2.1), of a
/// provider or of the authority's own: `Router::new().layer(TokenLayer::new(client).audience("orders"))`.
///
/// - The token is in the request's extensions as [`Token`], which is an extractor of axum.
/// - Without a good one the authority's answer goes out, 401 or 403 with `WWW-Authenticate`; 503 when it can't say.
/// - It needs no edge and no [`crate::Gate`]. A session cookie is nothing to it.
/// - A preflight carries no token, so none passes: CORS goes outside of the layer.
/// - The layer takes requests with any body, and makes its own answers in any body that can be made of bytes.
#[derive(Clone, Debug)]
pub struct TokenLayer {
    client: Client,
    requirements: Requirements,
    audience: String,
    provider: String,
}

asking!(TokenLayer, "tokens");

impl TokenLayer {
    /// Asks by this client.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client, requirements: Requirements::new(), audience: String::new(), provider: String::new() }
    }

    /// Lets only tokens through that are for this audience. The default is any of the authority's configuration.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = audience.into();
        self
    }

    /// Takes tokens of this provider alone, by its name in the authority's configuration. Opaque tokens need it where
    /// several providers could be asked.
    #[must_use]
    pub fn provider(mut self, provider: impl Into<String>) -> Self {
        self.provider = provider.into();
        self
    }

    async fn judge(&self, parts: &mut Parts) -> Result<Token, Answer> {
        let asker = Asker::new(&parts.method, presented::request_id(&parts.headers));
        let requirements =
            v1::TokenRequirements { audience: self.audience.clone(), ..self.requirements.clone().into() };
        let question = v1::ValidateTokenRequest {
            token: presented::bearer(&parts.headers).unwrap_or_default(),
            provider: self.provider.clone(),
            requirements: Some(requirements),
            ..v1::ValidateTokenRequest::default()
        };
        let client = self.client.for_request(&asker.request_id);
        match client.tokens().check(question).await.map_err(|error| asker.failed(&error))? {
            TokenVerdict::Active(active) => Ok(Token::new(*active)),
            TokenVerdict::Inactive(inactive) => Err(asker.copy(inactive.answer)),
            TokenVerdict::Denied(denied) => Err(asker.copy(denied.answer)),
        }
    }
}

impl<A: From<Bytes>> Guard<A> for TokenLayer {
    async fn admit(&self, parts: &mut Parts) -> Result<(), Response<A>> {
        parts.extensions.remove::<Token>();
        let token = self.judge(parts).await.map_err(|answer| answer.map(A::from))?;
        parts.extensions.insert(token);
        Ok(())
    }
}

impl<S> Layer<S> for TokenLayer {
    type Service = Guarded<Self, S>;

    fn layer(&self, inner: S) -> Self::Service {
        Guarded::new(self.clone(), inner)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Token {
    type Rejection = NoSession;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NoSession> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| NoSession::unguarded(parts, "token", "TokenLayer"))
    }
}
