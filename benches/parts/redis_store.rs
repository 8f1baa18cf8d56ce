//! Owns the store over a Redis, as a measurement fills it without an authority. Does not know what is kept in it.

use std::sync::Arc;
use std::time::Duration;

use gatelodge::app::world::SystemEntropy;
use gatelodge::crypto::Secret;
use gatelodge::store::redis::{RedisSettings, RedisStore, RedisTls};

use crate::Result;

/// What its keys begin with.
pub const PREFIX: &str = "gl";

pub async fn connect(address: &str) -> Result<Arc<RedisStore>> {
    let settings = RedisSettings {
        urls: vec![Secret::new(address)],
        cluster: false,
        sentinel: None,
        tls: RedisTls::default(),
        key_prefix: PREFIX.to_owned(),
        connect_timeout: Duration::from_secs(2),
        response_timeout: Duration::from_secs(10),
        allow_eviction: false,
        tenants: Vec::new(),
        replicas: None,
    };
    Ok(RedisStore::connect(settings, Arc::new(SystemEntropy)).await?)
}
