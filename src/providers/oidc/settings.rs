//! Owns what an operator says about a provider, the presets, and the checks that need no network.
//! Does not know where the values come from.

use std::time::Duration;

use serde_json::Value;
use url::Url;

use super::algorithm::Algorithm;
use crate::authority::access_token::TokenCheck;
use crate::authority::logout_notice::LogoutChannels;
use crate::providers::json::Object;
use crate::providers::registration::{Registration, SettingsFault};

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

/// When an authorization request is handed to the provider before the browser leaves (RFC 9126).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PushedRequests {
    /// Where the provider says that it takes no others.
    #[default]
    WhenRequired,
    /// Where the provider takes any.
    WhenOffered,
    /// At every login, none of which begins without.
    Always,
}

/// In what a provider is unlike the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// In nothing.
    #[default]
    Standard,
    /// Apple: it says the user's name beside the code, once; and `email_verified` may be a text.
    Apple,
}

/// What an operator says about an OpenID provider.
#[derive(Clone, Debug)]
pub struct OidcSettings {
    /// Who we are there. Its scopes have `openid` among them.
    pub registration: Registration,
    /// Where the metadata is; by default under the issuer (OpenID Connect Discovery, 4).
    pub discovery_url: Option<String>,
    /// In what it is unlike the rest.
    pub dialect: Dialect,
    /// Which directories may log in, by their ids (`tid`), where the issuer stands for many; empty: every one.
    pub directories: Vec<String>,
    /// When authorization requests are handed over.
    pub pushed: PushedRequests,
    /// When to ask the userinfo endpoint.
    pub userinfo: Userinfo,
    /// Whether rights are looked for in the access token too, where it is a JWT that the provider has signed for us.
    pub read_access_token: bool,
    /// How far the provider's clock may be from ours; at most 60 s.
    pub clock_leeway: Duration,
    /// How long ago an ID token may have been issued at most.
    pub max_id_token_age: Duration,
    /// The signature algorithms to accept; empty: all that the metadata lists and we know. Never `none` or HMAC.
    pub signing_algs: Vec<String>,
    /// How access tokens that others present to an API are checked.
    pub access_tokens: AccessTokenSettings,
    /// How it may tell us that a session has ended there.
    pub logout: LogoutSettings,
    /// For which audiences access tokens are exchanged (RFC 8693); `None` when the provider is never asked to.
    pub exchange_audiences: Option<Vec<String>>,
}

/// How a provider may tell us that a session has ended there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogoutSettings {
    /// By which ways.
    pub channels: LogoutChannels,
    /// Whether a logout token need not say in its header that it is one: those of providers that are older than that.
    pub untyped_tokens: bool,
}

impl Default for LogoutSettings {
    fn default() -> Self {
        Self { channels: LogoutChannels { back: true, front: false }, untyped_tokens: false }
    }
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

/// Further off, a clock is wrong (security.md 29).
const LONGEST_LEEWAY: Duration = Duration::from_mins(1);
/// For so long at most an answer about a token may be kept.
const LONGEST_KEPT: Duration = Duration::from_mins(5);

impl OidcSettings {
    /// A provider with the default for everything that the registration leaves open: Keycloak and most others need no
    /// more.
    #[must_use]
    pub fn new(registration: Registration) -> Self {
        let mut registration = registration;
        if registration.scopes.is_empty() {
            registration.scopes = ["openid", "email", "profile"].map(str::to_owned).into();
        }
        Self {
            registration,
            discovery_url: None,
            dialect: Dialect::Standard,
            directories: Vec::new(),
            pushed: PushedRequests::WhenRequired,
            userinfo: Userinfo::WhenNeeded,
            read_access_token: false,
            clock_leeway: Duration::from_secs(10),
            max_id_token_age: Duration::from_mins(10),
            signing_algs: Vec::new(),
            access_tokens: AccessTokenSettings::default(),
            logout: LogoutSettings::default(),
            exchange_audiences: None,
        }
    }

    /// Everything that is wrong with these settings, as far as it can be said without the network.
    #[must_use]
    pub fn faults(&self) -> Vec<SettingsFault> {
        let registration = &self.registration;
        let mut faults = match self.metadata_address() {
            Ok(address) => registration.faults(&[("issuer", &address)]),
            Err(text) => vec![registration.fault("issuer", text)],
        };
        if !registration.scopes.iter().any(|scope| scope == "openid") {
            faults.retain(|fault| fault.key != "scopes");
            faults.push(registration.fault("scopes", "must contain `openid`"));
        }
        let mut fault = |key, text: &str| faults.push(registration.fault(key, text));
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
        if !self.directories.is_empty() && !registration.issuer.contains("{tenantid}") {
            fault("directories", "this issuer is one directory already; they are for one with `{tenantid}` in it");
        }
        if self.directories.iter().any(|directory| !is_guid(directory)) {
            fault("directories", "expected ids of directories (8eaef023-2b34-4da1-9baa-8bc8c9d6a490), not their names");
        }
        if self.exchange_audiences.as_ref().is_some_and(Vec::is_empty) {
            fault("token_exchange.audiences", "needs at least one: whom exchanged tokens may be for");
        }
        faults
    }

    /// Whether who has these claims is of a directory that may log in.
    pub(super) fn admits_directory(&self, all: &Object) -> bool {
        let own = all.get("tid").and_then(Value::as_str).unwrap_or_default();
        self.directories.is_empty() || self.directories.iter().any(|directory| directory.eq_ignore_ascii_case(own))
    }

    /// Where the metadata is.
    pub(super) fn metadata_address(&self) -> Result<Url, &'static str> {
        self.registration.guard()?;
        let usual =
            || format!("{}/.well-known/openid-configuration", self.registration.own_issuer().trim_end_matches('/'));
        let metadata = self.discovery_url.clone().unwrap_or_else(usual);
        Url::parse(&metadata).map_err(|_| "the discovery address is not a URL")
    }
}

/// 8-4-4-4-12 hexadecimal digits (RFC 9562, 4).
fn is_guid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Secret;

    #[test]
    fn one_entry_for_many_directories_is_described_under_a_common_address() {
        let of = |issuer: &str| {
            let settings = OidcSettings::new(Registration::new("p", issuer, "id", Secret::default()));
            settings.metadata_address().unwrap().to_string()
        };
        assert_eq!(
            of("https://login.microsoftonline.com/{tenantid}/v2.0"),
            "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration"
        );
        assert_eq!(of("https://a.example/"), "https://a.example/.well-known/openid-configuration");
    }
}
