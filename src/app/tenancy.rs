//! Owns how the tenants of a configuration become authorities over one store. Does not know how the other parts are built.

use std::sync::Arc;

use super::{AppError, parts, settings};
use crate::authority::ports::{NamedTenant, Providers};
use crate::authority::tenants::{Scope, Tenancy, Tenant, host};
use crate::authority::{Authority, Memory, Ports};
use crate::config::fault::Faults;
use crate::config::rules::tenants::EVERY;
use crate::config::{self, Config};
use crate::session::key::TenantNumber;
use crate::telemetry::Telemetry;
use crate::vault::Vault;

/// What of a tenant is built before any connection is opened.
pub(super) struct Blueprint {
    settings: crate::authority::settings::Settings,
    vault: Vault,
    providers: Arc<dyn Providers>,
    hosts: Vec<String>,
    has_former_secrets: bool,
}

/// The blueprint of each tenant, the default one's first.
///
/// # Errors
/// What [`settings::load`] has refused before.
pub(super) fn blueprints(config: &Config, telemetry: &Telemetry) -> Result<Vec<Blueprint>, Faults> {
    config.tenancies().map(|tenancy| blueprint(&tenancy, telemetry)).collect()
}

fn blueprint(config: &Config, telemetry: &Telemetry) -> Result<Blueprint, Faults> {
    let rings = settings::key_rings(config).ok_or_else(parts::no_secrets)?;
    Ok(Blueprint {
        settings: settings::settings(config)?,
        vault: Vault::of(TenantNumber(config.tenant.number), &rings.session, &rings.csrf),
        providers: Arc::new(super::providers::registry(config, telemetry)?),
        hosts: config.tenant.hosts.iter().filter_map(|one| host::written(one)).collect(),
        has_former_secrets: !config.app.sessions.former_signing_secrets.is_empty(),
    })
}

/// The authorities, and those among them whose users may have to be sealed anew. `ports` are the same for all, but for
/// the providers.
pub(super) fn build(
    blueprints: Vec<Blueprint>,
    ports: impl Fn(Arc<dyn Providers>) -> Ports,
) -> Result<(Tenancy, Vec<Authority>), AppError> {
    let (mut memory, mut built, mut to_reseal) = (None, Vec::new(), Vec::new());
    for Blueprint { settings, vault, providers, hosts, has_former_secrets } in blueprints {
        let ports = ports(providers);
        let memory = memory.get_or_insert_with(|| Memory::new(ports.entropy.as_ref(), settings.cache));
        let authority = Authority::with(ports, vault, settings, memory);
        to_reseal.extend(has_former_secrets.then(|| authority.clone()));
        built.push(Tenant { authority, hosts });
    }
    let mut built = built.into_iter();
    let Tenant { authority, hosts } = built.next().ok_or_else(parts::no_secrets)?;
    Ok((Tenancy::new(authority, hosts, built), to_reseal))
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
