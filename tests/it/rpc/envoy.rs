//! Owns what Envoy is told when it asks who may pass, by the bytes of its own contract. Does not know Envoy: a real one is
//! in tests/proxies.

use std::collections::HashMap;

use ::bytes::Bytes;
use gatelodge::rpc::envoy::v3;
use gatelodge::rpc::envoy::v3::attribute_context::{HttpRequest, Peer, Request};
use gatelodge::rpc::envoy::v3::check_response::HttpResponse;
use gatelodge::rpc::envoy::v3::header_value_option::HeaderAppendAction;
use gatelodge::rpc::policy::Role;
use prost::Message as _;

use super::serving::{Serving, key, raw};
use crate::world::faults::Fault;
use crate::world::{Browser, World};

const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

/// What Envoy asks about a navigation of the world's browser.
fn question(cookies: &[u8], wants: &[(&str, &str)]) -> v3::CheckRequest {
    let line = |(name, value): (&str, &[u8])| v3::HeaderValue {
        key: name.to_owned(),
        raw_value: Bytes::copy_from_slice(value),
        ..Default::default()
    };
    let mut lines: Vec<(&str, &[u8])> =
        vec![("user-agent", b"Browser/1"), ("Accept-Language", b"en"), ("sec-fetch-mode", b"navigate")];
    if !cookies.is_empty() {
        lines.push(("cookie", cookies));
    }
    let headers = lines.into_iter().map(line).collect();
    let http = HttpRequest {
        method: "GET".into(),
        path: "/orders?page=2".into(),
        host: "app.example.com".into(),
        header_map: Some(v3::HeaderMap { headers }),
        ..Default::default()
    };
    let socket_address = Some(v3::SocketAddress { address: "192.0.2.7".into() });
    let attributes = v3::AttributeContext {
        source: Some(Peer { address: Some(v3::Address { socket_address }) }),
        request: Some(Request { http: Some(http) }),
        context_extensions: wants.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
    };
    v3::CheckRequest { attributes: Some(attributes) }
}

async fn check(serving: &Serving, question: &v3::CheckRequest) -> v3::CheckResponse {
    let answer = raw(&serving.channel().await, CHECK, Some(&key(Role::Edge)), question.encode_to_vec().into()).await;
    v3::CheckResponse::decode(answer.unwrap()).unwrap()
}

fn passed(answer: v3::CheckResponse) -> v3::OkHttpResponse {
    assert_eq!(answer.status.unwrap().code, 0);
    match answer.http_response {
        Some(HttpResponse::OkResponse(ok)) => ok,
        _ => panic!("it did not pass"),
    }
}

fn denied(answer: v3::CheckResponse) -> (i32, HashMap<String, String>, String) {
    assert_ne!(answer.status.unwrap().code, 0);
    let Some(HttpResponse::DeniedResponse(denied)) = answer.http_response else { panic!("it passed") };
    (denied.status.unwrap().code, values(&denied.headers), denied.body)
}

fn values(headers: &[v3::HeaderValueOption]) -> HashMap<String, String> {
    let pair = |option: &v3::HeaderValueOption| {
        let header = option.header.clone().unwrap();
        (header.key, header.value)
    };
    headers.iter().map(pair).collect()
}

/// A cookie header of the browser's session among others.
fn cookies(browser: &Browser) -> Vec<u8> {
    let own = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
    [b"a=\"x y\"; junk; ", own.as_bytes(), b" ;b=\xe9; c=\xc3\xa9"].concat()
}

async fn logged_in() -> (World, Browser, Serving) {
    let (world, mut browser) = (World::new(), Browser::default());
    world.log_in(&mut browser, "ada").await;
    let serving = Serving::of(&world).await;
    (world, browser, serving)
}

#[tokio::test]
async fn a_request_with_a_session_goes_on_with_an_identity_and_without_the_credential() {
    let (_world, browser, serving) = logged_in().await;
    let answer = check(&serving, &question(&cookies(&browser), &[])).await;
    let metadata = answer.dynamic_metadata.clone().unwrap().fields;
    assert!(metadata.contains_key("x-gatelodge-user-id"));
    let ok = passed(answer);
    let headers = values(&ok.headers);
    assert_eq!(headers["x-gatelodge-user-id"], "idp_ada");
    assert!(headers["x-gatelodge-session-id"].starts_with("sid_"));
    // One that is no text can't go on beside ours: Envoy writes none.
    assert_eq!(headers["cookie"], "a=\"x y\"; c=\u{e9}");
    let replaces =
        |option: &v3::HeaderValueOption| option.append_action() == HeaderAppendAction::OverwriteIfExistsOrAdd;
    assert!(ok.headers.iter().all(replaces), "what a request claims is not added to");
}

#[tokio::test]
async fn what_is_said_of_a_session_is_the_same_each_time_and_nothing_of_a_request_stays() {
    let (_world, browser, serving) = logged_in().await;
    let mut claiming = question(&cookies(&browser), &[]);
    let http = claiming.attributes.as_mut().unwrap().request.as_mut().unwrap().http.as_mut().unwrap();
    let claim = v3::HeaderValue { key: "x-gatelodge-new".into(), value: "mallory".into(), ..Default::default() };
    http.header_map.as_mut().unwrap().headers.push(claim);
    let own = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
    let first = check(&serving, &claiming).await;
    let second = check(&serving, &question(own.as_bytes(), &[])).await;
    assert!(first.dynamic_metadata == second.dynamic_metadata && first.dynamic_metadata.is_some());
    let (first, second) = (passed(first), passed(second));
    let mut identity = values(&first.headers);
    assert!(identity.remove("cookie").is_some());
    assert_eq!((identity, vec!["cookie".to_owned()]), (values(&second.headers), second.headers_to_remove));
}

