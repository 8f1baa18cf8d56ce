//! Trouble is nobody's refusal, and what is forged costs nobody anything. Does not know what a key may do.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gatelodge::authority::ports::CallerKeyStore;
use gatelodge::rpc::policy::Role;
use gatelodge::session::caller::CallerKeyId;
use gatelodge_client::v1;
use gatelodge_client::v1::session_service_client::SessionServiceClient;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tonic::Code;

use super::{STORES, calls, made, revoke, with};
use crate::rpc::failed;
use crate::rpc::serving::Serving;
use crate::rpc::serving::{by, validation};
use crate::world::Browser;
use crate::world::faults::Fault;
use crate::world::replicas::Replicas;

// security.md 113: UNAUTHENTICATED only where it is certain.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_nobody_can_look_up_is_trouble_and_no_refusal() {
    for kept in STORES {
        let replicas = Replicas::over(kept).await;
        let (one, two) = (Serving::of(&replicas.one).await, Serving::of(&replicas.two).await);
        let (_, text) = made(&one, "ci").await;
        replicas.store.set(Fault::Away);
        failed(calls(&two, &text).await, Code::Unavailable, "STORE_UNAVAILABLE");
        replicas.store.set(None);
        calls(&two, &text).await.unwrap();
        replicas.store.set(Fault::Away);
        calls(&two, &text).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_key_is_refused_without_a_look_at_the_store_and_a_dead_one_with_one() {
    for kept in STORES {
        let replicas = Replicas::over(kept).await;
        let (one, two) = (Serving::of(&replicas.one).await, Serving::of(&replicas.two).await);
        let (key, text) = made(&one, "ci").await;
        let reads = || replicas.store.count("caller_key");
        for at in [4, 9, 27, 40, 70, 80, 95] {
            let mut bent = text.clone().into_bytes();
            bent[at] = if bent[at] == b'A' { b'B' } else { b'A' };
            let bent = String::from_utf8(bent).unwrap();
            failed(calls(&two, &bent).await, Code::Unauthenticated, "CALLER_UNAUTHENTICATED");
        }
        assert_eq!(reads(), 0, "{kept:?}");
        assert!(revoke(&one, &key).await);
        for _ in 0..5 {
            failed(calls(&two, &text).await, Code::Unauthenticated, "CALLER_UNAUTHENTICATED");
        }
        assert!(reads() <= 1, "{kept:?}: {}", reads());
    }
}

// A replica that has heard of the end knows it when a failover has undone it, and undoes that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_outlives_a_store_that_has_lost_it() {
    for kept in STORES {
        let replicas = Replicas::over(kept).await;
        let (one, two) = (Serving::of(&replicas.one).await, Serving::of(&replicas.two).await);
        let (key, text) = made(&one, "ci").await;
        let id = CallerKeyId::read_public(&key.key_id).unwrap();
        let store: &Arc<_> = &replicas.store;
        let row = store.caller_key(&id).await.unwrap().unwrap();
        assert!(revoke(&one, &key).await);
        replicas.catch_up().await;
        let (now, long) = (gatelodge::session::time::Timestamp::default(), Duration::from_mins(5));
        store.add_caller_key(&id, row, now, long, 9).await.unwrap();
        for door in [&one, &two] {
            failed(calls(door, &text).await, Code::Unauthenticated, "CALLER_UNAUTHENTICATED");
        }
        replicas.cut.forgets.store(true, Ordering::SeqCst);
        let gone = async {
            while store.caller_key(&id).await.unwrap().is_some() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_secs(10), gone).await.expect("it is kept");
    }
}

// docs/callers.md: within five seconds, and streams within one more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_streams_of_a_revoked_key_end_in_time_where_neither_log_nor_store_can_be_reached() {
    for fault in [Fault::Away, Fault::Silent] {
        let replicas = Replicas::over(STORES[0]).await;
        let (one, two) = (Serving::of(&replicas.one).await, Serving::of(&replicas.two).await);
        let (key, text) = made(&one, "ci").await;
        let watch = with(&text, v1::WatchSessionsRequest::default());
        let mut watch = two.sessions().await.watch_sessions(watch).await.unwrap().into_inner();
        let (asking, questions) = tokio::sync::mpsc::channel::<v1::CheckSessionsRequest>(1);
        let questions = tokio_stream::wrappers::ReceiverStream::new(questions);
        let mut checks = two.sessions().await.check_sessions(with(&text, questions)).await.unwrap().into_inner();
        // Their clock goes as that of this machine.
        let clock = Arc::clone(&replicas.one.clock);
        let ticking = tokio::spawn(async move {
            let mut last = Instant::now();
            loop {
                sleep(Duration::from_millis(50)).await;
                clock.advance(last.elapsed());
                last = Instant::now();
            }
        });
        // So long that the key is read again beside, and is known by that.
        sleep(Duration::from_secs(3)).await;
        replicas.cut.off.store(true, Ordering::SeqCst);
        replicas.store.set(fault);
        let began = Instant::now();
        assert!(revoke(&one, &key).await);
        let watching = async { while let Ok(Some(_)) = watch.message().await {} };
        timeout(Duration::from_secs(20), watching).await.expect("it goes on");
        let ended = timeout(Duration::from_secs(20), checks.message()).await.expect("it goes on");
        failed(ended, Code::Unavailable, "STREAM_ENDED");
        assert!(began.elapsed() < Duration::from_secs(7), "{fault:?}: {:?}", began.elapsed());
        ticking.abort();
        drop(asking);
    }
}

// security.md 108: whoever has no key takes nobody's place, however the store fares.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_unknown_signers_hold_few_places_and_not_for_long_while_the_store_hangs() {
    const ASKED: usize = 300;
    const WAIT: usize = 64;
    let replicas = Replicas::over(STORES[0]).await;
    let one = Serving::of(&replicas.one).await;
    let two = Serving::with(&replicas.two, |settings| settings.max_in_flight = 100).await;
    let (_, text) = made(&one, "ci").await;
    let mut forged = text.into_bytes();
    forged[70] = if forged[70] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    replicas.store.set(Fault::SilentAt("caller_keys"));
    let (channel, began, mut asking) = (two.channel().await, Instant::now(), JoinSet::new());
    for _ in 0..ASKED {
        let (mut client, request) =
            (SessionServiceClient::new(channel.clone()), with(&forged, validation(&Browser::default())));
        asking.spawn(async move { client.validate_session(request).await.unwrap_err().code() });
    }
    for at in 0..ASKED {
        if at == ASKED - WAIT {
            let good = by(Role::Edge, validation(&Browser::default()));
            SessionServiceClient::new(channel.clone()).validate_session(good).await.unwrap();
        }
        let ended = timeout(Duration::from_secs(6), asking.join_next()).await.expect("it waits").unwrap().unwrap();
        assert!(matches!(ended, Code::Unavailable | Code::ResourceExhausted), "{ended:?}");
    }
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    // That it came to nothing is remembered for a second.
    let asked = replicas.store.count("caller_keys");
    replicas.store.set(None);
    failed(calls(&two, &forged).await, Code::Unavailable, "STORE_UNAVAILABLE");
    assert_eq!(replicas.store.count("caller_keys"), asked);
    replicas.one.clock.advance(Duration::from_secs(1));
    failed(calls(&two, &forged).await, Code::Unauthenticated, "CALLER_UNAUTHENTICATED");
    assert_eq!(replicas.store.count("caller_keys"), asked + 1);
}
