//! Owns the settings of how often clients may do what anybody can: log in, and come with something forged. Does not know how
//! that is counted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::period::Period;

/// How often clients may do what anybody can, as all replicas have counted; what is forged they tell each other afterwards.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rates {
    /// Logins that are begun.
    pub logins: Rate,
    /// Logins whose browser comes back from the provider.
    pub callbacks: Rate,
    /// Session credentials and states that nobody here has signed, and `X-API-Key`s that are no caller's.
    pub bad_credentials: Rate,
}

/// So many within so long: all of them at once, and as they come back, one by one, evenly.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rate {
    /// Of one client: an IPv4 address, or 64 bits of an IPv6 address, found by `trusted_proxies`. 0: as often as it likes.
    pub per_client: u32,
    /// Of all clients of the tenant together. 0: as often as they like.
    pub per_tenant: u32,
    /// Within so long.
    pub within: Period,
}

impl Default for Rate {
    fn default() -> Self {
        Self { per_client: 1000, per_tenant: 0, within: Period::seconds(60) }
    }
}
