//! Owns the settings of how a provider may end sessions here. Does not know how a logout is checked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a provider may tell that a session has ended there, so that it ends here too. For OpenID Connect alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Logout {
    /// Its server sends logout tokens to `/auth/web/backchannel-logout` of the edge (OpenID Connect Back-Channel Logout 1.0),
    /// also when it is not enabled any more: sessions of its users live on.
    pub backchannel: bool,
    /// Its logout page has browsers load `/auth/web/frontchannel-logout` of the edge (OpenID Connect Front-Channel Logout
    /// 1.0). Nothing is signed there: whoever knows the provider's id of a session can end it.
    pub frontchannel: bool,
    /// Take logout tokens whose header does not say that they are some (`typ: logout+jwt`), of providers older than that. Then
    /// nothing but its claims tells one from another kind of token.
    pub untyped_tokens: bool,
}

impl Default for Logout {
    fn default() -> Self {
        Self { backchannel: true, frontchannel: false, untyped_tokens: false }
    }
}
