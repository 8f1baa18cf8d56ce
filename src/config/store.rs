//! Owns the settings of the session store. Does not know how sessions are kept.

use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use super::period::Period;
use crate::crypto::Secret;

/// Where sessions are kept.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// Which store.
    pub kind: Kind,
    /// The embedded store.
    pub embedded: Embedded,
    /// The Redis store.
    pub redis: Redis,
}

/// Which store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One file, one process: needs nothing else.
    #[default]
    Embedded,
    /// Redis 7, standalone, with Sentinel, or Cluster: any number of authorities.
    Redis,
}

/// The embedded store.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Embedded {
    /// The file, relative to the working directory. Its folder is made when it is missing.
    pub path: PathBuf,
}

/// The Redis store.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Redis {
    /// Addresses: one server, or nodes of the cluster to begin with. `rediss://` for TLS. None with `sentinel`.
    pub urls: Vec<RedisUrl>,
    /// The addresses are those of a Redis Cluster.
    pub cluster: bool,
    /// Redis Sentinel says which server is the primary.
    pub sentinel: Sentinel,
    /// Whom to trust, and what to show, where an address is `rediss://`.
    pub tls: Tls,
    /// Put before every key, so that several installations can share a Redis.
    pub key_prefix: String,
    /// User name for every node. Default: the one in the address, if any.
    pub username: Option<String>,
    /// Password for every node. Default: the one in the address, if any.
    pub password: Option<Secret>,
    /// File that holds the password, in place of `password`.
    pub password_file: Option<PathBuf>,
    /// How long connecting may take.
    pub connect_timeout: Period,
    /// How long one command may take.
    pub command_timeout: Period,
    /// So many replicas have to have what ends sessions before that is answered (Redis's WAIT); 0: it is answered as soon as
    /// the primary has it.
    pub wait_replicas: u16,
    /// How long they may take. After that the answer is UNAVAILABLE, although the primary has it.
    pub wait_timeout: Period,
    /// Start although Redis may evict keys. Evicted sessions are lost logins; `noeviction` is the right policy.
    pub allow_eviction: bool,
}

/// Redis Sentinel.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sentinel {
    /// The name that the sentinels have for the primary and its replicas (`sentinel monitor NAME ...`). Without it no
    /// sentinel is asked.
    pub master: Option<String>,
    /// Addresses of the sentinels, all of them if possible. `rediss://` for TLS, then also to the servers.
    pub urls: Vec<RedisUrl>,
    /// The number of the database at the primary.
    pub database: u16,
    /// User name for every sentinel. Default: the one in the address, if any.
    pub username: Option<String>,
    /// Password for every sentinel. Default: the one in the address, if any.
    pub password: Option<Secret>,
    /// File that holds the password, in place of `password`.
    pub password_file: Option<PathBuf>,
}

/// TLS to Redis and to its sentinels.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// Authorities that are trusted instead of the public ones, PEM.
    pub ca_file: Option<PathBuf>,
    /// The certificate chain that is shown to servers which ask for one (mTLS), PEM.
    pub cert_file: Option<PathBuf>,
    /// The certificate's private key, PEM.
    pub key_file: Option<PathBuf>,
}

/// The address of a Redis server. It may hold a password, so it is never printed whole.
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline, with = "String", extend("format" = "redis-url"))]
pub struct RedisUrl(Secret);

impl RedisUrl {
    /// Reads `redis://host:port/db` or `rediss://`; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let url = url::Url::parse(text).ok()?;
        let database = url.path().trim_start_matches('/');
        let numbered = database.is_empty() || database.parse::<u16>().is_ok();
        let hosted = url.host_str().is_some_and(|host| !host.is_empty());
        (matches!(url.scheme(), "redis" | "rediss") && hosted && numbered).then(|| Self(Secret::new(text)))
    }

    /// Whether it asks for TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        url::Url::parse(self.0.expose()).is_ok_and(|url| url.scheme() == "rediss")
    }

    /// Whether it names a database.
    #[must_use]
    pub fn has_database(&self) -> bool {
        url::Url::parse(self.0.expose()).is_ok_and(|url| !url.path().trim_start_matches('/').is_empty())
    }

    /// The address as it was given, password included.
    #[must_use]
    pub const fn secret(&self) -> &Secret {
        &self.0
    }

    fn hidden(&self) -> String {
        let Ok(mut url) = url::Url::parse(self.0.expose()) else { return "***".into() };
        if url.password().is_some() && url.set_password(Some("***")).is_err() {
            return "***".into();
        }
        url.to_string()
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hidden())
    }
}

impl Serialize for RedisUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.hidden())
    }
}

impl Default for Embedded {
    fn default() -> Self {
        Self { path: "gatelodge-data/sessions.redb".into() }
    }
}

impl Default for Redis {
    fn default() -> Self {
        Self {
            urls: RedisUrl::parse("redis://127.0.0.1:6379").into_iter().collect(),
            cluster: false,
            sentinel: Sentinel::default(),
            tls: Tls::default(),
            key_prefix: "gl:".into(),
            username: None,
            password: None,
            password_file: None,
            connect_timeout: Period::seconds(1),
            command_timeout: Period::millis(500),
            wait_replicas: 0,
            wait_timeout: Period::seconds(1),
            allow_eviction: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // security.md 77: secrets are never printed.
    #[test]
    fn a_password_in_an_address_is_never_printed() {
        let url = RedisUrl::parse("rediss://app:hunter2@cache.example:6380/1").unwrap();
        assert_eq!(format!("{url:?}"), "rediss://app:***@cache.example:6380/1");
        assert_eq!(serde_json::to_string(&url).unwrap(), "\"rediss://app:***@cache.example:6380/1\"");
        assert_eq!(url.secret().expose(), "rediss://app:hunter2@cache.example:6380/1");
    }
}
