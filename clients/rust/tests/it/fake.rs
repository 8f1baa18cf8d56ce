//! Owns what an application's tests can do with the fake authority beyond the scenarios. Does not know a network.

use gatelodge_client::testing::{Denial, FakeAuthority, Who};
use gatelodge_client::v1::{self, ErrorReason};
use gatelodge_client::{Caller, Edge, EdgeOptions, Gate, Session, TokenVerdict, Verdict};
use http::{Request, StatusCode};
use tower::{Layer as _, ServiceExt as _};

use crate::browser::{get, send, send_body};

async fn edge(authority: &FakeAuthority) -> Edge {
    let edge = Edge::new(authority.client(), EdgeOptions::default()).unwrap();
    edge.gate().ready().await;
    edge
}

fn admin() -> Who {
    Who { user_id: "google_1".into(), scopes: vec!["admin".into()], ..Who::default() }
}

#[tokio::test]
async fn who_logs_in_next_comes_back_with_a_session() {
    let authority = FakeAuthority::new();
    authority.logs_in_next(admin());
    let edge = edge(&authority).await;
    let begun = get(&edge, "/auth/web/login?redirect_uri=%2Fhome").await;
    let cookie = |line: &str| line.split(';').next().unwrap().to_owned();
    let callback = begun.header("location").unwrap().strip_prefix("http://localhost:8000").unwrap().to_owned();
    let elsewhere = send(edge.router(), Request::get(&callback).header("cookie", "login=other")).await;
    assert_eq!(elsewhere.status, StatusCode::BAD_REQUEST);
    let binding = cookie(begun.header("set-cookie").unwrap());
    let back = send(edge.router(), Request::get(&callback).header("cookie", binding)).await;
    assert_eq!((back.status, back.header("location")), (StatusCode::FOUND, Some("/home")));
    let session = cookie(back.header("set-cookie").unwrap());
    let me = send(edge.router(), Request::get("/auth/me").header("cookie", session)).await;
    assert_eq!(me.json()["user_id"], "google_1");
}

#[tokio::test]
async fn it_denies_for_any_reason_and_ends_nothing_by_that() {
    let authority = FakeAuthority::new();
    let ada = authority.sign_in(admin());
    let edge = edge(&authority).await;
    let me = async || send(edge.router(), Request::get("/auth/me").header("cookie", ada.cookie())).await;
    for (denial, reason) in [
        (Denial::Csrf, "csrf_mismatch"),
        (Denial::Origin, "origin_refused"),
        (Denial::Scope, "scope_missing"),
        (Denial::LoginAge, "login_too_old"),
        (Denial::Permission, "permission_missing"),
        (Denial::Role, "role_missing"),
        (Denial::Email, "email_not_verified"),
        (Denial::Acr, "acr_missing"),
        (Denial::Amr, "amr_missing"),
    ] {
        authority.deny(Some(denial));
        assert_eq!(me().await.json()["reason"], reason);
    }
    authority.deny(None);
    assert_eq!(me().await.status, StatusCode::OK);
    ada.end();
    assert_eq!(me().await.json()["reason"], "session_ended");
}

#[tokio::test]
async fn its_admin_and_its_attributes_are_as_an_authoritys() {
    let authority = FakeAuthority::new();
    let (ada, client) = (authority.sign_in(admin()), authority.client());
    let cookies =
        vec![v1::Cookie { name: "session".into(), value: ada.cookie()["session=".len()..].to_owned().into() }];
    let set = [("theme".to_owned(), "dark".into())].into();
    let change = v1::UpdateAttributesRequest { cookies: cookies.clone(), set, ..Default::default() };
    client.sessions().update_attributes(change.clone()).await.unwrap();
    let error = client.sessions().update_attributes(change).await.unwrap_err();
    assert!(error.is(ErrorReason::VersionConflict), "{error}");

    let of_user = v1::ListSessionsRequest { user_id: "google_1".into(), provider: "fake".into(), ..Default::default() };
    assert_eq!(client.admin().list_sessions(of_user).await.unwrap().sessions.len(), 1);
    let user = v1::DisableUserRequest { user_id: "google_1".into(), ..Default::default() };
    assert_eq!(client.admin().disable_user(user).await.unwrap().revoked_count, 1);
    let question = v1::ValidateSessionRequest { cookies, ..Default::default() };
    assert!(matches!(client.sessions().check(&question).await.unwrap().verdict, Verdict::Inactive(_)));
    assert!(client.is_serving("").await.unwrap());
}

