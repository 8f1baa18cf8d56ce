//! Owns what is in force: the tenants of the configuration with their keys of this time, and how another configuration or a
//! later time takes their place, all of it or nothing. Does not know what asks for that.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};

use super::changes::{self, Changes};
use super::store_clock::StoreClock;
use super::tenancy::{self, Blueprint};
use super::{AppError, keeper, parts};
use crate::authority::ports::{Clock as _, Providers};
use crate::authority::tenants::Tenants;
use crate::authority::{Memory, Ports};
use crate::config::Config;
use crate::config::fault::Faults;
use crate::config::load::Loaded;
use crate::crypto::Digest;
use crate::rpc::tls::Tls;
use crate::session::time::Timestamp;
use crate::telemetry::Telemetry;

/// How often the dates of keys are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Makes the ports of a tenant with these providers.
pub(super) type MakePorts = Box<dyn Fn(Arc<dyn Providers>) -> Ports + Send + Sync>;

/// What is in force, and what it is made of.
pub(super) struct Live {
    ports: MakePorts,
    memory: Memory,
    telemetry: Telemetry,
    clock: Arc<StoreClock>,
    tenants: Tenants,
    /// TLS of the gRPC port, if it has any.
    tls: Option<Tls>,
    /// Users may be sealed with a former key.
    to_reseal: Notify,
    in_force: Mutex<InForce>,
    /// When it was loaded, in milliseconds since the Unix epoch.
    since: AtomicU64,
    /// Whether the configuration on disk is another one, which can't be used.
    refused: AtomicBool,
}

struct InForce {
    config: Config,
    blueprints: Vec<Blueprint>,
    /// What the values were read as; `None` while nobody reads them again.
    read: Option<Read>,
    /// Until when the keys are as they are.
    until: Option<Timestamp>,
}

/// The values that a configuration was read with, and those of each tenant's providers.
struct Read {
    values: BTreeMap<String, Digest>,
    providers: BTreeMap<String, Digest>,
}

impl Read {
    fn of(loaded: &Loaded) -> Self {
        Self { values: loaded.values.clone(), providers: changes::of_providers(loaded) }
    }
}

impl Live {
    /// What this configuration makes.
    pub(super) fn begin(
        config: &Config,
        blueprints: Vec<Blueprint>,
        ports: MakePorts,
        telemetry: Telemetry,
        clock: Arc<StoreClock>,
        tls: Option<Tls>,
    ) -> Result<Arc<Self>, AppError> {
        let now = clock.now();
        let cache = blueprints.first().and_then(Blueprint::cache);
        let memory = Memory::new(&super::world::SystemEntropy, cache);
        let tenants = Tenants::new(tenancy::build(&blueprints, &ports, &memory, now)?);
        let until = until(&blueprints, now);
        let in_force = Mutex::new(InForce { config: config.clone(), blueprints, read: None, until });
        let (since, refused) = (AtomicU64::new(now.as_millis()), AtomicBool::new(false));
        let to_reseal = Notify::new();
        to_reseal.notify_one();
        Ok(Arc::new(Self { ports, memory, telemetry, clock, tenants, tls, to_reseal, in_force, since, refused }))
    }

    /// The tenants in force.
    pub(super) const fn tenants(&self) -> &Tenants {
        &self.tenants
    }

    /// When the configuration in force was loaded.
    pub(super) fn since(&self) -> Timestamp {
        Timestamp::from_millis(self.since.load(Ordering::Relaxed))
    }

    /// Whether the configuration on disk is another one, which can't be used.
    pub(super) fn is_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    /// Notes how the configuration in force was read, so that what has changed can be told.
    pub(super) fn was_read(&self, loaded: &Loaded) {
        self.in_force().read = Some(Read::of(loaded));
    }

    /// Notes that the configuration on disk can't be used, and says why. The one in force stays.
    pub(super) fn refuse(&self, faults: &Faults) {
        self.refused.store(true, Ordering::Relaxed);
        for fault in &faults.0 {
            tracing::error!("{fault}");
        }
        tracing::error!(
            faults = faults.0.len(),
            "the configuration on disk can't be used: the one that was loaded before stays in force"
        );
    }

