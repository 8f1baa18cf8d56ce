//! Owns what must hold of a Redis that is not fit to keep sessions, or is not as it was configured: each is told with
//! the key that mends it, and none is asked by every call. Does not know the scripts.

use std::time::Duration;

use gatelodge::authority::ports::{SessionStore as _, StoreError};
use gatelodge::crypto::Secret;
use gatelodge::store::redis::{ConnectError, RedisSettings, RedisStore};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::bench::{self, new_session, settings_for, user};
use super::redis_trouble::{impatient, works_within};
use crate::redis::{Cluster, Lossy, Server};

const EVICTING: [&str; 4] = ["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"];

async fn server(options: &'static [&'static str]) -> Server {
    tokio::task::spawn_blocking(|| Server::start(options)).await.unwrap()
}

pub async fn refusal(settings: RedisSettings) -> ConnectError {
    let error = match bench::connect(settings).await {
        Ok(store) => panic!("it was not refused: {:?}", store.ping().await),
        Err(error) => error,
    };
    let text = format!("{error} {error:?}");
    assert!(!text.contains("hush"), "{text}");
    error
}

async fn ping_fails(store: &RedisStore) -> String {
    let Err(StoreError::Unavailable(cause)) = store.ping().await else { panic!("it was not refused") };
    cause.to_string()
}

fn set_policy(server: &Server, policy: &str) {
    redis::cmd("CONFIG").arg("SET").arg("maxmemory-policy").arg(policy).exec(&mut server.admin()).unwrap();
}

/// How often it was asked about itself.
fn asked(server: &Server) -> u64 {
    let stats: String = redis::cmd("INFO").arg("commandstats").query(&mut server.admin()).unwrap();
    let line = stats.lines().find_map(|line| line.strip_prefix("cmdstat_info:calls=")).unwrap_or("0,");
    line.split(',').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_may_evict_sessions_is_refused() {
    let mut server = server(&EVICTING).await;
    let refused = refusal(settings_for(server.port)).await;
    assert!(matches!(&refused, ConnectError::Eviction { policy } if policy == "allkeys-lru"));
    assert!(refused.to_string().contains("store.redis.allow_eviction"), "{refused}");
    let allowed = RedisSettings { allow_eviction: true, ..settings_for(server.port) };
    works_within(&bench::connect(allowed).await.unwrap(), Duration::from_secs(5)).await;
    // Not there at the start: then the first call that reaches it says so, and goes on saying so.
    server.stop();
    let store = bench::connect(impatient(server.port)).await.unwrap();
    server.start_again();
    for _ in 0..2 {
        let cause = ping_fails(&store).await;
        assert!(cause.contains("allkeys-lru") && cause.contains("store.redis.allow_eviction"), "{cause}");
    }
    set_policy(&server, "noeviction");
    works_within(&store, Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_found_is_remembered() {
    let mut server = server(&EVICTING).await;
    server.stop();
    let store = bench::connect(impatient(server.port)).await.unwrap();
    server.start_again();
    ping_fails(&store).await;
    let before = asked(&server);
    let start = Instant::now();
    for _ in 0..200 {
        ping_fails(&store).await;
    }
    assert!(asked(&server) <= before + 4, "{} times in {:?}", asked(&server) - before, start.elapsed());

    set_policy(&server, "noeviction");
    works_within(&store, Duration::from_secs(5)).await;
    let before = asked(&server);
    for _ in 0..200 {
        store.ping().await.unwrap();
    }
    // Asking for the count is counted.
    assert_eq!(asked(&server), before + 1);
    // The same server may change its mind; another one, found after a connection broke, may not be worse.
    set_policy(&server, "allkeys-lru");
    store.ping().await.unwrap();
    server.stop();
    ping_fails(&store).await;
    server.start_again();
    let end = Instant::now() + Duration::from_secs(5);
    while !matches!(store.ping().await, Err(StoreError::Unavailable(cause)) if cause.to_string().contains("allkeys-lru"))
    {
        assert!(Instant::now() < end, "nobody looked at the new server");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

// A call to a server that is far away takes one way there and back, from the start on, although asking whether it is
// fit takes longer than any call may.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_pays_for_asking_a_server_that_is_far_away() {
    const FAR: Duration = Duration::from_millis(250);
    let server = server(&[]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let way = Lossy::on(listener, server.port, FAR);
    let patience = Duration::from_millis(450);
    let settings =
        RedisSettings { response_timeout: patience, connect_timeout: patience * 2, ..settings_for(way.port) };
    let store = bench::connect(settings).await.unwrap();
    let key = new_session(store.time().await.unwrap_or_default(), &user()).key;
    let end = Instant::now() + Duration::from_secs(5);
    while store.read(&key).await.is_err() {
        assert!(Instant::now() < end, "it never works");
    }
    for _ in 0..4 {
        let start = Instant::now();
        store.tokens(&key).await.unwrap();
        assert!(start.elapsed() < FAR * 7 / 4, "{:?}", start.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_is_refused_names_the_keys_that_mend_it() {
    let server = server(&[]).await;
    // The last two: a password where there is none, then none where there is one.
    for url in ["redis://store:hush@", "redis://nobody:hush@", "redis://:hush@", "redis://"] {
        if url == "redis://" {
            redis::cmd("CONFIG").arg("SET").arg("requirepass").arg("right").exec(&mut server.admin()).unwrap();
        }
        let urls = vec![Secret::new(format!("{url}127.0.0.1:{}/", server.port))];
        let error = refusal(RedisSettings { urls, ..settings_for(1) }).await;
        assert!(matches!(error, ConnectError::Login(_)), "{url}: {error:?}");
        assert!(error.to_string().contains("store.redis.password") && error.to_string().contains("username"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_that_cannot_work_are_refused_with_a_reason() {
    let port = tokio::task::spawn_blocking(|| Server::shared().port).await.unwrap();
    let node = tokio::task::spawn_blocking(|| Cluster::shared().nodes[0].port).await.unwrap();
    let faults = [
        (RedisSettings { key_prefix: "a{b".to_owned(), ..settings_for(port) }, "store.redis.key_prefix"),
        (RedisSettings { urls: vec![], ..settings_for(port) }, "store.redis.urls: address 1"),
        (RedisSettings { urls: vec![Secret::new("http://u:hush@h")], ..settings_for(port) }, "address 1"),
        (RedisSettings { cluster: true, ..settings_for(port) }, "store.redis.cluster: false"),
        (RedisSettings { cluster: false, ..settings_for(node) }, "store.redis.cluster: true"),
    ];
    for (settings, expected) in faults {
        let error = refusal(settings).await;
        assert!(error.to_string().contains(expected), "{error}");
    }
}
