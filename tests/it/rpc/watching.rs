//! Owns what those who watch sessions are told, over a real socket. Does not know what they do with it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use gatelodge::authority::revoke_as_admin::Target;
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1::{self, SessionEventKind as Kind};
use gatelodge_client::{Client, ClientOptions, Verdict};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::{Code, Streaming};

use super::serving::{Serving, by, cookies, key, validation};
use super::{failed, fields_of};
use crate::world::replicas::Replicas;
use crate::world::{Browser, Kept, World};

pub type Watch = Streaming<v1::WatchSessionsResponse>;

pub async fn watch(serving: &Serving, question: v1::WatchSessionsRequest) -> Watch {
    serving.sessions().await.watch_sessions(by(Role::Edge, question)).await.unwrap().into_inner()
}

pub async fn next(watch: &mut Watch) -> v1::WatchSessionsResponse {
    timeout(Duration::from_secs(5), watch.message()).await.expect("a message in time").unwrap().expect("more")
}

/// The events up to the first of this kind, and the message it came in.
pub async fn until(watch: &mut Watch, kind: Kind) -> (Vec<v1::SessionEvent>, v1::WatchSessionsResponse) {
    let mut events = Vec::new();
    loop {
        let message = next(watch).await;
        assert!(!message.reset, "{message:?}");
        events.extend(message.events.clone());
        if events.iter().any(|event| event.kind() == kind) {
            return (events, message);
        }
    }
}

pub fn of(kinds: &[Kind]) -> v1::WatchSessionsRequest {
    v1::WatchSessionsRequest { kinds: kinds.iter().map(|kind| (*kind).into()).collect(), ..Default::default() }
}

fn after(message: &v1::WatchSessionsResponse) -> v1::WatchSessionsRequest {
    v1::WatchSessionsRequest { after_position: message.position.clone(), ..of(&[Kind::Revoked]) }
}

pub async fn log_in(world: &World, sub: &str) -> (Browser, String) {
    let mut browser = Browser::default();
    let session = world.log_in(&mut browser, sub).await.result.unwrap().key.public();
    (browser, session)
}