// Before its message is read a call has an error like any other's.
#[tokio::test]
async fn a_question_that_is_no_message_is_refused_with_a_reason() {
    let (_world, _, serving) = logged_in().await;
    let refused = raw(&serving.channel().await, CHECK, Some(&key(Role::Edge)), Bytes::from_static(b"\xff")).await;
    assert!(!refused.unwrap_err().details().is_empty());
}

#[tokio::test]
async fn what_a_request_claims_of_an_identity_is_taken_away() {
    let (_world, browser, serving) = logged_in().await;
    let claims = ["x-gatelodge-user-id", "X-Gatelodge-Roles", "x_gatelodge_new", "x-gatelodge-acr"];
    let mut asked = question(&cookies(&browser), &[("gatelodge.session", "optional")]);
    let http = asked.attributes.as_mut().unwrap().request.as_mut().unwrap().http.as_mut().unwrap();
    for name in claims {
        let header = v3::HeaderValue { key: name.into(), value: "mallory".into(), ..Default::default() };
        http.header_map.as_mut().unwrap().headers.push(header);
    }
    let ok = passed(check(&serving, &asked).await);
    let headers = values(&ok.headers);
    for name in claims.map(str::to_ascii_lowercase) {
        assert!(headers.contains_key(&name) != ok.headers_to_remove.contains(&name), "{name}");
    }
    // With the headers as text, and nobody logged in.
    let mut nobody = question(b"", &[("gatelodge.session", "optional")]);
    let http = nobody.attributes.as_mut().unwrap().request.as_mut().unwrap().http.as_mut().unwrap();
    http.header_map = None;
    http.headers = claims.iter().map(|name| ((*name).to_owned(), "mallory".to_owned())).collect();
    let mut removed = passed(check(&serving, &nobody).await).headers_to_remove;
    removed.sort();
    let mut claimed = claims.map(str::to_ascii_lowercase);
    claimed.sort();
    assert_eq!(removed, claimed);
}

#[tokio::test]
async fn without_a_session_a_navigation_is_led_to_the_login_and_a_fetch_gets_401() {
    let (_world, _, serving) = logged_in().await;
    let (status, headers, _) = denied(check(&serving, &question(b"session=sess_garbage", &[])).await);
    assert_eq!((status, &*headers["location"]), (302, "/auth/web/login?redirect_uri=%2Forders%3Fpage%3D2"));
    let mut fetch = question(b"", &[]);
    let http = fetch.attributes.as_mut().unwrap().request.as_mut().unwrap().http.as_mut().unwrap();
    http.header_map.as_mut().unwrap().headers.retain(|header| header.key != "sec-fetch-mode");
    let (status, headers, body) = denied(check(&serving, &fetch).await);
    assert_eq!((status, &*headers["content-type"], &*headers["cache-control"]), (401, "application/json", "no-store"));
    assert!(body.contains("not_signed_in"), "{body}");
}

// security.md 113: no answer is never a pass, nor a logout.
#[tokio::test]
async fn where_nobody_can_say_nothing_goes_on_and_nobody_is_logged_out() {
    let (world, store) = World::with_faults(|settings| settings.cache = None);
    let mut browser = Browser::default();
    world.log_in(&mut browser, "ada").await;
    let serving = Serving::of(&world).await;
    let cookies = cookies(&browser);
    store.set(Fault::Away);
    for wants in [&[][..], &[("gatelodge.session", "optional")]] {
        let (status, headers, body) = denied(check(&serving, &question(&cookies, wants)).await);
        assert_eq!((status, &*headers["retry-after"]), (503, "1"));
        assert!(body.contains("AUTHORITY_UNAVAILABLE") && !headers.contains_key("set-cookie"), "{body}");
    }
    store.set(None);
    passed(check(&serving, &question(&cookies, &[])).await);
}

#[tokio::test]
async fn a_route_that_wants_what_nobody_can_read_lets_nobody_through() {
    let (_world, browser, serving) = logged_in().await;
    let wants = [
        ("gatelodge.scops", "openid"),
        ("gatelodge.session", "maybe"),
        ("gatelodge.csrf", "yes"),
        ("gatelodge.max_login_age", "5m"),
        ("gatelodge.max_login_age", "0s"),
        ("gatelodge.email_verified", "1"),
    ];
    for want in wants {
        let (status, ..) = denied(check(&serving, &question(&cookies(&browser), &[want])).await);
        assert_eq!(status, 503, "{want:?}");
    }
    let (status, ..) = denied(check(&serving, &v3::CheckRequest::default()).await);
    assert_eq!(status, 503, "a question about nothing");
}

#[tokio::test]
async fn what_a_route_wants_is_judged_and_others_words_are_not_read() {
    let (_world, browser, serving) = logged_in().await;
    let good = [("gatelodge.scopes", "openid"), ("gatelodge.max_login_age", "300s"), ("virtual_host", "a b")];
    passed(check(&serving, &question(&cookies(&browser), &good)).await);
    let missing = [("gatelodge.any_scopes", "orders more")];
    let (status, ..) = denied(check(&serving, &question(&cookies(&browser), &missing)).await);
    assert!([302, 403].contains(&status), "{status}");
}
