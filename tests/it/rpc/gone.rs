//! Owns what becomes of a call whose caller goes away in the middle of it (contract.md, 5).
//! Does not know why anybody goes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::v1::complete_callback_response::Outcome;
use gatelodge_client::v1::session_service_client::SessionServiceClient;
use tokio::time::Instant;
use tonic::Code;
use tonic::transport::Channel;

use super::failed;
use super::serving::{Serving, by, context, cookies, validation, within};
use crate::world::{Browser, World, state_of};

async fn until_asked(count: &AtomicUsize) {
    let began = Instant::now();
    while count.load(Ordering::SeqCst) == 0 {
        assert!(began.elapsed() < Duration::from_secs(10), "the provider was never asked");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

// security.md 18, 128: work that has sent a code runs to its end; whoever asks again gets its answer.
#[tokio::test]
async fn a_login_is_completed_for_a_caller_that_is_gone() {
    let (world, mut browser) = (World::new(), Browser::default());
    let serving = Serving::of(&world).await;
    let started = world.start(&browser, "").await;
    browser.keep(&started.answer.set_cookies);
    let query = format!("code={}&state={}", world.provider.code_for("ada"), state_of(&started.answer));
    let callback = || v1::CompleteCallbackRequest {
        response: Some(v1::complete_callback_request::Response::Query(query.clone().into())),
        cookies: cookies(&browser),
        context: Some(context("GET", "/auth/web/callback")),
        ..Default::default()
    };
    *world.provider.slow.lock().unwrap() = Some(Duration::from_millis(200));
    let mut leaving = serving.logins().await;
    let left = tokio::select! {
        outcome = leaving.complete_callback(by(Role::Edge, callback())) => Some(outcome),
        () = until_asked(&world.provider.redeemed) => None,
    };
    assert!(left.is_none(), "the caller was to go first: {left:?}");
    drop(leaving);

    let mut client = serving.logins().await;
    let first = client.complete_callback(by(Role::Edge, callback())).await.unwrap().into_inner();
    let again = client.complete_callback(by(Role::Edge, callback())).await.unwrap().into_inner();
    assert!(matches!(first.outcome, Some(Outcome::Completed(_))), "{first:?}");
    assert_eq!(first.answer, again.answer);
    assert_eq!(world.provider.redeemed.load(Ordering::SeqCst), 1, "the code was sent once");
}

// A refresh token that is good once must not be lost with its caller.
#[tokio::test]
async fn tokens_are_refreshed_for_a_caller_that_is_gone() {
    let (world, mut browser) = (World::new(), Browser::default());
    world.log_in(&mut browser, "ada").await;
    let serving = Serving::of(&world).await;
    let refresh = || v1::RefreshTokensRequest {
        cookies: cookies(&browser),
        context: Some(context("GET", "/")),
        ..Default::default()
    };
    *world.provider.slow.lock().unwrap() = Some(Duration::from_millis(200));
    let mut leaving = serving.sessions().await;
    let left = tokio::select! {
        outcome = leaving.refresh_tokens(by(Role::Edge, refresh())) => Some(outcome),
        () = until_asked(&world.provider.refreshed) => None,
    };
    assert!(left.is_none(), "the caller was to go first: {left:?}");
    drop(leaving);

    let token = v1::GetAccessTokenRequest { cookies: cookies(&browser), ..Default::default() };
    let mut client = serving.sessions().await;
    let began = Instant::now();
    loop {
        let answer = client.get_access_token(by(Role::Backend, token.clone())).await.unwrap().into_inner();
        let Some(v1::get_access_token_response::Outcome::AccessToken(found)) = answer.outcome else {
            panic!("inactive")
        };
        if found.value == "access-100" {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "the refreshed tokens were lost");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(world.provider.refreshed.load(Ordering::SeqCst), 1, "the refresh token was sent once");
}

// What a caller that is gone has begun is work like any other: it holds its place among the calls until it is done.
#[tokio::test]
async fn work_for_a_caller_that_is_gone_keeps_its_place() {
    let (world, mut browser) = (World::new(), Browser::default());
    world.log_in(&mut browser, "ada").await;
    let serving = Serving::with(&world, |settings| settings.max_in_flight = 1).await;
    let refresh = v1::RefreshTokensRequest { cookies: cookies(&browser), ..Default::default() };
    *world.provider.slow.lock().unwrap() = Some(Duration::from_millis(500));
    let mut leaving = serving.sessions().await;
    tokio::select! {
        outcome = leaving.refresh_tokens(by(Role::Edge, refresh)) => panic!("the caller was to go first: {outcome:?}"),
        () = until_asked(&world.provider.refreshed) => (),
    }
    drop(leaving);
    let mut client = serving.sessions().await;
    let outcome = client.validate_session(by(Role::Edge, validation(&browser))).await;
    failed(outcome, Code::ResourceExhausted, "OVERLOADED");
    until_free(&mut client, &browser).await;
}

// Who lost the race for a login waits for the winner as long as their own caller does, and no longer.
#[tokio::test]
async fn who_waits_for_anothers_login_waits_no_longer_than_their_caller() {
    let (world, mut browser) = (World::new(), Browser::default());
    let serving = Serving::with(&world, |settings| settings.max_in_flight = 2).await;
    let started = world.start(&browser, "").await;
    browser.keep(&started.answer.set_cookies);
    let query = format!("code={}&state={}", world.provider.code_for("ada"), state_of(&started.answer));
    let callback = v1::CompleteCallbackRequest {
        response: Some(v1::complete_callback_request::Response::Query(query.into())),
        cookies: cookies(&browser),
        context: Some(context("GET", "/auth/web/callback")),
        ..Default::default()
    };
    *world.provider.slow.lock().unwrap() = Some(Duration::from_secs(8));
    let (mut winner, mut loser) = (serving.logins().await, serving.logins().await);
    let (won, began) = (by(Role::Edge, callback.clone()), Instant::now());
    let winning = tokio::spawn(async move { winner.complete_callback(won).await });
    until_asked(&world.provider.redeemed).await;
    let lost = loser.complete_callback(within(Duration::from_millis(300), Role::Edge, callback)).await;
    failed(lost, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    until_free(&mut serving.sessions().await, &browser).await;
    // Three tries, each as long as the caller's patience: the world's clock stands still.
    assert!(began.elapsed() < Duration::from_secs(5), "it waited for the winner: {:?}", began.elapsed());
    assert!(!winning.is_finished());
    winning.abort();
}

/// Waits until a call finds a place.
async fn until_free(client: &mut SessionServiceClient<Channel>, browser: &Browser) {
    let began = Instant::now();
    while let Err(status) = client.validate_session(by(Role::Edge, validation(browser))).await {
        failed::<()>(Err(status), Code::ResourceExhausted, "OVERLOADED");
        assert!(began.elapsed() < Duration::from_secs(10), "the place is never free again");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
