//! Owns what the values of a configuration mean together, and which of them are refused. Does not know where they
//! stand: a fault names its key, and the loader finds the place.

mod audit;
mod cache;
mod idempotency;
mod oidc;
mod rates;
mod redis_store;
mod rings;
mod service;
mod sessions;
mod telemetry;
pub mod tenants;
mod tokens;
mod web;

use super::Config;
use super::fault::Fault;

/// What the rules say of a configuration.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// What makes it unusable.
    pub faults: Vec<Fault>,
    /// What is allowed and still worth a second look.
    pub warnings: Vec<Fault>,
}

/// Judges a configuration by every rule that needs nothing but the configuration.
#[must_use]
pub fn judge(config: &Config) -> Judgement {
    let mut judgement = Judgement {
        faults: config.judge_each(|tenancy| judge_alone(tenancy).faults),
        warnings: config.judge_each(|tenancy| judge_alone(tenancy).warnings),
    };
    tenants::judge(config, &mut judgement);
    telemetry::judge_names(config, &mut judgement);
    judgement
}

/// Judges one tenant with all that the tenants share.
fn judge_alone(config: &Config) -> Judgement {
    let mut judgement = Judgement::default();
    if config.development {
        judgement.warn("development", "weak secrets and plain http providers pass; never use this in production");
    }
    cache::judge(config, &mut judgement);
    service::judge(config, &mut judgement);
    audit::judge(config, &mut judgement);
    idempotency::judge(config, &mut judgement);
    oidc::judge(config, &mut judgement);
    rates::judge(config, &mut judgement);
    sessions::judge(config, &mut judgement);
    rings::judge(&config.app.sessions, config.development, &mut judgement);
    telemetry::judge(config, &mut judgement);
    tokens::judge(config, &mut judgement);
    web::judge(config, &mut judgement);
    judgement
}

impl Judgement {
    fn fault(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.faults.push(Fault::of(path, message));
    }

    fn warn(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.warnings.push(Fault::of(path, message));
    }

    fn check(&mut self, good: bool, path: &str, message: &str) {
        if !good {
            self.fault(path, message);
        }
    }
}

/// Whether an http address leads to this machine itself.
fn is_loopback(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
