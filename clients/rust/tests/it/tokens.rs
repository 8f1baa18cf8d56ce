//! Owns how answers about bearer tokens are read, and who gets to a route that needs one. Does not know sessions.

use axum::Router;
use axum::routing::any;
use gatelodge_client::testing::{FakeAuthority, TokenOf, Who};
use gatelodge_client::v1::validate_token_response::Outcome;
use gatelodge_client::v1::{self, TokenRequirements};
use gatelodge_client::{Requirements, Token, TokenLayer, TokenVerdict};
use http::{Request, StatusCode};
use tonic::Code;

use crate::authority::Authority;
use crate::browser::{Got, send};

fn answer(outcome: impl Into<Option<Outcome>>) -> v1::ValidateTokenResponse {
    v1::ValidateTokenResponse { outcome: outcome.into() }
}

fn active(judged: TokenRequirements) -> Outcome {
    let identity = Some(v1::Identity { user_id: "google_1".into(), ..Default::default() });
    Outcome::Active(v1::ActiveToken { judged: Some(judged), identity, ..Default::default() })
}

fn scopes(scopes: &[&str]) -> TokenRequirements {
    TokenRequirements { scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(), ..Default::default() }
}

fn audience(audience: &str) -> TokenRequirements {
    TokenRequirements { audience: audience.into(), ..Default::default() }
}

// contract.md, 3: an older authority ignores fields that it does not know, and must not thereby say yes.
#[tokio::test]
async fn a_requirement_that_was_not_judged_is_no_yes() {
    let authority = Authority::start().await;
    let age = Some(prost_types::Duration { seconds: 5, nanos: 0 });
    let cases = [
        (scopes(&["read"]), scopes(&["read"]), true),
        (scopes(&[]), scopes(&[]), true),
        (scopes(&["read", "write"]), scopes(&["read"]), false),
        (TokenRequirements { permissions: vec!["p".into()], ..Default::default() }, scopes(&[]), false),
        (audience("api"), scopes(&[]), false),
        (audience("api"), audience("other"), false),
        (scopes(&[]), audience("api"), true),
        (TokenRequirements { max_login_age: age, ..Default::default() }, scopes(&[]), false),
    ];
    for (asked, judged, yes) in cases {
        authority.validate_token.say([Ok(answer(active(judged)))]);
        let question = v1::ValidateTokenRequest { requirements: Some(asked), ..Default::default() };
        match authority.client().tokens().check(question).await {
            Ok(TokenVerdict::Active(_)) => assert!(yes),
            Ok(other) => panic!("{other:?}"),
            Err(error) => assert!(!yes && error.code() == Code::Unknown, "{error}"),
        }
    }
}

#[tokio::test]
async fn a_user_that_nobody_was_asked_about_is_no_yes() {
    let authority = Authority::start().await;
    let refreshing = || v1::ValidateTokenRequest { refresh: true, ..Default::default() };
    authority.validate_token.say([Ok(answer(active(TokenRequirements::default())))]);
    let error = authority.client().tokens().check(refreshing()).await.unwrap_err();
    assert_eq!(error.code(), Code::Unknown, "an older authority: {error}");
    let program = v1::ActiveToken { identity: Some(v1::Identity::default()), ..Default::default() };
    authority.validate_token.say([Ok(answer(Outcome::Active(program)))]);
    assert!(matches!(authority.client().tokens().check(refreshing()).await, Ok(TokenVerdict::Active(_))));

    let fake = FakeAuthority::new();
    let token = fake.issue_token(TokenOf::default());
    let question = v1::ValidateTokenRequest { token: token.into(), ..refreshing() };
    let verdict = fake.client().tokens().check(question).await.unwrap();
    assert!(matches!(verdict, TokenVerdict::Active(active) if active.refresh_time.is_some()));
}

#[tokio::test]
async fn an_outcome_that_is_not_known_is_neither_yes_nor_no() {
    let authority = Authority::start().await;
    authority.validate_token.say([Ok(answer(None))]);
    let error = authority.client().tokens().check(v1::ValidateTokenRequest::default()).await.unwrap_err();
    assert_eq!(error.code(), Code::Unknown);
    authority.validate_token.say([Ok(answer(Outcome::Active(v1::ActiveToken::default())))]);
    let error = authority.client().tokens().check(v1::ValidateTokenRequest::default()).await.unwrap_err();
    assert_eq!(error.code(), Code::Unknown, "a yes to nobody: {error}");
    authority.validate_token.say([Ok(answer(Outcome::Inactive(v1::InactiveToken::default())))]);
    let verdict = authority.client().tokens().check(v1::ValidateTokenRequest::default()).await.unwrap();
    assert!(matches!(verdict, TokenVerdict::Inactive(_)));
}

