//! Owns the settings of what is written down of what happened. Does not know what that is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::period::Period;

/// What is written down of what happened, to be asked for a while. The log has all of it either way.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Audit {
    /// How long an entry is kept. 0: none is.
    pub keep_for: Period,
    /// What is kept of a client's address.
    pub client_addresses: ClientAddresses,
    /// How many entries an hour may have of each kind that can be caused without a session: what is refused at the door and
    /// repeats, logins that begin, and what becomes of those before it is known whose they are.
    pub most_an_hour: u64,
    /// Whether each token that is given out is an entry, minted or for another audience: as many as such calls.
    pub tokens: bool,
    /// Whether each rotation of a credential is: as many as sessions in use, every `rotation.after`.
    pub rotations: bool,
    /// Whether each refresh of a session's tokens is: as many as access tokens that run out in use.
    pub refreshes: bool,
}

/// What is kept of a client's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientAddresses {
    /// All of it.
    Whole,
    /// Its network: 24 bits of an IPv4 address, 64 of an IPv6 address.
    Network,
    /// Nothing.
    None,
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            keep_for: Period::seconds(30 * 86_400),
            client_addresses: ClientAddresses::Whole,
            most_an_hour: 10_000,
            tokens: false,
            rotations: false,
            refreshes: false,
        }
    }
}
