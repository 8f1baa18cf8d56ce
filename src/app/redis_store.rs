//! Owns how the settings of the Redis store are made from the configuration, its files read. Does not know how Redis is
//! reached.

use std::path::Path;

use url::Url;

use super::parts::file;
use crate::authority::ports::NamedTenant;
use crate::config::Config;
use crate::config::fault::{Fault, Faults};
use crate::config::store::{Kind, Redis, RedisUrl, Tls};
use crate::crypto::Secret;
use crate::store::redis::{RedisSettings, RedisTls, RedisTlsFault, Replicas, SentinelSettings};

/// How Redis is reached.
///
/// # Errors
/// When a file of its TLS can't be used.
pub(super) fn settings(redis: &Redis, tenants: Vec<NamedTenant>) -> Result<RedisSettings, Faults> {
    let urls = |urls: &[RedisUrl], name: Option<&str>, password: Option<&Secret>| -> Vec<Secret> {
        urls.iter().map(|url| with_credentials(url.secret(), name, password)).collect()
    };
    let sentinel = redis.sentinel.master.clone().map(|master| {
        let sentinel = &redis.sentinel;
        let scheme = if sentinel.urls.iter().any(RedisUrl::is_tls) { "rediss" } else { "redis" };
        // The sentinels say which host and port.
        let server = Secret::new(format!("{scheme}://primary.invalid/{}", sentinel.database));
        SentinelSettings {
            master,
            urls: urls(&sentinel.urls, sentinel.username.as_deref(), sentinel.password.as_ref()),
            server: with_credentials(&server, redis.username.as_deref(), redis.password.as_ref()),
        }
    });
    let nodes = if sentinel.is_some() { &[] } else { redis.urls.as_slice() };
    Ok(RedisSettings {
        urls: urls(nodes, redis.username.as_deref(), redis.password.as_ref()),
        cluster: redis.cluster,
        sentinel,
        tls: tls(&redis.tls)?,
        key_prefix: redis.key_prefix.clone(),
        connect_timeout: redis.connect_timeout.get(),
        response_timeout: redis.command_timeout.get(),
        allow_eviction: redis.allow_eviction,
        tenants,
        replicas: (redis.wait_replicas > 0)
            .then(|| Replicas { count: redis.wait_replicas, within: redis.wait_timeout.get() }),
    })
}

/// What [`settings`] would refuse.
pub(super) fn faults(config: &Config) -> Option<Faults> {
    (config.store.kind == Kind::Redis).then(|| tls(&config.store.redis.tls).err()).flatten()
}

fn tls(tls: &Tls) -> Result<RedisTls, Faults> {
    let mut faults = Vec::new();
    let mut read = |key: &str, path: Option<&Path>| {
        let path = path?;
        file(format!("store.redis.tls.{key}"), path).map_err(|fault| faults.push(fault)).ok()
    };
    let (ca, certificate, key) = (
        read("ca_file", tls.ca_file.as_deref()),
        read("cert_file", tls.cert_file.as_deref()),
        read("key_file", tls.key_file.as_deref()),
    );
    if !faults.is_empty() {
        return Err(Faults(faults));
    }
    let key = key.map(|key| Secret::new(String::from_utf8_lossy(&key).into_owned()));
    let tls = RedisTls { ca, identity: certificate.zip(key) };
    match tls.fault() {
        None => Ok(tls),
        Some(RedisTlsFault::Ca) => Err(Fault::of("store.redis.tls.ca_file", "has no PEM certificate").into()),
        Some(RedisTlsFault::Identity) => {
            let message = "this and `key_file` are no PEM certificate chain and the key that belongs to it";
            Err(Fault::of("store.redis.tls.cert_file", message).into())
        }
    }
}

/// An address with the user name and password that are configured for all of its kind. What is no address is left for the
/// store to refuse.
fn with_credentials(address: &Secret, name: Option<&str>, password: Option<&Secret>) -> Secret {
    let Ok(mut url) = Url::parse(address.expose()) else { return address.clone() };
    let named = name.is_none_or(|name| url.set_username(name).is_ok());
    let opened = password.is_none_or(|password| url.set_password(Some(password.expose())).is_ok());
    if named && opened { Secret::new(url) } else { address.clone() }
}
