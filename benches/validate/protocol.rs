//! Owns what generator and servers tell each other beside the measured calls: one line of JSON each way.
//! Does not know what is done with it.

use serde::{Deserialize, Serialize};

/// Which server a process is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Ours over the embedded store.
    Embedded,
    /// Ours over the embedded store, behind a port that counts.
    Counted,
    /// Ours over Redis.
    Redis,
    /// The same with its near cache.
    Near,
    /// The same with its near cache, and all of it seen: metrics, and traces of one call in a hundred.
    NearSeen,
    /// Ours over Redis without the cache, seen likewise.
    RedisSeen,
    /// An empty echo.
    Echo,
    /// An empty echo that asks Redis for one value first.
    EchoGet,
}

impl Kind {
    /// Its name in the table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Counted => "counted",
            Self::Redis => "redis",
            Self::Near => "near cache",
            Self::NearSeen => "near, seen",
            Self::RedisSeen => "redis, seen",
            Self::Echo => "echo",
            Self::EchoGet => "echo + GET",
        }
    }
}

/// What a server is told on its standard input.
#[derive(Clone, Serialize, Deserialize)]
pub struct Order {
    /// What to be.
    pub kind: Kind,
    /// The Redis to use.
    pub redis: Option<String>,
    /// For ours: whether all is on that a validation can judge, and a second tenant beside the first.
    pub all_on: bool,
    /// Who takes metrics and traces; `None`: there are none.
    pub collector: Option<String>,
    /// For an echo: the answer to give, encoded.
    pub answer: Vec<u8>,
}

/// What a server says on its standard output once it listens.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Ready {
    /// Its address.
    pub address: String,
    /// The caller's key that it knows.
    pub api_key: String,
    /// The credential of the session that it has made.
    pub credential: String,
}
