//! Owns what is told of the authority at work to those who run it: the log, metrics, traces. OpenTelemetry is known here
//! alone. Does not know what happens, but as `authority::observer` says it.
//!
//! | file | what it is |
//! |---|---|
//! | `log` | the log |
//! | `traces` | which calls are traced, and the spans of a trace |
//! | `work`, `calls`, `providers`, `store` | what is seen of use cases, calls, requests to providers, steps of the store |
//! | `labels`, `timer`, `tally` | the labels that there may be; figures that cost next to nothing |
//! | `otlp`, `scrape` | how all of it is sent, or read |
//!
//! What is off is not there: no observer, nothing before the store, no listener, no thread.

mod calls;
mod labels;
mod log;
mod otlp;
mod providers;
mod scrape;
mod store;
mod tally;
mod timer;
mod traces;
mod work;

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Histogram, Meter, MeterProvider as _};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tokio::net::TcpListener;
use tracing::Span;
use uuid::Uuid;

use crate::authority::Ports;
use crate::authority::observer::{CallObserver, Gauge, Observer, ProviderObserver, Reading};
use crate::config::Config;
use crate::config::log::Log;
use calls::{Calls, Gauges};
use labels::Labels;
pub use log::{filter, start};
use otlp::Collector;
use providers::Requests;
use store::{Figures, Measured};
use traces::Traces;
use work::Work;

