//! Owns what goes on for the sake of those who run the authority: what can be read of it, the page that shows it, and asking
//! providers whether they answer. Does not know what is done with it.

use std::sync::Arc;

use futures::future::BoxFuture;

use super::live::Live;
use super::store_clock::StoreClock;
use super::{AppError, bind, keeper};
use crate::authority::Authority;
use crate::authority::observer::Gauge;
use crate::authority::tenants::Tenants;
use crate::config::Config;
use crate::rpc::tasks::Tasks;
use crate::session::time::Timestamp;
use crate::telemetry::Telemetry;

/// Lets `telemetry` read what there is to read, and answers what has to go on.
///
/// # Errors
/// When the address of the page is taken.
pub(super) async fn beside(
    config: &Config,
    telemetry: &Telemetry,
    live: &Arc<Live>,
    clock: &Arc<StoreClock>,
    tasks: &Tasks,
) -> Result<Vec<BoxFuture<'static, ()>>, AppError> {
    let (mut beside, tenants) = (Vec::<BoxFuture<_>>::new(), live.tenants());
    let idle_for = config.server.health.ask_providers_after;
    if !idle_for.is_zero() {
        beside.push(Box::pin(keeper::knocking(tenants.clone(), idle_for.get())));
    }
    if let Some(address) = telemetry.page() {
        let listener = bind(address, "telemetry.metrics.prometheus.listen").await?;
        beside.extend(telemetry.showing(listener).map(|showing| Box::pin(showing) as BoxFuture<_>));
    }
    let (clock, tasks, listening, asked) = (Arc::clone(clock), tasks.clone(), tenants.clone(), tenants.clone());
    let count = |number: usize| u32::try_from(number).map_or(f64::from(u32::MAX), f64::from);
    telemetry.can_read(Gauge::Tasks, Box::new(move || Some(count(tasks.count()))));
    telemetry.can_read(Gauge::StoreAhead, Box::new(move || clock.ahead().map(seconds)));
    telemetry.can_read(Gauge::HearsEvents, Box::new(move || hears_events(&listening)));
    let (loaded, refused) = (Arc::clone(live), Arc::clone(live));
    telemetry.can_read(Gauge::ConfigurationTime, Box::new(move || Some(whole_seconds(loaded.since()))));
    telemetry.can_read(Gauge::ConfigurationRefused, Box::new(move || Some(f64::from(u8::from(refused.is_refused())))));
    telemetry.can_read_providers(move || providers(&asked));
    Ok(beside)
}

#[expect(clippy::cast_precision_loss, reason = "a clock that is off by more than a float can say is off")]
fn seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "seconds stay exact for longer than there are dates")]
fn whole_seconds(time: Timestamp) -> f64 {
    time.as_secs() as f64
}

fn hears_events(tenants: &Tenants) -> Option<f64> {
    let now = tenants.now();
    // They all hear the same log.
    now.authorities().next().map(|authority| f64::from(u8::from(authority.hears_everything())))
}

fn providers(tenants: &Tenants) -> Vec<(String, String, bool)> {
    let now = tenants.now();
    let of = |authority: &Authority| {
        let tenant = authority.tenant_name().to_owned();
        let known = authority.providers_answer().into_iter();
        known.filter_map(move |(name, answers)| Some((tenant.clone(), name, answers?)))
    };
    now.authorities().flat_map(of).collect()
}
