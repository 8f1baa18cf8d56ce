//! Owns the configured providers, in the order of the configuration. Does not know what they speak.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::http::HttpSettings;
use super::oauth2::{OAuth2Provider, OAuth2Settings};
use super::oidc::{OidcProvider, OidcSettings};
use super::registration::{Registration, SettingsFault};
use crate::authority::ports::Providers;
use crate::authority::provider::IdentityProvider;
use crate::session::identity::IssuerRule;

/// What an operator says about a provider, of whichever kind.
#[derive(Clone, Debug)]
pub enum ProviderSettings {
    /// It speaks OpenID Connect.
    Oidc(Box<OidcSettings>),
    /// It speaks plain OAuth2.
    OAuth2(Box<OAuth2Settings>),
}

impl From<OidcSettings> for ProviderSettings {
    fn from(settings: OidcSettings) -> Self {
        Self::Oidc(settings.into())
    }
}

impl From<OAuth2Settings> for ProviderSettings {
    fn from(settings: OAuth2Settings) -> Self {
        Self::OAuth2(settings.into())
    }
}

impl ProviderSettings {
    const fn registration(&self) -> &Registration {
        match self {
            Self::Oidc(settings) => &settings.registration,
            Self::OAuth2(settings) => &settings.registration,
        }
    }

    fn provider(self, http: HttpSettings) -> Result<Arc<dyn IdentityProvider>, Vec<SettingsFault>> {
        Ok(match self {
            Self::Oidc(settings) => Arc::new(OidcProvider::new(*settings, http)?),
            Self::OAuth2(settings) => Arc::new(OAuth2Provider::new(*settings, http)?),
        })
    }
}

/// The configured providers.
pub struct Registry {
    offered: Vec<Arc<dyn IdentityProvider>>,
    /// Those that are not offered, and may still say that a session has ended there.
    retired: Vec<Arc<dyn IdentityProvider>>,
    /// Issuers of those that are not offered, by name.
    others: HashMap<String, IssuerRule>,
}

impl Registry {
    /// Sets up every provider. None of them is asked anything yet: one that is down delays nothing.
    ///
    /// # Errors
    /// Every fault of every provider's settings at once; a name or an issuer that stands twice among them.
    pub fn new(settings: Vec<ProviderSettings>, http: HttpSettings) -> Result<Self, Vec<SettingsFault>> {
        let mut faults = Vec::new();
        let (mut names, mut issuers) = (HashSet::new(), HashMap::new());
        for one in settings.iter().map(ProviderSettings::registration) {
            let mut twice = |key, fault: String| faults.push(one.fault(key, fault));
            if !names.insert(one.name.clone()) {
                twice("name", "stands twice".to_owned());
            }
            if let Some(other) = issuers.insert(one.issuer.clone(), &one.name) {
                twice("issuer", format!("`{other}` has the same issuer; one issuer stands for one set of users"));
            }
        }
        let mut providers: Vec<Arc<dyn IdentityProvider>> = Vec::new();
        for one in settings {
            match one.provider(http) {
                Ok(provider) => providers.push(provider),
                Err(more) => faults.extend(more),
            }
        }
        if faults.is_empty() {
            Ok(Self { offered: providers, retired: Vec::new(), others: HashMap::new() })
        } else {
            Err(faults)
        }
    }

    /// The same, which also knows these names and issuers, of providers that log nobody in: their users' sessions can
    /// still be found.
    #[must_use]
    pub fn with_others<'a>(mut self, others: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let rule = |(name, issuer): (&str, &'a str)| (name.to_owned(), IssuerRule::new(issuer));
        self.others.extend(others.into_iter().map(rule));
        self
    }

    /// The same, which also hears these providers when they say that a session has ended there. They log nobody in, and need
    /// no secret for that; one whose addresses can't be used is left out.
    #[must_use]
    pub fn with_retired(mut self, settings: Vec<OidcSettings>, http: HttpSettings) -> Self {
        let heard = |one| Some(Arc::new(OidcProvider::that_only_tells(one, http)?) as Arc<dyn IdentityProvider>);
        self.retired.extend(settings.into_iter().filter_map(heard));
        self
    }
}

impl Providers for Registry {
    fn all(&self) -> Vec<Arc<dyn IdentityProvider>> {
        self.offered.clone()
    }

    fn retired(&self) -> Vec<Arc<dyn IdentityProvider>> {
        self.retired.clone()
    }

    fn issuer(&self, name: &str) -> Option<IssuerRule> {
        let offered = self.offered.iter().map(|provider| provider.info()).find(|info| info.name == name);
        offered.map(|info| &info.issuer).or_else(|| self.others.get(name)).cloned()
    }
}
