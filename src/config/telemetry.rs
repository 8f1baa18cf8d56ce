//! Owns the settings of metrics and traces. Does not know what is counted or traced.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::period::Period;
use super::share::Share;
use crate::crypto::Secret;

/// Metrics and traces (OpenTelemetry). No user, session or secret is in any of it.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// What this process is called in them (`service.name`).
    pub service_name: String,
    /// Which of several this process is (`service.instance.id`). Default: a new one with every start.
    pub instance: Option<String>,
    /// Where they are sent.
    pub otlp: Otlp,
    /// What calls did, and how long each part of it took.
    pub traces: Traces,
    /// How many, and how long.
    pub metrics: Metrics,
}

/// A collector that takes OTLP over gRPC. Without an endpoint nothing is sent.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Otlp {
    /// Its address: `http://127.0.0.1:4317`, or `https://`.
    pub endpoint: Option<String>,
    /// Sent with everything, such as `authorization`.
    pub headers: BTreeMap<String, Secret>,
    /// Authorities that may have issued its certificate, PEM. Default: those that browsers trust.
    pub ca_file: Option<PathBuf>,
    /// How long sending may take.
    pub timeout: Period,
}

/// What calls did, and how long each part of it took.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Traces {
    /// Send traces, where there is an endpoint.
    pub enabled: bool,
    /// Which share of those calls is traced whose caller does not say (`traceparent`): from 0 to 1, or 1%.
    pub sample: Share,
    /// Names of providers that are told the trace with what is asked of them: your own, never somebody else's.
    pub tell_providers: Vec<String>,
}

/// How many, and how long.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Metrics {
    /// Send metrics, where there is an endpoint.
    pub enabled: bool,
    /// How often they are sent.
    pub every: Period,
    /// A page that Prometheus reads them from.
    pub prometheus: Prometheus,
}

/// A page that Prometheus reads metrics from, on a port of its own: `/metrics`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Prometheus {
    /// Serve it.
    pub enabled: bool,
    /// Address and port to listen on. Whoever reaches it may read it.
    #[schemars(with = "String", extend("format" = "socket-address"))]
    pub listen: SocketAddr,
}

impl Telemetry {
    /// Whether traces are sent.
    #[must_use]
    pub const fn traces(&self) -> bool {
        self.otlp.endpoint.is_some() && self.traces.enabled
    }

    /// Whether metrics are sent.
    #[must_use]
    pub const fn sends_metrics(&self) -> bool {
        self.otlp.endpoint.is_some() && self.metrics.enabled
    }

    /// Whether anything is counted.
    #[must_use]
    pub const fn counts(&self) -> bool {
        self.sends_metrics() || self.metrics.prometheus.enabled
    }
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            service_name: "gatelodge".into(),
            instance: None,
            otlp: Otlp::default(),
            traces: Traces::default(),
            metrics: Metrics::default(),
        }
    }
}

impl Default for Otlp {
    fn default() -> Self {
        Self { endpoint: None, headers: BTreeMap::new(), ca_file: None, timeout: Period::seconds(5) }
    }
}

impl Default for Traces {
    fn default() -> Self {
        Self { enabled: true, sample: Share::percent(1), tell_providers: Vec::new() }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self { enabled: true, every: Period::seconds(60), prometheus: Prometheus::default() }
    }
}

impl Default for Prometheus {
    fn default() -> Self {
        Self { enabled: false, listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9464)) }
    }
}
