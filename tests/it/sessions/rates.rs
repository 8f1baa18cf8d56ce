//! Shows what becomes of whoever begins or completes logins, or comes with something forged, more often than they may
//! (security.md 108): told when to come back, and nobody else notices. Does not know how a store counts.

use std::time::Duration;

use futures::future::join_all;
use gatelodge::authority::settings::{Rates, Settings};
use gatelodge::rpc::policy::Role;
use gatelodge::session::rate::{Allowance, Rate};
use gatelodge_client::v1;
use gatelodge_client::v1::InactiveReason::Forged;
use gatelodge_client::v1::check_sessions_response::Result as Answer;
use gatelodge_client::v1::complete_callback_request::Response;
use gatelodge_client::v1::complete_callback_response::Outcome;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::checks::Stream;
use super::door::{COOKIE, Door, active, inactive};
use crate::rpc::failed;
use crate::rpc::serving::{Serving, by, context, cookies, validation};
use crate::tokens::answer_in;
use crate::world::faults::Fault;
use crate::world::replicas::Replicas;
use crate::world::{Browser, Kept, on_every_store, state_of};

on_every_store! {
    beyond_the_allowance_a_client_is_told_when_to_come_back_and_no_other_is
    an_ipv6_client_counts_by_its_64_bits
    behind_a_trusted_proxy_each_client_counts_by_itself
    without_an_address_all_clients_count_together
    of_a_hundred_racing_starts_at_two_replicas_as_many_as_allowed_begin
    a_callback_beyond_the_allowance_leaves_its_login_open
    forged_credentials_are_refused_beyond_the_allowance_and_good_ones_never
    forged_states_are_refused_beyond_the_allowance_without_the_store
    where_nobody_can_count_logins_go_on
}

const MINUTE: Duration = Duration::from_mins(1);

fn each(most: u32) -> Rate {
    Rate { client: Some(Allowance { most, within: MINUTE }), tenant: None }
}

fn logins(most: u32) -> impl Fn(&mut Settings) {
    move |settings| settings.rates = Rates { logins: each(most), ..Rates::default() }
}

/// Begins a login for somebody at `peer`.
async fn start(serving: &Serving, peer: &str, change: impl FnOnce(&mut v1::RequestContext)) -> Result<(), Status> {
    let mut seen = context("GET", "/auth/web/login");
    seen.peer_address = Some(peer.to_owned().into());
    change(&mut seen);
    let question = v1::StartLoginRequest { context: Some(seen), ..Default::default() };
    let started = serving.logins().await.start_login(by(Role::Edge, question)).await?.into_inner();
    assert_eq!(started.failure, None);
    Ok(())
}

/// How long a refusal says it is, in its details and, in whole seconds, to the browser.
#[track_caller]
fn refused<T: std::fmt::Debug>(outcome: Result<T, Status>) -> (Duration, v1::HttpAnswer) {
    let status = failed(outcome, Code::ResourceExhausted, "RATE_LIMITED");
    let (wait, answer) = (status.get_details_retry_info().unwrap().retry_delay.unwrap(), answer_in(&status).unwrap());
    let header = answer.headers.iter().find(|header| header.name == "retry-after").unwrap();
    assert_eq!((answer.status, &header.value), (429, &wait.as_millis().div_ceil(1000).to_string()));
    (wait, answer)
}

async fn beyond_the_allowance_a_client_is_told_when_to_come_back_and_no_other_is(kept: Kept) {
    let door = Door::closed(kept, logins(3)).await;
    for _ in 0..3 {
        start(&door.serving, "192.0.2.7", |_| ()).await.unwrap();
    }
    let (wait, page) = refused(start(&door.serving, "192.0.2.7", |_| ()).await);
    let html = page.content_type.as_str();
    assert!(
        html.starts_with("text/html") && String::from_utf8_lossy(&page.body).contains("Begin the login again in "),
        "{page:?}"
    );
    let fetch = |seen: &mut v1::RequestContext| seen.sec_fetch_mode = Some("cors".into());
    let (_, json) = refused(start(&door.serving, "192.0.2.7", fetch).await);
    let body: serde_json::Value = serde_json::from_slice(&json.body).unwrap();
    assert_eq!((body["reason"].as_str(), json.content_type.as_str()), (Some("rate_limited"), "application/json"));
    start(&door.serving, "192.0.2.8", |_| ()).await.unwrap();
    match kept {
        Kept::Memory => {
            assert_eq!(wait, Duration::from_secs(20));
            door.world.clock.advance(wait.saturating_sub(Duration::from_millis(1)));
            assert_eq!(refused(start(&door.serving, "192.0.2.7", |_| ()).await).0, Duration::from_millis(1));
            door.world.clock.advance(Duration::from_millis(1));
            start(&door.serving, "192.0.2.7", |_| ()).await.unwrap();
            assert_eq!(refused(start(&door.serving, "192.0.2.7", |_| ()).await).0, Duration::from_secs(20));
        }
        Kept::Redis => assert!(wait <= Duration::from_secs(20) && wait > Duration::from_secs(5), "{wait:?}"),
    }
    assert!(door.log.text().contains("too many of these"), "the operator is told");
}

