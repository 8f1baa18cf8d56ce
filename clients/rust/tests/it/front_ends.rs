//! Owns the route sets `spa` and `api` before the fake authority, as an application's own tests go through them. Does not know
//! a real one.

use gatelodge_client::testing::{FakeAuthority, Who};
use gatelodge_client::{Edge, EdgeOptions, ROUTE_SETS, v1};
use http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::browser::{Got, send_body};

const PLACE: &str = "/v1/auth/oidc/fake/start?frontend_redirect_uri=/signed-in";

/// A page of the application, in a browser that keeps cookies.
struct FrontEnd {
    authority: FakeAuthority,
    edge: Edge,
    cookies: Vec<(String, String)>,
}

impl FrontEnd {
    async fn new() -> Self {
        let authority = FakeAuthority::new();
        let options = EdgeOptions { route_sets: ROUTE_SETS.into(), ..EdgeOptions::default() };
        let edge = Edge::new(authority.client(), options).unwrap();
        edge.gate().ready().await;
        Self { authority, edge, cookies: Vec::new() }
    }

    async fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Got {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = Request::builder().method(method).uri(path).header("accept", "application/json");
        request = request.header("content-type", "application/json").header("cookie", cookies.join("; "));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let sent = body.map(Value::to_string).unwrap_or_default();
        let got = send_body(self.edge.router(), request, sent).await;
        for line in got.headers.get_all("set-cookie") {
            let (name, value) = line.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
        got
    }

    /// Begins a login, and answers what the provider sends back.
    async fn brought(&mut self, path: &str) -> Value {
        let begun = self.ask("GET", path, &[], None).await;
        assert_eq!(begun.status, StatusCode::OK);
        let url = begun.json()["url"].as_str().unwrap().to_owned();
        let pairs = form_urlencoded::parse(url.split_once('?').unwrap().1.as_bytes());
        pairs.map(|(name, value)| (name.into_owned(), json!(value))).collect::<serde_json::Map<_, _>>().into()
    }

    async fn forward(&mut self, brought: &Value) -> (u16, Value) {
        told(&self.ask("POST", "/authorize", &[], Some(brought)).await)
    }

    async fn me(&mut self, token: &Value) -> (u16, Value) {
        let authorization = format!("Bearer {}", token.as_str().unwrap());
        told(&self.ask("GET", "/me", &[("authorization", &authorization)], None).await)
    }

    async fn collect(&mut self, brought: &Value, key: &str) -> (u16, Value) {
        told(&self.ask("POST", "/v1/auth/oidc/session", &[("idempotency-key", key)], Some(brought)).await)
    }
}

fn told(got: &Got) -> (u16, Value) {
    (got.status.as_u16(), got.json())
}

/// The same, with another value of a member.
fn with(brought: &Value, name: &str, value: &str) -> Value {
    let mut changed = brought.clone();
    changed[name] = json!(value);
    changed
}

fn octocat() -> Who {
    let claims = [("login".to_owned(), "octocat".to_owned())].into();
    Who { user_id: "github_583231".into(), name: "The Octocat".into(), claims, ..Who::default() }
}

#[tokio::test]
async fn a_forwarded_code_brings_a_token_and_its_user_until_the_session_ends() {
    let mut page = FrontEnd::new().await;
    page.authority.logs_in_next(octocat());
    let brought = page.brought("/login").await;
    let (status, body) = page.forward(&brought).await;
    let user = json!({
        "id": "github_583231", "login": "octocat", "name": "The Octocat", "company": null, "location": null,
        "email": null, "picture": null,
    });
    assert_eq!((status, &body["user"], &body["token_type"]), (200, &user, &json!("bearer")));
    assert_eq!(page.me(&body["access_token"]).await, (200, user));
    assert_eq!(page.forward(&brought).await.0, 200, "the same login once more");
    let admin = page.authority.client();
    let sessions = admin.admin().list_sessions(v1::ListSessionsRequest::default()).await.unwrap().sessions;
    assert_eq!(sessions.len(), 1);
    let deleted = v1::DeleteUserRequest { user_id: "github_583231".into(), ..Default::default() };
    admin.admin().delete_user(deleted).await.unwrap();
    let (status, gone) = page.me(&body["access_token"]).await;
    assert_eq!((status, &gone["reason"]), (404, &json!("user_not_found")));
    let bad = page.ask("GET", "/me", &[("authorization", "Bearer x")], None).await;
    assert_eq!((bad.status.as_u16(), bad.header("www-authenticate")), (401, Some("Bearer")));
}

#[tokio::test]
async fn what_is_no_end_of_a_login_says_why() {
    let mut page = FrontEnd::new().await;
    let brought = page.brought("/login").await;
    for (sent, status, reason) in [
        (json!({"code": "x", "state": "nobodys"}), 400, "state_invalid"),
        (with(&brought, "code", ""), 400, "request_malformed"),
        (json!([]), 400, "request_malformed"),
        (with(&brought, "code", "of another"), 401, "code_refused"),
        (with(&brought, "error", "access_denied"), 403, "access_denied"),
    ] {
        let (got, body) = page.forward(&sent).await;
        assert_eq!((got, &body["reason"]), (status, &json!(reason)), "{sent}");
    }
    let foreign = page.ask("POST", "/authorize", &[("origin", "https://evil.example")], Some(&brought)).await;
    assert_eq!(told(&foreign).1["reason"], "origin_refused");
    page.brought("/login").await;
    let (status, body) = page.forward(&brought).await;
    assert_eq!((status, &body["reason"]), (400, &json!("other_browser")), "the cookie is of another login by now");
}

#[tokio::test]
async fn a_session_is_collected_once_and_the_same_again_under_its_key() {
    let mut page = FrontEnd::new().await;
    page.authority.logs_in_next(octocat());
    let brought = page.brought(PLACE).await;
    assert_eq!(page.collect(&brought, "k1").await.1["reason"], "login_expired", "not before the callback");
    let query = format!("code={}&state={}", brought["code"].as_str().unwrap(), brought["state"].as_str().unwrap());
    let back = page.ask("GET", &format!("/v1/auth/oidc/fake/callback?{query}"), &[], None).await;
    let place = format!("/signed-in?{query}");
    assert_eq!((back.header("location"), back.header("set-cookie")), (Some(place.as_str()), None));
    for (key, reason) in [("", "idempotency_key_missing"), (&*"k".repeat(256), "idempotency_key_invalid")] {
        assert_eq!(page.collect(&brought, key).await.1["reason"], reason);
    }
    let (status, body) = page.collect(&brought, "k1").await;
    assert_eq!((status, &body["user"]["user_id"]), (201, &json!("github_583231")));
    assert!(body["session"]["session_id"].as_str().unwrap().starts_with("sid_"), "{body}");
    assert_eq!(page.collect(&brought, "k1").await, (200, body));
    let (status, body) = page.collect(&with(&brought, "more", "x"), "k1").await;
    assert_eq!((status, &body["reason"]), (409, &json!("idempotency_key_reused")));
    let (status, body) = page.collect(&brought, "k2").await;
    assert_eq!((status, &body["reason"]), (409, &json!("already_complete")));
    assert_eq!(page.ask("GET", "/auth/me", &[], None).await.json()["user_id"], "github_583231");
    assert_eq!(page.ask("POST", "/v1/refresh", &[], None).await.json()["reason"], "api_key_missing");
    let refreshed = page.ask("POST", "/v1/refresh", &[("x-api-key", "glk_x")], None).await;
    assert_eq!((refreshed.status.as_u16(), refreshed.json()["session"]["expires_at"].is_i64()), (200, true));
    page.brought(PLACE).await;
    let (status, body) = page.collect(&brought, "k1").await;
    assert_eq!((status, &body["reason"]), (401, &json!("other_browser")));
}

#[tokio::test]
async fn a_login_of_the_api_that_can_not_be_says_why() {
    let mut page = FrontEnd::new().await;
    for (path, status, reason) in [
        ("/v1/auth/oidc/other/start?frontend_redirect_uri=/", 404, "provider_unknown"),
        ("/v1/auth/oidc/fake/start", 400, "frontend_redirect_uri_missing"),
        ("/v1/auth/oidc/fake/start?frontend_redirect_uri=https://evil.example/", 400, "redirect_not_allowed"),
        ("/v1/auth/oidc/fake/callback?code=x&state=nobodys", 400, "state_invalid"),
    ] {
        let (got, body) = told(&page.ask("GET", path, &[], None).await);
        assert_eq!((got, &body["reason"]), (status, &json!(reason)), "{path}");
    }
}
