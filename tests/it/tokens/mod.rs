//! Owns the tests of what becomes of tokens: refreshed across replicas, exchanged, minted, checked. Each through the
//! gRPC door where there is one, over the embedded store and over Redis. Does not know a provider's protocol.
//!
//! | file | what is shown |
//! |---|---|
//! | `refresh` | beside the answer, on demand, CSRF, refusals, trouble |
//! | `replicas` | several authorities over one Redis: one provider call, lost leases, killed processes |
//! | `refused` | a refresh token that was refused for good |
//! | `trouble` | a refusal after trouble, at a provider by HTTP: whether it ends the session |
//! | `failover` | a refusal after the store has lost a refresh |
//! | `dpop` | tokens that are bound to our key at the provider |
//! | `exchange`, `user_info` | what else is asked of the provider for a session |
//! | `mint`, `keys` | our own tokens, and the keys that sign them |
//! | `bearer` | whose a token is, and what it may |
//! | `bearer_user` | asking the provider again whose it is |
//! | `forwarded` | logins whose code a front end forwards, and the tokens that they give out |

mod bearer;
mod bearer_user;
mod dpop;
mod exchange;
mod failover;
mod forwarded;
mod keys;
mod mint;
mod refresh;
mod refused;
mod replicas;
mod trouble;
mod user_info;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gatelodge::authority::provider::ProviderError;
use gatelodge::authority::refresh_tokens::Outcome;
use gatelodge::authority::settings::Settings;
use gatelodge::authority::validate_session::Outcome as Validated;
use gatelodge::authority::{Error, Ports};
use gatelodge::store::redis::RedisStore;
use gatelodge_client::v1;
use prost::Message as _;
use tonic::{Code, Status};

use crate::redis::Server;
use crate::rpc::serving::Serving;
use crate::world::kept::{connected_at, put_all};
use crate::world::{Browser, World};

/// The finished answer for a browser that a status holds.
pub fn answer_in(status: &Status) -> Option<v1::HttpAnswer> {
    let whole = tonic_types::Status::decode(status.details()).unwrap();
    let found = whole.details.into_iter().find(|detail| detail.type_url.ends_with("/gatelodge.v1.HttpAnswer"))?;
    Some(v1::HttpAnswer::decode(found.value.as_slice()).unwrap())
}

/// A store over the Redis that all tests share, under a prefix that nobody else has.
pub async fn redis_store(prefix: &str) -> Arc<RedisStore> {
    connected_at(tokio::task::spawn_blocking(|| Server::shared().port).await.unwrap(), prefix).await
}

/// A prefix that nobody else has.
pub fn fresh_prefix() -> String {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).unwrap();
    format!("k{:016x}.", u64::from_be_bytes(bytes))
}

/// Puts a Redis store into a world's ports.
pub fn over(store: &Arc<RedisStore>) -> impl FnOnce(&mut Ports) {
    let store = Arc::clone(store);
    move |ports| put_all(ports, &store)
}

/// A world that is served, and a browser that is logged in there.
pub struct Served {
    pub world: World,
    pub serving: Serving,
    pub browser: Browser,
}

impl Served {
    pub async fn of(world: World) -> Self {
        let (serving, mut browser) = (Serving::of(&world).await, Browser::default());
        world.log_in(&mut browser, "ada").await;
        Self { world, serving, browser }
    }

    pub fn refreshed(&self) -> usize {
        self.world.provider.refreshed.load(Ordering::SeqCst)
    }

    /// Waits until something is so.
    pub async fn until(&self, so: impl Fn(&Self) -> bool) {
        until(|| so(self)).await;
    }
}

/// Waits until something is so.
pub async fn until(so: impl Fn() -> bool) {
    let end = tokio::time::Instant::now() + Duration::from_secs(30);
    while !so() {
        assert!(tokio::time::Instant::now() < end, "it never came to be");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// What somebody gets who asks for new tokens.
pub async fn refresh(world: &World, browser: &Browser) -> Result<Outcome, Error> {
    world.authority.refresh_tokens(&World::call(), &browser.fetch("GET", "/")).await
}

/// Whether a browser's session lives.
pub async fn lives(world: &World, browser: &Browser) -> bool {
    matches!(world.validate(browser.fetch("GET", "/")).await, Validated::Active(_))
}

/// Lets the world's provider refuse, or no more.
pub fn refusing(world: &World, refusal: Option<fn() -> ProviderError>) {
    *world.provider.refusal.lock().unwrap() = refusal;
}

/// A definite refusal.
pub fn invalid_grant() -> ProviderError {
    ProviderError::InvalidGrant("gone".into())
}

/// A definite refusal ends the session.
pub fn ending(settings: &mut Settings) {
    settings.tokens.end_session_when_refused = true;
}

/// What is wrong at a provider, and the status and reason that a caller gets.
pub type Trouble = (fn() -> ProviderError, Code, &'static str);

/// One over the embedded store, one over Redis.
pub async fn both(change: impl Fn(&mut Settings)) -> [Served; 2] {
    let store = redis_store(&fresh_prefix()).await;
    let embedded = World::with(&change);
    let redis = World::built(&["idp"], &change, over(&store));
    [Served::of(embedded).await, Served::of(redis).await]
}
