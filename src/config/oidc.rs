//! Owns the settings of the identity providers. Does not know how they are spoken to.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

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
    /// When to ask the provider's userinfo endpoint, for claims that are not in its ID token.
    pub userinfo: Userinfo,
    /// How far the provider's clock may be off; at most 60 seconds.
    pub clock_leeway: Period,
    /// Algorithms with which ID tokens may be signed.
    pub signing_algorithms: Vec<SigningAlgorithm>,
    /// How the client secret is presented.
    pub client_auth: ClientAuth,
    /// PEM file of the authorities that may have issued the provider's certificate, instead of those that this machine
    /// trusts.
    pub ca_file: Option<PathBuf>,
    /// Let the provider's addresses lead into private networks (a provider on the intranet).
    pub allow_private_network: bool,
    /// Where a provider of `kind: oauth2` is asked, and where its answers say who the user is.
    pub oauth2: OAuth2,
    /// Its access tokens, where APIs get them as bearer tokens (`TokenService.ValidateToken`).
    pub access_tokens: AccessTokens,
    /// Exchange a session's access token at the provider for one for another audience (RFC 8693).
    pub token_exchange: TokenExchange,
}

/// What a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Kind {
    /// OpenID Connect.
    #[serde(rename = "oidc")]
    Oidc,
    /// Plain OAuth2, with an API that says who the user of an access token is.
    #[serde(rename = "oauth2")]
    OAuth2,
}

/// Where a provider of plain OAuth2 is asked, and where its answers say who the user is.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OAuth2 {
    /// Where the user is sent to log in.
    pub authorization_endpoint: Option<String>,
    /// Where the code is redeemed.
    pub token_endpoint: Option<String>,
    /// What says who the user of an access token is: a JSON object, asked for with the token as bearer.
    pub profile_endpoint: Option<String>,
    /// Where tokens are revoked (RFC 7009), if anywhere.
    pub revocation_endpoint: Option<String>,
    /// How it names itself in authorization responses (RFC 9207), where that is not `issuer`.
    pub response_issuer: Option<String>,
    /// Where in the profile everything stands.
    pub claims: OAuth2Claims,
}

/// Where in a profile everything stands; dots lead into objects (`data.id`).
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OAuth2Claims {
    /// What names the user for ever: a number or id, never a name or an address, which others may get later.
    pub sub: String,
    /// The email address.
    pub email: String,
    /// Whether the provider has verified it. Empty: it does not say, and no address counts as verified.
    pub email_verified: String,
    /// The display name.
    pub name: String,
    /// The address of a picture.
    pub picture: String,
}

impl Default for OAuth2Claims {
    fn default() -> Self {
        let [sub, email, email_verified, name, picture] = ["id", "email", "", "name", "picture"].map(str::to_owned);
        Self { sub, email, email_verified, name, picture }
    }
}

/// A provider's access tokens, where APIs get them as bearer tokens.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AccessTokens {
    /// How they are checked.
    pub check: TokenCheck,
    /// A token has to be for one of these. Needed for `jwt`; with `introspection`, none lets the provider alone decide.
    pub audiences: Vec<String>,
    /// The claim that lists permissions; dots lead into objects (`realm_access.roles`).
    pub permissions_claim: String,
    /// How long an answer of the introspection endpoint is kept at most; never beyond the token's end.
    pub keep_answers_for: Period,
}

/// How a provider's access tokens are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenCheck {
    /// Not at all.
    Off,
    /// As JWTs, by the provider's keys (RFC 9068).
    Jwt,
    /// By asking the provider (RFC 7662).
    Introspection,
}

/// Exchanging a session's access token for one for another audience.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TokenExchange {
    /// Ask the provider for such tokens.
    pub enabled: bool,
    /// Whom they may be for; at least one.
    pub audiences: Vec<String>,
}

impl Default for AccessTokens {
    fn default() -> Self {
        Self {
            check: TokenCheck::Off,
            audiences: Vec::new(),
            permissions_claim: "permissions".into(),
            keep_answers_for: Period::seconds(10),
        }
    }
}

/// A provider whose settings are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// Google accounts.
    Google,
    /// Microsoft accounts of every directory.
    Microsoft,
    /// Keycloak; needs the realm's address as issuer.
    Keycloak,
    /// Auth0; needs the tenant's address as issuer, with the slash at its end.
    Auth0,
    /// Okta; needs the organisation's or authorization server's address as issuer.
    Okta,
    /// GitLab: gitlab.com, or your own as issuer.
    #[serde(rename = "gitlab")]
    GitLab,
    /// GitHub, or your Enterprise Server as issuer. Plain OAuth2.
    #[serde(rename = "github")]
    GitHub,
    /// Discord. Plain OAuth2.
    Discord,
}

