//! Owns what the authority asks of an identity provider. Does not know any protocol.

use std::time::Duration;

use async_trait::async_trait;

use super::access_token::{TokenCheck, TokenFault, TokenVerdict};
use super::logout_notice::{LogoutChannels, LogoutNotice};
use super::not_refreshed::NotRefreshed;
use super::ports::Cause;
use super::provider_health::LastAsked;
use super::trail::Trail;
use crate::crypto::Secret;
use crate::session::identity::{Identity, IssuerRule};
use crate::session::login_wish::LoginHints;
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
    /// Which further parameters of a login request are passed on to it.
    pub extra_parameters: Vec<String>,
    /// Whether it can say when and how a user has authenticated. OAuth2 alone has no words for it.
    pub tells_of_logins: bool,
    /// Whether it answers a login by a form that the browser posts from there to here.
    pub form_post: bool,
    /// Whether it says what a user is called at their first login and never again (Apple).
    pub names_users_once: bool,
}

/// Why a provider did not do what it was asked. `Display` is fixed text; details are in the source, for the log.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// It can't be reached, did not answer in time, or answered with trouble of its own (5xx, 429). Says nothing
    /// about the user.
    #[error("the identity provider is unavailable")]
    Unavailable(#[source] Cause),
    /// The connection broke when the request had been sent and no answer had come: it may have been done.
    #[error("the identity provider's answer was lost")]
    Lost(#[source] Cause),
    /// It refused definitely: the code or refresh token is not good (`invalid_grant`).
    #[error("the identity provider refused the grant")]
    InvalidGrant(#[source] Cause),
    /// It answered with another error, or with something that is not an answer.
    #[error("the identity provider answered with an error")]
    Failed(#[source] Cause),
    /// What it said about the user did not pass the check named here ("id_token.aud").
    #[error("the identity did not pass the check {0}")]
    Rejected(&'static str),
    /// It does not offer this, or not to us.
    #[error("the identity provider does not offer {0}")]
    Unsupported(Offer),
    /// It refused the request of a login, which was handed to it before the browser left.
    #[error("the identity provider refused the login's request")]
    RequestRefused(#[source] Cause),
    /// It gives no token for the audience that was named (`invalid_target`, RFC 8693, 2.2.2).
    #[error("the identity provider gives no token for this audience")]
    AudienceRefused(#[source] Cause),
}

/// What a provider may or may not offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// The userinfo endpoint (OpenID Connect Core, 5.3).
    UserInfo,
    /// Token exchange (RFC 8693).
    TokenExchange,
    /// Saying when the user authenticated (`max_age`; OpenID Connect Core, 3.1.2.1).
    LoginAge,
    /// Saying how the user authenticated (`acr_values`, likewise).
    LoginContext,
    /// Logging in without showing anything (`prompt=none`, likewise).
    SilentLogin,
    /// Access tokens that are bound to a key (RFC 9449).
    Proofs,
}

impl std::fmt::Display for Offer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::UserInfo => "user info",
            Self::TokenExchange => "token exchange",
            Self::LoginAge => "logins of a certain age",
            Self::LoginContext => "logins of a certain kind",
            Self::SilentLogin => "logins that show nothing",
            Self::Proofs => "tokens that are bound to a key",
        })
    }
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
    /// What else the login asks for.
    pub hints: LoginHints,
    /// The world's time.
    pub now: Timestamp,
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
    /// The `user` parameter of the authorization response, if it came (Apple). Nobody has signed it.
    pub response_user: Option<Secret>,
    /// When the user may have authenticated at the earliest, if the login asked for that; by the world's time.
    pub authenticated_after: Option<Timestamp>,
    /// The world's time, against which what the provider signed is judged.
    pub now: Timestamp,
    /// How long all of the work may take: less than the lease that the caller holds on the login.
    pub within: Duration,
    /// Where the steps are noted as they begin.
    pub trail: Trail,
}

/// What a redeemed code brought, every check passed.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Who it is, with moments in the world's time. Claims are those that the configuration lets through.
    pub identity: Identity,
    /// The provider's id of its own session (`sid`).
    pub provider_session: Option<String>,
    /// The tokens.
    pub tokens: Tokens,
}

