//! Owns the log: its form, its level, and which crates are silenced. Does not know what is logged.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::config::log::{Format, Log};

/// Crates whose own lines are noise, or could hold what came over a wire.
const QUIET: &str = "h2=off,hyper=off,hyper_util=off,tonic=off,tower=off,reqwest=off,rustls=off,redis=off";

/// What is logged at a level: ours, and nothing of the crates that are silenced.
#[must_use]
pub fn filter(level: &str) -> EnvFilter {
    EnvFilter::new(format!("{level},{QUIET}"))
}

/// Sends the log to standard error, as configured. Only the first call in a process has an effect.
pub fn start(settings: &Log) {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter(&settings.level))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty()))
        .with_span_events(FmtSpan::NONE)
        .with_target(false);
    let started = match settings.format {
        Format::Json => builder.json().flatten_event(true).with_current_span(false).try_init(),
        Format::Pretty => builder.try_init(),
    };
    if started.is_err() {
        tracing::debug!("the log was started before");
    }
}