/// How the client secret is presented (OpenID Connect Core, 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// What the provider's metadata offers, `client_secret_basic` first.
    Auto,
    /// In the Authorization header.
    ClientSecretBasic,
    /// In the body of the request.
    ClientSecretPost,
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
            userinfo: Userinfo::WhenNeeded,
            clock_leeway: Period::seconds(30),
            signing_algorithms: vec![SigningAlgorithm::RS256, SigningAlgorithm::ES256],
            client_auth: ClientAuth::Auto,
            ca_file: None,
            allow_private_network: false,
            oauth2: OAuth2::default(),
            access_tokens: AccessTokens::default(),
            token_exchange: TokenExchange::default(),
        }
    }
}

impl Provider {
    /// The preset that applies to the entry `name`.
    #[must_use]
    pub fn preset_of(&self, name: &str) -> Option<Preset> {
        self.preset.or(match name {
            "google" => Some(Preset::Google),
            "microsoft" => Some(Preset::Microsoft),
            "keycloak" => Some(Preset::Keycloak),
            "auth0" => Some(Preset::Auth0),
            "okta" => Some(Preset::Okta),
            "gitlab" => Some(Preset::GitLab),
            "github" => Some(Preset::GitHub),
            "discord" => Some(Preset::Discord),
            _ => None,
        })
    }

    /// What the entry `name` speaks.
    #[must_use]
    pub fn kind_of(&self, name: &str) -> Kind {
        match self.preset_of(name) {
            Some(Preset::GitHub | Preset::Discord) => Kind::OAuth2,
            Some(_) => Kind::Oidc,
            None => self.kind.unwrap_or(Kind::Oidc),
        }
    }

    /// The scopes that the entry `name` asks for.
    #[must_use]
    pub fn scopes_of(&self, name: &str) -> Vec<String> {
        if !self.scopes.is_empty() {
            return self.scopes.clone();
        }
        let usual: &[&str] = match (self.preset_of(name), self.kind_of(name)) {
            (Some(Preset::GitHub), _) => &["read:user", "user:email"],
            (Some(Preset::Discord), _) => &["identify", "email"],
            (_, Kind::OAuth2) => &[],
            (_, Kind::Oidc) => &["openid", "email", "profile"],
        };
        usual.iter().map(|scope| (*scope).to_owned()).collect()
    }

    /// Further claims that the entry `name` lets through: its own, else what its preset is asked for most.
    #[must_use]
    pub fn claims_of(&self, name: &str) -> Vec<String> {
        let usual: &[&str] = match self.preset_of(name) {
            Some(Preset::GitHub) if self.claims.is_empty() => &["login", "company", "location"],
            _ => return self.claims.clone(),
        };
        usual.iter().map(|claim| (*claim).to_owned()).collect()
    }

    /// The issuer of the entry `name`: its own, else its preset's.
    #[must_use]
    pub fn issuer_of(&self, name: &str) -> Option<&str> {
        self.issuer.as_deref().or_else(|| self.preset_of(name)?.issuer())
    }

    /// What to write on the button of the entry `name`.
    #[must_use]
    pub fn display_name_of<'a>(&'a self, name: &'a str) -> &'a str {
        match (&self.display_name, self.preset_of(name)) {
            (Some(own), _) => own,
            (None, Some(preset)) => preset.display_name(),
            (None, None) => name,
        }
    }
}

impl Preset {
    /// The issuer, where it is the same for everybody.
    #[must_use]
    pub const fn issuer(self) -> Option<&'static str> {
        match self {
            Self::Google => Some("https://accounts.google.com"),
            Self::Microsoft => Some("https://login.microsoftonline.com/{tenantid}/v2.0"),
            Self::GitLab => Some("https://gitlab.com"),
            Self::GitHub => Some("https://github.com"),
            Self::Discord => Some("https://discord.com"),
            Self::Keycloak | Self::Auth0 | Self::Okta => None,
        }
    }

    const fn display_name(self) -> &'static str {
        match self {
            Self::Google => "Google",
            Self::Microsoft => "Microsoft",
            Self::Keycloak => "Keycloak",
            Self::Auth0 => "Auth0",
            Self::Okta => "Okta",
            Self::GitLab => "GitLab",
            Self::GitHub => "GitHub",
            Self::Discord => "Discord",
        }
    }
}
