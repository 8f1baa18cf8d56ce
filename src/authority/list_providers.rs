//! Owns the use case ListProviders: how a person can log in. Does not know how it was asked.

use super::Authority;

/// A provider that a person can log in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderEntry {
    /// Its name.
    pub name: String,
    /// What to write on its button.
    pub display_name: String,
    /// The path that begins a login with it.
    pub login_path: String,
}

impl Authority {
    /// The providers, in the order to show them.
    #[must_use]
    pub fn list_providers(&self) -> Vec<ProviderEntry> {
        let entry = |provider: std::sync::Arc<dyn super::provider::IdentityProvider>| {
            let info = provider.info();
            ProviderEntry {
                name: info.name.clone(),
                display_name: info.display_name.clone(),
                login_path: self.login_path(&info.name),
            }
        };
        self.ports.providers.all().into_iter().map(entry).collect()
    }
}