async fn revoke(world: &World, target: &Target) {
    world.authority.revoke_as_admin(&World::call(), target, "test").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_ends_at_one_authority_is_told_by_another() {
    for kept in [Kept::Memory, Kept::Redis] {
        let replicas = Replicas::over(kept).await;
        let serving = Serving::of(&replicas.two).await;
        let mut all = watch(&serving, of(&[])).await;
        let mut users = watch(&serving, of(&[Kind::UserRevoked])).await;
        let first = next(&mut all).await;
        assert!(!first.reset && first.position.len() == 16, "{first:?}");
        assert_eq!(first.max_staleness, Some(prost_types::Duration { seconds: 5, nanos: 0 }));
        next(&mut users).await;

        let (_, ada) = log_in(&replicas.one, "ada").await;
        let (_, bob) = log_in(&replicas.one, "bob").await;
        revoke(&replicas.one, &Target::Session(ada.clone())).await;
        let (events, message) = until(&mut all, Kind::Revoked).await;
        assert_eq!(events.iter().map(|event| event.session_id.clone()).collect::<Vec<_>>(), [ada], "{kept:?}");
        assert!(message.position > first.position);
        revoke(&replicas.one, &Target::User("idp_bob".into())).await;
        let (events, _) = until(&mut all, Kind::UserRevoked).await;
        assert_eq!((events[0].kind(), &events[0].session_id), (Kind::Revoked, &bob), "one by one, and as one");
        let (events, _) = until(&mut users, Kind::UserRevoked).await;
        assert_eq!(events.len(), 1, "nothing that was not asked for");
        revoke(&replicas.one, &Target::Provider("idp".into())).await;
        let (events, _) = until(&mut all, Kind::ProviderRevoked).await;
        assert_eq!(events[0].provider, "idp");
        revoke(&replicas.one, &Target::Everything).await;
        until(&mut all, Kind::TenantRevoked).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_back_goes_on_where_it_was_at_any_authority() {
    for kept in [Kept::Memory, Kept::Redis] {
        let replicas = Replicas::over(kept).await;
        let (here, there) = (Serving::of(&replicas.one).await, Serving::of(&replicas.two).await);
        let (_, ada) = log_in(&replicas.one, "ada").await;
        let seen = next(&mut watch(&here, of(&[])).await).await;
        replicas.catch_up().await;
        revoke(&replicas.one, &Target::Session(ada.clone())).await;
        replicas.catch_up().await;
        let (events, _) = until(&mut watch(&there, after(&seen)).await, Kind::Revoked).await;
        assert_eq!(events.iter().map(|event| event.session_id.clone()).collect::<Vec<_>>(), [ada], "{kept:?}");

        for unknown in [[0; 16], [0xff; 16]] {
            let question = v1::WatchSessionsRequest { after_position: unknown.to_vec().into(), ..Default::default() };
            let told = next(&mut watch(&there, question).await).await;
            assert!(told.reset && told.events.is_empty(), "{kept:?} {unknown:?}: {told:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_learns_that_nobody_would_tell_and_what_was_missed() {
    for kept in [Kept::Memory, Kept::Redis] {
        let replicas = Replicas::over(kept).await;
        let serving = Serving::of(&replicas.two).await;
        let mut watch = watch(&serving, of(&[])).await;
        assert!(next(&mut watch).await.max_staleness.is_some());
        replicas.cut_off().await;
        while next(&mut watch).await.max_staleness.is_some() {}
        replicas.cut.off.store(false, Ordering::SeqCst);
        while next(&mut watch).await.max_staleness.is_none() {}
        replicas.cut.forgets.store(true, Ordering::SeqCst);
        while !next(&mut watch).await.reset {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_ends_with_the_server_and_in_time_for_balancers() {
    let replicas = Replicas::over(Kept::Memory).await;
    let mut serving = Serving::of(&replicas.two).await;
    let mut held = watch(&serving, of(&[])).await;
    next(&mut held).await;
    serving.stop();
    while held.message().await.unwrap().is_some() {}
    timeout(Duration::from_secs(5), serving.ended()).await.expect("nothing holds the server").unwrap();

    let short = Serving::with(&replicas.two, |settings| settings.max_connection_age = Duration::from_millis(300)).await;
    let mut held = watch(&short, of(&[])).await;
    timeout(Duration::from_secs(5), async { while held.message().await.unwrap().is_some() {} }).await.unwrap();
}

// The Rust client keeps answers and watches by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_keeps_answers_refuses_what_ended_at_another_authority() {
    for kept in [Kept::Memory, Kept::Redis] {
        let replicas = Replicas::over(kept).await;
        let serving = Serving::of(&replicas.two).await;
        let options = ClientOptions::new(format!("http://{}", serving.address), key(Role::Edge));
        let client = Client::connect(&options).unwrap();
        // The first answers come before anybody watches.
        let (first, _) = log_in(&replicas.one, "first").await;
        for _ in 0..20 {
            client.sessions().check(validation(&first)).await.unwrap();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let races = (0..40).map(async |number| {
            let (browser, session) = log_in(&replicas.one, &format!("user{number}")).await;
            let is_active = async || {
                let checked = client.sessions().check(validation(&browser)).await.unwrap();
                matches!(checked.verdict, Verdict::Active(_))
            };
            for _ in 0..10 {
                assert!(is_active().await, "{kept:?} {number}");
            }
            let ended = async { revoke(&replicas.one, &Target::Session(session)).await };
            let asked = async {
                for _ in 0..10 {
                    is_active().await;
                }
            };
            tokio::join!(ended, asked);
            let gone = timeout(Duration::from_secs(4), async { while is_active().await {} }).await;
            gone.unwrap_or_else(|_| panic!("{kept:?} {number}: still believed"));
            for _ in 0..20 {
                assert!(!is_active().await, "{kept:?} {number}: it came back");
            }
        });
        futures::future::join_all(races).await;
    }
}

/// What looks like one authority: calls of these methods go to the first, all others to the second.
async fn split(to_first: &'static [&'static str], first: &Serving, second: &Serving) -> String {
    let (first, second) = (first.channel().await, second.channel().await);
    let router = axum::Router::new().fallback(move |request: axum::extract::Request| {
        let method = request.uri().path().rsplit('/').next().unwrap_or_default();
        let channel = if to_first.contains(&method) { first.clone() } else { second.clone() };
        async move {
            let answer = tower::ServiceExt::oneshot(channel, request.map(tonic::body::Body::new)).await;
            answer.unwrap().map(axum::body::Body::new)
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::builder().add_routes(Routes::from(router));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    format!("http://{address}")
}

async fn is_active(client: &Client, browser: &Browser) -> bool {
    let checked = client.sessions().check(validation(browser)).await.unwrap();
    matches!(checked.verdict, Verdict::Active(_))
}

/// A client of these two, whose watch has begun.
async fn watching(address: String, replicas: &Replicas) -> Client {
    let client = Client::connect(&ClientOptions::new(address, key(Role::Edge))).unwrap();
    let (first, _) = log_in(&replicas.one, "first").await;
    for _ in 0..20 {
        assert!(is_active(&client, &first).await);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    client
}

// store.md, 6: also when a client watches one replica and asks another, which has heard less.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_watches_one_authority_and_asks_another_believes_nothing_that_ended() {
    for kept in [Kept::Memory, Kept::Redis] {
        let replicas = Replicas::over(kept).await;
        let (ahead, behind) = (Serving::of(&replicas.one).await, Serving::of(&replicas.two).await);
        let client = watching(split(&["WatchSessions"], &ahead, &behind).await, &replicas).await;
        for number in 0..20 {
            let (browser, session) = log_in(&replicas.one, &format!("user{number}")).await;
            replicas.catch_up().await;
            // Both the client and the authority that it asks know it by heart.
            for _ in 0..5 {
                assert!(is_active(&client, &browser).await, "{kept:?} {number}");
            }
            replicas.cut.off.store(true, Ordering::SeqCst);
            revoke(&replicas.one, &Target::Session(session)).await;
            let gone = timeout(Duration::from_secs(4), async { while is_active(&client, &browser).await {} }).await;
            gone.unwrap_or_else(|_| panic!("{kept:?} {number}: still believed"));
            for _ in 0..20 {
                assert!(!is_active(&client, &browser).await, "{kept:?} {number}: it came back");
            }
            replicas.cut.off.store(false, Ordering::SeqCst);
        }
    }
}

// Neither its own stream nor the authority that it asks has heard yet what it has just ended at another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_client_ends_itself_it_believes_of_no_authority() {
    use v1::session_service_revoke_request::Target;
    for kept in [Kept::Memory, Kept::Redis] {
        let replicas = Replicas::over(kept).await;
        let (ahead, behind) = (Serving::of(&replicas.one).await, Serving::of(&replicas.two).await);
        let client = watching(split(&["Revoke"], &ahead, &behind).await, &replicas).await;
        let (own, _) = log_in(&replicas.one, "ada").await;
        let (other, id) = log_in(&replicas.one, "ada").await;
        replicas.catch_up().await;
        let ends = [(&other, Target::SessionId(id)), (&own, Target::PresentedSession(v1::PresentedSession {}))];
        for (browser, target) in ends {
            assert!(is_active(&client, browser).await, "{kept:?}");
            replicas.cut.off.store(true, Ordering::SeqCst);
            let request =
                v1::SessionServiceRevokeRequest { cookies: cookies(&own), target: Some(target), ..Default::default() };
            assert_eq!(client.sessions().revoke(request).await.unwrap().event_position.len(), 16);
            let mut unaware = behind.sessions().await;
            let answer = unaware.validate_session(by(Role::Edge, validation(browser))).await.unwrap().into_inner();
            let active = matches!(answer.outcome, Some(v1::validate_session_response::Outcome::Active(_)));
            assert!(active, "{kept:?}: else this test shows nothing: {answer:?}");
            for _ in 0..20 {
                assert!(!is_active(&client, browser).await, "{kept:?}");
            }
            replicas.cut.off.store(false, Ordering::SeqCst);
            replicas.catch_up().await;
        }
    }
}

#[tokio::test]
async fn what_is_no_position_or_kind_is_refused_by_name() {
    let serving = Serving::of(&World::new()).await;
    let mut sessions = serving.sessions().await;
    let short = v1::WatchSessionsRequest { after_position: vec![1; 15].into(), ..Default::default() };
    let refused = sessions.watch_sessions(by(Role::Edge, short)).await;
    assert_eq!(fields_of(&failed(refused, Code::InvalidArgument, "INVALID_FIELD")), ["after_position"]);
    for kind in [0, 99] {
        let unknown = v1::WatchSessionsRequest { kinds: vec![kind], ..Default::default() };
        let refused = sessions.watch_sessions(by(Role::Edge, unknown)).await;
        assert_eq!(fields_of(&failed(refused, Code::InvalidArgument, "INVALID_FIELD")), ["kinds"]);
    }
    let (browser, _) = log_in(&World::new(), "ada").await;
    let question = v1::ValidateSessionRequest { as_of_position: vec![1].into(), ..validation(&browser) };
    let refused = sessions.validate_session(by(Role::Edge, question)).await;
    assert_eq!(fields_of(&failed(refused, Code::InvalidArgument, "INVALID_FIELD")), ["as_of_position"]);
}
