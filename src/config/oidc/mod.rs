//! Owns the settings of the identity providers. Does not know how they are spoken to.

mod access_tokens;
mod client;
mod logout;
mod oauth2;
mod preset;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

pub use self::access_tokens::{AccessTokens, TokenCheck, TokenExchange};
pub use self::client::{ClientAuth, PushedAuthorization, ResponseMode};
pub use self::logout::Logout;
pub use self::oauth2::{Kind, OAuth2, OAuth2Claims};
pub use self::preset::Preset;
use super::period::Period;
use crate::crypto::Secret;

/// Who logs people in.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Oidc {
    /// Providers by name: lower case letters, digits and `-`. The name stands in addresses and in every `user_id`.
    pub providers: BTreeMap<String, Provider>,
    /// Refresh tokens of the providers.
    pub refresh_tokens: RefreshTokens,
}

/// Refresh tokens of the providers.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RefreshTokens {
    /// Use refresh tokens. Needs `persist_in_session_store: true`.
    pub enabled: bool,
    /// Keep refresh tokens in the session store, sealed. Without it none is kept and refreshing is off.
    pub persist_in_session_store: bool,
    /// An access token that lives shorter than this is refreshed: beside the answer when its session is used, before
    /// it when a backend asks for the token.
    pub margin: Period,
    /// End a session when the provider definitely refuses its refresh token (`invalid_grant`). Trouble never ends one.
    pub end_session_when_refused: bool,
}

impl Default for RefreshTokens {
    fn default() -> Self {
        Self {
            enabled: false,
            persist_in_session_store: false,
            margin: Period::seconds(60),
            end_session_when_refused: false,
        }
    }
}

/// One identity provider.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Provider {
    /// Offer this provider. What is missing under one that is not enabled is no fault.
    pub enabled: bool,
    /// Known provider whose settings are filled in. Default: the one that is named like this entry, if there is one.
    pub preset: Option<Preset>,
    /// What it speaks, for a provider without a preset.
    pub kind: Option<Kind>,
    /// The issuer, exactly as in the provider's metadata. Presets `google`, `microsoft`, `gitlab`, `github` and `discord`
    /// need none. A `{tenantid}` in it stands for any Microsoft directory. For `kind: oauth2`, which has no issuer, its
    /// base address: it says whose users these are.
    pub issuer: Option<String>,
    /// The client id that the provider gave this application.
    pub client_id: Option<String>,
    /// The client secret that the provider gave this application.
    pub client_secret: Option<Secret>,
    /// File that holds the client secret, in place of `client_secret`.
    pub client_secret_file: Option<PathBuf>,
    /// Scopes to ask for. With OpenID Connect `openid` is among them. Default: openid, email, profile; GitHub's
    /// read:user, user:email; Discord's identify, email.
    pub scopes: Vec<String>,
    /// What to write on the provider's button. Default: the preset's name, else the entry's.
    pub display_name: Option<String>,
    /// Further claims of the ID token or userinfo that are let through to backends. Of a profile (`kind: oauth2`) dots
    /// lead into objects. Default for GitHub: login, company, location.
    pub claims: Vec<String>,
    /// Claims that hold the user's roles; dots lead into objects (`realm_access.roles`), `{client_id}` stands for the client
    /// id. A list of texts, or one text with spaces between. They are looked for in the ID token, in the access token where
    /// it may be read, in userinfo. Default: Keycloak's realm_access.roles, Microsoft's roles, Okta's groups.
    pub roles_claims: Option<Vec<String>>,
    /// Claims that hold the user's permissions, likewise. Default for Auth0: permissions.
    pub permissions_claims: Option<Vec<String>>,
    /// Claims that hold scopes beyond those that the token answer names, likewise.
    pub scopes_claims: Option<Vec<String>>,
    /// Look for those claims in the access token too, if it is a JWT that the provider has signed for this client. Default:
    /// yes for Keycloak, which has roles there and not in its ID token, and for Auth0; else no.
    pub claims_from_access_token: Option<bool>,
    /// Parameters of a login request that are passed on to the provider, such as `kc_idp_hint` or `hd`. Others are ignored.
    pub extra_parameters: Vec<String>,
    /// When to ask the provider's userinfo endpoint, for claims that are not in its ID token.
    pub userinfo: Userinfo,
    /// How far the provider's clock may be off; at most 60 seconds.
    pub clock_leeway: Period,
    /// Algorithms with which ID tokens may be signed.
    pub signing_algorithms: Vec<SigningAlgorithm>,
    /// How this client shows who it is. Apple's way is the only one at Apple.
    pub client_auth: ClientAuth,
    /// The client's private key, PEM (PKCS #8, PKCS #1 or SEC 1; not encrypted): RSA from 2048 bits, P-256, P-384 or Ed25519.
    /// With `private_key_jwt` it signs; with `tls_client_auth` it is the certificate's. At Apple it is the file that Apple gave.
    pub private_key: Option<Secret>,
    /// File that holds the private key, in place of `private_key`.
    pub private_key_file: Option<PathBuf>,
    /// The key's name at the provider (`kid`), if it has one there. Apple's Key ID.
    pub key_id: Option<String>,
    /// Apple's Team ID.
    pub team_id: Option<String>,
    /// PEM file of the client's certificate, with those above it. Whenever there is one it is shown to the provider, at the
    /// addresses that its metadata has for that (`mtls_endpoint_aliases`).
    pub cert_file: Option<PathBuf>,
    /// Whom assertions are for (`aud`), for a provider that does not take its issuer there. Never taken from metadata: a
    /// provider that lies would get an assertion that is good at another.
    pub assertion_audience: Option<String>,
    /// A private key, PEM, that access tokens are bound to (DPoP, RFC 9449): whoever steals one can't use it. P-256, P-384 or
    /// Ed25519, and no key that is used for anything else.
    pub dpop_key: Option<Secret>,
    /// File that holds it, in place of `dpop_key`.
    pub dpop_key_file: Option<PathBuf>,
    /// When a login's request is handed to the provider before the browser leaves (RFC 9126).
    pub pushed_authorization: PushedAuthorization,
    /// How the answer to a login comes back. Default for Apple: form_post, else query. form_post needs an https
    /// `app.redirects.public_base_url`.
    pub response_mode: Option<ResponseMode>,
    /// Directories that may log in, by their ids (`tid`), where one entry stands for all of Microsoft's. Empty: every one.
    pub directories: Vec<String>,
    /// PEM file of the authorities that may have issued the provider's certificate, instead of those that this machine
    /// trusts.
    pub ca_file: Option<PathBuf>,
    /// Let the provider's addresses lead into private networks (a provider on the intranet).
    pub allow_private_network: bool,
    /// Where a provider of `kind: oauth2` is asked, and where its answers say who the user is.
    pub oauth2: OAuth2,
    /// Its access tokens, where APIs get them as bearer tokens (`TokenService.ValidateToken`).
    pub access_tokens: AccessTokens,
    /// How it may tell that a session has ended there, so that it ends here too.
    pub logout: Logout,
    /// Exchange a session's access token at the provider for one for another audience (RFC 8693).
    pub token_exchange: TokenExchange,
}

