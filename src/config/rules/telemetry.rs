//! Owns the rules for metrics and traces. Does not know the other sections.

use url::Url;

use super::{Judgement, is_loopback};
use crate::config::Config;
use crate::config::telemetry::Otlp;

/// What no label of a metric may be longer than.
const LONGEST_NAME: usize = 64;

pub(super) fn judge(config: &Config, judgement: &mut Judgement) {
    let telemetry = &config.telemetry;
    let named =
        |text: &str| (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    let message = "1 to 64 printable ASCII signs without a space";
    judgement.check(named(&telemetry.service_name), "telemetry.service_name", message);
    judgement.check(telemetry.instance.as_deref().is_none_or(named), "telemetry.instance", message);
    otlp(&telemetry.otlp, judgement);
    judgement.check(!telemetry.metrics.every.is_zero(), "telemetry.metrics.every", "must be longer than nothing");
    let prometheus = &telemetry.metrics.prometheus;
    if prometheus.enabled && !prometheus.listen.ip().is_loopback() {
        let message = "other machines can reach this address, and whoever does may read the metrics";
        judgement.warn("telemetry.metrics.prometheus.listen", message);
    }
}

/// That a provider that is told of traces is some tenant's.
pub(super) fn judge_names(config: &Config, judgement: &mut Judgement) {
    for name in &config.telemetry.traces.tell_providers {
        if !config.tenancies().any(|tenancy| tenancy.oidc.providers.contains_key(name)) {
            judgement.fault("telemetry.traces.tell_providers", format!("there is no provider `{name}`"));
        }
    }
}

fn otlp(otlp: &Otlp, judgement: &mut Judgement) {
    judgement.check(!otlp.timeout.is_zero(), "telemetry.otlp.timeout", "must be longer than nothing");
    for (name, value) in &otlp.headers {
        let path = format!("telemetry.otlp.headers.{name}");
        if !is_metadata(name) {
            judgement.fault(path, "a name has lower case letters, digits and `-_.`, and does not end in `-bin`");
        } else if !value.expose().bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
            judgement.fault(path, "a value has printable ASCII signs");
        }
    }
    let Some(endpoint) = &otlp.endpoint else { return };
    let path = "telemetry.otlp.endpoint";
    let Some(url) = Url::parse(endpoint).ok().filter(is_origin) else {
        let message = "expected http:// or https:// with a host and, perhaps, a port, and nothing else \
                       (`http://127.0.0.1:4317`); what opens it goes into `headers`";
        judgement.fault(path, message);
        return;
    };
    if url.scheme() == "http" && !otlp.headers.is_empty() && !is_loopback(&url) {
        judgement.warn(path, "the headers go there in plain text; use https");
    }
}

/// Whether it has a scheme, a host and a port alone: a password in an address would be shown with it.
fn is_origin(url: &Url) -> bool {
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    matches!(url.scheme(), "http" | "https") && url.has_host() && plain && url.path() == "/" && url.fragment().is_none()
}

/// Whether a header may travel with a gRPC call, as text (gRPC over HTTP/2, "Custom-Metadata").
fn is_metadata(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.');
    !name.is_empty() && name.bytes().all(good) && !name.ends_with("-bin") && !name.starts_with("grpc-")
}
