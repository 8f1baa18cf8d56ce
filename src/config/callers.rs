//! Owns who may call, as the configuration lists them. Does not know what each role may do.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::crypto::ApiKeyHash;

/// One caller: an edge, a backend or an admin with an API key. `gatelodge keys generate` makes one.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-unique" = ["name", "key_hash"]))]
pub struct Caller {
    /// Its name, as logs show it. No two callers share one.
    #[schemars(extend("format" = "caller-name"))]
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The hash of its API key: `sha256:` and 64 hex digits.
    #[schemars(with = "String", extend("format" = "key-hash"))]
    pub key_hash: ApiKeyHash,
    /// The names of the tenants for which it may ask; `"*"`, or none: every one.
    #[serde(default)]
    pub tenants: Vec<String>,
}

/// Whether a text can be a caller's name.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let plain = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_' | '.');
    !text.is_empty() && text.len() <= 64 && text.chars().all(plain)
}

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Log people in and out, and validate.
    Edge,
    /// Validate.
    Backend,
    /// List and revoke.
    Admin,
}

impl Role {
    /// Its name in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Backend => "backend",
            Self::Admin => "admin",
        }
    }
}

impl<'de> Deserialize<'de> for ApiKeyHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl Serialize for ApiKeyHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
