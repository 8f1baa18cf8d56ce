//! A key that is made at run time, at two replicas over one store. Does not know what it may do.

use std::time::Duration;

use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use tokio::time::timeout;
use tonic::Code;

use super::{STORES, calls, listed, made, revoke, wanted, with};
use crate::rpc::serving::{Serving, by};
use crate::rpc::{failed, fields_of};
use crate::world::replicas::{Replicas, until};

async fn doors(replicas: &Replicas) -> (Serving, Serving) {
    (Serving::of(&replicas.one).await, Serving::of(&replicas.two).await)
}

// security.md 99: revocable without restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_made_at_one_replica_is_good_at_the_other_at_once_and_dead_there_once_it_is_revoked() {
    for kept in STORES {
        let replicas = Replicas::over(kept).await;
        let (one, two) = doors(&replicas).await;
        let (key, text) = made(&one, "ci").await;
        calls(&two, &text).await.unwrap();
        calls(&one, &text).await.unwrap();
        let reads = replicas.store.count("caller_key");
        calls(&two, &text).await.unwrap();
        assert_eq!(replicas.store.count("caller_key"), reads, "{kept:?}: a key that is known costs the store nothing");
        assert!(revoke(&one, &key).await && !revoke(&one, &key).await, "{kept:?}: again is no error");
        failed(calls(&one, &text).await, Code::Unauthenticated, "CALLER_UNAUTHENTICATED");
        replicas.catch_up().await;
        failed(calls(&two, &text).await, Code::Unauthenticated, "CALLER_UNAUTHENTICATED");
        let (_, again) = made(&two, "ci").await;
        calls(&one, &again).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_refused_everywhere_when_its_time_is_over() {
    for kept in STORES {
        let replicas = Replicas::over(kept).await;
        let (one, two) = doors(&replicas).await;
        let lifetime = Some(prost_types::Duration { seconds: 60, nanos: 0 });
        let wanted = v1::CreateCallerKeyRequest { lifetime, ..wanted("ci", v1::CallerRole::Backend) };
        let made = one.admin().await.create_caller_key(by(Role::Admin, wanted)).await.unwrap().into_inner();
        calls(&two, &made.api_key).await.unwrap();
        replicas.one.clock.advance(Duration::from_secs(59));
        replicas.hear().await;
        calls(&two, &made.api_key).await.unwrap();
        replicas.one.clock.advance(Duration::from_secs(1));
        for door in [&one, &two] {
            let refused = failed(calls(door, &made.api_key).await, Code::Unauthenticated, "CALLER_UNAUTHENTICATED");
            assert!(refused.message().contains("default/ci has expired"), "{}", refused.message());
        }
        assert_eq!(listed(&one).await, []);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_listed_with_who_made_them_and_their_text_is_told_once() {
    for kept in STORES {
        let replicas = Replicas::over(kept).await;
        let (one, two) = doors(&replicas).await;
        let (key, text) = made(&one, "ci").await;
        let (other, _) = made(&one, "batch").await;
        assert_eq!(listed(&two).await, [other, key.clone()]);
        assert_eq!((key.caller.as_str(), key.created_by.as_str()), ("default/ci", "admin"));
        assert_eq!(key.tenants, ["default"]);
        assert!(!format!("{:?}", listed(&one).await).contains(&text[4..40]));
        // store.md, 3: what is kept opens nothing.
        let id = gatelodge::session::caller::CallerKeyId::read_public(&key.key_id).unwrap();
        let row =
            gatelodge::authority::ports::CallerKeyStore::caller_key(&*replicas.store, &id).await.unwrap().unwrap();
        let secret = text.as_bytes();
        assert!(!row.sealed.windows(16).any(|bytes| secret.windows(16).any(|part| part == bytes)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_is_one_keys_own_and_a_call_with_an_idempotency_key_gets_its_answer_again() {
    let replicas = Replicas::over(STORES[1]).await;
    let (one, two) = doors(&replicas).await;
    let wanted =
        |key: &str| v1::CreateCallerKeyRequest { idempotency_key: key.into(), ..wanted("ci", v1::CallerRole::Backend) };
    let first = one.admin().await.create_caller_key(by(Role::Admin, wanted("a"))).await.unwrap().into_inner();
    let again = two.admin().await.create_caller_key(by(Role::Admin, wanted("a"))).await.unwrap().into_inner();
    assert_eq!(first.api_key, again.api_key, "an answer that is lost is no lost key");
    for key in ["", "b"] {
        let taken = two.admin().await.create_caller_key(by(Role::Admin, wanted(key))).await;
        assert_eq!(fields_of(&failed(taken, Code::InvalidArgument, "INVALID_FIELD")), ["name"]);
    }
    assert_eq!(listed(&one).await.len(), 1);
}

// contract.md, 6: a caller's rights are judged again when keys change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_streams_of_a_revoked_key_end() {
    for kept in STORES {
        let replicas = Replicas::over(kept).await;
        let (one, two) = doors(&replicas).await;
        let (key, text) = made(&one, "ci").await;
        let (_, lasting) = made(&one, "other").await;
        let open = async |text: &str| {
            let watch = with(text, v1::WatchSessionsRequest::default());
            two.sessions().await.watch_sessions(watch).await.unwrap().into_inner()
        };
        let (mut watch, mut others) = (open(&text).await, open(&lasting).await);
        let (asking, questions) = tokio::sync::mpsc::channel::<v1::CheckSessionsRequest>(1);
        let questions = tokio_stream::wrappers::ReceiverStream::new(questions);
        let mut checks = two.sessions().await.check_sessions(with(&text, questions)).await.unwrap().into_inner();
        assert!(watch.message().await.unwrap().is_some());
        assert!(revoke(&one, &key).await);
        let ended = async { while let Ok(Some(_)) = watch.message().await {} };
        timeout(Duration::from_secs(5), ended).await.expect("it goes on");
        let ended = timeout(Duration::from_secs(5), checks.message()).await.expect("it goes on");
        failed(ended, Code::Unavailable, "STREAM_ENDED");
        drop(asking);
        assert!(others.message().await.unwrap().is_some());
    }
}

// Whoever was cut off for so long that it may have missed a revocation reads the store.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_dead_at_a_replica_that_hears_nothing() {
    for kept in STORES {
        let replicas = Replicas::over(kept).await;
        let (one, two) = doors(&replicas).await;
        let (key, text) = made(&one, "ci").await;
        calls(&two, &text).await.unwrap();
        replicas.cut_off().await;
        calls(&two, &text).await.unwrap();
        assert!(revoke(&one, &key).await);
        // It may rely for a second on what it has read.
        replicas.one.clock.advance(Duration::from_secs(1));
        failed(calls(&two, &text).await, Code::Unauthenticated, "CALLER_UNAUTHENTICATED");
        replicas.cut.off.store(false, std::sync::atomic::Ordering::SeqCst);
        until(|| replicas.two.authority.hears_everything()).await;
        failed(calls(&two, &text).await, Code::Unauthenticated, "CALLER_UNAUTHENTICATED");
    }
}
