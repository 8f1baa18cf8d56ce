//! Owns what a browser gets when the authority is away, slow, of another age, or writes what is no HTTP.
//! Does not know what goes well.

use std::collections::HashMap;
use std::time::Duration;

use gatelodge_client::v1::validate_session_response::Outcome;
use gatelodge_client::{Edge, EdgeOptions, v1};
use http::Request;
use tokio::time::Instant;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::authority::{Authority, active, http, outcome};
use crate::browser::{edge, get, send};

#[tokio::test]
async fn an_error_of_any_code_is_could_not_say() {
    let authority = Authority::start().await;
    let edge = edge(&authority).await;
    for code in [Code::Unauthenticated, Code::PermissionDenied, Code::NotFound, Code::InvalidArgument, Code::Internal] {
        authority.validate.say([Err(Status::new(code, "no"))]);
        authority.login.say([Err(Status::new(code, "no"))]);
        authority.logout.say([Err(Status::new(code, "no"))]);
        get(&edge, "/auth/me").await.assert_could_not_say();
        get(&edge, "/auth/web/login").await.assert_could_not_say();
        let logout = Request::post("/auth/web/logout").header("cookie", "session=s");
        send(edge.router(), logout).await.assert_could_not_say();
    }
}

#[tokio::test]
async fn retry_after_is_the_authoritys() {
    let authority = Authority::start().await;
    let edge = edge(&authority).await;
    for (asked, told) in [(6000, "6"), (6001, "7")] {
        let mut details = ErrorDetails::new();
        details.set_retry_info(Some(Duration::from_millis(asked)));
        authority.validate.say([Err(Status::with_error_details(Code::Unavailable, "store", details))]);
        let got = get(&edge, "/auth/me").await;
        got.assert_could_not_say();
        assert_eq!(got.header("retry-after"), Some(told), "never sooner than asked for");
    }
    assert_eq!(authority.validate.count(), 2, "the wait is longer than the deadline: no second try");
}

#[tokio::test]
async fn a_slow_authority_is_could_not_say_within_the_deadline() {
    let authority = Authority::start().await;
    let client = authority.client().with_deadline(Duration::from_millis(300));
    let edge = Edge::new(client, EdgeOptions::default()).unwrap();
    edge.gate().ready().await;
    let begun = Instant::now();
    get(&edge, "/auth/me").await.assert_could_not_say();
    get(&edge, "/auth/web/callback?code=c").await.assert_could_not_say();
    assert!(begun.elapsed() < Duration::from_secs(2));
}

/// Long enough to notice, short enough to wait for.
const PATIENCE: Duration = Duration::from_secs(3);
/// What ends sessions is waited for until nobody relies on them any more (clients/README.md).
const ENDED_WITHIN: Duration = Duration::from_secs(8);

// An authority that is down, and one that hangs: every route says so soon, and nobody loses a cookie.
#[tokio::test]
async fn an_authority_that_is_down_is_said_soon_on_every_route() {
    let process = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let authority = process.spawn(Authority::start()).await.unwrap();
    let edge = edge(&authority).await;
    let requests = || {
        [
            Request::get("/auth/me"),
            Request::get("/auth/web/login"),
            Request::get("/auth/web/callback?code=c&state=s"),
            Request::get("/auth/web/logged-out?state=s"),
            Request::post("/auth/web/logout"),
        ]
    };
    let begun = Instant::now();
    send(edge.router(), Request::post("/auth/web/logout").header("cookie", "session=s")).await.assert_could_not_say();
    assert!(begun.elapsed() < ENDED_WITHIN + Duration::from_secs(2), "it hangs: {:?}", begun.elapsed());
    assert_eq!(authority.logout.count(), 1);

    process.shutdown_background();
    for request in requests() {
        let (begun, shown) = (Instant::now(), format!("{request:?}"));
        send(edge.router(), request.header("cookie", "session=s")).await.assert_could_not_say();
        assert!(begun.elapsed() < PATIENCE, "{shown}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_logout_is_repeated_once_at_most() {
    let authority = Authority::start().await;
    let edge = edge(&authority).await;
    let mut details = ErrorDetails::with_error_info("STORE_UNAVAILABLE", "gatelodge", HashMap::new());
    details.set_retry_info(Some(Duration::from_millis(1)));
    let away = || Err(Status::with_error_details(Code::Unavailable, "store", details.clone()));
    authority.logout.say([away()]);
    send(edge.router(), Request::post("/auth/web/logout")).await.assert_could_not_say();
    assert_eq!(authority.logout.count(), 2);
    let done = v1::StartLogoutResponse { answer: Some(http(200, "{}")), ..Default::default() };
    authority.logout.say([away(), Ok(done)]);
    assert_eq!(send(edge.router(), Request::post("/auth/web/logout")).await.status, 200);
}

// contract.md 3: an outcome that is not known here, and a session of nobody, are neither yes nor no.
#[tokio::test]
async fn an_outcome_from_the_future_is_could_not_say() {
    let authority = Authority::start().await;
    let edge = edge(&authority).await;
    authority.validate.say([Ok(v1::ValidateSessionResponse::default())]);
    get(&edge, "/auth/me").await.assert_could_not_say();
    authority.validate.say([outcome(Outcome::Active(v1::ActiveSession { identity: None, ..active() }))]);
    get(&edge, "/auth/me").await.assert_could_not_say();
}

#[tokio::test]
async fn an_answer_that_is_no_http_is_not_copied_in_part() {
    let authority = Authority::start().await;
    let edge = edge(&authority).await;
    let good = v1::HttpAnswer { set_cookies: vec!["session=s".into()], ..http(200, "{}") };
    let header = |name: &str, value: &str| vec![v1::HttpHeader { name: name.into(), value: value.into() }];
    let split = "a\r\nSet-Cookie: evil=1";
    let wrong = [
        v1::HttpAnswer { status: 0, ..good.clone() },
        v1::HttpAnswer { status: 101, ..good.clone() },
        v1::HttpAnswer { status: 600, ..good.clone() },
        v1::HttpAnswer { status: 70_000, ..good.clone() },
        v1::HttpAnswer { location: split.into(), ..good.clone() },
        v1::HttpAnswer { content_type: split.into(), ..good.clone() },
        v1::HttpAnswer { set_cookies: vec!["session=s".into(), split.into()], ..good.clone() },
        v1::HttpAnswer { headers: header("x-a", split), ..good.clone() },
        v1::HttpAnswer { headers: header("x-a: b\r\nx-c", "d"), ..good.clone() },
        v1::HttpAnswer { headers: header("content-length", "1"), ..good.clone() },
        v1::HttpAnswer { headers: header("transfer-encoding", "chunked"), ..good.clone() },
    ];
    let answers = wrong.into_iter().map(Some).chain([None]);
    for answer in answers {
        let shown = format!("{answer:?}");
        authority.login.say([Ok(v1::StartLoginResponse { answer, ..Default::default() })]);
        let got = get(&edge, "/auth/web/login").await;
        assert_eq!(got.status, 503, "{shown}");
        got.assert_could_not_say();
    }
    let token = v1::ActiveSession { csrf_token: split.into(), ..active() };
    let cookie = v1::ActiveSession { set_cookies: vec![split.into()], ..active() };
    for session in [token, cookie] {
        authority.validate.say([outcome(Outcome::Active(session))]);
        get(&edge, "/auth/me").await.assert_could_not_say();
    }
}
