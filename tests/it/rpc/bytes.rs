//! Owns what a browser sent, which is bytes: nothing of it fails a call. Does not know a caller's own fields.

use ::bytes::Bytes;
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::v1::complete_callback_request::Response;
use gatelodge_client::v1::{complete_callback_response, validate_session_response};

use super::serving::{Serving, by, context, cookies, validation};
use crate::world::{Browser, World};

/// What no text is made of, in every place that a browser can reach.
fn odd() -> [Bytes; 5] {
    [
        Bytes::from_static(b"\xff\xfe\x00\x80"),
        Bytes::from_static(b"caf\xe9"),
        Bytes::from_static(b"a\r\nSet-Cookie: x=y\r\n"),
        Bytes::from(vec![0; 300]),
        Bytes::from(vec![0xc3; 9_000]),
    ]
}

fn odd_context(value: &Bytes) -> v1::RequestContext {
    let some = || Some(value.clone());
    v1::RequestContext {
        method: value.clone(),
        target: value.clone(),
        host: some(),
        peer_address: some(),
        x_forwarded_for: vec![value.clone(); 3],
        forwarded: vec![value.clone(); 3],
        user_agent: some(),
        accept_language: some(),
        accept: some(),
        content_type: some(),
        upgrade: some(),
        origin: some(),
        sec_fetch_site: some(),
        sec_fetch_mode: some(),
        sec_fetch_dest: some(),
        x_requested_with: some(),
        csrf_token: some(),
        x_tenant_id: some(),
    }
}

fn odd_cookies(value: &Bytes) -> Vec<v1::Cookie> {
    let names = ["__Host-session", "__Host-login", "__Host-old_session", "other"];
    names.map(|name| v1::Cookie { name: name.into(), value: value.clone() }).into()
}

#[tokio::test]
async fn odd_bytes_in_cookies_and_headers_are_an_answer() {
    let world = World::new();
    let serving = Serving::of(&world).await;
    let mut client = serving.sessions().await;
    for value in odd() {
        let request = v1::ValidateSessionRequest {
            cookies: odd_cookies(&value),
            context: Some(odd_context(&value)),
            ..Default::default()
        };
        let answer = client.validate_session(by(Role::Edge, request)).await.unwrap().into_inner();
        let Some(validate_session_response::Outcome::Inactive(inactive)) = answer.outcome else { panic!("{answer:?}") };
        assert_eq!(inactive.reason(), v1::InactiveReason::Forged);
        let cookies = odd_cookies(&value);
        let refresh = v1::RefreshTokensRequest { cookies: cookies.clone(), context: Some(odd_context(&value)) };
        client.refresh_tokens(by(Role::Edge, refresh)).await.unwrap();
        let token = v1::GetAccessTokenRequest { cookies: cookies.clone(), ..Default::default() };
        client.get_access_token(by(Role::Backend, token)).await.unwrap();
        let revoke = v1::SessionServiceRevokeRequest {
            cookies,
            context: Some(odd_context(&value)),
            target: Some(v1::session_service_revoke_request::Target::PresentedSession(v1::PresentedSession {})),
        };
        assert_eq!(client.revoke(by(Role::Edge, revoke)).await.unwrap().into_inner().revoked_count, 0);
    }
}

// A browser's own oddities spoil nothing of a session that is good: a language in Latin-1, a cookie of somebody else's.
#[tokio::test]
async fn odd_bytes_beside_a_good_session_leave_it_good() {
    let (world, mut browser) = (World::new(), Browser::default());
    world.log_in(&mut browser, "ada").await;
    let serving = Serving::of(&world).await;
    let mut client = serving.sessions().await;
    for value in odd() {
        let mut request = validation(&browser);
        request.cookies.push(v1::Cookie { name: "__Host-session".into(), value: value.clone() });
        let own = context("GET", "/");
        request.context = Some(v1::RequestContext {
            method: own.method,
            user_agent: own.user_agent,
            accept_language: own.accept_language,
            // An upgrade would be judged by its origin.
            upgrade: None,
            ..odd_context(&value)
        });
        let answer = client.validate_session(by(Role::Edge, request)).await.unwrap().into_inner();
        assert!(matches!(answer.outcome, Some(validate_session_response::Outcome::Active(_))), "{answer:?}");
    }
}

#[tokio::test]
async fn odd_bytes_in_a_login_are_a_failed_login() {
    let world = World::new();
    let serving = Serving::of(&world).await;
    let mut client = serving.logins().await;
    for value in odd() {
        let (cookies, seen) = (odd_cookies(&value), Some(odd_context(&value)));
        let start = v1::StartLoginRequest {
            provider: value.clone(),
            query: value.clone(),
            cookies: cookies.clone(),
            context: seen.clone(),
            ..Default::default()
        };
        let started = client.start_login(by(Role::Edge, start)).await.unwrap().into_inner();
        assert_eq!(started.answer.unwrap().status, 400);
        for response in [Response::Query(value.clone()), Response::Form(value.clone()), Response::Json(value.clone())] {
            let callback = v1::CompleteCallbackRequest {
                response: Some(response),
                cookies: cookies.clone(),
                context: seen.clone(),
                ..Default::default()
            };
            let done = client.complete_callback(by(Role::Edge, callback)).await.unwrap().into_inner();
            assert!(matches!(done.outcome, Some(complete_callback_response::Outcome::Failure(_))), "{done:?}");
            let answer = done.answer.unwrap();
            assert!(answer.status == 400 && answer.set_cookies.is_empty(), "{answer:?}");
        }
        let logout = v1::StartLogoutRequest {
            query: value.clone(),
            cookies: cookies.clone(),
            context: seen.clone(),
            ..Default::default()
        };
        client.start_logout(by(Role::Edge, logout)).await.unwrap();
        let back = v1::CompleteLogoutRequest { query: value, cookies, context: seen, ..Default::default() };
        client.complete_logout(by(Role::Edge, back)).await.unwrap();
    }
}

// contract.md 2: an oversized header value is cut, where it is judged and where it is kept.
#[tokio::test]
async fn a_header_longer_than_the_limit_is_cut_and_judged_by_what_is_left() {
    let world = World::new();
    let serving = Serving::of(&world).await;
    let limit = world.authority.limits().header_bytes;
    let agent = |tail: &str| Bytes::from("u".repeat(limit) + tail);
    let mut browser = Browser { user_agent: "u".repeat(limit), ..Browser::default() };
    world.log_in(&mut browser, "ada").await;
    let mut client = serving.sessions().await;
    let ask = |user_agent: Bytes| {
        let seen = v1::RequestContext { user_agent: Some(user_agent), ..context("GET", "/") };
        by(
            Role::Edge,
            v1::ValidateSessionRequest { cookies: cookies(&browser), context: Some(seen), ..Default::default() },
        )
    };
    for same in [agent(""), agent("1"), agent(&"2".repeat(50_000))] {
        let answer = client.validate_session(ask(same)).await.unwrap().into_inner();
        assert!(matches!(answer.outcome, Some(validate_session_response::Outcome::Active(_))), "{answer:?}");
    }
    let other = client.validate_session(ask(Bytes::from("u".repeat(limit - 1)))).await.unwrap().into_inner();
    assert!(matches!(other.outcome, Some(validate_session_response::Outcome::Inactive(_))), "{other:?}");
}
