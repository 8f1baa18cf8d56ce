//! Owns what must hold of the write that steps a session up, in every store. Does not know which store it is.

use std::time::Duration;

use gatelodge::authority::ports::{LeaseAttempt, Written};
use gatelodge::session::record::Ending;
use gatelodge::session::time::Timestamp;

use super::bench::{Bench, LONG, record, user};

const TTL: Duration = Duration::from_secs(30);

pub async fn a_step_up_writes_record_and_tokens_over_those_it_read(bench: &Bench) {
    let key = bench.session(&user()).await;
    let used = Timestamp::from_secs(1_700_000_009);
    bench.store.touch(&key, used, used, LONG).await.unwrap();
    let mut new = record(2);
    (new.header.generation, new.header.current, new.header.other) = (2, [4; 16], None);
    new.body = bytes::Bytes::from_static(b"another body");
    for (revision, expected) in [(1, Written::RevisionChanged), (3, Written::RevisionChanged), (2, Written::Yes)] {
        new.header.revision = revision;
        assert_eq!(bench.store.step_up(&key, new.clone(), b"new".to_vec()).await.unwrap(), expected, "{revision}");
    }
    (new.header.revision, new.header.fence, new.header.last_active) = (2, 1, Some(used));
    assert_eq!(bench.found(&key).await, new);
    assert_eq!(bench.store.tokens(&key).await.unwrap().as_deref(), Some(b"new".as_slice()));
    assert_eq!(bench.store.step_up(&key, new, b"newer".to_vec()).await.unwrap(), Written::RevisionChanged);
}

// A refresh that was under way would write tokens of the former login over those of the new one.
pub async fn a_step_up_takes_the_lease_from_whoever_holds_it(bench: &Bench) {
    let key = bench.session(&user()).await;
    let LeaseAttempt::Taken(lease) = bench.store.lease(&key, TTL).await.unwrap() else { panic!("not taken") };
    assert_eq!(bench.store.step_up(&key, record(2), b"new".to_vec()).await.unwrap(), Written::Yes);
    let late = bench.store.write_tokens(&key, lease.fence(), record(3), b"late".to_vec()).await.unwrap();
    assert_eq!(late, Written::FenceLost);
    assert_eq!(bench.store.tokens(&key).await.unwrap().as_deref(), Some(b"new".as_slice()));
    let LeaseAttempt::Taken(next) = bench.store.lease(&key, TTL).await.unwrap() else { panic!("still held") };
    assert!(next.fence() > lease.fence() + 1);
    let written = bench.store.write_tokens(&key, next.fence(), record(3), b"newer".to_vec()).await.unwrap();
    assert_eq!(written, Written::Yes);
}

pub async fn a_step_up_of_a_session_that_is_gone_writes_nothing(bench: &Bench) {
    let key = bench.session(&user()).await;
    bench.store.end(&key, Ending::Revoked, LONG).await.unwrap();
    assert_eq!(bench.store.step_up(&key, record(2), b"new".to_vec()).await.unwrap(), Written::Gone);
    assert!(bench.is_gone(&key).await);
    assert_eq!(bench.store.tokens(&key).await.unwrap(), None);
}