    /// Puts another configuration in force: all of it, but for what only a start can change, or nothing.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn load(&self, loaded: &Loaded) -> Result<(), Faults> {
        let mut in_force = self.in_force();
        let read = Read::of(loaded);
        let before = in_force.read.as_ref().map(|read| &read.values);
        let changes = Changes::between(before, &read.values);
        let config = changes::with_what_stays(&in_force.config, loaded.config.clone())?;
        let known = |name: &str| in_force.providers_of(name, &read);
        let blueprints = tenancy::blueprints(&config, &self.telemetry, known)?;
        let now = self.clock.now();
        let tenancy = tenancy::build(&blueprints, &self.ports, &self.memory, now).map_err(|_| parts::no_secrets())?;
        let tls = parts::tls(&config.server.tls)?;
        let lost = changes::lost_keys(&in_force.blueprints, &blueprints, now);
        self.tenants.replace(tenancy);
        let until = until(&blueprints, now);
        *in_force = InForce { config, blueprints, read: Some(read), until };
        drop(in_force);
        self.since.store(now.as_millis(), Ordering::Relaxed);
        self.refused.store(false, Ordering::Relaxed);
        changes.tell();
        if let Some((own, tls)) = self.tls.as_ref().zip(tls)
            && own.take_over(&tls)
        {
            tracing::info!("the gRPC port has other certificates (server.tls)");
        }
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        lost.iter().for_each(changes::LostKey::tell);
        if !lost.is_empty() {
            self.memory.forget_sessions();
        }
        self.to_reseal.notify_one();
        Ok(())
    }

    /// Puts the keys in force that are those of this time, if they are others than before.
    fn turn(&self) {
        let now = self.clock.now();
        let mut in_force = self.in_force();
        if in_force.until.is_none_or(|until| until > now) {
            return;
        }
        match tenancy::build(&in_force.blueprints, &self.ports, &self.memory, now) {
            Ok(tenancy) => self.tenants.replace(tenancy),
            Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "the keys can't be changed"),
        }
        in_force.until = until(&in_force.blueprints, now);
        for blueprint in &in_force.blueprints {
            changes::tell_keys(blueprint, now);
        }
        drop(in_force);
        // A key that is dropped opens nothing any more, what is remembered included.
        self.memory.forget_sessions();
        self.to_reseal.notify_one();
    }

    /// Changes the keys when their dates come, for as long as the future is not dropped.
    pub(super) async fn turning(self: Arc<Self>) {
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.turn();
        }
    }

    /// Seals users anew whenever they may be sealed with a former key, for as long as the future is not dropped.
    pub(super) async fn resealing(self: Arc<Self>) {
        loop {
            self.to_reseal.notified().await;
            let several = |blueprint: &Blueprint| blueprint.rings.has_several();
            let several: Vec<_> = self.in_force().blueprints.iter().map(several).collect();
            let now = self.tenants.now();
            for (authority, _) in now.authorities().zip(several).filter(|(_, several)| *several) {
                keeper::resealing(authority.clone()).await;
            }
        }
    }

    fn in_force(&self) -> MutexGuard<'_, InForce> {
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl InForce {
    /// The providers of a tenant, where nothing that they are made of has changed: what they have learnt is kept.
    fn providers_of(&self, tenant: &str, read: &Read) -> Option<Arc<dyn Providers>> {
        let before = self.read.as_ref()?.providers.get(tenant)?;
        let known = self.blueprints.iter().find(|known| known.name == tenant)?;
        (read.providers.get(tenant) == Some(before)).then(|| Arc::clone(&known.providers))
    }
}

fn until(blueprints: &[Blueprint], now: Timestamp) -> Option<Timestamp> {
    blueprints.iter().filter_map(|blueprint| blueprint.rings.next_change(now)).min()
}
