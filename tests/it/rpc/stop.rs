//! Owns what happens when the server is told to stop (security.md 123). Does not know who tells it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use gatelodge::authority::get_access_token;
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::v1::validate_session_response::Outcome;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::serving::{Serving, by, cookies, validation};
use crate::world::faults::Fault;
use crate::world::log::Log;
use crate::world::{Browser, World};

/// Begins a call that takes that long, and waits until it is with the store.
async fn running(
    length: Duration,
) -> (
    Serving,
    tokio::task::JoinHandle<Result<tonic::Response<gatelodge_client::v1::ValidateSessionResponse>, tonic::Status>>,
    World,
) {
    let (world, store) = World::with_faults(|_| ());
    let mut browser = Browser::default();
    world.log_in(&mut browser, "ada").await;
    let serving = Serving::with(&world, |settings| settings.drain = Duration::from_secs(2)).await;
    let mut client = serving.sessions().await;
    client.validate_session(by(Role::Edge, validation(&browser))).await.unwrap();
    store.set(Fault::Slow(length));
    let call = tokio::spawn(async move { client.validate_session(by(Role::Edge, validation(&browser))).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    (serving, call, world)
}

#[tokio::test]
async fn a_running_call_finishes_and_the_server_ends() {
    let (mut serving, call, _world) = running(Duration::from_millis(500)).await;
    let address = serving.address;
    let began = Instant::now();
    serving.stop();
    let answer = call.await.unwrap().unwrap().into_inner();
    assert!(matches!(answer.outcome, Some(Outcome::Active(_))), "{answer:?}");
    serving.ended().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(2), "it ends when its last call has: {:?}", began.elapsed());
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn watchers_of_health_are_told_and_a_call_that_never_ends_does_not_hold_the_server() {
    let (mut serving, call, _world) = running(Duration::from_mins(1)).await;
    let mut health = HealthClient::new(serving.channel().await);
    let mut watch = health.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    let began = Instant::now();
    serving.stop();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    serving.ended().await.unwrap();
    let took = began.elapsed();
    assert!((Duration::from_millis(1900)..Duration::from_secs(6)).contains(&took), "{took:?}");
    call.abort();
}

/// A refresh whose caller has gone as soon as the provider was asked; the provider takes that long.
async fn left_behind(length: Duration, drain: Duration) -> (Serving, World, Browser) {
    let (world, mut browser) = (World::new(), Browser::default());
    world.log_in(&mut browser, "ada").await;
    let serving = Serving::with(&world, |settings| settings.drain = drain).await;
    *world.provider.slow.lock().unwrap() = Some(length);
    let mut leaving = serving.sessions().await;
    let refresh = v1::RefreshTokensRequest { cookies: cookies(&browser), ..Default::default() };
    let asked = async {
        while world.provider.refreshed.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::select! {
        outcome = leaving.refresh_tokens(by(Role::Edge, refresh)) => panic!("the caller was to go first: {outcome:?}"),
        () = asked => (),
    }
    (serving, world, browser)
}

// A refresh token that is good once is not lost because the server stops.
#[tokio::test]
async fn work_whose_caller_is_gone_is_done_before_the_server_ends() {
    let (mut serving, world, browser) = left_behind(Duration::from_millis(500), Duration::from_secs(5)).await;
    let began = Instant::now();
    serving.stop();
    serving.ended().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(4), "it ends when the work is done: {:?}", began.elapsed());
    let question = get_access_token::Question { presented: browser.get("/"), ..Default::default() };
    let kept = world.authority.get_access_token(&World::call(), &question).await.unwrap();
    let get_access_token::Outcome::Token(token) = kept else { panic!("inactive") };
    assert_eq!(token.value.expose(), "access-100");
}

#[tokio::test]
async fn work_that_takes_too_long_is_cut_off_and_the_log_says_how_much() {
    let log = Log::default();
    let _listening = log.listen();
    let (mut serving, _world, _) = left_behind(Duration::from_mins(1), Duration::from_millis(300)).await;
    let began = Instant::now();
    serving.stop();
    serving.ended().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    let text = log.text();
    let line = text.lines().find(|line| line.contains("cut off")).expect("it says so");
    assert!(line.contains("WARN") && line.contains("tasks=1") && line.contains("calls=1"), "{line}");
}
