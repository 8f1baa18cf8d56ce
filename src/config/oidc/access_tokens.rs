//! Owns the settings of a provider's access tokens, those that APIs get and those for other audiences. Does not know how
//! a login gets one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::period::Period;

/// A provider's access tokens, where APIs get them as bearer tokens.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AccessTokens {
    /// How they are checked.
    pub check: TokenCheck,
    /// A token has to be for one of these. Needed for `jwt`; with `introspection`, none lets the provider alone decide.
    pub audiences: Vec<String>,
    /// A claim that lists permissions, besides those of `permissions_claims`; dots lead into objects (`realm_access.roles`).
    pub permissions_claim: String,
    /// How long an answer of the introspection endpoint is kept at most; never beyond the token's end.
    pub keep_answers_for: Period,
}

/// How a provider's access tokens are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenCheck {
    /// Not at all.
    Off,
    /// As JWTs, by the provider's keys (RFC 9068).
    Jwt,
    /// By asking the provider (RFC 7662).
    Introspection,
}

/// Exchanging a session's access token for one for another audience.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TokenExchange {
    /// Ask the provider for such tokens.
    pub enabled: bool,
    /// Whom they may be for; at least one.
    pub audiences: Vec<String>,
}

impl Default for AccessTokens {
    fn default() -> Self {
        Self {
            check: TokenCheck::Off,
            audiences: Vec::new(),
            permissions_claim: "permissions".into(),
            keep_answers_for: Period::seconds(10),
        }
    }
}
