//! Owns what must hold of leases and of tokens written under them, in every store. Does not know which store it is.

use std::time::Duration;

use gatelodge::authority::ports::{Lease, LeaseAttempt, NewSession, Written};
use gatelodge::session::key::SessionKey;
use gatelodge::session::record::{Ending, Other};
use gatelodge::session::time::Timestamp;
use tokio::time::Instant;

use super::bench::{Bench, Kind, LONG, SHORT, new_session, record, user};

const TTL: Duration = Duration::from_secs(30);

async fn take(bench: &Bench, key: &SessionKey, ttl: Duration) -> Box<dyn Lease> {
    match bench.store.lease(key, ttl).await.unwrap() {
        LeaseAttempt::Taken(lease) => lease,
        LeaseAttempt::Busy => panic!("busy"),
        LeaseAttempt::Gone => panic!("gone"),
    }
}

async fn is_busy(bench: &Bench, key: &SessionKey) -> bool {
    matches!(bench.store.lease(key, TTL).await.unwrap(), LeaseAttempt::Busy)
}

async fn is_gone(bench: &Bench, key: &SessionKey) -> bool {
    matches!(bench.store.lease(key, TTL).await.unwrap(), LeaseAttempt::Gone)
}

pub async fn a_lease_is_held_by_one_and_can_be_given_back(bench: &Bench) {
    let key = bench.session(&user()).await;
    let lease = take(bench, &key, TTL).await;
    assert!(lease.is_held());
    assert_eq!((lease.fence(), bench.found(&key).await.header.fence), (1, 1));
    assert!(is_busy(bench, &key).await);
    lease.release().await;
    let lease = take(bench, &key, TTL).await;
    assert!(lease.is_held());
}

pub async fn every_lease_has_a_higher_fence(bench: &Bench) {
    let key = bench.session(&user()).await;
    for expected in 1..=3 {
        let lease = take(bench, &key, TTL).await;
        let header = bench.found(&key).await.header;
        assert_eq!((lease.fence(), header.fence, header.revision), (expected, expected, 1));
        lease.release().await;
    }
    assert_eq!(bench.found(&key).await.header.fence, 3);
}

pub async fn a_lease_that_is_dropped_runs_out(bench: &Bench) {
    let key = bench.session(&user()).await;
    let lease = take(bench, &key, SHORT).await;
    drop(lease);
    bench.pass(SHORT + Duration::from_millis(1)).await;
    take(bench, &key, TTL).await;
}

pub async fn a_held_lease_is_renewed(bench: &Bench) {
    let key = bench.session(&user()).await;
    let lease = take(bench, &key, SHORT * 4).await;
    // Both clocks go on in steps that leave room for a renewal, well past the first term.
    for _ in 0..12 {
        tokio::time::sleep(SHORT).await;
        if matches!(bench.kind, Kind::Embedded { .. }) {
            bench.pass(SHORT).await;
        }
        assert!(lease.is_held());
    }
    assert!(is_busy(bench, &key).await);
}