/// When the userinfo endpoint is asked (OpenID Connect Core, 5.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Userinfo {
    /// Never; `false` says the same.
    #[serde(alias = "false")]
    Never,
    /// When the ID token lacks a claim that was asked for; a login goes on without one that can't be had.
    #[default]
    WhenNeeded,
    /// At each login, which fails without it; `true` says the same.
    #[serde(alias = "true")]
    Always,
}

impl JsonSchema for Userinfo {
    fn schema_name() -> Cow<'static, str> {
        "Userinfo".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "enum": ["never", "when_needed", "always", false, true] })
    }
}

/// An algorithm with which an ID token may be signed (RFC 7518, 3.1). None is symmetric (security.md 22).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the names are the registered ones")]
pub enum SigningAlgorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
}

impl SigningAlgorithm {
    /// Its registered name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::EdDSA => "EdDSA",
        }
    }
}

impl Default for Provider {
    fn default() -> Self {
        Self {
            enabled: true,
            preset: None,
            kind: None,
            issuer: None,
            client_id: None,
            client_secret: None,
            client_secret_file: None,
            scopes: Vec::new(),
            display_name: None,
            claims: Vec::new(),
            roles_claims: None,
            permissions_claims: None,
            scopes_claims: None,
            claims_from_access_token: None,
            extra_parameters: Vec::new(),
            userinfo: Userinfo::WhenNeeded,
            clock_leeway: Period::seconds(30),
            signing_algorithms: vec![SigningAlgorithm::RS256, SigningAlgorithm::ES256],
            client_auth: ClientAuth::Auto,
            private_key: None,
            private_key_file: None,
            dpop_key: None,
            dpop_key_file: None,
            key_id: None,
            team_id: None,
            cert_file: None,
            assertion_audience: None,
            pushed_authorization: PushedAuthorization::WhenRequired,
            response_mode: None,
            directories: Vec::new(),
            ca_file: None,
            allow_private_network: false,
            oauth2: OAuth2::default(),
            access_tokens: AccessTokens::default(),
            logout: Logout::default(),
            token_exchange: TokenExchange::default(),
        }
    }
}
