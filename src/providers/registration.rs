//! Owns what an operator says about us at a provider, whatever the provider speaks: who we are there, what we ask for,
//! how far it may lie; and the checks of it that need no network. Does not know a protocol.

use std::sync::Arc;

use url::Url;

use super::credential::{self, ClientAuth, ClientKey};
use super::fault::Fault;
use super::http::{Exception, Guard, NOT_PUBLIC, Trust};
use super::rights::RightsMapping;
use crate::authority::observer::ProviderObserver;
use crate::crypto::Secret;
use crate::session::identity::is_provider_name;
use crate::session::login_wish::is_extra_parameter;

/// What stands for the directory in the address under which Microsoft describes all of them.
const EVERY_DIRECTORY: &str = "common";
/// The longest path to a claim.
const LONGEST_PATH: usize = 255;

/// Us at a provider.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the operator's; none excludes another")]
pub struct Registration {
    /// The provider's name: lower case letters, digits and `-`; no `_`, so that `<provider>_<sub>` names one identity.
    pub name: String,
    /// What to write on its button.
    pub display_name: String,
    /// The issuer, exactly as the provider writes it; with `{tenantid}` for Microsoft's many directories. For plain
    /// OAuth2, which has none, the provider's base address.
    pub issuer: String,
    /// Our client id.
    pub client_id: String,
    /// Our client secret; empty where something else shows who we are.
    pub client_secret: Secret,
    /// How we show who we are.
    pub client_auth: ClientAuth,
    /// Our private key, where that shows it.
    pub key: ClientKey,
    /// The private key, PEM, that access tokens are bound to (RFC 9449); `None`: they are bearer tokens.
    pub dpop_key: Option<Secret>,
    /// Whether the answer to a login comes as a form that the browser posts (OAuth 2.0 Form Post Response Mode).
    pub form_post: bool,
    /// The scopes to ask for.
    pub scopes: Vec<String>,
    /// Claims to let through beside the standard ones that [`crate::session::identity::Identity`] has fields for.
    pub claims: Vec<String>,
    /// Which claims say what a user may do.
    pub rights: RightsMapping,
    /// Parameters of a login request that are passed on.
    pub extra_parameters: Vec<String>,
    /// Whether refresh tokens are handed on; otherwise they are dropped as they come.
    pub keep_refresh_token: bool,
    /// Development: plain http and inner addresses are allowed, for the issuer's own origin alone.
    pub development: bool,
    /// Certificates, PEM, of the authorities that may have issued the provider's; `None` for those that the machine
    /// trusts.
    pub ca: Option<Vec<u8>>,
    /// Whether the issuer's own origin may lie in a private network (https only).
    pub allow_private_network: bool,
    /// Who sees what the provider is asked, if anybody does.
    pub observer: Option<Arc<dyn ProviderObserver>>,
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

impl Registration {
    /// Us at the provider with this issuer, with the default for everything else.
    #[must_use]
    pub fn new(name: &str, issuer: &str, client_id: &str, client_secret: Secret) -> Self {
        Self {
            name: name.to_owned(),
            display_name: name.to_owned(),
            issuer: issuer.to_owned(),
            client_id: client_id.to_owned(),
            client_secret,
            client_auth: ClientAuth::Auto,
            key: ClientKey::default(),
            dpop_key: None,
            form_post: false,
            scopes: Vec::new(),
            claims: Vec::new(),
            rights: RightsMapping::default(),
            extra_parameters: Vec::new(),
            keep_refresh_token: false,
            development: false,
            ca: None,
            allow_private_network: false,
            observer: None,
        }
    }

    pub(super) fn fault(&self, key: &'static str, fault: impl Into<String>) -> SettingsFault {
        SettingsFault { provider: self.name.clone(), key, fault: fault.into() }
    }

