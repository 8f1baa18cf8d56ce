//! Owns the tests of what those who run the authority are told: metrics, traces, health. Does not know what a session is.
//!
//! | file | what is shown |
//! |---|---|
//! | `collector` | our own collector: what it takes over OTLP |
//! | `seen` | a process that is seen at work: a login, a check, a call under no trace |
//! | `traces`, `page` | what is traced of it, and what the page for Prometheus says |
//! | `canary` | no secret reaches a span, a metric or the log |
//! | `running` | `gatelodge serve`: with a collector that is away, and with nothing on |
//! | `health` | store and providers are told apart |
//! | `handed_on` | what stands before the store hands on every step that there is |
//!
//! What is traced is one for a whole process: what is seen runs in one of its own.

mod canary;
mod collector;
mod handed_on;
mod health;
mod page;
mod running;
mod seen;
mod traces;
