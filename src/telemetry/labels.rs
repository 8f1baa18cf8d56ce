//! Owns which labels a metric may have: of tenants and providers those that are configured, and no more than there is room
//! for. Does not know what is counted.

use std::collections::BTreeSet;
use std::sync::Arc;

use opentelemetry::{KeyValue, StringValue};

use crate::config::Config;
use crate::session::key::TenantNumber;

/// So many tenants have a label of their own; the others share one.
const MOST_TENANTS: usize = 64;
/// What those beyond that are called, and whoever is not configured.
const OTHER: &str = "_OTHER";

/// The names that may be labels.
#[derive(Debug)]
pub(super) struct Labels {
    /// By their numbers.
    tenants: Vec<(TenantNumber, StringValue)>,
    providers: BTreeSet<String>,
}

/// The place of a tenant among the labels.
pub(super) type Slot = usize;

impl Labels {
    /// Those of a configuration.
    pub(super) fn of(config: &Config) -> Self {
        let named = |tenancy: Config| (TenantNumber(tenancy.tenant.number), owned(&tenancy.tenant.name));
        let mut tenants: Vec<_> = config.tenancies().take(MOST_TENANTS).map(named).collect();
        tenants.sort_by_key(|(number, _)| *number);
        let providers = config.tenancies().flat_map(|tenancy| tenancy.oidc.providers.into_keys()).collect();
        Self { tenants, providers }
    }

    /// How many slots there are: the last is that of all others.
    pub(super) fn slots(&self) -> usize {
        self.tenants.len() + 1
    }

    /// Where a tenant's figures are.
    pub(super) fn slot(&self, tenant: TenantNumber) -> Slot {
        self.tenants.binary_search_by_key(&tenant, |(number, _)| *number).unwrap_or(self.tenants.len())
    }

    /// The label of a slot.
    pub(super) fn tenant_at(&self, slot: Slot) -> KeyValue {
        let name = self.tenants.get(slot).map_or(StringValue::from(OTHER), |(_, name)| name.clone());
        KeyValue::new("gatelodge.tenant", name)
    }

    /// A tenant's label.
    pub(super) fn tenant(&self, tenant: TenantNumber) -> KeyValue {
        self.tenant_at(self.slot(tenant))
    }

    /// The label of a tenant of that name.
    pub(super) fn tenant_named(&self, name: &str) -> KeyValue {
        let slot = self.tenants.iter().position(|(_, known)| known.as_str() == name);
        self.tenant_at(slot.unwrap_or(self.tenants.len()))
    }

    /// A provider's label; `None` where it is not known which.
    pub(super) fn provider(&self, name: Option<&str>) -> KeyValue {
        let known = name.filter(|name| self.providers.contains(*name));
        let label = match (known, name) {
            (Some(name), _) => owned(name),
            (None, Some(_)) => OTHER.into(),
            (None, None) => "unknown".into(),
        };
        KeyValue::new("gatelodge.provider", label)
    }
}

fn owned(text: &str) -> StringValue {
    StringValue::from(Arc::<str>::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(tenants: u32) -> Config {
        let mut config = Config::default();
        config.oidc.providers.insert("google".into(), crate::config::oidc::Provider::default());
        for number in 2..=tenants {
            let tenant = crate::config::tenants::OtherTenant { number, ..Default::default() };
            config.tenants.insert(format!("tenant{number}"), tenant);
        }
        config
    }

    fn said(label: &KeyValue) -> &str {
        match &label.value {
            opentelemetry::Value::String(text) => text.as_str(),
            _ => panic!("no text"),
        }
    }

    // Whatever comes, a label is one of a few.
    #[test]
    fn a_label_is_a_configured_name_or_the_one_for_all_others() {
        let labels = Labels::of(&config(3));
        assert_eq!(labels.slots(), 4);
        assert_eq!(said(&labels.tenant(TenantNumber(2))), "tenant2");
        assert_eq!(said(&labels.tenant(TenantNumber(9))), OTHER);
        assert_eq!(said(&labels.tenant_named("tenant3")), "tenant3");
        assert_eq!(said(&labels.tenant_named("nobody")), OTHER);
        let provider = |name| said(&labels.provider(name)).to_owned();
        assert_eq!([provider(Some("google")), provider(Some("x")), provider(None)], ["google", OTHER, "unknown"]);
    }

    #[test]
    fn tenants_beyond_the_room_share_a_label() {
        let labels = Labels::of(&config(100));
        assert_eq!(labels.slots(), MOST_TENANTS + 1);
        let own = (1..=100).filter(|number| said(&labels.tenant(TenantNumber(*number))) != OTHER).count();
        assert_eq!(own, MOST_TENANTS);
    }
}
