//! Owns what the tenants are built of, whatever the time, and what another configuration makes of it: all of it is read
//! and judged before any of it counts. Does not know when that is, nor what is in force.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::changes::{self, Changes};
use super::parts;
use super::tenancy::{self, Blueprint};
use crate::authority::ports::Providers;
use crate::config::Config;
use crate::config::fault::Faults;
use crate::config::load::Loaded;
use crate::crypto::Digest;
use crate::rpc::tls::Tls;
use crate::session::key_ring::Span;
use crate::session::time::Timestamp;
use crate::telemetry::Telemetry;

/// A configuration, and what the tenants are built of.
pub(super) struct Plan {
    pub(super) config: Config,
    pub(super) blueprints: Vec<Blueprint>,
    /// What the values were read as; unset while nobody reads them again.
    read: OnceLock<Read>,
}

/// The values that a configuration was read with, and those of each tenant's providers.
struct Read {
    values: BTreeMap<String, Digest>,
    providers: BTreeMap<String, Digest>,
}

/// What would follow a plan.
pub(super) struct Next {
    pub(super) plan: Plan,
    pub(super) changes: Changes,
    /// TLS of the gRPC port, if it has any.
    pub(super) tls: Option<Tls>,
}

impl Plan {
    /// What a configuration that nobody reads again has made.
    pub(super) const fn of(config: Config, blueprints: Vec<Blueprint>) -> Self {
        Self { config, blueprints, read: OnceLock::new() }
    }

    /// Notes how it was read, so that what has changed can be told. Only the first time counts.
    pub(super) fn was_read(&self, loaded: &Loaded) {
        self.read.get_or_init(|| Read::of(loaded));
    }

    /// Whether these are other values.
    pub(super) fn differs(&self, loaded: &Loaded) -> bool {
        self.read.get().is_none_or(|read| read.values != loaded.values)
    }

    /// What another configuration makes of it: all but what only a start can change. Reads the files that this one
    /// names.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn next(&self, loaded: &Loaded, telemetry: &Telemetry) -> Result<Next, Faults> {
        let read = Read::of(loaded);
        let changes = Changes::between(self.read.get().map(|before| &before.values), &read.values);
        let config = changes::with_what_stays(&self.config, loaded.config.clone())?;
        changes::judge_mixed(&config, &changes)?;
        let blueprints = tenancy::blueprints(&config, telemetry, |name| self.providers_of(name, &read))?;
        let tls = parts::tls(&config.server.tls)?;
        let values = match self.read.get() {
            Some(before) => changes::values_with_what_stays(&before.values, read.values),
            None => read.values,
        };
        let read = OnceLock::from(Read { values, ..read });
        Ok(Next { plan: Self { config, blueprints, read }, changes, tls })
    }

    /// How long before and after this time all keys do what they do at it.
    pub(super) fn span(&self, now: Timestamp) -> Span {
        self.blueprints.iter().map(|blueprint| blueprint.rings.span(now)).fold(Span::default(), Span::and)
    }

    /// The providers of a tenant, where nothing that they are made of has changed: what they have learnt is kept.
    fn providers_of(&self, tenant: &str, read: &Read) -> Option<Arc<dyn Providers>> {
        let before = self.read.get()?.providers.get(tenant)?;
        let known = self.blueprints.iter().find(|known| known.name == tenant)?;
        (read.providers.get(tenant) == Some(before)).then(|| Arc::clone(&known.providers))
    }
}

impl Read {
    fn of(loaded: &Loaded) -> Self {
        Self { values: loaded.values.clone(), providers: changes::of_providers(loaded) }
    }
}