async fn an_ipv6_client_counts_by_its_64_bits(kept: Kept) {
    let door = Door::closed(kept, logins(1)).await;
    start(&door.serving, "2001:db8:1:2::1", |_| ()).await.unwrap();
    refused(start(&door.serving, "2001:db8:1:2:ffff::9", |_| ()).await);
    start(&door.serving, "2001:db8:1:3::1", |_| ()).await.unwrap();
    start(&door.serving, "::ffff:192.0.2.7", |_| ()).await.unwrap();
    refused(start(&door.serving, "192.0.2.7", |_| ()).await);
}

async fn behind_a_trusted_proxy_each_client_counts_by_itself(kept: Kept) {
    let door = Door::closed(kept, |settings| {
        logins(1)(settings);
        settings.trusted_proxies.0 = vec!["10.0.0.0/8".parse().unwrap()];
    })
    .await;
    let for_client = |address: &str| {
        let line = address.to_owned().into();
        move |seen: &mut v1::RequestContext| seen.x_forwarded_for = vec![line]
    };
    start(&door.serving, "10.0.0.1", for_client("203.0.113.1")).await.unwrap();
    refused(start(&door.serving, "10.0.0.2", for_client("203.0.113.1")).await);
    start(&door.serving, "10.0.0.1", for_client("203.0.113.2")).await.unwrap();
    // Nobody else's word is believed.
    start(&door.serving, "192.0.2.7", for_client("203.0.113.3")).await.unwrap();
    refused(start(&door.serving, "192.0.2.7", for_client("203.0.113.4")).await);
}

async fn without_an_address_all_clients_count_together(kept: Kept) {
    let door = Door::closed(kept, |settings| {
        logins(2)(settings);
        settings.rates.logins.tenant = Some(Allowance { most: 3, within: MINUTE });
    })
    .await;
    let nobody = |seen: &mut v1::RequestContext| seen.peer_address = None;
    for _ in 0..2 {
        start(&door.serving, "192.0.2.7", |_| ()).await.unwrap();
    }
    refused(start(&door.serving, "192.0.2.7", |_| ()).await);
    start(&door.serving, "", nobody).await.unwrap();
    refused(start(&door.serving, "", nobody).await);
    refused(start(&door.serving, "192.0.2.8", |_| ()).await);
}

async fn of_a_hundred_racing_starts_at_two_replicas_as_many_as_allowed_begin(kept: Kept) {
    let replicas = Replicas::with(kept, |settings| {
        let hour = Allowance { most: 7, within: Duration::from_hours(1) };
        settings.rates.logins.client = Some(hour);
    })
    .await;
    let both = [Serving::of(&replicas.one).await, Serving::of(&replicas.two).await];
    let racing = (0..100).map(|number| start(&both[number % 2], "192.0.2.7", |_| ()));
    let begun = join_all(racing).await.into_iter().flatten().count();
    assert_eq!(begun, 7);
}

async fn a_callback_beyond_the_allowance_leaves_its_login_open(kept: Kept) {
    let door = Door::closed(kept, |settings| settings.rates.callbacks = each(1)).await;
    let arrive = async |peer: &str, browser: &Browser, query: String| {
        let mut seen = context("GET", "/auth/web/callback");
        seen.peer_address = Some(peer.to_owned().into());
        let (response, context) = (Some(Response::Query(query.into())), Some(seen));
        let request =
            v1::CompleteCallbackRequest { response, cookies: cookies(browser), context, ..Default::default() };
        door.serving.logins().await.complete_callback(by(Role::Edge, request)).await
    };
    let mut arrivals = Vec::new();
    for sub in ["ada", "bob"] {
        let mut browser = Browser::default();
        let started = door.world.start(&browser, "").await;
        browser.keep(&started.answer.set_cookies);
        let query = format!("code={}&state={}", door.world.provider.code_for(sub), state_of(&started.answer));
        arrivals.push((browser, query));
    }
    let [(ada, as_ada), (bob, as_bob)] = arrivals.try_into().unwrap();
    let completed = |answer: v1::CompleteCallbackResponse| matches!(answer.outcome, Some(Outcome::Completed(_)));
    assert!(completed(arrive("192.0.2.7", &ada, as_ada).await.unwrap().into_inner()));
    let (_, page) = refused(arrive("192.0.2.7", &bob, as_bob.clone()).await);
    assert!(page.location.is_empty() && page.set_cookies.is_empty(), "the browser stays, and can reload: {page:?}");
    assert!(completed(arrive("192.0.2.8", &bob, as_bob).await.unwrap().into_inner()));
}

