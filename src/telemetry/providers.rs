//! Owns what is measured and traced of the requests to one provider. Does not know what it is asked.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Histogram;
use tracing::Span;

use super::traces::{self, Traces};
use crate::authority::observer::{Outgoing, ProviderObserver};

/// Sees the requests to one provider.
#[derive(Debug)]
pub(super) struct Requests {
    pub(super) durations: Histogram<f64>,
    /// Tenant and provider. The host is no label: a provider's metadata may name any.
    pub(super) labels: [KeyValue; 2],
    pub(super) traces: Option<Arc<Traces>>,
    /// Whether it is told the trace.
    pub(super) is_told: bool,
}

impl ProviderObserver for Requests {
    fn began(&self, method: &'static str, host: &str) -> Outgoing {
        let [_, provider] = &self.labels;
        let span = match &self.traces {
            Some(_) => traces::request(method, host, provider.value.as_str().as_ref()),
            None => Span::none(),
        };
        let traceparent = self.is_told.then(|| traces::traceparent(&span)).flatten();
        Outgoing { span, traceparent }
    }

    fn ended(&self, method: &'static str, end: Result<u16, &'static str>, took: Duration, span: &Span) {
        let [tenant, provider] = self.labels.clone();
        let method = KeyValue::new("http.request.method", method);
        let (end, error) = match end {
            Ok(status) => {
                let error = (status >= 400).then(|| status.to_string());
                (Some(KeyValue::new("http.response.status_code", i64::from(status))), error)
            }
            Err(fault) => (None, Some(fault.to_owned())),
        };
        if let Some(status) = &end
            && let opentelemetry::Value::I64(status) = status.value
        {
            span.record("http.response.status_code", status);
        }
        if let Some(error) = &error {
            span.record("error.type", error.as_str());
            span.record("otel.status_code", "ERROR");
        }
        let error = error.map(|error| KeyValue::new("error.type", error));
        let labels: Vec<_> = [tenant, provider, method].into_iter().chain(end).chain(error).collect();
        self.durations.record(took.as_secs_f64(), &labels);
    }
}
