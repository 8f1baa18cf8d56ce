//! Owns how much is kept of what happened. Does not know what that is.

use std::time::Duration;

/// What is kept of what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditSettings {
    /// How long an entry is kept.
    pub keep_for: Duration,
    /// How many entries an hour may have of each room.
    pub most_an_hour: u64,
    /// What is kept of a client's address.
    pub client_addresses: ClientAddresses,
    /// Whether each token that is given out is an entry, minted or exchanged.
    pub tokens: bool,
    /// Whether each rotation of a credential is.
    pub rotations: bool,
    /// Whether each refresh of a session's tokens is.
    pub refreshes: bool,
}

/// What is kept of a client's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAddresses {
    /// All of it.
    Whole,
    /// The network that it is in: 24 bits of an IPv4 address, 64 of an IPv6 address.
    Network,
    /// Nothing.
    None,
}
