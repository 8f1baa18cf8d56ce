//! Owns what an operator says about a provider, the presets, and the checks that need no network.
//! Does not know where the values come from.

use std::time::Duration;

use url::Url;

use super::algorithm::Algorithm;
use crate::authority::access_token::TokenCheck;
use crate::crypto::Secret;
use crate::providers::fault::Fault;
use crate::providers::http::{Exception, Guard, NOT_PUBLIC, Trust};
use crate::session::identity::is_provider_name;

/// How we authenticate at the token endpoint (OpenID Connect Core, 9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuth {
    /// What the metadata offers: `client_secret_basic` rather than `client_secret_post`.
    #[default]
    Auto,
    /// `client_secret_basic`.
    Basic,
    /// `client_secret_post`.
    Post,
}

/// When the userinfo endpoint is asked (OpenID Connect Core, 5.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Userinfo {
    /// Never.
    Never,
    /// When the ID token lacks a claim that was asked for. Where it can't be had, the login goes on without.
    #[default]
    WhenNeeded,
    /// At every login, which fails without it.
    Always,
}

/// What an operator says about an OpenID provider.
#[derive(Clone, Debug)]
pub struct OidcSettings {
    /// Its name: lower case letters, digits and `-`; no `_`, so that `<provider>_<sub>` names one identity.
    pub name: String,
    /// What to write on its button.
    pub display_name: String,
    /// The issuer, exactly as the provider writes it; with `{tenantid}` for Microsoft's many directories.
    pub issuer: String,
    /// Where the metadata is; by default under the issuer (OpenID Connect Discovery, 4).
    pub discovery_url: Option<String>,
    /// Our client id.
    pub client_id: String,
    /// Our client secret.
    pub client_secret: Secret,
    /// The scopes to ask for; `openid` among them.
    pub scopes: Vec<String>,
    /// Claims to let through beside the standard ones that [`crate::session::identity::Identity`] has fields for.
    pub claims: Vec<String>,
    /// When to ask the userinfo endpoint.
    pub userinfo: Userinfo,
    /// How far the provider's clock may be from ours; at most 60 s.
    pub clock_leeway: Duration,
    /// How long ago an ID token may have been issued at most.
    pub max_id_token_age: Duration,
    /// The signature algorithms to accept; empty: all that the metadata lists and we know. Never `none` or HMAC.
    pub signing_algs: Vec<String>,
    /// How we authenticate at the token endpoint.
    pub client_auth: ClientAuth,
    /// Whether refresh tokens are handed on; otherwise they are dropped as they come.
    pub keep_refresh_token: bool,
    /// How access tokens that others present to an API are checked.
    pub access_tokens: AccessTokenSettings,
    /// For which audiences access tokens are exchanged (RFC 8693); `None` when the provider is never asked to.
    pub exchange_audiences: Option<Vec<String>>,
    /// Development: plain http and inner addresses are allowed, for the issuer's own origin alone.
    pub development: bool,
    /// Certificates, PEM, of the authorities that may have issued the provider's; `None` for those that the machine
    /// trusts.
    pub ca: Option<Vec<u8>>,
    /// Whether the issuer's own origin may lie in a private network (https only).
    pub allow_private_network: bool,
}

/// How access tokens are checked.
#[derive(Clone, Debug)]
pub struct AccessTokenSettings {
    /// In which way.
    pub check: TokenCheck,
    /// A token has to be for one of these; with introspection, none lets the provider alone decide.
    pub audiences: Vec<String>,
    /// The claim that lists permissions; dots lead into objects.
    pub permissions_claim: String,
    /// How long an answer about a token may be kept.
    pub keep_answers_for: Duration,
}

impl Default for AccessTokenSettings {
    fn default() -> Self {
        Self {
            check: TokenCheck::Off,
            audiences: Vec::new(),
            permissions_claim: "permissions".to_owned(),
            keep_answers_for: Duration::from_secs(10),
        }
    }
}

/// A fault in the settings of a provider.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("provider {provider:?}: {key}: {fault}")]
pub struct SettingsFault {
    /// The provider's name.
    pub provider: String,
    /// The key at fault.
    pub key: &'static str,
    /// What is wrong and what to do.
    pub fault: String,
}

/// Further off, a clock is wrong (security.md 29).
const LONGEST_LEEWAY: Duration = Duration::from_mins(1);
/// For so long at most an answer about a token may be kept.
const LONGEST_KEPT: Duration = Duration::from_mins(5);

/// What stands for the directory in the address under which Microsoft describes all of them.
const EVERY_DIRECTORY: &str = "common";

impl OidcSettings {
    /// A provider at `issuer`, with the default for everything else: Keycloak and most others need no more.
    #[must_use]
    pub fn new(name: &str, issuer: &str, client_id: &str, client_secret: Secret) -> Self {
        Self {
            name: name.to_owned(),
            display_name: name.to_owned(),
            issuer: issuer.to_owned(),
            discovery_url: None,
            client_id: client_id.to_owned(),
            client_secret,
            scopes: ["openid", "email", "profile"].map(str::to_owned).into(),
            claims: Vec::new(),
            userinfo: Userinfo::WhenNeeded,
            clock_leeway: Duration::from_secs(10),
            max_id_token_age: Duration::from_mins(10),
            signing_algs: Vec::new(),
            client_auth: ClientAuth::Auto,
            keep_refresh_token: false,
            access_tokens: AccessTokenSettings::default(),
            exchange_audiences: None,
            development: false,
            ca: None,
            allow_private_network: false,
        }
    }

