//! Owns the way to the collector: OTLP over gRPC, lazily connected, and what is said of a collector that is away. Does not
//! know what is sent.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry_otlp::{ExporterBuildError, MetricExporter, RetryPolicy, SpanExporter, WithExportConfig as _};
use opentelemetry_otlp::{WithTonicConfig as _, tonic_types::metadata::MetadataMap};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::trace::SpanData;
use tonic::metadata::{Ascii, MetadataKey, MetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

use super::TelemetryError;
use crate::config::telemetry::Otlp;

/// The way to a collector.
pub(super) struct Collector {
    channel: Channel,
    metadata: MetadataMap,
    timeout: Duration,
}

impl Collector {
    /// The one at `endpoint`. Nothing is connected before something is sent.
    pub(super) fn new(endpoint: &str, settings: &Otlp) -> Result<Self, TelemetryError> {
        let wrong = |error: tonic::transport::Error| TelemetryError::Collector(error.into());
        let timeout = settings.timeout.get();
        let mut to =
            Endpoint::from_shared(endpoint.to_owned()).map_err(wrong)?.timeout(timeout).connect_timeout(timeout);
        if endpoint.starts_with("https:") {
            let tls = match settings.ca_file.as_deref() {
                Some(path) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read(path)?)),
                None => ClientTlsConfig::new().with_webpki_roots(),
            };
            to = to.tls_config(tls).map_err(wrong)?;
        }
        let mut metadata = MetadataMap::new();
        for (name, value) in &settings.headers {
            let unfit = |_| TelemetryError::Header(name.clone());
            let name_in =
                MetadataKey::<Ascii>::from_bytes(name.as_bytes()).map_err(|_| TelemetryError::Header(name.clone()))?;
            let mut value = MetadataValue::try_from(value.expose()).map_err(unfit)?;
            value.set_sensitive(true);
            metadata.insert(name_in, value);
        }
        Ok(Self { channel: to.connect_lazy(), metadata, timeout })
    }

    pub(super) fn spans(&self) -> Result<Told<SpanExporter>, ExporterBuildError> {
        let builder = SpanExporter::builder().with_tonic().with_channel(self.channel.clone());
        let builder = builder.with_metadata(self.metadata.clone()).with_timeout(self.timeout);
        Ok(Told::of("traces", builder.with_retry_policy(RetryPolicy::recommended()).build()?))
    }

    pub(super) fn metrics(&self) -> Result<Told<MetricExporter>, ExporterBuildError> {
        let builder = MetricExporter::builder().with_tonic().with_channel(self.channel.clone());
        let builder = builder.with_metadata(self.metadata.clone()).with_timeout(self.timeout);
        Ok(Told::of("metrics", builder.with_retry_policy(RetryPolicy::recommended()).build()?))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TelemetryError> {
    std::fs::read(path).map_err(|source| TelemetryError::Authority { path: path.to_owned(), source })
}

/// An exporter of which the log says when it begins to fail, and when it works again; not each time.
#[derive(Debug)]
pub(super) struct Told<E> {
    exporter: E,
    what: &'static str,
    fails: AtomicBool,
}

impl<E> Told<E> {
    const fn of(what: &'static str, exporter: E) -> Self {
        Self { exporter, what, fails: AtomicBool::new(false) }
    }

    fn note(&self, sent: &OTelSdkResult) {
        match (self.fails.swap(sent.is_err(), Ordering::Relaxed), sent) {
            (false, Err(error)) => {
                let (what, error) = (self.what, error as &dyn std::error::Error);
                tracing::warn!(
                    what,
                    error,
                    "the collector does not take them; what can't be sent is dropped (telemetry.otlp)"
                );
            }
            (true, Ok(())) => tracing::info!(what = self.what, "the collector takes them again"),
            _ => (),
        }
    }
}

impl opentelemetry_sdk::trace::SpanExporter for Told<SpanExporter> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let sent = self.exporter.export(batch).await;
        self.note(&sent);
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        opentelemetry_sdk::trace::SpanExporter::shutdown_with_timeout(&self.exporter, timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        opentelemetry_sdk::trace::SpanExporter::force_flush(&self.exporter)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl PushMetricExporter for Told<MetricExporter> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let sent = self.exporter.export(metrics).await;
        self.note(&sent);
        sent
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.exporter.temporality()
    }
}
