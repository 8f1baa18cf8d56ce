//! Owns what the authority asks of an identity provider. Does not know any protocol.

use std::time::Duration;

use async_trait::async_trait;

use super::ports::Cause;
use crate::crypto::Secret;
use crate::session::identity::{Identity, IssuerRule};
use crate::session::record::Tokens;
use crate::session::time::Timestamp;

/// What is known of a provider without asking it.
#[derive(Clone, Debug)]
pub struct ProviderInfo {
    /// Its name in the configuration: lower case, no `_`.
    pub name: String,
    /// What to write on its button.
    pub display_name: String,
    /// Which issuer it speaks for.
    pub issuer: IssuerRule,
}

/// Why a provider did not do what it was asked. `Display` is fixed text; details are in the source, for the log.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// It can't be reached, did not answer in time, or answered with trouble of its own (5xx, 429). Says nothing
    /// about the user.
    #[error("the identity provider is unavailable")]
    Unavailable(#[source] Cause),
    /// It refused definitely: the code or refresh token is not good (`invalid_grant`).
    #[error("the identity provider refused the grant")]
    InvalidGrant(#[source] Cause),
    /// It answered with another error, or with something that is not an answer.
    #[error("the identity provider answered with an error")]
    Failed(#[source] Cause),
    /// What it said about the user did not pass the check named here ("id_token.aud").
    #[error("the identity did not pass the check {0}")]
    Rejected(&'static str),
}

/// What a login asks of the provider.
#[derive(Clone, Debug)]
pub struct AuthorizationRequest {
    /// The `state` parameter.
    pub state: Secret,
    /// The `nonce` parameter.
    pub nonce: String,
    /// The PKCE code challenge, S256 of the verifier.
    pub code_challenge: String,
    /// Where the provider sends the browser back to.
    pub redirect_uri: String,
    /// The `max_age` parameter.
    pub max_age: Option<Duration>,
}

/// An authorization code and everything that belongs to it.
#[derive(Clone, Debug)]
pub struct Redemption {
    /// The authorization code.
    pub code: Secret,
    /// The PKCE code verifier.
    pub code_verifier: Secret,
    /// The nonce that the ID token has to carry.
    pub nonce: String,
    /// The redirect address that the login began with.
    pub redirect_uri: String,
    /// The `iss` parameter of the authorization response, if it came (RFC 9207).
    pub response_issuer: Option<String>,
    /// How long ago the user may have authenticated at most, if the login asked for that.
    pub max_age: Option<Duration>,
    /// The world's time, against which what the provider signed is judged.
    pub now: Timestamp,
    /// How long all of the work may take: less than the lease that the caller holds on the login.
    pub within: Duration,
}

/// What a redeemed code brought, every check passed.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Who it is. Claims are those that the configuration lets through.
    pub identity: Identity,
    /// The provider's id of its own session (`sid`).
    pub provider_session: Option<String>,
    /// The tokens.
    pub tokens: Tokens,
}

/// A refresh token and whose it is: a refreshed ID token has to name the same user (OpenID Connect Core, 12.2).
#[derive(Clone, Debug)]
pub struct RefreshRequest {
    /// The refresh token.
    pub refresh_token: Secret,
    /// The issuer of the session's identity.
    pub issuer: String,
    /// The subject of the session's identity.
    pub sub: String,
    /// When the user authenticated.
    pub auth_time: Timestamp,
    /// The world's time.
    pub now: Timestamp,
}

/// What to hand over at the provider's logout (OpenID Connect RP-Initiated Logout, 2).
#[derive(Clone, Debug)]
pub struct EndSession {
    /// The session's ID token, if there is one.
    pub id_token_hint: Option<Secret>,
    /// The `state` parameter, which comes back with the browser.
    pub state: Secret,
    /// Where the provider sends the browser back to.
    pub post_logout_redirect_uri: String,
    /// How long it may take to learn where the provider's logout is.
    pub within: Duration,
}

/// An identity provider: OpenID Connect or plain OAuth2.
///
/// Every method is bounded in time and size by the adapter. Everything the provider sends is hostile until checked.
#[async_trait]
pub trait IdentityProvider: Send + Sync {
    /// What is known without asking.
    fn info(&self) -> &ProviderInfo;

    /// Where to send the browser. MUST NOT need the network when the metadata is at hand.
    async fn authorization_url(&self, request: &AuthorizationRequest) -> Result<String, ProviderError>;

    /// Whether a response that names this issuer, or none, can be this provider's (RFC 9207, 2.4). For one that brings
    /// an error; MUST NOT send anything of the login, and MUST end `within` that time.
    async fn check_issuer(&self, response_issuer: Option<&str>, within: Duration) -> Result<(), ProviderError>;

    /// Checks `response_issuer` first, then sends the code, once, and verifies what comes back.
    /// MUST NOT send the code anywhere when the issuer check fails; MUST NOT use anything of the token response
    /// before the ID token has passed every check; MUST end within the time that the redemption has.
    async fn redeem(&self, redemption: &Redemption) -> Result<Grant, ProviderError>;

    /// Asks for new tokens, once. Fields of [`Tokens`] that the answer leaves out stay `None`.
    async fn refresh(&self, request: &RefreshRequest) -> Result<Tokens, ProviderError>;

    /// Revokes a refresh or access token (RFC 7009). Does nothing where the provider does not offer it.
    async fn revoke(&self, token: &Secret) -> Result<(), ProviderError>;

    /// Where to send the browser for the provider's own logout; `None` where it has none. MUST end within the time that
    /// the request gives.
    async fn end_session_url(&self, request: &EndSession) -> Result<Option<String>, ProviderError>;
}
