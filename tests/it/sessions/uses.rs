//! Shows that use of a session is written down once in a touch interval, however many ask at once and wherever, and that
//! a store which hangs is waited for once. Does not know what a session is used for.

use std::time::Duration;

use futures::future::join_all;
use gatelodge::authority::ports::{Lookup, SessionStore as _};
use gatelodge::rpc::policy::Role;
use gatelodge::session::time::Timestamp;
use gatelodge_client::v1;
use tonic::Code;

use super::door::{Door, active};
use crate::rpc::serving::{Serving, by, validation, within};
use crate::world::faults::Fault;
use crate::world::replicas::Replicas;
use crate::world::{Browser, Kept, on_every_store};

on_every_store! {
    a_hundred_requests_at_once_are_one_write
    a_use_that_another_replica_has_written_is_not_written_again
    a_store_that_hangs_is_waited_for_once
}

/// As the settings of the tests have it.
const INTERVAL: Duration = Duration::from_mins(1);

async fn a_hundred_requests_at_once_are_one_write(kept: Kept) {
    // A record that is too large to be kept in memory is no exception.
    for (permissions, is_large) in [(0, false), (600, true)] {
        let mut door = Door::closed(kept, |_| ()).await;
        door.world.provider.says.lock().unwrap().permissions = (0..permissions).map(permission).collect();
        let key = door.world.log_in(&mut door.browser, "ada").await.result.unwrap().key;
        assert_eq!(door.record(&key).await.body.len() > 4096, is_large);
        // So that all of them find the use not written.
        door.faults.set(Fault::Slow(Duration::from_millis(50)));
        for round in 1..=3 {
            let asked = (0..100).map(|_| {
                let (mut sessions, question) = (door.sessions.clone(), validation(&door.browser));
                async move { sessions.validate_session(by(Role::Edge, question)).await.unwrap().into_inner() }
            });
            for answer in join_all(asked).await {
                active(answer.outcome.unwrap());
            }
            assert_eq!(door.faults.count("touch"), round, "{kept:?}, with {permissions} permissions");
            door.world.clock.advance(INTERVAL);
        }
    }
}

/// One that is like no other, so that many don't get small.
fn permission(number: u32) -> String {
    let hash = gatelodge::crypto::digest("permission", &[&number.to_be_bytes()]);
    u64::from_be_bytes(*hash.first_chunk().unwrap()).to_string()
}

async fn ask(serving: &Serving, browser: &Browser, touch: bool) -> v1::SessionInfo {
    let question = v1::ValidateSessionRequest { touch: Some(touch), ..validation(browser) };
    let answer = serving.sessions().await.validate_session(within(Duration::from_secs(20), Role::Edge, question)).await;
    active(answer.unwrap().into_inner().outcome.unwrap()).session.unwrap()
}

async fn a_use_that_another_replica_has_written_is_not_written_again(kept: Kept) {
    let replicas = Replicas::over(kept).await;
    let (one, two) = (Serving::of(&replicas.one).await, Serving::of(&replicas.two).await);
    let mut browser = Browser::default();
    replicas.one.log_in(&mut browser, "ada").await.result.unwrap();
    let first = ask(&one, &browser, true).await;
    replicas.one.clock.advance(INTERVAL);
    replicas.hear().await;
    assert_eq!(ask(&two, &browser, false).await.idle_expire_time, first.idle_expire_time);
    let written = ask(&one, &browser, true).await;
    assert_ne!(written.idle_expire_time, first.idle_expire_time);
    // The other one knows the session as it was before.
    replicas.one.clock.advance(Duration::from_secs(1));
    replicas.hear().await;
    for _ in 0..10 {
        assert_eq!(ask(&two, &browser, true).await.idle_expire_time, written.idle_expire_time);
    }
    assert_eq!(replicas.store.count("touch"), 1, "the store said that it is not due");
    let key = Door::key(&written);
    let Lookup::Found(record) = replicas.store.read(&key).await.unwrap() else { panic!("gone") };
    let at = Timestamp::from_secs(1_800_000_000) + INTERVAL;
    assert_eq!(record.header.last_active.map(Timestamp::as_secs), Some(at.as_secs()));
}

// Whoever knows the session needs no store to answer; what was not written is written later, beside an answer.
async fn a_store_that_hangs_is_waited_for_once(kept: Kept) {
    let replicas = Replicas::with(kept, |settings| settings.tokens.refresh = false).await;
    let (serving, clock) = (Serving::of(&replicas.two).await, &replicas.one.clock);
    let mut browser = Browser::default();
    replicas.one.log_in(&mut browser, "ada").await.result.unwrap();
    ask(&serving, &browser, true).await;
    clock.advance(INTERVAL);
    replicas.hear().await;
    let key = Door::key(&ask(&serving, &browser, false).await);
    replicas.store.set(Fault::SilentAt("touch"));
    let mut sessions = serving.sessions().await;
    let first = sessions.validate_session(within(Duration::from_secs(1), Role::Edge, validation(&browser))).await;
    // On a busy machine the caller's own clock says it before the server's word has come.
    let code = first.unwrap_err().code();
    assert!([Code::DeadlineExceeded, Code::Cancelled].contains(&code), "the first one waits for the store: {code}");
    for _ in 0..3 {
        for _ in 0..20 {
            ask(&serving, &browser, true).await;
        }
        clock.advance(Duration::from_millis(1200));
        replicas.hear().await;
    }
    assert_eq!(replicas.store.count("touch"), 4, "the login's first, the one that hung, and one more each second");
    replicas.store.set(None);
    let written = || async {
        let Lookup::Found(record) = replicas.store.read(&key).await.unwrap() else { panic!("gone") };
        record.header.last_active > Some(Timestamp::from_secs(1_800_000_060))
    };
    assert!(!written().await);
    ask(&serving, &browser, true).await;
    let end = tokio::time::Instant::now() + Duration::from_secs(10);
    while !written().await {
        assert!(tokio::time::Instant::now() < end, "it was never written");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
