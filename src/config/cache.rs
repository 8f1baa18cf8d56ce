//! Owns the settings of what is kept in memory of sessions. Does not know who keeps it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::period::Period;

/// Sessions that are kept in memory, by this process and by clients that watch it, so that not every check reads the store.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cache {
    /// Keep sessions in memory, and let clients keep answers. What ends or changes is dropped at once everywhere.
    pub enabled: bool,
    /// No answer rests on anything older than this.
    pub max_staleness: Period,
    /// About how many sessions this process keeps. Each takes about 2 kB, and 20 kB at most.
    pub max_sessions: usize,
}

impl Default for Cache {
    fn default() -> Self {
        Self { enabled: true, max_staleness: Period::seconds(5), max_sessions: 65_536 }
    }
}
