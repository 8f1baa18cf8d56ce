//! Owns which answers the client gives again, against an authority that tells what happens. Does not know how they are
//! kept.

use std::collections::HashMap;
use std::time::Duration;

use gatelodge_client::v1::{self, SessionEventKind, validate_session_response::Outcome};
use gatelodge_client::{Client, ClientOptions, Edge, EdgeOptions, Verdict};
use http::Request;
use tokio::time::{Instant, sleep, timeout};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::authority::{Authority, KEY, active, outcome};
use crate::browser::send;

fn question() -> v1::ValidateSessionRequest {
    let cookies = vec![v1::Cookie { name: "session".into(), value: "sess_1".into() }];
    v1::ValidateSessionRequest { cookies, ..Default::default() }
}

fn keepable(position: u8) -> v1::ActiveSession {
    let keep_for = Some(prost_types::Duration { seconds: 5, nanos: 0 });
    v1::ActiveSession { event_position: vec![position].into(), keep_for, ..active() }
}

fn told(position: u8) -> v1::WatchSessionsResponse {
    let max_staleness = Some(prost_types::Duration { seconds: 5, nanos: 0 });
    v1::WatchSessionsResponse { position: vec![position].into(), max_staleness, ..Default::default() }
}

async fn check(client: &Client) {
    let checked = client.sessions().check(question()).await.unwrap();
    assert!(matches!(checked.verdict, Verdict::Active(_)), "{checked:?}");
}

fn info(reason: &str) -> ErrorDetails {
    if reason.is_empty() {
        ErrorDetails::new()
    } else {
        ErrorDetails::with_error_info(reason, "gatelodge", HashMap::new())
    }
}

async fn until(is_so: impl AsyncFn() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !is_so().await {
        assert!(Instant::now() < end, "it never was so");
        sleep(Duration::from_millis(5)).await;
    }
}

/// Whether a check is answered without asking.
async fn is_known(authority: &Authority, client: &Client) -> bool {
    let before = authority.validate.count();
    check(client).await;
    authority.validate.count() == before
}

/// A client that knows a session.
async fn knowing() -> (Authority, Client) {
    let authority = Authority::start().await;
    authority.validate.say([outcome(Outcome::Active(keepable(1)))]);
    let client = authority.client();
    check(&client).await;
    until(async || !authority.watched.asked().is_empty()).await;
    authority.watched.tell(&told(1));
    until(async || is_known(&authority, &client).await).await;
    (authority, client)
}

#[tokio::test]
async fn a_session_that_is_known_is_not_asked_about_until_something_happens_to_it() {
    let (authority, client) = knowing().await;
    for _ in 0..10 {
        assert!(is_known(&authority, &client).await);
    }
    let event =
        v1::SessionEvent { kind: SessionEventKind::Revoked.into(), session_id: "sid_1".into(), ..Default::default() };
    authority.validate.say([outcome(Outcome::Inactive(v1::InactiveSession::default()))]);
    authority.watched.tell(&v1::WatchSessionsResponse { events: vec![event], ..told(2) });
    let refused = async || {
        let checked = client.sessions().check(question()).await.unwrap();
        matches!(checked.verdict, Verdict::Inactive(_))
    };
    until(refused).await;
    assert_eq!(authority.validate.last().as_of_position, vec![2], "the authority is told what was heard");
    assert!(refused().await && authority.validate.count() >= 3, "a no is asked each time");
}

#[tokio::test]
async fn a_stream_that_ends_is_bypassed_and_goes_on_where_it_was() {
    let (authority, client) = knowing().await;
    authority.watched.cut();
    until(async || !is_known(&authority, &client).await).await;
    until(async || authority.watched.asked().len() > 1).await;
    assert_eq!(authority.watched.asked()[1].after_position, vec![1]);
    let before = authority.validate.count();
    authority.watched.tell(&told(2));
    until(async || is_known(&authority, &client).await).await;
    assert!(authority.validate.count() - before < 100);
}

#[tokio::test]
async fn a_silent_stream_is_bypassed() {
    let (authority, client) = knowing().await;
    sleep(Duration::from_millis(2100)).await;
    assert!(!is_known(&authority, &client).await);
}

#[tokio::test]
async fn what_ends_by_this_client_is_asked_about_at_once() {
    let (authority, client) = knowing().await;
    authority.revoke.say([Ok(v1::SessionServiceRevokeResponse { revoked_count: 1, ..Default::default() })]);
    client
        .sessions()
        .revoke(v1::SessionServiceRevokeRequest { cookies: question().cookies, ..Default::default() })
        .await
        .unwrap();
    assert!(!is_known(&authority, &client).await);
}