fn forged() -> Browser {
    Browser { cookies: vec![(COOKIE.to_owned(), "sess_forged".to_owned())], ..Browser::default() }
}

async fn forged_credentials_are_refused_beyond_the_allowance_and_good_ones_never(kept: Kept) {
    let mut door = Door::open(kept, |settings| settings.rates.bad_credentials = each(2)).await;
    let good = door.browser.clone();
    active(door.ask(&good, |_| ()).await);
    let counted = |door: &Door| ["take_one", "read", "read_among_many", "marks"].map(|step| door.faults.count(step));
    let before = counted(&door);
    for _ in 0..2 {
        assert_eq!(inactive(door.ask(&forged(), |_| ()).await), Forged);
    }
    let mut sessions = door.serving.sessions().await;
    let (wait, _) = refused(sessions.validate_session(by(Role::Edge, validation(&forged()))).await);
    assert_eq!(wait, Duration::from_secs(30), "by the process's own clock, on every store");
    let mut stream = Stream::open(&door.serving).await;
    stream.ask(1, validation(&forged())).await;
    let (_, Answer::Error(error)) = stream.next().await else { panic!("it was answered") };
    assert_eq!((error.reason.as_str(), error.retry_after.unwrap().seconds), ("RATE_LIMITED", 30));
    let refresh = v1::RefreshTokensRequest {
        cookies: cookies(&forged()),
        context: Some(context("POST", "/")),
        ..Default::default()
    };
    refused(sessions.refresh_tokens(by(Role::Edge, refresh)).await);
    assert_eq!(counted(&door), before, "none of it reached the store");
    for _ in 0..5 {
        active(door.ask(&good, |_| ()).await);
        let both = Browser { cookies: [good.cookies.clone(), forged().cookies].concat(), ..good.clone() };
        active(door.ask(&both, |_| ()).await);
    }
    assert_eq!(door.faults.count("take_one"), before[0], "a good credential is counted nowhere");
    let elsewhere = |question: &mut v1::ValidateSessionRequest| {
        question.context.as_mut().unwrap().peer_address = Some("192.0.2.8".into());
    };
    assert_eq!(inactive(door.ask(&forged(), elsewhere).await), Forged);
    door.world.clock.advance(wait);
    assert_eq!(inactive(door.ask(&forged(), |_| ()).await), Forged);
}

async fn forged_states_are_refused_beyond_the_allowance_without_the_store(kept: Kept) {
    let door = Door::closed(kept, |settings| {
        (settings.rates.callbacks, settings.rates.bad_credentials) = (each(1), each(3));
    })
    .await;
    let arrive = async || {
        let response = Some(Response::Query("code=x&state=forged".into()));
        let context = Some(context("GET", "/auth/web/callback"));
        let request = v1::CompleteCallbackRequest { response, context, ..Default::default() };
        door.serving.logins().await.complete_callback(by(Role::Edge, request)).await
    };
    for _ in 0..3 {
        let outcome = arrive().await.unwrap().into_inner().outcome;
        assert_eq!(outcome, Some(Outcome::Failure(v1::LoginFailure::StateInvalid.into())));
    }
    refused(arrive().await);
    assert_eq!((door.faults.count("take_one"), door.faults.count("take")), (0, 0));
}

async fn where_nobody_can_count_logins_go_on(kept: Kept) {
    let door = Door::closed(kept, logins(1)).await;
    start(&door.serving, "192.0.2.7", |_| ()).await.unwrap();
    door.faults.set(Fault::LosesAnswerOf("take_one"));
    start(&door.serving, "192.0.2.7", |_| ()).await.unwrap();
    assert!(door.log.text().contains("nobody could count"));
    door.faults.set(None);
    refused(start(&door.serving, "192.0.2.7", |_| ()).await);
}