fn api(layer: TokenLayer) -> Router {
    let handler = |token: Token| async move { token.user_id().unwrap_or("a program").to_owned() };
    Router::new().route("/orders", any(handler)).layer(layer)
}

async fn ask(api: &Router, headers: &[(&str, String)]) -> Got {
    let request = Request::get("/orders");
    send(api.clone(), headers.iter().fold(request, |request, (name, value)| request.header(*name, value))).await
}

fn ada(authority: &FakeAuthority) -> String {
    let who = Who { scopes: vec!["orders".into()], permissions: vec!["pay".into()], ..Who::default() };
    authority.sign_in(who).bearer_token_for("orders")
}

// security.md: a bearer token is no cookie, and a cookie no bearer token.
#[tokio::test]
async fn only_a_good_bearer_token_gets_to_a_route_of_an_api() {
    let authority = FakeAuthority::new();
    let token = ada(&authority);
    let api = api(TokenLayer::new(authority.client()).scopes(["orders"]).audience("orders"));
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let got = ask(&api, &[("authorization", format!("{scheme} {token}"))]).await;
        assert_eq!((got.status, got.body.as_ref()), (StatusCode::OK, b"fake_1".as_ref()));
    }
    let line = |value: String| ("authorization", value);
    let refused = [
        (vec![], "Bearer"),
        (vec![line(format!("Basic {token}"))], "Bearer"),
        (vec![line(token.clone())], "Bearer"),
        (vec![("cookie", format!("session={token}"))], "Bearer"),
        (vec![line(format!("Bearer {token}")), line(format!("Bearer {token}"))], "Bearer"),
        (vec![line("Bearer other".into())], "Bearer error=\"invalid_token\""),
        (vec![line(format!("Bearer {}", authority.issue_token(TokenOf::default())))], "Bearer error=\"invalid_token\""),
    ];
    for (headers, challenge) in refused {
        let got = ask(&api, &headers).await;
        assert_eq!((got.status, got.header("www-authenticate")), (StatusCode::UNAUTHORIZED, Some(challenge)));
    }
    let preflight = Request::options("/orders").header("origin", "http://localhost:5173");
    let got = send(api, preflight.header("access-control-request-method", "GET")).await;
    assert_eq!(got.status, StatusCode::UNAUTHORIZED, "no preflight carries a token");
}

#[tokio::test]
async fn a_token_that_lacks_something_is_told_what_and_trouble_is_no_refusal() {
    let authority = FakeAuthority::new();
    let bearer = [("authorization", format!("Bearer {}", ada(&authority)))];
    let layer = || TokenLayer::new(authority.client());
    let lacking = [
        (layer().scopes(["admin"]), 403, "scope_missing"),
        (layer().permissions(["refund"]), 403, "permission_missing"),
        (layer().roles(["clerk"]), 403, "role_missing"),
        (layer().requirements(Requirements::new().email_verified()), 403, "email_not_verified"),
        (layer().requirements(Requirements::new().acr_values(["2"])), 401, "acr_missing"),
        (layer().requirements(Requirements::new().amr_values(["otp"])), 401, "amr_missing"),
        (layer().requirements(Requirements::new().any_permissions(["refund", "pay"])), 200, ""),
    ];
    for (layer, status, reason) in lacking {
        let got = ask(&api(layer), &bearer).await;
        assert_eq!(got.status.as_u16(), status, "{reason}");
        if status != 200 {
            assert_eq!(got.json()["reason"], reason);
            assert!(got.header("www-authenticate").is_some());
        }
    }
    authority.away();
    ask(&api(layer()), &bearer).await.assert_could_not_say();
}

#[tokio::test]
async fn a_handler_that_needs_a_token_on_a_route_without_the_layer_is_a_fault_of_the_application() {
    let route = Router::new().route("/orders", any(|_: Token| async { "never" }));
    let got = ask(&route, &[("authorization", "Bearer x".into())]).await;
    assert_eq!(
        (got.status, got.json()["reason"].as_str()),
        (StatusCode::INTERNAL_SERVER_ERROR, Some("NOT_CONFIGURED"))
    );
}
