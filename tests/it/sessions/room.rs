//! Shows what becomes of logins when a tenant is full: of logins under way, or of living sessions (security.md 108). Does not
//! know how a store counts.

use std::time::Duration;

use futures::future::join_all;
use gatelodge::rpc::policy::Role;
use gatelodge::session::record::Ending;
use gatelodge_client::v1::complete_callback_request::Response;
use gatelodge_client::v1::complete_callback_response::Outcome;
use gatelodge_client::v1::{self, LoginFailure};

use super::door::{Door, active};
use crate::rpc::serving::{by, context, cookies};
use crate::world::{Browser, Kept, on_every_store};

on_every_store! {
    of_a_hundred_racing_starts_no_more_begin_than_may_be_under_way
    the_bound_of_sessions_is_exact_under_racing_logins
    a_full_tenant_lets_nobody_else_in_and_sessions_go_on
}

/// Begins a login: the browser, and its state; or why not.
async fn start(door: &Door, mut browser: Browser) -> Result<(Browser, String), LoginFailure> {
    let context = Some(context("GET", "/auth/web/login"));
    let question = v1::StartLoginRequest { context, cookies: cookies(&browser), ..Default::default() };
    let started = door.serving.logins().await.start_login(by(Role::Edge, question)).await.unwrap().into_inner();
    let answer = started.answer.clone().unwrap();
    if started.failure.is_some() {
        assert_eq!(answer.status, 503);
        return Err(started.failure());
    }
    browser.keep(&answer.set_cookies);
    let address = url::Url::parse(&answer.location).unwrap();
    let state = address.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    Ok((browser, state))
}

async fn complete(door: &Door, arrived: (Browser, String), sub: &str) -> Result<Browser, LoginFailure> {
    let (mut browser, state) = arrived;
    let query = format!("code={}&state={state}", door.world.provider.code_for(sub));
    let (response, context) = (Some(Response::Query(query.into())), Some(context("GET", "/auth/web/callback")));
    let request = v1::CompleteCallbackRequest { response, cookies: cookies(&browser), context, ..Default::default() };
    let answer = door.serving.logins().await.complete_callback(by(Role::Edge, request)).await.unwrap().into_inner();
    browser.keep(&answer.answer.unwrap().set_cookies);
    match answer.outcome.unwrap() {
        Outcome::Completed(_) => Ok(browser),
        Outcome::Failure(failure) => Err(failure.try_into().unwrap()),
        Outcome::Waiting(waiting) => panic!("{waiting:?}"),
    }
}

async fn log_in(door: &Door, browser: Browser, sub: &str) -> Result<Browser, LoginFailure> {
    complete(door, start(door, browser).await?, sub).await
}

async fn of_a_hundred_racing_starts_no_more_begin_than_may_be_under_way(kept: Kept) {
    let door = Door::closed(kept, |settings| settings.capacity.logins = Some(7)).await;
    let started = join_all((0..100).map(|_| start(&door, Browser::default()))).await;
    let (begun, refused): (Vec<_>, Vec<_>) = started.into_iter().partition(Result::is_ok);
    assert_eq!(begun.len(), 7);
    assert!(refused.into_iter().all(|why| why.err() == Some(LoginFailure::TooManyLogins)));
    let first = begun.into_iter().next().unwrap().unwrap();
    complete(&door, first, "ada").await.unwrap();
    start(&door, Browser::default()).await.unwrap();
    assert_eq!(start(&door, Browser::default()).await.err(), Some(LoginFailure::TooManyLogins));
}

async fn the_bound_of_sessions_is_exact_under_racing_logins(kept: Kept) {
    let door = Door::closed(kept, |settings| settings.capacity.sessions = Some(3)).await;
    let mut arrived = Vec::new();
    for _ in 0..20 {
        arrived.push(start(&door, Browser::default()).await.unwrap());
    }
    let racing = arrived.into_iter().enumerate().map(|(number, one)| {
        let door = &door;
        async move { complete(door, one, &format!("user{number}")).await }
    });
    let (made, refused): (Vec<_>, Vec<_>) = join_all(racing).await.into_iter().partition(Result::is_ok);
    assert_eq!(made.len(), 3);
    assert!(refused.into_iter().all(|why| why.err() == Some(LoginFailure::TenantFull)));
}

async fn a_full_tenant_lets_nobody_else_in_and_sessions_go_on(kept: Kept) {
    let mut door = Door::closed(kept, |settings| settings.capacity.sessions = Some(2)).await;
    let early = start(&door, Browser::default()).await.unwrap();
    let ada = log_in(&door, Browser::default(), "ada").await.unwrap();
    let bob = log_in(&door, Browser::default(), "bob").await.unwrap();
    assert_eq!(log_in(&door, Browser::default(), "eve").await.err(), Some(LoginFailure::TenantFull));
    assert_eq!(complete(&door, early, "eve").await.err(), Some(LoginFailure::TenantFull));
    let before = active(door.ask(&ada, |_| ()).await);
    active(door.ask(&bob, |_| ()).await);
    // Whoever has one may have another in its stead.
    let ada = log_in(&door, ada, "ada").await.unwrap();
    assert_ne!(active(door.ask(&ada, |_| ()).await).session, before.session);
    let bobs = Door::key(&active(door.ask(&bob, |_| ()).await).session.unwrap());
    door.store.end(&bobs, Ending::Revoked, Duration::from_mins(1)).await.unwrap();
    door.world.clock.advance(Duration::from_secs(1));
    log_in(&door, Browser::default(), "eve").await.unwrap();
    assert_eq!(log_in(&door, Browser::default(), "mallory").await.err(), Some(LoginFailure::TenantFull));
}