// Who presents a session that a provider ended, or that a logout everywhere reached, is not known here. But anybody can send
// what leads to such a call: where it ended nothing, nothing is forgotten.
#[tokio::test]
async fn what_ends_on_a_providers_word_is_asked_about_at_once() {
    let (authority, client) = knowing().await;
    let by_server = |revoked_count| v1::HandleBackchannelLogoutResponse { revoked_count, ..Default::default() };
    let by_page = |revoked_count| v1::HandleFrontchannelLogoutResponse { revoked_count, ..Default::default() };
    let logout = |revoked_count| v1::StartLogoutResponse { revoked_count, ..Default::default() };
    for (ended, known) in [(0, true), (2, false)] {
        authority.told_by_server.say([Ok(by_server(ended))]);
        client.login().handle_backchannel_logout(v1::HandleBackchannelLogoutRequest::default()).await.unwrap();
        assert_eq!(is_known(&authority, &client).await, known);
        until(async || is_known(&authority, &client).await).await;
        authority.told_by_page.say([Ok(by_page(ended))]);
        client.login().handle_frontchannel_logout(v1::HandleFrontchannelLogoutRequest::default()).await.unwrap();
        assert_eq!(is_known(&authority, &client).await, known);
        until(async || is_known(&authority, &client).await).await;
        authority.logout.say([Ok(logout(ended))]);
        client.login().start_logout(v1::StartLogoutRequest::default()).await.unwrap();
        assert_eq!(is_known(&authority, &client).await, known);
        until(async || is_known(&authority, &client).await).await;
    }
    // What an answer that was lost has done, its repeat finds done.
    let lost = || tonic::Status::unavailable("the connection broke");
    authority.told_by_server.say([Err(lost()), Ok(by_server(0))]);
    client.login().handle_backchannel_logout(v1::HandleBackchannelLogoutRequest::default()).await.unwrap();
    assert!(!is_known(&authority, &client).await);
    until(async || is_known(&authority, &client).await).await;
    authority.logout.say([Err(tonic::Status::internal("lost"))]);
    let everywhere = v1::StartLogoutRequest { query: "everywhere=true".into(), ..Default::default() };
    client.login().start_logout(everywhere.clone()).await.unwrap_err();
    assert!(!is_known(&authority, &client).await);
    until(async || is_known(&authority, &client).await).await;
    authority.logout.say([Err(lost()), Ok(logout(0))]);
    client.login().start_logout(everywhere).await.unwrap();
    assert!(!is_known(&authority, &client).await);
}

// Anybody can make a call be turned away, or hang up: that costs nobody else anything.
#[tokio::test]
async fn what_was_turned_away_ended_nothing() {
    let (authority, client) = knowing().await;
    let failed = |code, reason: &str| Status::with_error_details(code, "no", info(reason));
    for (failure, known) in [
        (failed(Code::InvalidArgument, "INVALID_FIELD"), true),
        (failed(Code::Unimplemented, ""), true),
        (failed(Code::ResourceExhausted, "OVERLOADED"), true),
        (failed(Code::Unavailable, "PROVIDER_UNAVAILABLE"), true),
        (failed(Code::ResourceExhausted, ""), false),
        (failed(Code::Internal, "INTERNAL"), false),
    ] {
        authority.told_by_server.say([Err(failure.clone())]);
        client.login().handle_backchannel_logout(v1::HandleBackchannelLogoutRequest::default()).await.unwrap_err();
        assert_eq!(is_known(&authority, &client).await, known, "{failure:?}");
        until(async || is_known(&authority, &client).await).await;
    }
    authority.revoke.say([Ok(v1::SessionServiceRevokeResponse::default())]);
    let malformed = v1::session_service_revoke_request::Target::Json("{".into());
    let revoke = v1::SessionServiceRevokeRequest { target: Some(malformed), ..Default::default() };
    client.sessions().revoke(revoke).await.unwrap();
    assert!(is_known(&authority, &client).await);
    // A user's own logout is no provider's: what a provider in trouble says of it, says nothing.
    authority.logout.say([Err(failed(Code::Unavailable, "PROVIDER_UNAVAILABLE"))]);
    client.login().start_logout(v1::StartLogoutRequest::default()).await.unwrap_err();
    assert!(!is_known(&authority, &client).await);
}

#[tokio::test]
async fn a_logout_that_nobody_waits_for_runs_to_its_end() {
    let (authority, client) = knowing().await;
    let edge = Edge::new(client.clone(), EdgeOptions::default()).unwrap();
    edge.gate().ready().await;
    authority.told_by_server.say([Ok(v1::HandleBackchannelLogoutResponse { revoked_count: 0, ..Default::default() })]);
    authority.told_by_server.take(Duration::from_millis(200));
    let request = Request::post("/auth/web/backchannel-logout");
    let mut given_up = Box::pin(send(edge.router(), request));
    tokio::select! {
        got = &mut given_up => panic!("it was to wait: {got:?}"),
        () = until(async || authority.told_by_server.count() > 0) => (),
    }
    drop(given_up);
    assert!(is_known(&authority, &client).await, "it ended nothing, and goes on");
}

