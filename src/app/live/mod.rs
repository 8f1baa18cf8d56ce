//! Owns what is in force: the tenants of the configuration with their keys of this time, and how another configuration
//! or a later time takes their place, all of it or nothing. Does not know what asks for that.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use super::changes::{self, KeysNow, LostKey};
use super::plan::{Next, Plan};
use super::resealing::Resealing;
use super::store_clock::StoreClock;
use super::tenancy::{self, Blueprint};
use super::{AppError, keeper, parts};
use crate::authority::caller_keys::Reach;
use crate::authority::ports::{Clock as _, Providers};
use crate::authority::tenants::Tenants;
use crate::authority::{Memory, Ports};
use crate::config::Config;
use crate::config::fault::{Fault, Faults};
use crate::config::load::Loaded;
use crate::rpc::callers::{Callers, Listed};
use crate::rpc::tls::Tls;
use crate::session::key_ring::Span;
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
    callers: Callers,
    /// Callers beside those of the configuration.
    more_callers: Vec<Listed>,
    /// TLS of the gRPC port, if it has any.
    tls: Option<Tls>,
    resealing: Resealing,
    in_force: Mutex<InForce>,
    /// When it was loaded, in milliseconds since the Unix epoch.
    since: AtomicU64,
    /// Whether the configuration on disk is another one, which can't be used.
    refused: AtomicBool,
}

struct InForce {
    plan: Arc<Plan>,
    /// Between which times the keys are as they are.
    span: Span,
    /// What they do.
    keys: KeysNow,
}

impl InForce {
    fn at(plan: Arc<Plan>, now: Timestamp) -> Self {
        Self { span: plan.span(now), keys: KeysNow::of(&plan.blueprints, now), plan }
    }
}

impl Live {
    /// What this configuration makes.
    pub(super) fn begin(
        config: &Config,
        blueprints: Vec<Blueprint>,
        ports: MakePorts,
        more_callers: Vec<Listed>,
        telemetry: Telemetry,
        clock: Arc<StoreClock>,
        tls: Option<Tls>,
    ) -> Result<Arc<Self>, AppError> {
        let now = clock.now();
        let callers = Callers::of(parts::callers(config).chain(more_callers.iter().cloned()));
        let cache = blueprints.first().and_then(Blueprint::cache);
        let memory = Memory::new(&super::world::SystemEntropy, cache);
        let tenants = Tenants::new(tenancy::build(&blueprints, &ports, &memory, now)?);
        let plan = Arc::new(Plan::of(config.clone(), blueprints));
        let in_force = Mutex::new(InForce::at(plan, now));
        let (since, refused) = (AtomicU64::new(now.as_millis()), AtomicBool::new(false));
        let resealing = Resealing::default();
        resealing.is_due();
        Ok(Arc::new(Self {
            ports,
            memory,
            telemetry,
            clock,
            tenants,
            callers,
            more_callers,
            tls,
            resealing,
            in_force,
            since,
            refused,
        }))
    }

    /// The tenants in force.
    pub(super) const fn tenants(&self) -> &Tenants {
        &self.tenants
    }

    /// The callers in force.
    pub(super) const fn callers(&self) -> &Callers {
        &self.callers
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
        self.plan().was_read(loaded);
    }

    /// Whether these are other values than those of the configuration in force.
    pub(super) fn differs(&self, loaded: &Loaded) -> bool {
        self.plan().differs(loaded)
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
        self.note_refused(faults);
    }

    /// Puts another configuration in force: all of it, but for what only a start can change, or nothing. To be called
    /// by one at a time.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) async fn load(self: &Arc<Self>, loaded: Loaded) -> Result<(), Faults> {
        let live = Arc::clone(self);
        // It reads the files that the configuration names.
        let loading = spawn_blocking(move || live.load_blocking(&loaded));
        loading.await.unwrap_or_else(|_| Err(Fault::of("", "it can't be loaded").into()))
    }

    fn load_blocking(&self, loaded: &Loaded) -> Result<(), Faults> {
        let before = self.plan();
        let Next { plan, changes, tls } = before.next(loaded, &self.telemetry)?;
        let (now, config, blueprints) = (self.clock.now(), &plan.config, &plan.blueprints);
        let tenancy = tenancy::build(blueprints, &self.ports, &self.memory, now).map_err(|_| parts::no_secrets())?;
        let callers: Vec<_> = parts::callers(config).chain(self.more_callers.iter().cloned()).collect();
        let lost = changes::lost_keys(&before.blueprints, blueprints, now);
        let next = InForce::at(Arc::new(plan), now);
        let former = {
            let mut in_force = self.in_force();
            self.tenants.replace(tenancy);
            self.callers.replace(callers);
            std::mem::replace(&mut *in_force, next).keys
        };
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
        lost.iter().for_each(LostKey::tell);
        self.note_loaded(&changes);
        self.have_other_keys(&former, &lost);
        self.resealing.is_due();
        Ok(())
    }

    /// Makes nothing rest on the keys of before, here and wherever answers are kept: a key that is dropped opens nothing
    /// any more, what is remembered included.
    fn have_other_keys(&self, former: &KeysNow, lost: &[LostKey]) {
        let differ = self.in_force().keys.differ_from(former);
        if !differ.is_empty() {
            self.memory.forget_what_was_opened();
        }
        for tenant in differ {
            self.memory.announce_other_keys(tenant);
        }
        self.note_keys(former, lost);
    }

    /// Puts the keys in force that are those of this time, if they are others than before: later ones, or earlier ones
    /// where the store's clock has gone back, or was not known at the start.
    fn turn(&self) {
        let now = self.clock.now();
        let mut in_force = self.in_force();
        if in_force.span.has(now) {
            return;
        }
        let plan = Arc::clone(&in_force.plan);
        match tenancy::build(&plan.blueprints, &self.ports, &self.memory, now) {
            Ok(tenancy) => self.tenants.replace(tenancy),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the keys can't be changed");
                return;
            }
        }
        let former = std::mem::replace(&mut *in_force, InForce::at(Arc::clone(&plan), now)).keys;
        drop(in_force);
        for blueprint in &plan.blueprints {
            changes::tell_keys(blueprint, now);
        }
        self.have_other_keys(&former, &[]);
        self.resealing.is_due();
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

    /// Seals anew what outlives a key whenever it may be sealed with a former one, for as long as the future is not
    /// dropped.
    pub(super) async fn resealing(self: Arc<Self>) {
        self.resealing.keeping(|is_again| self.reseal(is_again)).await;
    }

    /// Seals anew what outlives a key, of every tenant, whatever becomes of the others. Answers whether all of it was
    /// seen.
    async fn reseal(&self, is_again: bool) -> bool {
        let several = |blueprint: &Blueprint| blueprint.rings.has_several();
        let several: Vec<_> = self.plan().blueprints.iter().map(several).collect();
        let now = self.tenants.now();
        // The default tenant keeps the keys that are for several.
        let reaches = std::iter::once(Reach::Several).chain(std::iter::repeat(Reach::Tenant));
        let mut is_done = true;
        for ((authority, _), reach) in now.authorities().zip(several).zip(reaches).filter(|((_, several), _)| *several)
        {
            is_done &= keeper::reseal(authority, reach, is_again).await;
        }
        is_done
    }

    fn plan(&self) -> Arc<Plan> {
        Arc::clone(&self.in_force().plan)
    }

    fn in_force(&self) -> MutexGuard<'_, InForce> {
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

mod noted;
#[cfg(test)]
mod tests;
