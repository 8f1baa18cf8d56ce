//! Owns sessions on an application's own routes: who gets in, and what everybody else gets.
//! Does not know the edge's own routes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::{any, get};
use bytes::Bytes;
use gatelodge_client::v1::validate_session_response::Outcome;
use gatelodge_client::{Gate, Session, SessionLayer, v1};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use tower::{Layer as _, ServiceExt as _};

use crate::authority::{Authority, active, http, outcome};
use crate::browser::{Got, send};

type Runs = Arc<AtomicUsize>;

async fn gate(authority: &Authority) -> Gate {
    let gate = Gate::new(authority.client());
    gate.ready().await;
    gate
}

/// An application that counts how often a handler runs.
fn application(layer: SessionLayer) -> (Router, Runs) {
    let runs = Runs::default();
    let router = Router::new()
        .route(
            "/mine",
            any(|State(runs): State<Runs>, one: Session, two: Session| async move {
                assert_eq!(one, two);
                runs.fetch_add(1, Ordering::SeqCst);
                one.user_id().to_owned()
            }),
        )
        .route(
            "/anyone",
            any(|State(runs): State<Runs>, session: Option<Session>| async move {
                runs.fetch_add(1, Ordering::SeqCst);
                session.map_or("nobody".to_owned(), |session| session.user_id().to_owned())
            }),
        )
        .layer(layer)
        .with_state(Arc::clone(&runs));
    (router, runs)
}

fn inactive() -> Outcome {
    let answer = v1::HttpAnswer { location: "/auth/web/login".into(), ..http(302, "") };
    Outcome::Inactive(v1::InactiveSession { reason: 1, answer: Some(answer) })
}

async fn ask(router: &Router, path: &str) -> Got {
    send(router.clone(), Request::get(path).header("cookie", "session=s")).await
}

#[tokio::test]
async fn a_living_session_reaches_every_extractor_with_one_call() {
    let authority = Authority::start().await;
    let session = v1::ActiveSession { set_cookies: vec!["session=new; Path=/".into()], ..active() };
    authority.validate.say([outcome(Outcome::Active(session))]);
    let (router, runs) = application(gate(&authority).await.layer());
    let got = ask(&router, "/mine").await;
    assert_eq!((got.status, got.body.as_ref()), (StatusCode::OK, b"google_1".as_ref()));
    assert_eq!(got.header("set-cookie"), Some("session=new; Path=/"));
    assert_eq!((got.header("cache-control"), got.header("vary")), (Some("no-store"), Some("Cookie")));
    assert_eq!((authority.validate.count(), runs.load(Ordering::SeqCst)), (1, 1));
    let asked = authority.validate.last();
    assert!(asked.can_set_cookies && !asked.issue_csrf_token);
    assert_eq!(asked.cookies[0].value, "s");
}

