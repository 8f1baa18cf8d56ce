//! Owns the log: its form, its level, and which crates are silenced. Does not know what is logged.

use std::io::IsTerminal as _;

use opentelemetry_sdk::trace::SdkTracer;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use super::traces;
use crate::config::log::{Format, Log};

/// Crates whose own lines are noise, or could hold what came over a wire; and the spans of traces, which are no lines.
const QUIET: &str = "h2=off,hyper=off,hyper_util=off,tonic=off,tower=off,reqwest=off,rustls=off,redis=off,opentelemetry=off,\
                     gatelodge_trace=off";

/// What is logged at a level: ours, and nothing of the crates that are silenced.
#[must_use]
pub fn filter(level: &str) -> EnvFilter {
    EnvFilter::new(format!("{level},{QUIET}"))
}

/// Sends the log to standard error, as configured. Only the first call in a process has an effect.
pub fn start(settings: &Log) {
    start_with(settings, None);
}

/// The same, and spans of traces to a tracer.
pub(super) fn start_with(settings: &Log, tracer: Option<SdkTracer>) {
    let started = match tracer {
        // One filter for all costs less than one for each.
        None => Registry::default().with(filter(&settings.level)).with(lines(settings.format)).try_init(),
        Some(tracer) => {
            let is_of_trace = |metadata: &Metadata<'_>| metadata.is_span() && metadata.target() == traces::TARGET;
            let spans = tracing_opentelemetry::layer()
                .with_tracer(tracer)
                .with_context_activation(false)
                .with_location(false)
                .with_threads(false)
                .with_level(false)
                .with_target(false)
                .with_tracked_inactivity(false)
                // Lines stay in the log: what they say of sessions is not for whoever keeps traces.
                // All spans are of this level; without it whatever any crate says at any level would be weighed.
                .with_filter(filter_fn(is_of_trace).with_max_level_hint(LevelFilter::INFO));
            Registry::default().with(lines(settings.format).with_filter(filter(&settings.level))).with(spans).try_init()
        }
    };
    if started.is_err() {
        tracing::debug!("the log was started before");
    }
}

/// Writes lines of this form.
fn lines<S>(format: Format) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty()))
        .with_span_events(FmtSpan::NONE)
        .with_target(false);
    match format {
        Format::Json => lines.json().flatten_event(true).with_current_span(false).boxed(),
        Format::Pretty => lines.boxed(),
    }
}