#[tokio::test]
async fn an_admin_ends_what_belongs_to_one_of_the_providers_own_sessions() {
    let authority = FakeAuthority::new();
    let (ada, client) = (authority.sign_in(admin()), authority.client());
    authority.sign_in(admin());
    let (provider, provider_session_id) = ("fake".to_owned(), ada.provider_session());
    let list = |provider_session_id: &str| v1::ListSessionsRequest {
        provider: provider.clone(),
        provider_session_id: provider_session_id.into(),
        ..Default::default()
    };
    assert_eq!(client.admin().list_sessions(list(&provider_session_id)).await.unwrap().sessions.len(), 1);
    let own = v1::ProviderSession { provider: provider.clone(), provider_session_id: provider_session_id.clone() };
    let target = Some(v1::admin_service_revoke_request::Target::ProviderSession(own));
    let question = v1::AdminServiceRevokeRequest { target, ..Default::default() };
    assert_eq!(client.admin().revoke(question).await.unwrap().revoked_count, 1);
    assert_eq!(client.admin().list_sessions(list("")).await.unwrap().sessions.len(), 1);
}

// Each question is answered as a call of its own would be, its trouble included.
#[tokio::test]
async fn a_program_that_asks_very_many_can_be_tried() {
    use v1::check_sessions_response::Result as Checked;
    let authority = FakeAuthority::new();
    let (ada, client) = (authority.sign_in(admin()), authority.client());
    let ask = |id: u64, cookie: &str, csrf: v1::CsrfRequirement| {
        let value = cookie.trim_start_matches("session=").to_owned().into();
        let requirements = Some(v1::Requirements { csrf: csrf.into(), ..Default::default() });
        let cookies = vec![v1::Cookie { name: "session".into(), value }];
        let question = Some(v1::ValidateSessionRequest { cookies, requirements, ..Default::default() });
        v1::CheckSessionsRequest { id, question, request_id: format!("req-{id}"), ..Default::default() }
    };
    let (any, required) = (v1::CsrfRequirement::Unspecified, v1::CsrfRequirement::Required);
    let asked = [ask(1, &ada.cookie(), any), ask(2, "session=x", any), ask(3, &ada.cookie(), required)];
    let mut answers = client.sessions().check_sessions(tokio_stream::iter(asked)).await.unwrap();
    let mut told = Vec::new();
    while let Some(answer) = answers.message().await.unwrap() {
        let word = match answer.result.unwrap() {
            Checked::Answer(answer) => match answer.outcome.unwrap() {
                v1::validate_session_response::Outcome::Active(active) => active.identity.unwrap().user_id,
                other => format!("{other:?}").chars().take("Inactive".len()).collect(),
            },
            Checked::Error(error) => format!("{} {} {}", error.code, error.reason, error.request_id),
        };
        told.push((answer.id, word));
    }
    let expected = [(1, "google_1"), (2, "Inactive"), (3, "3 CONTEXT_REQUIRED req-3")];
    assert_eq!(told, expected.map(|(id, word)| (id, word.to_owned())));

    let (asking, questions) = tokio::sync::mpsc::channel(1);
    let questions = tokio_stream::wrappers::ReceiverStream::new(questions);
    let mut answers = client.sessions().check_sessions(questions).await.unwrap();
    authority.away();
    asking.send(ask(4, &ada.cookie(), any)).await.unwrap();
    assert_eq!(answers.message().await.unwrap_err().code(), tonic::Code::Unavailable);
}

