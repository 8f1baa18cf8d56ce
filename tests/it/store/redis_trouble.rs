//! Owns what must hold when Redis is away, hangs, comes back, or fails over. Does not know the scripts.

use std::time::Duration;

use gatelodge::authority::ports::{Lookup, SessionStore as _, StoreError};
use gatelodge::crypto::Secret;
use gatelodge::session::mark::MarkTarget;
use gatelodge::store::redis::{RedisSettings, RedisStore};
use tokio::time::Instant;

use super::bench::{self, CREATED, LONG, TENANT, new_session, settings_for, user};
use crate::redis::{Cluster, Server, address, free_port};

const RESPONSE: Duration = Duration::from_millis(400);

/// How much later than its limit a call may answer on a busy machine.
const SLACK: Duration = Duration::from_millis(600);

pub fn impatient(port: u16) -> RedisSettings {
    RedisSettings { connect_timeout: RESPONSE, response_timeout: RESPONSE, ..settings_for(port) }
}

async fn is_unavailable_in_time(store: &RedisStore) {
    for _ in 0..4 {
        let start = Instant::now();
        let outcome = store.read(&new_session(gatelodge::session::time::Timestamp::default(), &user()).key).await;
        assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
        assert!(start.elapsed() < RESPONSE + SLACK, "{:?}", start.elapsed());
    }
    assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))));
}

/// Waits until the store works, for as long as reconnecting may take.
pub async fn works_within(store: &RedisStore, limit: Duration) {
    let end = Instant::now() + limit;
    loop {
        let now = store.time().await;
        let created = match now {
            Ok(now) => store.create(new_session(now, &user())).await,
            Err(error) => Err(error),
        };
        match created {
            Ok(created) => return assert_eq!(created, CREATED),
            Err(error) => assert!(Instant::now() < end, "{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_down_at_the_start_is_no_crash() {
    let store = bench::connect(impatient(free_port())).await.unwrap();
    is_unavailable_in_time(&store).await;
    let none = RedisSettings { cluster: true, ..impatient(free_port()) };
    let store = bench::connect(none).await.unwrap();
    is_unavailable_in_time(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_redis_is_unavailable_in_time_and_works_when_it_is_back() {
    let mut server = tokio::task::spawn_blocking(|| Server::start(&[])).await.unwrap();
    let store = bench::connect(impatient(server.port)).await.unwrap();
    works_within(&store, RESPONSE * 2).await;
    for _ in 0..2 {
        server.stop();
        is_unavailable_in_time(&store).await;
        server.start_again();
        works_within(&store, Duration::from_secs(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hanging_redis_is_unavailable_in_time_and_works_when_it_goes_on() {
    let mut server = tokio::task::spawn_blocking(|| Server::start(&[])).await.unwrap();
    let store = bench::connect(impatient(server.port)).await.unwrap();
    works_within(&store, RESPONSE * 2).await;
    server.freeze(true);
    is_unavailable_in_time(&store).await;
    server.freeze(false);
    works_within(&store, Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_over_cluster_works_again_without_a_restart() {
    let mut cluster = tokio::task::spawn_blocking(Cluster::start).await.unwrap();
    let urls = cluster.nodes.iter().map(|node| Secret::new(address(node.port))).collect();
    let store = bench::connect(RedisSettings { urls, cluster: true, ..impatient(1) }).await.unwrap();
    let mut kept = Vec::new();
    for _ in 0..30 {
        let new = new_session(store.time().await.unwrap(), &user());
        kept.push(new.key);
        store.create(new).await.unwrap();
    }
    cluster.wait_until_replicated();
    cluster.nodes[0].stop();
    let end = Instant::now() + Duration::from_secs(30);
    let mut unavailable = 0;
    for key in kept {
        loop {
            let start = Instant::now();
            match store.read(&key).await {
                Ok(Lookup::Found(_)) => break,
                Ok(Lookup::Gone(_)) => panic!("a failover is not a logout"),
                Err(StoreError::Unreadable(error) | StoreError::Unreplicated(error)) => panic!("{error:?}"),
                Err(StoreError::Unavailable(_)) => unavailable += 1,
            }
            assert!(start.elapsed() < RESPONSE + SLACK, "{:?}", start.elapsed());
            assert!(Instant::now() < end, "the cluster did not come back after {unavailable} calls");
        }
    }
    assert!(unavailable > 0, "nothing was stopped");
    works_within(&store, Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_waiters_than_listeners_are_all_woken() {
    let bench = bench::redis().await;
    let mut leases = Vec::new();
    let mut waiters = Vec::new();
    for _ in 0..40 {
        let key = bench.session(&user()).await;
        let gatelodge::authority::ports::LeaseAttempt::Taken(lease) =
            bench.store.lease(&key, Duration::from_mins(1)).await.unwrap()
        else {
            panic!("no lease")
        };
        leases.push(lease);
        let store = bench.store.clone();
        waiters.push(tokio::spawn(async move { store.wait_for_lease(&key, Duration::from_mins(1)).await }));
    }
    // A waiter that gives up leaves a blocking command behind; nobody else may get that connection. The leases they
    // waited for stay held, so that nothing answers those commands.
    for waiter in waiters.drain(..10) {
        tokio::time::sleep(Duration::from_millis(5)).await;
        waiter.abort();
    }
    let start = Instant::now();
    let _held: Vec<_> = leases.drain(..10).collect();
    for lease in leases {
        lease.release().await;
    }
    for waiter in waiters {
        waiter.await.unwrap().unwrap();
    }
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn marks_are_in_force_again_after_a_restart() {
    let on_disk = &["--appendonly", "yes", "--appendfsync", "always"];
    let mut server = tokio::task::spawn_blocking(|| Server::start(on_disk)).await.unwrap();
    let store = bench::connect(settings_for(server.port)).await.unwrap();
    for target in [MarkTarget::Everything, MarkTarget::Tenant(TENANT), MarkTarget::Provider(TENANT, "idp".into())] {
        store.raise(&target, LONG).await.unwrap();
    }
    let marks = store.marks(TENANT).await.unwrap();
    let _server = tokio::task::spawn_blocking(move || {
        server.stop();
        server.start_again();
        server
    })
    .await
    .unwrap();
    let end = Instant::now() + Duration::from_secs(10);
    while store.ping().await.is_err() && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(store.marks(TENANT).await.unwrap(), marks);
    let somewhere = new_session(store.time().await.unwrap(), &user()).key;
    assert_eq!(store.read_with_marks(&somewhere).await.unwrap().1, marks, "in the slot of any session");
}
