//! Owns how the tenants of a configuration become authorities over one store. Does not know how the other parts are built.

use std::sync::Arc;

use super::settings::KeyRings;
use super::{AppError, parts, settings};
use crate::authority::ports::{NamedTenant, Providers};
use crate::authority::tenants::{Scope, Tenancy, Tenant, host};
use crate::authority::{Authority, Memory, Ports};
use crate::config::fault::Faults;
use crate::config::rules::tenants::EVERY;
use crate::config::{self, Config};
use crate::session::key::TenantNumber;
use crate::session::time::Timestamp;
use crate::telemetry::Telemetry;
use crate::vault::Vault;

/// What of a tenant is built of a configuration, whatever the time.
pub(super) struct Blueprint {
    pub(super) name: String,
    pub(super) rings: KeyRings,
    pub(super) providers: Arc<dyn Providers>,
    settings: crate::authority::settings::Settings,
    hosts: Vec<String>,
}

impl Blueprint {
    /// Its tenant's number.
    pub(super) const fn number(&self) -> TenantNumber {
        self.settings.tenant
    }

    /// How much is kept in memory, for all tenants together.
    pub(super) const fn cache(&self) -> Option<crate::authority::settings::CacheSettings> {
        self.settings.cache
    }
}

/// The blueprint of each tenant, the default one's first. `known` gives the providers of one that has none that differ.
///
/// # Errors
/// What [`settings::load`] has refused before.
pub(super) fn blueprints(
    config: &Config,
    telemetry: &Telemetry,
    known: impl Fn(&str) -> Option<Arc<dyn Providers>>,
) -> Result<Vec<Blueprint>, Faults> {
    config.tenancies().map(|tenancy| blueprint(&tenancy, telemetry, known(&tenancy.tenant.name))).collect()
}

fn blueprint(config: &Config, telemetry: &Telemetry, known: Option<Arc<dyn Providers>>) -> Result<Blueprint, Faults> {
    Ok(Blueprint {
        name: config.tenant.name.clone(),
        rings: settings::key_rings(config).ok_or_else(parts::no_secrets)?,
        providers: match known {
            Some(providers) => providers,
            None => Arc::new(super::providers::registry(config, telemetry)?),
        },
        settings: settings::settings(config)?,
        hosts: config.tenant.hosts.iter().filter_map(|one| host::written(one)).collect(),
    })
}

/// The authorities, with their keys as they are at this time. `ports` are the same for all, but for the providers.
pub(super) fn build(
    blueprints: &[Blueprint],
    ports: impl Fn(Arc<dyn Providers>) -> Ports,
    memory: &Memory,
    now: Timestamp,
) -> Result<Tenancy, AppError> {
    let mut built = blueprints.iter().map(|Blueprint { settings, rings, providers, hosts, .. }| {
        let vault = Vault::with(settings.tenant, &rings.at(now));
        let authority = Authority::with(ports(Arc::clone(providers)), vault, settings.clone(), memory);
        Tenant { authority, hosts: hosts.clone() }
    });
    let Tenant { authority, hosts } = built.next().ok_or_else(parts::no_secrets)?;
    Ok(Tenancy::new(authority, hosts, built))
}

/// The tenants, as the store is to know them.
pub(super) fn named(config: &Config) -> Vec<NamedTenant> {
    let named = |tenant: config::tenants::Tenant| NamedTenant {
        number: TenantNumber(tenant.number),
        name: tenant.name,
        formerly: tenant.formerly,
    };
    config.tenancies().map(|tenancy| named(tenancy.tenant)).collect()
}

/// The tenants' numbers.
pub(super) fn numbers(config: &Config) -> Vec<TenantNumber> {
    config.tenancies().map(|tenancy| TenantNumber(tenancy.tenant.number)).collect()
}

/// The tenants of these names; every one where there are none, or `*` is among them.
pub(super) fn scope(config: &Config, names: &[String]) -> Scope {
    if names.is_empty() || names.iter().any(|name| name == EVERY) {
        return Scope::Every;
    }
    let number = |name: &String| match config.tenants.get(name) {
        Some(tenant) => Some(tenant.number),
        None => (*name == config.tenant.name).then_some(config.tenant.number),
    };
    Scope::of(names.iter().filter_map(number).map(TenantNumber))
}
