//! Owns which calls are traced, and the spans of a trace. Does not know where they are sent.
//!
//! Whether a call is traced is decided before anything is made for it: one that is not costs a glance at a header and a
//! throw of a die. What it asks of store and providers is traced with it, and never alone.

use std::cell::Cell;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator as _};
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::{Span, field, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::authority::observer::Incoming;

/// The target of every span of a trace. The log does not take them.
pub(super) const TARGET: &str = "gatelodge_trace";

/// Which calls are traced.
#[derive(Debug)]
pub(super) struct Traces {
    /// Of 2^64 throws of a die, those below this.
    threshold: u64,
    all: bool,
}

impl Traces {
    /// Of those whose caller does not say, this share.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share is within 0 and 1")]
    pub(super) fn new(share: f64) -> Self {
        // 2^64, which is a little more than the largest number: where all are traced nothing is thrown.
        Self { threshold: (share * 18_446_744_073_709_551_616.0) as u64, all: share >= 1.0 }
    }

    /// The span of a call, if it is traced.
    pub(super) fn call(&self, method: &str, call: &Incoming<'_>) -> Span {
        let parent = parent_of(call);
        let is_traced = match &parent {
            Some(parent) => parent.is_sampled(),
            None => self.all || throw() < self.threshold,
        };
        if !is_traced {
            return Span::none();
        }
        let span = info_span!(
            target: TARGET,
            parent: None,
            "call",
            "otel.name" = method,
            "otel.kind" = "server",
            "rpc.system.name" = "grpc",
            "rpc.method" = method,
            "rpc.response.status_code" = field::Empty,
            "error.type" = field::Empty,
            "otel.status_code" = field::Empty,
            "gatelodge.request_id" = call.request_id,
            "gatelodge.caller" = call.caller,
        );
        if let Some(parent) = parent {
            // It can't have begun: nobody else has it.
            let _ = span.set_parent(opentelemetry::Context::new().with_remote_span_context(parent));
        }
        span
    }
}

/// The span of a step of the store, within whatever is traced now.
pub(super) fn step(system: &'static str, name: &'static str) -> Span {
    if Span::current().is_disabled() {
        return Span::none();
    }
    info_span!(
        target: TARGET,
        "step",
        "otel.name" = name,
        "otel.kind" = "client",
        "db.system.name" = system,
        "db.operation.name" = name,
        "error.type" = field::Empty,
        "otel.status_code" = field::Empty,
    )
}

/// The span of a request to a provider, within whatever is traced now.
pub(super) fn request(method: &'static str, host: &str, provider: &str) -> Span {
    if Span::current().is_disabled() {
        return Span::none();
    }
    info_span!(
        target: TARGET,
        "request",
        "otel.name" = method,
        "otel.kind" = "client",
        "http.request.method" = method,
        "server.address" = host,
        "gatelodge.provider" = provider,
        "http.response.status_code" = field::Empty,
        "error.type" = field::Empty,
        "otel.status_code" = field::Empty,
    )
}

/// The span of work that goes on beside the answer, under the call that began it.
pub(super) fn beside() -> Span {
    let call = Span::current();
    if call.is_disabled() {
        return Span::none();
    }
    // A child in the trace, and none here: the call's span does not wait for it.
    let span = info_span!(target: TARGET, parent: None, "beside");
    let _ = span.set_parent(opentelemetry::Context::new().with_remote_span_context(context_of(&call)));
    span
}

/// What to tell others of a span; `None` where nothing is traced.
pub(super) fn traceparent(span: &Span) -> Option<String> {
    if span.is_disabled() {
        return None;
    }
    let mut carried = Carried(None);
    TraceContextPropagator::new().inject_context(&span.context(), &mut carried);
    carried.0
}

fn context_of(span: &Span) -> SpanContext {
    span.context().span().span_context().clone()
}

fn parent_of(call: &Incoming<'_>) -> Option<SpanContext> {
    call.traceparent?;
    let context = TraceContextPropagator::new().extract_with_context(&opentelemetry::Context::new(), &Headers(call));
    let parent = context.span().span_context().clone();
    parent.is_valid().then_some(parent)
}

/// A call's headers, as they are read for a trace.
struct Headers<'a>(&'a Incoming<'a>);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            "traceparent" => self.0.traceparent,
            "tracestate" => self.0.tracestate,
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate"]
    }
}

/// What is told to others: not what callers have put beside it.
struct Carried(Option<String>);

impl Injector for Carried {
    fn set(&mut self, key: &str, value: String) {
        if key == "traceparent" {
            self.0 = Some(value);
        }
    }
}

/// A number that nobody has to be unable to guess (`SplitMix64`).
fn throw() -> u64 {
    thread_local! {
        static STATE: Cell<u64> = Cell::new(RandomState::new().build_hasher().finish());
    }
    STATE.with(|state| {
        let next = state.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
        state.set(next);
        let mixed = (next ^ (next >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_that_was_asked_for_is_traced() {
        for (share, least, most) in [(0.0, 0, 0), (0.01, 700, 1300), (0.5, 49_000, 51_000), (1.0, 100_000, 100_000)] {
            let traces = Traces::new(share);
            let hits = (0..100_000).filter(|_| traces.all || throw() < traces.threshold).count();
            assert!((least..=most).contains(&hits), "{share}: {hits}");
        }
    }

    #[test]
    fn a_parent_is_read_as_its_standard_says() {
        let call = |traceparent| Incoming { method: 0, request_id: "", caller: "", traceparent, tracestate: None };
        let sampled = |text| parent_of(&call(Some(text))).map(|parent| parent.is_sampled());
        assert_eq!(sampled("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), Some(true));
        assert_eq!(sampled("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"), Some(false));
        for bad in ["", "01", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "00-xyz-00f067aa0ba902b7-01"] {
            assert_eq!(sampled(bad), None, "{bad}");
        }
        assert!(parent_of(&call(None)).is_none());
    }
}
