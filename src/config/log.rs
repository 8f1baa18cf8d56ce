//! Owns the settings of the log. Does not know how it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

/// The log, on standard error.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// One JSON object a line, or lines for people.
    pub format: Format,
    /// What is logged: `off`, `error`, `warn`, `info`, `debug`, `trace`, or directives (`info,gatelodge::store=debug`).
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

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Whether a text says what is logged. [`EnvFilter`] alone takes a word that is no level for a target, and would log
/// next to nothing; here every directive names its level.
pub(super) fn is_level(text: &str) -> bool {
    let leveled = |directive: &str| {
        let level = directive.rsplit_once('=').map_or(directive, |(_, level)| level);
        LEVELS.iter().any(|known| known.eq_ignore_ascii_case(level))
    };
    text.split(',').all(leveled) && EnvFilter::builder().parse(text).is_ok()
}

impl Default for Log {
    fn default() -> Self {
        Self { format: Format::default(), level: "info".into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_no_level_is_refused_wherever_it_stands() {
        for good in ["info", "WARN", "off", "info,gatelodge::store=debug", "gatelodge::rpc=trace,warn"] {
            assert!(is_level(good), "{good}");
        }
        for bad in
            ["loud", "", "gatelodge", "gatelodge=loud", "info,gatelodge", "info,,warn", "info, warn", "info;warn"]
        {
            assert!(!is_level(bad), "{bad}");
        }
    }
}
