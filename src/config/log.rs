//! Owns the settings of the log. Does not know how it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The log, on standard error.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// One JSON object a line, or lines for people.
    pub format: Format,
    /// What is logged: `error`, `warn`, `info`, `debug`, `trace`, or directives (`info,gatelodge::store=debug`).
    pub level: String,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// One JSON object a line.
    #[default]
    Json,
    /// Lines for people.
    Pretty,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: Format::default(), level: "info".into() }
    }
}