/// What verified claims say that a user may do, by the configuration's mapping; of each kind `None` where nothing is said, so
/// that it stays as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// Scopes beyond those of the tokens.
    pub scopes: Option<Vec<String>>,
    /// Roles.
    pub roles: Option<Vec<String>>,
    /// Permissions.
    pub permissions: Option<Vec<String>>,
}

impl Rights {
    /// Takes them over into an identity whose tokens were granted these scopes.
    pub fn give(&self, identity: &mut Identity, granted: &[String]) {
        if let Some(scopes) = &self.scopes {
            let further = scopes.iter().filter(|scope| !granted.contains(scope));
            identity.scopes = granted.iter().chain(further).cloned().collect();
        }
        if let Some(roles) = &self.roles {
            identity.roles.clone_from(roles);
        }
        if let Some(permissions) = &self.permissions {
            identity.permissions.clone_from(permissions);
        }
    }
}

/// What a refresh brought.
#[derive(Clone, Debug, Default)]
pub struct Renewal {
    /// The tokens. What the answer leaves out stays `None`.
    pub tokens: Tokens,
    /// What the user may do now.
    pub rights: Rights,
}

/// Whose user info is asked for, with the session's tokens.
#[derive(Clone, Copy, Debug)]
pub struct UserInfoRequest<'a> {
    /// The access token.
    pub access_token: &'a Secret,
    /// Whether it is bound to our key there.
    pub is_bound: bool,
    /// The ID token: what it has said is not for userinfo to say.
    pub id_token: Option<&'a Secret>,
    /// Who it is, as far as is known.
    pub identity: &'a Identity,
    /// The world's time.
    pub now: Timestamp,
}

/// Who a user is, asked anew.
#[derive(Clone, Debug)]
pub struct UserInfo {
    /// Who it is now. What the provider leaves out is as it was; so are roles and permissions.
    pub identity: Identity,
    /// What the user may do now; of the scopes nothing is said.
    pub rights: Rights,
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
    /// When the user authenticated, if the provider has said so; by the world's time.
    pub auth_time: Option<Timestamp>,
    /// The ID token of before: what it carried is taken away by another one alone.
    pub id_token: Option<Secret>,
    /// The access token of before, likewise.
    pub access_token: Option<Secret>,
    /// Whether the session has roles or permissions, which may have been taken away since.
    pub has_rights: bool,
    /// The world's time.
    pub now: Timestamp,
}

/// An access token, and whom another one is wanted for.
#[derive(Clone, Debug)]
pub struct ExchangeRequest {
    /// The session's access token.
    pub access_token: Secret,
    /// Whom the other one is for.
    pub audience: String,
    /// The system's time.
    pub now: Timestamp,
}

/// What an exchange brought.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The token.
    pub access: Secret,
    /// Whether it is bound to our key there.
    pub is_bound: bool,
    /// When it ends, if the provider said so.
    pub end: Option<Timestamp>,
    /// Its scopes, if the provider said so.
    pub scopes: Vec<String>,
}