    /// Everything that is wrong with these settings, as far as it can be said without the network.
    #[must_use]
    pub fn faults(&self) -> Vec<SettingsFault> {
        let mut faults = Vec::new();
        let mut fault = |key, text: &str| {
            faults.push(SettingsFault { provider: self.name.clone(), key, fault: text.to_owned() });
        };
        if !is_provider_name(&self.name) {
            fault("name", "has lower case letters, digits and `-`, and begins with a letter");
        }
        if self.client_id.is_empty() {
            fault("client_id", "missing");
        }
        if self.client_secret.is_empty() {
            fault("client_secret", "is empty; public clients are not supported");
        }
        if !self.scopes.iter().any(|scope| scope == "openid") {
            fault("scopes", "must contain `openid`");
        } else if !self.scopes.iter().all(|scope| is_scope(scope)) {
            fault("scopes", "a scope has printable ASCII signs, without space, quote and backslash");
        }
        if self.clock_leeway > LONGEST_LEEWAY {
            fault("clock_leeway", "at most 60 seconds: set the clocks");
        }
        if self.signing_algs.iter().any(|name| Algorithm::named(name).is_none()) {
            let known = "may hold RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 and EdDSA only";
            fault("signing_algorithms", known);
        }
        let tokens = &self.access_tokens;
        if tokens.check == TokenCheck::Jwt && tokens.audiences.is_empty() {
            fault("access_tokens.audiences", "needs at least one: else a token for any other API would pass");
        }
        if tokens.keep_answers_for > LONGEST_KEPT {
            fault("access_tokens.keep_answers_for", "at most 5 minutes: a withdrawn token is good for so long");
        }
        if self.exchange_audiences.as_ref().is_some_and(Vec::is_empty) {
            fault("token_exchange.audiences", "needs at least one: whom exchanged tokens may be for");
        }
        if self.trust().is_none() {
            fault("ca_file", "holds no certificate in PEM form (\"-----BEGIN CERTIFICATE-----\"), or a broken one");
        }
        if let Err(text) = self.addresses().and_then(|(guard, metadata)| self.admitted(&guard, &metadata)) {
            fault("issuer", text);
        }
        faults
    }

    /// Whose certificates the provider's may be issued by; `None` when what should say so can't be read.
    pub(super) fn trust(&self) -> Option<Trust> {
        self.ca.as_deref().map_or_else(|| Some(Trust::default()), Trust::only)
    }

    /// Whether the guard lets us call the address of the metadata; else what an operator can do about it.
    fn admitted(&self, guard: &Guard, metadata: &Url) -> Result<(), &'static str> {
        match guard.admit(metadata.as_str()) {
            Ok(_) => Ok(()),
            Err(_) if metadata.scheme() == "http" && !self.development => {
                Err("plain http is for `development: true` alone; use https")
            }
            Err(Fault::AddressRefused(NOT_PUBLIC)) if !self.development && !self.allow_private_network => {
                Err("its host is not public; `allow_private_network: true` is for a provider on the intranet")
            }
            Err(Fault::AddressRefused(rule)) => Err(rule),
            Err(_) => Err("can't be called"),
        }
    }

    /// The guard of this provider and the address of its metadata.
    pub(super) fn addresses(&self) -> Result<(Guard, Url), &'static str> {
        let issuer = Url::parse(&self.issuer).map_err(|_| "not an address (`https://login.example.com`)")?;
        if issuer.query().is_some() || issuer.fragment().is_some() {
            return Err("has no query and no fragment (OpenID Connect Discovery, 3)");
        }
        let exception = match (self.development, self.allow_private_network) {
            (true, _) => Exception::Development,
            (false, true) => Exception::PrivateNetwork,
            (false, false) => Exception::None,
        };
        let guard = Guard::new(&issuer, exception);
        let usual = || {
            let issuer = self.issuer.replace("{tenantid}", EVERY_DIRECTORY);
            format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
        };
        let metadata = self.discovery_url.clone().unwrap_or_else(usual);
        let metadata = Url::parse(&metadata).map_err(|_| "the discovery address is not a URL")?;
        Ok((guard, metadata))
    }
}

/// RFC 6749, 3.3.
fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|sign| sign.is_ascii_graphic() && sign != '"' && sign != '\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_entry_for_many_directories_is_described_under_a_common_address() {
        let of =
            |issuer: &str| OidcSettings::new("p", issuer, "id", Secret::default()).addresses().unwrap().1.to_string();
        assert_eq!(
            of("https://login.microsoftonline.com/{tenantid}/v2.0"),
            "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration"
        );
        assert_eq!(of("https://a.example/"), "https://a.example/.well-known/openid-configuration");
    }
}
