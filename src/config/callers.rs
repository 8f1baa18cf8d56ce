//! Owns who may call, as the configuration lists them. Does not know what each role may do.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::crypto::ApiKeyHash;
pub use crate::session::caller::is_name;

/// One caller: an edge, a backend or an admin. It shows who it is by an API key, which `gatelodge keys generate` makes, or by a
/// client certificate.
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
    #[schemars(with = "Option<String>", extend("format" = "key-hash"))]
    #[serde(default)]
    pub key_hash: Option<ApiKeyHash>,
    /// The names by which its client certificates are known, each a URI (`spiffe://example.org/billing`) or a DNS name
    /// (`dns:billing.example.org`) among the certificate's subject alternative names. Needs `server.tls.client_ca_file`.
    #[serde(default)]
    #[schemars(with = "Vec<Identity>")]
    pub identities: Vec<String>,
    /// The only RPCs that it may call, such as `SessionService/ValidateSession`; `"*"` alone: all of its role. None: those too, but
    /// of a backend `ValidateSession`, `CheckSessions`, `WatchSessions`, `GetUserInfo`, `ValidateToken` and `GetJwks`.
    #[serde(default)]
    pub rpcs: Vec<String>,
    /// The names of the tenants for which it may ask; `"*"`, or none: every one.
    #[serde(default)]
    pub tenants: Vec<String>,
}

/// The name of a certificate.
#[derive(JsonSchema)]
#[schemars(inline, extend("format" = "identity"))]
struct Identity(#[expect(dead_code, reason = "read by the schema alone")] String);

/// Whether a text can name a certificate: a URI with a host and no blanks, or `dns:` and a name in lower case.
#[must_use]
pub fn is_identity(text: &str) -> bool {
    if let Some(name) = text.strip_prefix("dns:") {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b'_');
        return !name.is_empty() && name.bytes().all(plain);
    }
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    visible && text.contains("://") && url::Url::parse(text).is_ok_and(|url| url.has_host())
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