#[tokio::test]
async fn without_a_session_the_extractor_answers_and_an_option_is_none() {
    let authority = Authority::start().await;
    authority.validate.say([outcome(inactive())]);
    let gate = gate(&authority).await;
    let (router, runs) = application(gate.layer());
    let got = ask(&router, "/mine").await;
    assert_eq!((got.status, got.header("location")), (StatusCode::FOUND, Some("/auth/web/login")));
    assert!(!got.headers.contains_key("set-cookie"));
    assert_eq!(got.headers.get_all("vary").iter().collect::<Vec<_>>(), ["Cookie"], "said once, of answer and layer");
    assert_eq!(ask(&router, "/anyone").await.body, "nobody");
    assert_eq!(runs.load(Ordering::SeqCst), 1);

    let (router, runs) = application(gate.require());
    assert_eq!(ask(&router, "/anyone").await.status, StatusCode::FOUND, "required is required");
    authority.validate.say([outcome(Outcome::Inactive(v1::InactiveSession { reason: 99, answer: None }))]);
    assert_eq!(ask(&router, "/anyone").await.status, StatusCode::UNAUTHORIZED, "an unknown reason is inactive");
    assert_eq!(runs.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_csrf_failure_never_reaches_the_handler() {
    let authority = Authority::start().await;
    let answer = Some(http(403, "{\"detail\":\"CSRF token mismatch\"}"));
    let denied = v1::DeniedSession { reason: v1::DeniedReason::CsrfInvalid.into(), answer, ..Default::default() };
    authority.validate.say([outcome(Outcome::Denied(denied))]);
    let (router, runs) = application(gate(&authority).await.layer());
    let request = Request::post("/anyone").header("x-csrf-token", "csrf_old");
    let got = send(router.clone(), request).await;
    assert_eq!((got.status, got.json()["detail"].as_str()), (StatusCode::FORBIDDEN, Some("CSRF token mismatch")));
    assert_eq!(authority.validate.last().context.unwrap().csrf_token.unwrap(), "csrf_old");

    let unknown = v1::DeniedSession { reason: 99, ..Default::default() };
    authority.validate.say([outcome(Outcome::Denied(unknown))]);
    assert_eq!(ask(&router, "/anyone").await.status, StatusCode::FORBIDDEN);
    assert_eq!(runs.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn when_the_authority_cant_say_no_handler_runs() {
    let authority = Authority::start().await;
    let (router, runs) = application(gate(&authority).await.layer());
    authority.validate.say([Err(tonic::Status::internal("no"))]);
    ask(&router, "/anyone").await.assert_could_not_say();
    authority.validate.say([Ok(v1::ValidateSessionResponse::default())]);
    ask(&router, "/anyone").await.assert_could_not_say();
    let broken = v1::ActiveSession { set_cookies: vec!["a\nb".into()], ..active() };
    authority.validate.say([outcome(Outcome::Active(broken))]);
    ask(&router, "/anyone").await.assert_could_not_say();
    assert_eq!(runs.load(Ordering::SeqCst), 0);
}

// contract.md 3: an older authority ignores what it does not know, and must not thereby say yes.
#[tokio::test]
async fn a_requirement_has_to_be_repeated_as_judged() {
    let authority = Authority::start().await;
    let layer = gate(&authority).await.require().scopes(["admin"]).max_login_age(Duration::from_mins(5));
    let (router, runs) = application(layer);
    authority.validate.say([outcome(Outcome::Active(active()))]);
    ask(&router, "/mine").await.assert_could_not_say();
    assert_eq!(runs.load(Ordering::SeqCst), 0);

    let asked = authority.validate.last().requirements.unwrap();
    assert_eq!((asked.scopes.as_slice(), asked.max_login_age.unwrap().seconds), (["admin".to_owned()].as_slice(), 300));
    let judged = v1::JudgedRequirements {
        scopes: vec!["admin".into()],
        max_login_age: asked.max_login_age,
        ..Default::default()
    };
    authority.validate.say([outcome(Outcome::Active(v1::ActiveSession { judged: Some(judged), ..active() }))]);
    assert_eq!(ask(&router, "/mine").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_post_that_was_not_judged_for_csrf_is_not_let_through() {
    let authority = Authority::start().await;
    let gate = gate(&authority).await;
    let judged = Some(v1::JudgedRequirements::default());
    authority.validate.say([outcome(Outcome::Active(v1::ActiveSession { judged, ..active() }))]);
    let (router, _) = application(gate.layer());
    send(router, Request::post("/mine")).await.assert_could_not_say();
    let (router, _) = application(gate.layer().csrf_not_required());
    assert_eq!(send(router, Request::post("/mine")).await.status, StatusCode::OK);
    let (router, _) = application(gate.layer().csrf_required());
    ask(&router, "/mine").await.assert_could_not_say();
}

#[tokio::test]
async fn of_two_layers_the_inner_ones_cookie_goes_out_with_its_token() {
    let authority = Authority::start().await;
    let rotated = |cookie: &str, token: &str| {
        let (set_cookies, csrf_token) = (vec![cookie.into()], token.into());
        outcome(Outcome::Active(v1::ActiveSession { set_cookies, csrf_token, ..active() }))
    };
    authority.validate.say([rotated("session=outer", "csrf_outer"), rotated("session=inner", "csrf_inner")]);
    let gate = gate(&authority).await;
    let (router, _) = application(gate.require());
    let got = ask(&router.layer(gate.layer()), "/mine").await;
    assert_eq!(got.header("set-cookie"), Some("session=inner"));
    assert_eq!(got.header("x-csrf-token"), Some("csrf_inner"));
}

fn preflight(origin: &str) -> http::request::Builder {
    Request::options("/anyone").header("origin", origin).header("access-control-request-method", "GET")
}

// Whoever has no session gets to no handler that needs one, whatever the method.
#[tokio::test]
async fn a_guard_answers_a_preflight_itself_and_judges_every_other_request() {
    let authority = Authority::start().await;
    authority.validate.say([outcome(inactive())]);
    let (router, runs) = application(gate(&authority).await.require());
    let got = send(router.clone(), preflight("http://localhost:5173")).await;
    assert_eq!(got.status, StatusCode::NO_CONTENT);
    assert_eq!(got.header("access-control-allow-origin"), Some("http://localhost:5173"));
    assert_eq!(got.header("access-control-allow-methods"), Some("GET, POST"));
    let got = send(router.clone(), preflight("https://evil.example")).await;
    assert_eq!((got.status, got.header("access-control-allow-origin")), (StatusCode::NO_CONTENT, None));
    assert_eq!(authority.validate.count(), 0, "no cookies come with it");

    let by_no_browser = Request::options("/anyone").header("access-control-request-method", "GET");
    assert_eq!(send(router.clone(), by_no_browser).await.status, StatusCode::FOUND);
    assert_eq!(send(router, Request::options("/anyone").header("origin", "null")).await.status, StatusCode::FOUND);
    assert_eq!((authority.validate.count(), runs.load(Ordering::SeqCst)), (2, 0));
}

#[tokio::test]
async fn a_preflight_passes_a_gate_that_only_looks_as_nobody() {
    let authority = Authority::start().await;
    let (router, runs) = application(gate(&authority).await.layer());
    let got = send(router.clone(), preflight("http://localhost:5173")).await;
    assert_eq!((got.status, got.body.as_ref()), (StatusCode::OK, b"nobody".as_ref()));
    let needs_one = Request::options("/mine").header("origin", "a").header("access-control-request-method", "GET");
    assert_eq!(send(router, needs_one).await.status, StatusCode::NO_CONTENT);
    assert_eq!((authority.validate.count(), runs.load(Ordering::SeqCst)), (0, 1));
}

// contract: never a Set-Cookie with "could not say".
#[tokio::test]
async fn an_outer_layer_delivers_nothing_with_an_inner_ones_503() {
    let authority = Authority::start().await;
    let (set_cookies, csrf_token) = (vec!["session=outer".into()], "csrf_outer".into());
    let rotated = outcome(Outcome::Active(v1::ActiveSession { set_cookies, csrf_token, ..active() }));
    authority.validate.say([rotated, Err(tonic::Status::internal("no"))]);
    let gate = gate(&authority).await;
    let (router, runs) = application(gate.require());
    let got = ask(&router.layer(gate.layer()), "/mine").await;
    got.assert_could_not_say();
    assert_eq!((got.header("x-csrf-token"), runs.load(Ordering::SeqCst)), (None, 0));
}

// Any tower stack, with a body and an error of its own.
#[tokio::test]
async fn the_layer_stands_before_a_service_of_any_framework() {
    #[derive(Debug)]
    struct Broken;
    let authority = Authority::start().await;
    let service = tower::service_fn(|request: Request<u8>| async move {
        let user = request.extensions().get::<Session>().map(|session| session.user_id().to_owned()).ok_or(Broken)?;
        Ok::<_, Broken>(http::Response::new(Full::<Bytes>::from(user)))
    });
    let gate = gate(&authority).await;
    let request = || Request::get("/").extension("192.0.2.7:1".parse::<SocketAddr>().unwrap()).body(7).unwrap();
    authority.validate.say([outcome(Outcome::Active(active()))]);
    let body = gate.require().layer(service).oneshot(request()).await.unwrap().into_body();
    assert_eq!(body.collect().await.unwrap().to_bytes(), "google_1");
    assert_eq!(authority.validate.last().context.unwrap().peer_address.unwrap(), "192.0.2.7");
    authority.validate.say([outcome(inactive())]);
    assert_eq!(gate.require().layer(service).oneshot(request()).await.unwrap().status(), StatusCode::FOUND);
    assert!(matches!(gate.layer().layer(service).oneshot(request()).await, Err(Broken)));
}

#[tokio::test]
async fn an_extractor_without_a_layer_is_a_fault_of_the_application() {
    let router = Router::new().route("/", get(|_: Session| async {}));
    assert_eq!(send(router, Request::get("/")).await.status, StatusCode::INTERNAL_SERVER_ERROR);
    let router = Router::new().route("/", get(|_: Option<Session>| async {}));
    assert_eq!(send(router, Request::get("/")).await.status, StatusCode::INTERNAL_SERVER_ERROR);
}
