//! Owns the settings of tokens that the authority itself gives out. Does not know how they are signed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::period::Period;

/// Tokens that the authority itself gives out.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tokens {
    /// Small signed tokens, made from a session.
    pub mint: Mint,
}

/// Small signed tokens, made from a session for a backend to hand on.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Mint {
    /// Mint tokens, and check those that were minted.
    pub enabled: bool,
    /// Who the tokens say has issued them (`iss`). Default: `app.redirects.public_base_url`.
    pub issuer: Option<String>,
    /// Whom tokens may be for (`aud`); at least one.
    pub audiences: Vec<String>,
    /// How long a token lives, where the caller does not say.
    pub lifetime: Period,
    /// How long a token may live at most.
    pub max_lifetime: Period,
    /// What tokens are signed with.
    pub algorithm: Algorithm,
    /// How long a key signs before the next one does.
    pub rotate_after: Period,
}

/// A signature algorithm (RFC 7518, 3.1; RFC 8037).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the names are the registered ones")]
pub enum Algorithm {
    ES256,
    EdDSA,
}

impl Default for Mint {
    fn default() -> Self {
        Self {
            enabled: false,
            issuer: None,
            audiences: Vec::new(),
            lifetime: Period::seconds(300),
            max_lifetime: Period::seconds(3600),
            algorithm: Algorithm::ES256,
            rotate_after: Period::seconds(30 * 86_400),
        }
    }
}
