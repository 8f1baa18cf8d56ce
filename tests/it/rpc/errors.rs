//! Owns what every error has: its reason, its request id, and no more than its caller may know.
//! Does not know which field of which message is wrong.

use std::time::Duration;

use ::bytes::Bytes;
use gatelodge::rpc::policy::Role;
use gatelodge::rpc::server::ServerSettings;
use gatelodge_client::v1;
use tonic::Code;
use tonic_types::StatusExt as _;

use super::serving::{Serving, by, cookies, key, raw, validation, within};
use super::{failed, fields_of};
use crate::world::faults::Fault;
use crate::world::log::Log;
use crate::world::{Browser, World};

const VALIDATE: &str = "/gatelodge.v1.SessionService/ValidateSession";
const OURS: [(Role, &str); 4] = [
    (Role::Edge, VALIDATE),
    (Role::Edge, "/gatelodge.v1.LoginService/CompleteCallback"),
    (Role::Admin, "/gatelodge.v1.AdminService/ListSessions"),
    (Role::Admin, "/grpc.health.v1.Health/Check"),
];

// security.md 105: refused before any work, in the caller's own words.
#[tokio::test]
async fn what_is_no_message_is_the_callers_fault() {
    let world = World::new();
    let serving = Serving::of(&world).await;
    let channel = serving.channel().await;
    for (role, method) in OURS {
        for garbage in [&b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"[..], b"\x0a\x7f", b"\x08", b"\x0b\x0b\x0b"] {
            let outcome = raw(&channel, method, Some(&key(role)), Bytes::from_static(garbage)).await;
            let status = failed(outcome, Code::InvalidArgument, "INVALID_FIELD");
            assert_eq!(fields_of(&status), [""], "{method}");
        }
    }
    let size = ServerSettings::default().max_message_bytes;
    let large = Bytes::from(vec![0; size + 1]);
    let status =
        failed(raw(&channel, VALIDATE, Some(&key(Role::Edge)), large).await, Code::InvalidArgument, "INVALID_FIELD");
    assert!(status.message().contains(&size.to_string()), "it says how large it may be: {status:?}");
}

#[tokio::test]
async fn more_calls_than_it_takes_on_are_told_to_come_back() {
    let world = World::new();
    let serving = Serving::with(&world, |settings| settings.max_in_flight = 0).await;
    let outcome = serving.sessions().await.validate_session(by(Role::Edge, validation(&Browser::default()))).await;
    let status = failed(outcome, Code::ResourceExhausted, "OVERLOADED");
    assert!(status.get_details_retry_info().unwrap().retry_delay.unwrap() > Duration::ZERO);

    let (world, store) = World::with_faults(|_| ());
    let mut browser = Browser::default();
    world.log_in(&mut browser, "ada").await;
    let serving = Serving::with(&world, |settings| settings.max_in_flight = 1).await;
    let mut client = serving.sessions().await;
    store.set(Fault::Slow(Duration::from_millis(300)));
    let (mut first, mut second) = (client.clone(), client.clone());
    let (one, two) = tokio::join!(
        first.validate_session(by(Role::Edge, validation(&browser))),
        second.validate_session(by(Role::Edge, validation(&browser))),
    );
    let (ok, refused) = if one.is_ok() { (one, two) } else { (two, one) };
    ok.unwrap();
    failed(refused, Code::ResourceExhausted, "OVERLOADED");
    store.set(None);
    client.validate_session(by(Role::Edge, validation(&browser))).await.expect("the place is free again");
}

