//! Owns what a browser sent, which is bytes: nothing of it fails a call. Does not know a caller's own fields.

use ::bytes::Bytes;
use gatelodge::authority::settings::Settings;
use gatelodge::rpc::policy::Role;
use gatelodge::rpc::server::ServerSettings;
use gatelodge::session::client::TrustedProxies;
use gatelodge_client::v1;
use gatelodge_client::v1::complete_callback_request::Response;
use gatelodge_client::v1::{complete_callback_response, validate_session_response};
use prost::Message as _;

use super::serving::{Serving, by, context, cookies, validation};
use crate::world::{Browser, World, state_of};

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
        place: some(),
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
        let refresh = v1::RefreshTokensRequest {
            cookies: cookies.clone(),
            context: Some(odd_context(&value)),
            ..Default::default()
        };
        client.refresh_tokens(by(Role::Edge, refresh)).await.unwrap();
        let token = v1::GetAccessTokenRequest { cookies: cookies.clone(), ..Default::default() };
        client.get_access_token(by(Role::Backend, token)).await.unwrap();
        let revoke = v1::SessionServiceRevokeRequest {
            cookies,
            context: Some(odd_context(&value)),
            target: Some(v1::session_service_revoke_request::Target::PresentedSession(v1::PresentedSession {})),
            ..Default::default()
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

// contract.md 2: a header that proxies append to is cut at the end that the browser wrote, and nothing is made of the
// element that was cut through.
#[tokio::test]
async fn a_long_forwarded_header_is_read_from_its_end() {
    let proxies = |settings: &mut Settings| {
        let nets = ["192.0.2.0/24", "203.0.113.0/24"].map(|net| net.parse().unwrap());
        settings.trusted_proxies = TrustedProxies(nets.into());
    };
    let world = World::with(proxies);
    let serving = Serving::of(&world).await;
    let limit = world.authority.limits().header_bytes;
    // Proxies all the way, so that the search ends where the reading does.
    let hops = |count: usize| vec!["203.0.113.10"; count].join(",");
    let long = |cut: usize| format!("198.51.100.1,{}", hops(limit)).split_off(cut);
    let table: [(Vec<String>, &str); 5] = [
        (vec!["198.51.100.1, 203.0.113.10".into()], "198.51.100.1"),
        (vec!["198.51.100.1".into(), hops(2)], "198.51.100.1"),
        (vec![long(0)], "203.0.113.10"),
        (vec!["198.51.100.1".into(), hops(limit / 26), hops(limit / 26), hops(2)], "203.0.113.10"),
        ([vec!["198.51.100.1".into()], vec!["203.0.113.10".into(); 64]].concat(), "203.0.113.10"),
    ];
    let cuts = (0..14).map(|cut| (vec![long(cut)], "203.0.113.10"));
    for (lines, expected) in table.into_iter().chain(cuts) {
        let lines: Vec<Bytes> = lines.into_iter().map(Bytes::from).collect();
        let elements = lines.iter().map(|line| {
            let line = std::str::from_utf8(line).unwrap().replace(',', ",for=");
            Bytes::from(format!("for={line}"))
        });
        for (x_forwarded_for, forwarded) in [(lines.clone(), vec![]), (vec![], elements.collect())] {
            let seen = v1::RequestContext { x_forwarded_for, forwarded, ..context("GET", "/auth/web/callback") };
            assert_eq!(client_address(&world, &serving, seen).await, expected, "{lines:?}");
        }
    }
}

/// The client's address in a session that is made by a callback with this context.
async fn client_address(world: &World, serving: &Serving, seen: v1::RequestContext) -> String {
    let mut browser = Browser::default();
    let started = world.start(&browser, "").await;
    browser.keep(&started.answer.set_cookies);
    let query = format!("code={}&state={}", world.provider.code_for("ada"), state_of(&started.answer));
    let callback = v1::CompleteCallbackRequest {
        response: Some(Response::Query(query.into())),
        cookies: cookies(&browser),
        context: Some(seen),
        ..Default::default()
    };
    let done = serving.logins().await.complete_callback(by(Role::Edge, callback)).await.unwrap().into_inner();
    let Some(complete_callback_response::Outcome::Completed(made)) = done.outcome else { panic!("{done:?}") };
    let session_id = made.session.unwrap().session_id;
    let found = serving.admin().await.get_session(by(Role::Admin, v1::GetSessionRequest { session_id })).await;
    found.unwrap().into_inner().session.unwrap().client_address
}

// The largest message of a caller who keeps the limits fits into the smallest that a server may take.
#[tokio::test]
async fn whatever_a_browser_sends_an_edge_can_pass_on() {
    let world = World::new();
    let serving = Serving::of(&world).await;
    let limits = world.authority.limits();
    let most = limits.message_bytes();
    assert_eq!(ServerSettings::default().max_message_bytes, most);
    let filler = |length: usize| Bytes::from(vec![b'x'; length]);
    let seen = || {
        let value = filler(limits.header_bytes);
        let lines = || vec![filler((limits.header_bytes + 1) / 64); 64];
        v1::RequestContext { x_forwarded_for: lines(), forwarded: lines(), ..odd_context(&value) }
    };
    let cookies =
        |name: &str| vec![v1::Cookie { name: name.into(), value: filler(limits.cookie_bytes + 1) }; limits.cookies];
    let scopes = vec!["s".repeat(2048); 64];
    let rights = || vec!["r".repeat(62); 64];
    let values = || vec!["v".repeat(128); 10];
    let requirements = v1::Requirements {
        scopes,
        any_scopes: rights(),
        permissions: rights(),
        any_permissions: rights(),
        roles: rights(),
        acr_values: values(),
        amr_values: values(),
        ..Default::default()
    };
    let check = v1::ValidateSessionRequest {
        cookies: cookies("__Host-session"),
        context: Some(seen()),
        requirements: Some(requirements),
        ..Default::default()
    };
    let callback = v1::CompleteCallbackRequest {
        cookies: [cookies("__Host-session"), cookies("__Host-login")].concat(),
        context: Some(seen()),
        response: Some(Response::Form(filler(limits.body_bytes + 1))),
        ..Default::default()
    };
    assert!(check.encoded_len() > most / 2 && check.encoded_len() <= most, "{}", check.encoded_len());
    assert!(callback.encoded_len() + limits.query_bytes < most, "{}", callback.encoded_len());
    serving.sessions().await.validate_session(by(Role::Edge, check)).await.unwrap();
    serving.logins().await.complete_callback(by(Role::Edge, callback)).await.unwrap();
}
