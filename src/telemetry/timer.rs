//! Owns a histogram of lengths of time whose sets of labels are few and known: each is resolved when it is first needed,
//! and never again. Does not know what is timed.

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{BoundHistogram, Histogram, Meter};

/// From fifty microseconds, since most answers take less than a millisecond, to ten seconds.
const BOUNDARIES: [f64; 17] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// A histogram of seconds.
pub(super) fn seconds(meter: &Meter, name: &'static str, description: &'static str) -> Histogram<f64> {
    let builder = meter.f64_histogram(name).with_unit("s").with_description(description);
    builder.with_boundaries(BOUNDARIES.to_vec()).build()
}

/// Times what is told apart by a number.
pub(super) struct Timer {
    histogram: Histogram<f64>,
    resolved: Box<[OnceLock<BoundHistogram<f64>>]>,
}

impl Timer {
    /// For so many sets of labels.
    pub(super) fn new(histogram: Histogram<f64>, sets: usize) -> Self {
        Self { histogram, resolved: (0..sets).map(|_| OnceLock::new()).collect() }
    }

    /// Notes how long something took, whose labels are `labels()`, always the same for a number.
    pub(super) fn note(&self, set: usize, took: Duration, labels: impl FnOnce() -> Vec<KeyValue>) {
        if let Some(resolved) = self.resolved.get(set) {
            resolved.get_or_init(|| self.histogram.bind(&labels())).record(took.as_secs_f64());
        }
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timer of {}", self.resolved.len())
    }
}
