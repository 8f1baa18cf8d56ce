//! Owns what is measured and traced of the calls that come in. Does not know the methods but by their names.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;
use tracing::Span;

use super::timer::{self, Timer};
use super::traces::Traces;
use crate::authority::observer::{CallObserver, Gauge, Incoming, Reading};

/// The status codes of gRPC, by their numbers.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];
/// Of those, the server's own failures (OpenTelemetry semantic conventions for gRPC, "Server").
const FAILURES: [&str; 6] = ["UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"];

/// Sees the calls.
pub(super) struct Calls {
    /// `gatelodge.v1.SessionService/ValidateSession`, in the order of their numbers.
    methods: Vec<&'static str>,
    durations: Timer,
    traces: Option<Arc<Traces>>,
    gauges: Arc<Gauges>,
}

impl Calls {
    /// Of these methods, as paths.
    pub(super) fn new(
        meter: &Meter,
        methods: impl Iterator<Item = &'static str>,
        traces: Option<&Arc<Traces>>,
        gauges: &Arc<Gauges>,
    ) -> Self {
        let methods: Vec<_> = methods.map(|path| path.trim_start_matches('/')).collect();
        let histogram = timer::seconds(meter, "rpc.server.call.duration", "How long calls took");
        let durations = Timer::new(histogram, (methods.len() + 1) * CODES.len());
        Self { methods, durations, traces: traces.cloned(), gauges: Arc::clone(gauges) }
    }
}

impl CallObserver for Calls {
    fn began(&self, call: &Incoming<'_>) -> Span {
        let traced = self.traces.as_ref().zip(self.methods.get(call.method));
        traced.map_or_else(Span::none, |(traces, method)| traces.call(method, call))
    }

    fn ended(&self, method: Option<usize>, code: u8, took: Duration, span: &Span) {
        let code = usize::from(code).min(CODES.len() - 1);
        let word = CODES.get(code).copied().unwrap_or_default();
        let number = method.unwrap_or(self.methods.len());
        self.durations.note(number * CODES.len() + code, took, || {
            let mut labels = vec![
                KeyValue::new("rpc.system.name", "grpc"),
                KeyValue::new("rpc.method", self.methods.get(number).copied().unwrap_or("_OTHER")),
                KeyValue::new("rpc.response.status_code", word),
            ];
            if FAILURES.contains(&word) {
                labels.push(KeyValue::new("error.type", word));
            }
            labels
        });
        if !span.is_disabled() {
            span.record("rpc.response.status_code", word);
            if FAILURES.contains(&word) {
                span.record("error.type", word);
                span.record("otel.status_code", "ERROR");
            }
        }
    }

    fn can_read(&self, gauge: Gauge, reading: Reading) {
        self.gauges.add(gauge, reading);
    }
}

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls").field("methods", &self.methods.len()).finish_non_exhaustive()
    }
}

/// What is read whenever somebody wants to know.
#[derive(Default)]
pub(super) struct Gauges(Mutex<Vec<(Gauge, Reading)>>);

/// A kind of gauge: its name, its unit, what it says, and whether one is of that kind, with the label that tells it from
/// its like.
type Kind = (&'static str, &'static str, &'static str, fn(Gauge) -> Option<Option<&'static str>>);

const KINDS: [Kind; 8] = [
    ("gatelodge.calls.in_flight", "{call}", "Places that calls hold", |gauge| match gauge {
        Gauge::Taken(places) => Some(Some(places)),
        _ => None,
    }),
    ("gatelodge.calls.limit", "{call}", "Places that there are", |gauge| match gauge {
        Gauge::Places(places) => Some(Some(places)),
        _ => None,
    }),
    ("gatelodge.tasks", "{task}", "Work that has to come to its end", |gauge| (gauge == Gauge::Tasks).then_some(None)),
    ("gatelodge.store.up", "", "Whether the store answers", |gauge| (gauge == Gauge::StoreAnswers).then_some(None)),
    ("gatelodge.events.heard", "", "Whether all that replicas announce is heard", |gauge| {
        (gauge == Gauge::HearsEvents).then_some(None)
    }),
    ("gatelodge.store.clock_offset", "s", "How far the store's time is ahead of this machine's", |gauge| {
        (gauge == Gauge::StoreAhead).then_some(None)
    }),
    ("gatelodge.config.loaded", "s", "When the configuration in force was loaded (Unix time)", |gauge| {
        (gauge == Gauge::ConfigurationTime).then_some(None)
    }),
    ("gatelodge.config.refused", "", "Whether the configuration on disk can't be used", |gauge| {
        (gauge == Gauge::ConfigurationRefused).then_some(None)
    }),
];

impl Gauges {
    /// Reports what is added from now on.
    pub(super) fn new(meter: &Meter) -> Arc<Self> {
        let gauges = Arc::new(Self::default());
        for (name, unit, description, is_of_kind) in KINDS {
            let gauges = Arc::clone(&gauges);
            let builder = meter.f64_observable_gauge(name).with_unit(unit).with_description(description);
            builder
                .with_callback(move |into| gauges.read(is_of_kind, |value, label| into.observe(value, label)))
                .build();
        }
        gauges
    }

    pub(super) fn add(&self, gauge: Gauge, reading: Reading) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((gauge, reading));
    }

    /// Those that are read under the same label are one figure: a process may serve twice.
    fn read(&self, is_of_kind: fn(Gauge) -> Option<Option<&'static str>>, mut into: impl FnMut(f64, &[KeyValue])) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sums: Vec<(Option<&str>, Gauge, f64)> = Vec::new();
        for (gauge, reading) in all.iter() {
            let (Some(label), Some(value)) = (is_of_kind(*gauge), reading()) else { continue };
            match sums.iter_mut().find(|(known, ..)| *known == label) {
                Some((.., sum)) if matches!(gauge, Gauge::Taken(_) | Gauge::Places(_) | Gauge::Tasks) => *sum += value,
                Some((.., least)) => *least = least.min(value),
                None => sums.push((label, *gauge, value)),
            }
        }
        for (label, _, value) in sums {
            let label = label.map(|places| KeyValue::new("gatelodge.places", places));
            into(value, label.as_slice());
        }
    }
}