/// A request that somebody is about to make with an access token that is bound (RFC 9449, 4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofRequest {
    /// The method.
    pub method: String,
    /// The address; its query does not count.
    pub address: String,
    /// The nonce that the server wants in the proof, if it does.
    pub nonce: Option<String>,
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

    /// When it was last asked anything, if it was; for health.
    fn last_asked(&self) -> Option<LastAsked> {
        None
    }

    /// Asks it for something that is nobody's, so that it is known whether it answers. MUST send nothing of anybody. Does
    /// nothing where there is nothing to ask for.
    async fn knock(&self) {}

    /// Where to send the browser. MUST NOT need the network when the metadata is at hand, but to hand the request over where
    /// the provider or the settings want that (RFC 9126).
    async fn authorization_url(&self, request: &AuthorizationRequest) -> Result<String, ProviderError>;

    /// Whether a response that names this issuer, or none, can be this provider's (RFC 9207, 2.4). For one that brings
    /// an error; MUST NOT send anything of the login, and MUST end `within` that time.
    async fn check_issuer(&self, response_issuer: Option<&str>, within: Duration) -> Result<(), ProviderError>;

    /// Checks `response_issuer` first, then sends the code, once, and verifies what comes back.
    /// MUST NOT send the code anywhere when the issuer check fails; MUST NOT use anything of the token response
    /// before the ID token has passed every check; MUST end within the time that the redemption has.
    async fn redeem(&self, redemption: &Redemption) -> Result<Grant, ProviderError>;

    /// Asks for new tokens, once, and says what they say of the user's rights.
    /// MUST answer `Lost`, and nothing else, when the connection broke after the refresh token had been sent, and MUST NOT say
    /// that the token is as it was where it may be spent. MUST NOT fail for what comes after the tokens or can't be checked
    /// now, since they may be all that there is, unless that shows them to be another user's. MUST NOT say that a right is
    /// gone where whatever carried it can't be read.
    async fn refresh(&self, request: &RefreshRequest) -> Result<Renewal, NotRefreshed>;

    /// Asks again who the user of an access token is. MUST refuse an answer about another `sub`, and MUST NOT change issuer,
    /// sub or how the user logged in.
    async fn user_info(&self, request: &UserInfoRequest<'_>) -> Result<UserInfo, ProviderError>;

    /// Asks for an access token for another audience in exchange for one of ours (RFC 8693), once.
    /// Refuses without a call where the settings don't let it.
    async fn exchange(&self, request: &ExchangeRequest) -> Result<Exchange, ProviderError>;

    /// Proves that whoever makes this request with an access token of ours has the key that it is bound to. Asks nobody.
    ///
    /// # Errors
    /// `Unsupported` where there is no such key.
    fn prove(&self, _request: &ProofRequest, _token: &Secret, _now: Timestamp) -> Result<Secret, ProviderError> {
        Err(ProviderError::Unsupported(Offer::Proofs))
    }

    /// How it checks access tokens that are presented as bearer tokens.
    fn token_check(&self) -> TokenCheck {
        TokenCheck::Off
    }

    /// Checks an access token that somebody presents. MUST take no other kind of token for one, and none that is for
    /// another audience than those of its settings. An error says that it could not be told.
    async fn check_token(&self, _token: &Secret, _now: Timestamp) -> Result<TokenVerdict, ProviderError> {
        Ok(TokenVerdict::Bad(TokenFault::UnknownIssuer))
    }

    /// Revokes a refresh or access token (RFC 7009), by the world's time. Does nothing where the provider does not offer it.
    async fn revoke(&self, token: &Secret, now: Timestamp) -> Result<(), ProviderError>;

    /// Where to send the browser for the provider's own logout; `None` where it has none. MUST end within the time that
    /// the request gives.
    async fn end_session_url(&self, request: &EndSession) -> Result<Option<String>, ProviderError>;

    /// By which ways it may end sessions here.
    fn logout_channels(&self) -> LogoutChannels {
        LogoutChannels::default()
    }

    /// Whether this is our client id there. For finding out whom a logout token may be for, and for nothing else.
    fn is_client(&self, _id: &str) -> bool {
        false
    }

    /// Verifies a logout token (OpenID Connect Back-Channel Logout 1.0, 2.6), but for whether it came before. MUST take no
    /// other kind of token for one. `Rejected` names the check that it did not pass; any other error says that it could not
    /// be told.
    async fn read_logout_token(&self, _token: &Secret, _now: Timestamp) -> Result<LogoutNotice, ProviderError> {
        Err(ProviderError::Rejected("logout_token"))
    }
}
