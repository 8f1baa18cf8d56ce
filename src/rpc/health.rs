//! Owns what health says (`grpc.health.v1`): of the server and its services, of the store, of each provider. Does not know
//! who asks, nor what a store or provider is.
//!
//! A server is ready as long as the store answers. A provider that is away is told apart, and makes no replica unready:
//! whoever is logged in stays so, and no other replica would reach it either.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::authority::Error;
use crate::authority::observer::{CallObserver, Gauge};
use crate::authority::tenants::Tenants;

const INTERVAL: Duration = Duration::from_secs(2);
/// A store that takes longer to say that it is there is not there.
const PATIENCE: Duration = Duration::from_secs(2);
/// The server as a whole, and each service.
const SERVICES: [&str; 6] = [
    "",
    "gatelodge.v1.SessionService",
    "gatelodge.v1.LoginService",
    "gatelodge.v1.TokenService",
    "gatelodge.v1.AdminService",
    "envoy.service.auth.v3.Authorization",
];
/// The store alone, also while the server drains.
const STORE: &str = "gatelodge.store";
/// What stands before a provider's name.
const PROVIDER: &str = "gatelodge.providers.";

/// Says what health there is.
#[derive(Clone)]
pub(super) struct Health {
    reporter: HealthReporter,
    store: Arc<AtomicU8>,
}

const UNKNOWN: u8 = 2;

impl Health {
    /// Nothing serves yet.
    pub(super) async fn new(reporter: HealthReporter, observer: Option<&Arc<dyn CallObserver>>) -> Self {
        let health = Self { reporter, store: Arc::new(AtomicU8::new(UNKNOWN)) };
        health.stop().await;
        health.say(STORE, ServingStatus::Unknown).await;
        if let Some(observer) = observer {
            let store = Arc::clone(&health.store);
            let read = move || Some(store.load(Ordering::Relaxed)).filter(|now| *now != UNKNOWN).map(f64::from);
            observer.can_read(Gauge::StoreAnswers, Box::new(read));
        }
        health
    }

    /// The server serves no more, whatever the store does.
    pub(super) async fn stop(&self) {
        self.say_of_services(ServingStatus::NotServing).await;
    }

    async fn say_of_services(&self, status: ServingStatus) {
        for service in SERVICES {
            self.say(service, status).await;
        }
    }

    async fn say(&self, service: &str, status: ServingStatus) {
        self.reporter.set_service_status(service, status).await;
    }

    /// Says it as it changes, for as long as the future is not dropped.
    pub(super) async fn watch(mut self, tenants: Tenants) -> Infallible {
        let (mut serving, mut told) = (None, BTreeMap::new());
        loop {
            let asked = tokio::time::timeout(PATIENCE, tenants.now().check_store()).await;
            let answers = asked.unwrap_or_else(|late| Err(Error::StoreUnavailable(late.into())));
            if serving != Some(answers.is_ok()) {
                serving = Some(answers.is_ok());
                self.store.store(u8::from(answers.is_ok()), Ordering::Relaxed);
                let status = status_of(serving);
                self.say_of_services(status).await;
                self.say(STORE, status).await;
                match answers {
                    Ok(()) => tracing::info!("the session store answers"),
                    Err(error) => {
                        tracing::error!(error = &error as &dyn std::error::Error, "the session store does not answer");
                    }
                }
            }
            self.say_of_providers(&tenants, &mut told).await;
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// Tenants that have a provider of the same name share what is said of it: who asks for health has no key, and is told
    /// of no tenant.
    async fn say_of_providers(&mut self, tenants: &Tenants, told: &mut BTreeMap<String, Option<bool>>) {
        let now = tenants.now().providers_answer();
        for (name, answers) in &now {
            if told.get(name) == Some(answers) {
                continue;
            }
            self.say(&format!("{PROVIDER}{name}"), status_of(*answers)).await;
            match (told.get(name), answers) {
                (_, Some(false)) => tracing::warn!(provider = name, "the provider does not answer"),
                (Some(Some(false)), Some(true)) => tracing::info!(provider = name, "the provider answers again"),
                _ => (),
            }
        }
        for gone in told.keys().filter(|name| !now.contains_key(*name)) {
            self.reporter.clear_service_status(&format!("{PROVIDER}{gone}")).await;
        }
        *told = now;
    }
}

const fn status_of(answers: Option<bool>) -> ServingStatus {
    match answers {
        Some(true) => ServingStatus::Serving,
        Some(false) => ServingStatus::NotServing,
        None => ServingStatus::Unknown,
    }
}