#[tokio::test]
async fn a_grpc_server_can_be_tried_with_a_session_and_a_token() {
    let authority = FakeAuthority::new();
    let ada = authority.sign_in(admin());
    let gate = Gate::new(authority.client());
    gate.ready().await;
    let handler = tower::service_fn(|request: Request<()>| async move {
        let user = request.extensions().get::<Caller>().and_then(Caller::user_id).map(str::to_owned);
        Ok::<_, std::convert::Infallible>(http::Response::new(user.unwrap_or_default()))
    });
    let call = async |name: &str, value: String| {
        let request = Request::post("/shop.v1.Orders/List").header(name, value).body(()).unwrap();
        gate.require_grpc().scopes(["admin"]).layer(handler).oneshot(request).await.unwrap()
    };
    assert_eq!(call("cookie", ada.cookie()).await.body(), "google_1");
    assert_eq!(call("authorization", format!("Bearer {}", ada.bearer_token())).await.body(), "google_1");
    assert_eq!(call("authorization", "Bearer x".into()).await.headers()["grpc-status"], "16");
    let other = authority.sign_in(Who::default());
    assert_eq!(call("authorization", format!("Bearer {}", other.bearer_token())).await.headers()["grpc-status"], "7");
    ada.end();
    assert_eq!(call("cookie", ada.cookie()).await.headers()["grpc-status"], "16");
    let token = v1::ValidateTokenRequest { token: ada.bearer_token().into(), ..Default::default() };
    assert!(matches!(authority.client().tokens().check(token).await.unwrap(), TokenVerdict::Inactive(_)));
}

// What a test does to a session is known at once to an application that keeps answers, and so is that nobody vouches.
#[tokio::test]
async fn an_application_that_keeps_answers_can_be_tried_too() {
    let authority = FakeAuthority::new();
    let (ada, bob) = (authority.sign_in(admin()), authority.sign_in(admin()));
    let client = authority.client_that_keeps(100);
    let of = |who: &gatelodge_client::testing::SignedIn| {
        let value = who.cookie()["session=".len()..].to_owned().into();
        let cookies = vec![v1::Cookie { name: "session".into(), value }];
        v1::ValidateSessionRequest { cookies, ..Default::default() }
    };
    let is_active = async |who| {
        let checked = client.sessions().check(of(who)).await.unwrap();
        (matches!(checked.verdict, Verdict::Active(_)), checked.settings_version.is_empty())
    };
    let end = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
    // What was kept names no version of the settings.
    while is_active(&ada).await != (true, true) || is_active(&bob).await != (true, true) {
        assert!(tokio::time::Instant::now() < end, "nothing is ever kept");
        tokio::task::yield_now().await;
    }
    ada.end();
    while is_active(&ada).await.0 {
        assert!(tokio::time::Instant::now() < end, "the end is never heard of");
        tokio::task::yield_now().await;
    }
    authority.away();
    while client.sessions().check(of(&bob)).await.is_ok() {
        assert!(tokio::time::Instant::now() < end, "what was kept outlives whoever vouched for it");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_providers_logout_can_be_tried() {
    let authority = FakeAuthority::new();
    let (ada, bob) = (authority.sign_in(admin()), authority.sign_in(admin()));
    let edge = edge(&authority).await;
    let me = async |who: &gatelodge_client::testing::SignedIn| {
        send(edge.router(), Request::get("/auth/me").header("cookie", who.cookie())).await.status
    };
    let request = Request::post("/auth/web/backchannel-logout");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    send_body(edge.router(), request, format!("logout_token={}", ada.logout_token())).await;
    assert_eq!((me(&ada).await, me(&bob).await), (StatusCode::UNAUTHORIZED, StatusCode::OK));
    let page = format!("/auth/web/frontchannel-logout?iss=https://provider.example&sid={}", bob.provider_session());
    assert_eq!((get(&edge, &page).await.status, me(&bob).await), (StatusCode::OK, StatusCode::UNAUTHORIZED));
}

// A test says who is there, without an authority and without a layer.
#[tokio::test]
async fn a_slow_authority_is_could_not_say_soon() {
    let authority = FakeAuthority::new();
    let ada = authority.sign_in(admin());
    let edge = edge(&authority).await;
    let app = axum::Router::new()
        .route("/", axum::routing::get(|session: Session| async move { session.user_id().to_owned() }))
        .layer(edge.gate().layer());
    authority.slow();
    let begun = tokio::time::Instant::now();
    send(app.clone(), Request::get("/").header("cookie", ada.cookie())).await.assert_could_not_say();
    assert!(begun.elapsed() < std::time::Duration::from_secs(2));
    authority.back();
    assert_eq!(send(app, Request::get("/").header("cookie", ada.cookie())).await.body, "google_1");
}