// The settings may have changed since: an answer of yesterday does not say.
#[tokio::test]
async fn an_answer_that_was_kept_names_no_version_of_the_settings() {
    let (authority, client) = knowing().await;
    authority.validate.judge(|_| {
        let outcome = Some(Outcome::Active(keepable(1)));
        Ok(v1::ValidateSessionResponse { outcome, settings_version: "v1".into() })
    });
    let other = || {
        let context =
            v1::RequestContext { method: "GET".into(), user_agent: Some("other".into()), ..Default::default() };
        v1::ValidateSessionRequest { context: Some(context), ..question() }
    };
    let version = async || client.sessions().check(other()).await.unwrap().settings_version;
    assert_eq!(version().await.as_ref(), "v1");
    assert_eq!(version().await.as_ref(), "");
}

#[tokio::test]
async fn what_a_call_that_was_given_up_may_have_ended_is_asked_about() {
    let (authority, client) = knowing().await;
    authority.admin_revoke.say([Ok(v1::AdminServiceRevokeResponse::default())]);
    authority.admin_revoke.take(Duration::from_mins(1));
    let admin = client.admin();
    let mut given_up = Box::pin(admin.revoke(v1::AdminServiceRevokeRequest::default()));
    tokio::select! {
        outcome = &mut given_up => panic!("it was to wait: {outcome:?}"),
        () = until(async || authority.admin_revoke.count() > 0) => (),
    }
    assert!(is_known(&authority, &client).await, "nothing is forgotten before it can have ended");
    drop(given_up);
    assert!(!is_known(&authority, &client).await);
}

#[tokio::test]
async fn a_hundred_who_ask_at_once_ask_once() {
    let (authority, client) = knowing().await;
    authority.admin_revoke.say([Ok(v1::AdminServiceRevokeResponse::default())]);
    client.admin().revoke(v1::AdminServiceRevokeRequest::default()).await.unwrap();
    let before = authority.validate.count();
    let asking: Vec<_> = (0..100)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { check(&client).await })
        })
        .collect();
    for asked in asking {
        timeout(Duration::from_secs(5), asked).await.unwrap().unwrap();
    }
    assert_eq!(authority.validate.count() - before, 1);
}

// A slow no is told to the one who asked; the others have what is left of their time, and not all of it again.
#[tokio::test]
async fn who_waits_for_another_waits_no_longer_than_the_deadline() {
    let (authority, client) = knowing().await;
    let deadline = Duration::from_millis(900);
    authority.admin_revoke.say([Ok(v1::AdminServiceRevokeResponse::default())]);
    client.admin().revoke(v1::AdminServiceRevokeRequest::default()).await.unwrap();
    authority.validate.say([outcome(Outcome::Inactive(v1::InactiveSession::default()))]);
    authority.validate.take(Duration::from_millis(600));
    let begun = Instant::now();
    let asking: Vec<_> = (0..5)
        .map(|_| {
            let client = client.with_deadline(deadline);
            tokio::spawn(async move { client.sessions().check(question()).await.is_ok() })
        })
        .collect();
    let mut answered = 0;
    for asked in asking {
        answered += usize::from(asked.await.unwrap());
    }
    assert_eq!(answered, 1);
    assert!(begun.elapsed() < deadline + Duration::from_millis(200), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn what_happens_to_one_leaves_another_known() {
    let (authority, client) = knowing().await;
    authority.validate.judge(|question| {
        let session_id = format!("sid_{}", String::from_utf8_lossy(&question.cookies[0].value));
        let session = Some(v1::SessionInfo { session_id, ..Default::default() });
        outcome(Outcome::Active(v1::ActiveSession { session, ..keepable(1) }))
    });
    let of = |cookie: &'static str| {
        let cookies = vec![v1::Cookie { name: "session".into(), value: cookie.into() }];
        v1::ValidateSessionRequest { cookies, ..Default::default() }
    };
    let (ada, bob) = (of("ada"), of("bob"));
    for question in [&ada, &bob, &ada, &bob] {
        client.sessions().check(question).await.unwrap();
    }
    let before = authority.validate.count();
    let kind = SessionEventKind::Revoked.into();
    let event = v1::SessionEvent { kind, session_id: "sid_ada".into(), ..Default::default() };
    authority.watched.tell(&v1::WatchSessionsResponse { events: vec![event], ..told(1) });
    until(async || {
        client.sessions().check(&ada).await.unwrap();
        authority.validate.count() > before
    })
    .await;
    client.sessions().check(&bob).await.unwrap();
    assert_eq!(authority.validate.last().cookies[0].value, "ada", "the other is known still");
}

#[tokio::test]
async fn one_option_turns_it_off() {
    let authority = Authority::start().await;
    authority.validate.say([outcome(Outcome::Active(keepable(1)))]);
    let options = ClientOptions::new(format!("http://{}", authority.address), KEY).keep_answers(0);
    let client = Client::connect(&options).unwrap();
    for _ in 0..3 {
        check(&client).await;
    }
    assert_eq!(authority.validate.count(), 3);
    assert!(authority.watched.asked().is_empty(), "nobody watches for nothing");
}