/// Why metrics or traces can't be had as configured.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The collector's address, or the authority of its certificate, can't be used.
    #[error("the collector can't be used as configured (telemetry.otlp)")]
    Collector(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The authority of the collector's certificate can't be read.
    #[error("can't read {path} (telemetry.otlp.ca_file)")]
    Authority {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A header can't travel with a call.
    #[error("the header {0} can't be sent (telemetry.otlp.headers)")]
    Header(String),
    /// Metrics can't be shown to Prometheus.
    #[error("metrics can't be shown to Prometheus")]
    Prometheus(#[source] opentelemetry_sdk::error::OTelSdkError),
}

impl From<opentelemetry_otlp::ExporterBuildError> for TelemetryError {
    fn from(error: opentelemetry_otlp::ExporterBuildError) -> Self {
        Self::Collector(error.into())
    }
}

/// Metrics and traces, as configured; by default none.
#[derive(Clone, Default)]
pub struct Telemetry(Option<Arc<On>>);

struct On {
    meters: SdkMeterProvider,
    tracers: Option<SdkTracerProvider>,
    page: Option<(SocketAddr, prometheus::Registry)>,
    meter: Meter,
    labels: Arc<Labels>,
    traces: Option<Arc<Traces>>,
    gauges: Arc<Gauges>,
    requests: Histogram<f64>,
    told: Vec<String>,
    within: Duration,
}

impl Telemetry {
    /// Begins to log, and whatever else is configured. To be called on the async runtime; of the log only the first call in
    /// a process has an effect.
    ///
    /// # Errors
    /// When something is configured that can't be. A collector that is away is no reason.
    pub fn start(log: &Log, config: &Config) -> Result<Self, TelemetryError> {
        let settings = &config.telemetry;
        if !settings.traces() && !settings.counts() {
            start(log);
            return Ok(Self(None));
        }
        let resource = resource(config);
        let collector = settings.otlp.endpoint.as_deref().map(|endpoint| Collector::new(endpoint, &settings.otlp));
        let collector = collector.transpose()?;
        let tracers = match &collector {
            Some(collector) if settings.traces() => {
                let builder = SdkTracerProvider::builder().with_resource(resource.clone());
                // What reaches it was chosen before.
                Some(builder.with_sampler(Sampler::AlwaysOn).with_batch_exporter(collector.spans()?).build())
            }
            _ => None,
        };
        log::start_with(log, tracers.as_ref().map(|tracers| tracers.tracer("gatelodge")));
        let mut meters = SdkMeterProvider::builder().with_resource(resource);
        if let Some(collector) = collector.as_ref().filter(|_| settings.sends_metrics()) {
            let reader = PeriodicReader::builder(collector.metrics()?).with_interval(settings.metrics.every.get());
            meters = meters.with_reader(reader.build());
        }
        let prometheus = &settings.metrics.prometheus;
        let mut page = None;
        if prometheus.enabled {
            let registry = prometheus::Registry::new();
            let reader = opentelemetry_prometheus::exporter().with_registry(registry.clone()).scope_info_enabled(false);
            meters = meters.with_reader(reader.build().map_err(TelemetryError::Prometheus)?);
            page = Some((prometheus.listen, registry));
        }
        let meters = meters.build();
        let meter = meters.meter("gatelodge");
        let chosen = tracers.is_some().then(|| Arc::new(Traces::new(settings.traces.sample.get())));
        let requests = timer::seconds(&meter, "http.client.request.duration", "How long requests to providers took");
        Ok(Self(Some(Arc::new(On {
            page,
            labels: Arc::new(Labels::of(config)),
            traces: chosen,
            gauges: Gauges::new(&meter),
            requests,
            told: settings.traces.tell_providers.clone(),
            within: settings.otlp.timeout.get(),
            meters,
            tracers,
            meter,
        }))))
    }

    /// Who sees what the use cases come to.
    #[must_use]
    pub fn work(&self) -> Option<Arc<dyn Observer>> {
        let on = self.0.as_ref()?;
        Some(Arc::new(Work::new(&on.meter, &on.labels)))
    }

    /// Who sees the calls of these methods, which are paths.
    #[must_use]
    pub fn calls(&self, methods: impl Iterator<Item = &'static str>) -> Option<Arc<dyn CallObserver>> {
        let on = self.0.as_ref()?;
        Some(Arc::new(Calls::new(&on.meter, methods, on.traces.as_ref(), &on.gauges)))
    }

    /// Who sees what a tenant's provider is asked.
    #[must_use]
    pub fn provider(&self, tenant: &str, name: &str) -> Option<Arc<dyn ProviderObserver>> {
        let on = self.0.as_ref()?;
        Some(Arc::new(Requests {
            durations: on.requests.clone(),
            labels: [on.labels.tenant_named(tenant), on.labels.provider(Some(name))],
            traces: on.traces.clone(),
            is_told: on.told.iter().any(|told| told == name),
        }))
    }

    /// What stands before everything that ports keep, of a store of this kind.
    pub fn before_store(&self, system: &'static str) -> impl Fn(Ports) -> Ports + use<> {
        let figures = self.0.as_ref().map(|on| Arc::new(Figures::new(&on.meter, system, on.traces.is_some())));
        move |ports| match &figures {
            Some(figures) => Measured::before(ports, figures),
            None => ports,
        }
    }

    /// There is something to read.
    pub fn can_read(&self, gauge: Gauge, reading: Reading) {
        if let Some(on) = &self.0 {
            on.gauges.add(gauge, reading);
        }
    }

    /// Which providers answer can be read: of each its tenant and its own name.
    pub fn can_read_providers(&self, read: impl Fn() -> Vec<(String, String, bool)> + Send + Sync + 'static) {
        let Some(on) = &self.0 else { return };
        let labels = Arc::clone(&on.labels);
        let builder = on.meter.f64_observable_gauge("gatelodge.provider.up");
        let builder = builder.with_description("Whether a provider answered when it was last asked anything");
        builder
            .with_callback(move |into| {
                for (tenant, provider, answers) in read() {
                    let own = [labels.tenant_named(&tenant), labels.provider(Some(&provider))];
                    into.observe(f64::from(u8::from(answers)), &own);
                }
            })
            .build();
    }

    /// Where metrics are shown to Prometheus, if they are.
    #[must_use]
    pub fn page(&self) -> Option<SocketAddr> {
        self.0.as_ref()?.page.as_ref().map(|(address, _)| *address)
    }

    /// Shows them there, for as long as the future is not dropped.
    pub fn showing(&self, listener: TcpListener) -> Option<impl Future<Output = ()> + Send + use<>> {
        let (_, registry) = self.0.as_ref()?.page.as_ref()?;
        Some(scrape::serving(registry.clone(), listener))
    }

    /// Sends what was not sent yet, for as long as sending may take.
    pub async fn stop(self) {
        let Some(on) = self.0 else { return };
        let within = on.within;
        let (done, ended) = tokio::sync::oneshot::channel();
        // On a thread that nobody waits for when the time is over: a collector that hangs keeps no process.
        std::thread::spawn(move || {
            let traced = on.tracers.as_ref().map(|tracers| tracers.shutdown_with_timeout(within));
            let counted = on.meters.shutdown_with_timeout(within);
            // It was said before that they can't be sent.
            drop((traced, counted, done.send(())));
        });
        if tokio::time::timeout(within, ended).await.is_err() {
            tracing::warn!("the last metrics and traces could not be sent in time");
        }
    }
}

/// The span of work that goes on beside the answer, in the trace of the call that is being answered.
#[must_use]
pub fn beside() -> Span {
    traces::beside()
}

/// What metrics and traces say of this process.
fn resource(config: &Config) -> Resource {
    let settings = &config.telemetry;
    let instance = settings.instance.clone().unwrap_or_else(|| Uuid::now_v7().to_string());
    Resource::builder()
        .with_service_name(settings.service_name.clone())
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attribute(KeyValue::new("service.instance.id", instance))
        .build()
}