pub async fn a_lease_ends_with_its_session(bench: &Bench) {
    let key = bench.session(&user()).await;
    let lease = take(bench, &key, SHORT).await;
    bench.store.end(&key, Ending::Revoked, LONG).await.unwrap();
    assert!(is_gone(bench, &key).await);
    let start = Instant::now();
    while lease.is_held() {
        assert!(start.elapsed() < SHORT * 2);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let written = bench.store.write_tokens(&key, lease.fence(), record(2), b"new".to_vec()).await.unwrap();
    assert_eq!(written, Written::Gone);
    assert!(bench.is_gone(&key).await);
}

pub async fn tokens_are_written_under_the_fence_and_the_revision(bench: &Bench) {
    let key = bench.session(&user()).await;
    let lease = take(bench, &key, TTL).await;
    let write = async |revision| {
        bench.store.write_tokens(&key, lease.fence(), record(revision), b"new".to_vec()).await.unwrap()
    };
    assert_eq!(write(1).await, Written::RevisionChanged);
    assert_eq!(write(3).await, Written::RevisionChanged);
    assert_eq!(bench.store.tokens(&key).await.unwrap().as_deref(), Some(b"sealed tokens".as_slice()));
    let mut new = record(2);
    (new.header.generation, new.header.current, new.header.other) = (2, [4; 16], Some(Other::Previous([1; 16])));
    new.body = bytes::Bytes::from_static(b"another body");
    let written = bench.store.write_tokens(&key, lease.fence(), new.clone(), b"new".to_vec()).await.unwrap();
    assert_eq!(written, Written::Yes);
    new.header.fence = 1;
    assert_eq!(bench.found(&key).await, new);
    assert_eq!(bench.store.tokens(&key).await.unwrap().as_deref(), Some(b"new".as_slice()));
    assert_eq!(write(2).await, Written::RevisionChanged);
}

pub async fn an_older_fence_may_not_write(bench: &Bench) {
    let key = bench.session(&user()).await;
    let first = take(bench, &key, SHORT).await;
    let old = first.fence();
    drop(first);
    bench.pass(SHORT + Duration::from_millis(1)).await;
    let second = take(bench, &key, TTL).await;
    let write =
        async |fence, revision| bench.store.write_tokens(&key, fence, record(revision), b"new".to_vec()).await.unwrap();
    assert_eq!(write(old, 2).await, Written::FenceLost);
    assert_eq!(write(old, 9).await, Written::FenceLost);
    assert_eq!(write(second.fence(), 2).await, Written::Yes);
}

pub async fn written_tokens_live_no_longer_than_before(bench: &Bench) {
    let user = user();
    let new = NewSession { keep_for: SHORT * 2, ..new_session(bench.store.time().await.unwrap(), &user) };
    let key = new.key;
    bench.store.create(new).await.unwrap();
    let lease = take(bench, &key, TTL).await;
    bench.pass(SHORT).await;
    bench.store.write_tokens(&key, lease.fence(), record(2), b"new".to_vec()).await.unwrap();
    bench.pass(SHORT + Duration::from_millis(1)).await;
    assert!(bench.is_gone(&key).await);
    assert!(bench.store.sessions_of(&user).await.unwrap().is_empty());
}

pub async fn a_write_keeps_later_use(bench: &Bench) {
    let key = bench.session(&user()).await;
    let lease = take(bench, &key, TTL).await;
    let (early, late) = (Timestamp::from_secs(1_700_000_000), Timestamp::from_secs(1_700_000_009));
    bench.store.touch(&key, late, late, LONG).await.unwrap();
    let mut new = record(2);
    new.header.last_active = Some(early);
    bench.store.write_tokens(&key, lease.fence(), new, b"new".to_vec()).await.unwrap();
    assert_eq!(bench.found(&key).await.header.last_active, Some(late));
    let mut new = record(3);
    new.header.last_active = Some(late + LONG);
    bench.store.write_tokens(&key, lease.fence(), new, b"new".to_vec()).await.unwrap();
    assert_eq!(bench.found(&key).await.header.last_active, Some(late + LONG));
    // Whose it is stays too: it can still be ended with its user's sessions.
    bench.store.end(&key, Ending::Revoked, LONG).await.unwrap();
}

pub async fn tokens_can_come_later(bench: &Bench) {
    let user = user();
    let new = NewSession { tokens: None, ..new_session(bench.store.time().await.unwrap(), &user) };
    let key = new.key;
    bench.store.create(new).await.unwrap();
    let lease = take(bench, &key, TTL).await;
    let written = bench.store.write_tokens(&key, lease.fence(), record(2), b"new".to_vec()).await.unwrap();
    assert_eq!(written, Written::Yes);
    assert_eq!(bench.store.tokens(&key).await.unwrap().as_deref(), Some(b"new".as_slice()));
    assert_eq!(bench.store.end_user(&user, LONG, LONG).await.unwrap(), 1);
}

pub async fn waiting_ends_when_the_lease_is_given_back(bench: &Bench) {
    let key = bench.session(&user()).await;
    let lease = take(bench, &key, TTL).await;
    let start = Instant::now();
    let (waited, ()) = tokio::join!(bench.store.wait_for_lease(&key, TTL), async {
        tokio::time::sleep(SHORT).await;
        lease.release().await;
    });
    waited.unwrap();
    assert!(start.elapsed() >= SHORT && start.elapsed() < TTL / 3, "{:?}", start.elapsed());
}

pub async fn waiting_ends_when_the_record_changes(bench: &Bench) {
    let key = bench.session(&user()).await;
    let lease = take(bench, &key, TTL).await;
    let start = Instant::now();
    let (waited, written) = tokio::join!(bench.store.wait_for_lease(&key, TTL), async {
        tokio::time::sleep(SHORT).await;
        bench.store.write_tokens(&key, lease.fence(), record(2), b"new".to_vec()).await
    });
    (waited.unwrap(), assert_eq!(written.unwrap(), Written::Yes));
    assert!(start.elapsed() >= SHORT && start.elapsed() < TTL / 3, "{:?}", start.elapsed());
}

pub async fn waiting_ends_when_the_lease_runs_out(bench: &Bench) {
    let key = bench.session(&user()).await;
    let lease = take(bench, &key, SHORT * 2).await;
    drop(lease);
    let start = Instant::now();
    let (waited, ()) = tokio::join!(bench.store.wait_for_lease(&key, TTL), async {
        tokio::time::sleep(SHORT).await;
        bench.pass(SHORT * 2).await;
    });
    waited.unwrap();
    assert!(start.elapsed() < TTL / 3, "{:?}", start.elapsed());
    take(bench, &key, TTL).await;
}

pub async fn waiting_is_over_at_once_or_in_time(bench: &Bench) {
    let key = bench.session(&user()).await;
    let start = Instant::now();
    bench.store.wait_for_lease(&key, TTL).await.unwrap();
    assert!(start.elapsed() < TTL / 3, "nobody holds it: {:?}", start.elapsed());
    let _lease = take(bench, &key, TTL).await;
    let start = Instant::now();
    bench.store.wait_for_lease(&key, SHORT).await.unwrap();
    assert!(start.elapsed() >= SHORT && start.elapsed() < TTL / 3, "{:?}", start.elapsed());
}