// security.md 128: we say what was slow, before the network says less.
#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_passes_is_a_reason_of_its_own() {
    let (world, store) = World::with_faults(|_| ());
    let mut browser = Browser::default();
    world.log_in(&mut browser, "ada").await;
    let serving = Serving::with(&world, |settings| settings.max_in_flight = 1).await;
    let mut client = serving.sessions().await;
    store.set(Fault::Silent);
    for _ in 0..2 {
        let call = within(Duration::from_secs(1), Role::Backend, validation(&browser));
        failed(client.validate_session(call).await, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    }
    store.set(None);
    client.validate_session(by(Role::Edge, validation(&browser))).await.expect("what was given up holds no place");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_slow_costs_its_caller_the_deadline_and_nobody_the_login() {
    let (world, mut browser) = (World::new(), Browser::default());
    let serving = Serving::of(&world).await;
    let started = world.start(&browser, "").await;
    browser.keep(&started.answer.set_cookies);
    let query = format!("code={}&state={}", world.provider.code_for("ada"), crate::world::state_of(&started.answer));
    let callback = || v1::CompleteCallbackRequest {
        response: Some(v1::complete_callback_request::Response::Query(query.clone().into())),
        cookies: cookies(&browser),
        context: Some(super::serving::context("GET", "/auth/web/callback")),
        ..Default::default()
    };
    *world.provider.slow.lock().unwrap() = Some(Duration::from_millis(1500));
    let mut client = serving.logins().await;
    let first = client.complete_callback(within(Duration::from_secs(1), Role::Edge, callback())).await;
    failed(first, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    let again = client.complete_callback(by(Role::Edge, callback())).await.unwrap().into_inner();
    assert!(matches!(again.outcome, Some(v1::complete_callback_response::Outcome::Completed(_))), "{again:?}");
}

#[tokio::test]
async fn a_request_id_is_the_callers_own_if_it_is_harmless_and_else_a_new_one() {
    let world = World::new();
    let serving = Serving::of(&world).await;
    let mut client = serving.sessions().await;
    for own in ["a", "0193-x_Y.z", &"r".repeat(64)] {
        let mut call = by(Role::Edge, validation(&Browser::default()));
        call.metadata_mut().insert("x-request-id", own.parse().unwrap());
        let answer = client.validate_session(call).await.unwrap();
        assert_eq!(answer.metadata().get("x-request-id").unwrap(), own);
    }
    let mut made = std::collections::HashSet::new();
    for odd in ["", " ", "a b", "<script>", "a/b", "a\"b", &"r".repeat(65)] {
        let mut call = by(Role::Admin, validation(&Browser::default()));
        call.metadata_mut().insert("x-request-id", odd.parse().unwrap());
        let refused = client.validate_session(call).await;
        let status = failed(refused, Code::PermissionDenied, "CALLER_NOT_ALLOWED");
        let id = status.metadata().get("x-request-id").unwrap().to_str().unwrap().to_owned();
        assert_eq!(id.len(), 36, "{odd:?}: {id}");
        assert!(made.insert(id), "{odd:?}");
    }
}

// What is said to a caller without a good key does not depend on any session.
#[tokio::test]
async fn a_wrong_key_learns_nothing_about_sessions() {
    let (world, store) = World::with_faults(|_| ());
    let mut browser = Browser::default();
    world.log_in(&mut browser, "ada").await;
    let serving = Serving::of(&world).await;
    let mut client = serving.sessions().await;
    let mut told = std::collections::HashSet::new();
    let forged = Browser { cookies: vec![("__Host-session".into(), "sess_x".into())], ..Browser::default() };
    for away in [None, Some(Fault::Away)] {
        store.set(away);
        for browser in [&browser, &forged, &Browser::default()] {
            for authorization in ["Bearer gl_wrong", "Bearer ", "Basic YTpi", "x", "Bearer sess_x"] {
                let mut call = tonic::Request::new(validation(browser));
                call.metadata_mut().insert("authorization", authorization.parse().unwrap());
                call.metadata_mut().insert("x-request-id", "same".parse().unwrap());
                let status = client.validate_session(call).await.unwrap_err();
                failed::<()>(Err(status.clone()), Code::Unauthenticated, "CALLER_UNAUTHENTICATED");
                told.insert((status.message().to_owned(), status.details().to_vec()));
            }
        }
    }
    assert_eq!(told.len(), 1, "{told:?}");
}

// A key that is no longer good is seen in the log, with where it came from; a flood of calls does not fill it.
#[tokio::test]
async fn a_wrong_key_is_said_once_in_a_while_with_its_peer_and_without_the_key() {
    let log = Log::default();
    let _listening = log.listen();
    let world = World::new();
    let serving = Serving::of(&world).await;
    let mut client = serving.sessions().await;
    for _ in 0..5 {
        let mut call = tonic::Request::new(validation(&Browser::default()));
        call.metadata_mut().insert("authorization", "Bearer gl_canary".parse().unwrap());
        let status = failed(client.validate_session(call).await, Code::Unauthenticated, "CALLER_UNAUTHENTICATED");
        assert!(status.message().contains("GATELODGE_API_KEY"), "{status:?}");
    }
    let text = log.text();
    let said: Vec<_> = text.lines().filter(|line| line.contains("WARN") && line.contains("API key")).collect();
    let [line] = said.as_slice() else { panic!("{said:?}") };
    assert!(line.contains("peer=127.0.0.1:") && line.contains("unknown"), "{line}");
    assert!(!text.contains("canary"), "{text}");
}

// security.md 124: what breaks in one call is that call's own trouble.
#[tokio::test]
async fn a_panic_fails_one_call_with_a_reason_and_no_other() {
    let (world, store) = World::with_faults(|_| ());
    let mut browser = Browser::default();
    world.log_in(&mut browser, "ada").await;
    let serving = Serving::with(&world, |settings| settings.max_in_flight = 1).await;
    let mut client = serving.sessions().await;
    store.set(Fault::Panics);
    for _ in 0..2 {
        let outcome = client.validate_session(by(Role::Edge, validation(&browser))).await;
        let status = failed(outcome, Code::Internal, "INTERNAL");
        assert_eq!(status.message(), "internal error");
        let refresh = v1::RefreshTokensRequest { cookies: cookies(&browser), ..Default::default() };
        let outcome = client.refresh_tokens(by(Role::Edge, refresh)).await;
        assert_eq!(failed(outcome, Code::Internal, "INTERNAL").message(), "internal error", "in a task of its own too");
    }
    store.set(None);
    let answer = client.validate_session(by(Role::Edge, validation(&browser))).await.unwrap().into_inner();
    assert!(matches!(answer.outcome, Some(v1::validate_session_response::Outcome::Active(_))), "{answer:?}");
}