    /// Everything that is wrong here, as far as it can be said without the network. `asked` are the addresses that will
    /// be called, each with the key that it comes from.
    pub(super) fn faults(&self, asked: &[(&'static str, &Url)]) -> Vec<SettingsFault> {
        let mut faults = Vec::new();
        if !is_provider_name(&self.name) {
            faults.push(self.fault("name", "has lower case letters, digits and `-`, and begins with a letter"));
        }
        if self.client_id.is_empty() {
            faults.push(self.fault("client_id", "missing"));
        }
        faults.extend(credential::faults(self));
        let mut fault = |key, text: &str| faults.push(self.fault(key, text));
        if !self.scopes.iter().all(|scope| is_scope(scope)) {
            fault("scopes", "a scope has printable ASCII signs, without space, quote and backslash");
        }
        if let Some(name) = self.extra_parameters.iter().find(|name| !is_extra_parameter(name)) {
            let text = format!("`{name}` is no name of a parameter, or one that every login has a use for itself");
            fault("extra_parameters", &text);
        }
        let rights = &self.rights;
        let paths = rights.roles.iter().chain(&rights.permissions).chain(&rights.scopes);
        if paths.into_iter().any(|path| path.is_empty() || path.len() > LONGEST_PATH) {
            fault(
                "roles_claims",
                "a path to a claim, here or in permissions_claims or scopes_claims, is empty or too long",
            );
        }
        if self.accepted().is_none() {
            fault("ca_file", "holds no certificate in PEM form (\"-----BEGIN CERTIFICATE-----\"), or a broken one");
        } else if self.trust().is_none() {
            fault("cert_file", "holds no certificate in PEM form, or one of another key than `private_key`");
        }
        match self.guard() {
            Err(text) => fault("issuer", text),
            Ok(guard) => asked.iter().for_each(|(key, url)| {
                if let Err(text) = self.admitted(&guard, url) {
                    fault(key, text);
                }
            }),
        }
        faults
    }

    /// Whose certificates the provider's may be issued by, and our own; `None` when either can't be read.
    pub(super) fn trust(&self) -> Option<Trust> {
        let trust = self.accepted()?;
        match &self.key.certificate {
            Some(certificate) => trust.showing(certificate, &self.key.private),
            None => Some(trust),
        }
    }

    fn accepted(&self) -> Option<Trust> {
        self.ca.as_deref().map_or_else(|| Some(Trust::default()), Trust::only)
    }

    /// The issuer as an address: of an entry for many directories the one under which Microsoft describes all of them.
    pub(super) fn own_issuer(&self) -> String {
        self.issuer.replace("{tenantid}", EVERY_DIRECTORY)
    }

    /// Which addresses may be called for this provider.
    pub(super) fn guard(&self) -> Result<Guard, &'static str> {
        let issuer = Url::parse(&self.issuer).map_err(|_| "not an address (`https://login.example.com`)")?;
        if issuer.query().is_some() || issuer.fragment().is_some() {
            return Err("has no query and no fragment (OpenID Connect Discovery, 3)");
        }
        let exception = match (self.development, self.allow_private_network) {
            (true, _) => Exception::Development,
            (false, true) => Exception::PrivateNetwork,
            (false, false) => Exception::None,
        };
        Ok(Guard::new(&issuer, exception))
    }

    /// Whether the guard lets us call an address; else what an operator can do about it.
    fn admitted(&self, guard: &Guard, url: &Url) -> Result<(), &'static str> {
        match guard.admit(url.as_str()) {
            Ok(_) => Ok(()),
            Err(_) if url.scheme() == "http" && !self.development => {
                Err("plain http is for `development: true` alone; use https")
            }
            Err(Fault::AddressRefused(NOT_PUBLIC)) if !self.development && !self.allow_private_network => {
                Err("its host is not public; `allow_private_network: true` is for a provider on the intranet")
            }
            Err(Fault::AddressRefused(rule)) => Err(rule),
            Err(_) => Err("can't be called"),
        }
    }
}

/// RFC 6749, 3.3.
fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|sign| sign.is_ascii_graphic() && sign != '"' && sign != '\\')
}
