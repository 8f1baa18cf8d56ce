//! Owns what happens while the store is away, slow or silent: nobody is logged out, and health tells the truth.
//! Does not know which store it is.

use std::time::Duration;

use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::v1::validate_session_response::Outcome;
use tokio::time::Instant;
use tonic::Code;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt as _;

use super::failed;
use super::serving::{Serving, by, context, cookies, validation, within};
use crate::world::faults::Fault;
use crate::world::{Browser, World};

const DEADLINE: Duration = Duration::from_secs(2);

// security.md 113, 114: UNAVAILABLE with advice, inside the deadline, on every call that needs the store; and the
// session lives on afterwards.
#[tokio::test]
async fn a_store_that_is_away_ends_no_session() {
    let (world, store) = World::with_faults(|_| ());
    let mut browser = Browser::default();
    world.log_in(&mut browser, "ada").await;
    let serving = Serving::of(&world).await;
    let (mut sessions, mut logins, mut admin) =
        (serving.sessions().await, serving.logins().await, serving.admin().await);
    store.set(Fault::Away);
    let began = Instant::now();
    let (cookies, seen) = (cookies(&browser), Some(context("GET", "/")));
    let refresh = v1::RefreshTokensRequest { cookies: cookies.clone(), context: seen.clone(), ..Default::default() };
    let token = v1::GetAccessTokenRequest { cookies: cookies.clone(), ..Default::default() };
    let revoke = v1::SessionServiceRevokeRequest {
        cookies: cookies.clone(),
        context: seen.clone(),
        target: Some(v1::session_service_revoke_request::Target::PresentedSession(v1::PresentedSession {})),
        ..Default::default()
    };
    let start = v1::StartLoginRequest { context: seen.clone(), ..Default::default() };
    let logout = v1::StartLogoutRequest { cookies, context: seen, ..Default::default() };
    let user = Some(v1::admin_service_revoke_request::Target::UserId("idp_ada".into()));
    let user = v1::AdminServiceRevokeRequest { target: user, ..Default::default() };
    let (info, listed) = newest(&browser);
    let (attributes, changed, minted) = with_session(&browser);
    let id = || "idp_ada".to_owned();
    let why = String::new;
    let one = v1::GetSessionRequest { session_id: "sid_AAAAAAAAAAAAAAAAAAAAAAAA".into() };
    let preview = Some(v1::preview_revoke_request::Target::UserId(id()));
    let mut tokens = v1::token_service_client::TokenServiceClient::new(serving.channel().await);
    let answers = [
        sessions.get_user_info(within(DEADLINE, Role::Edge, info)).await.err(),
        sessions.list_user_sessions(within(DEADLINE, Role::Edge, listed)).await.err(),
        sessions.get_attributes(within(DEADLINE, Role::Backend, attributes)).await.err(),
        sessions.update_attributes(within(DEADLINE, Role::Backend, changed)).await.err(),
        tokens.mint_token(within(DEADLINE, Role::Backend, minted)).await.err(),
        tokens.get_jwks(within(DEADLINE, Role::Backend, v1::GetJwksRequest::default())).await.err(),
        admin.get_session(within(DEADLINE, Role::Admin, one)).await.err(),
        admin.preview_revoke(within(DEADLINE, Role::Admin, v1::PreviewRevokeRequest { target: preview })).await.err(),
        admin.get_user(within(DEADLINE, Role::Admin, v1::GetUserRequest { user_id: id() })).await.err(),
        admin.list_users(within(DEADLINE, Role::Admin, v1::ListUsersRequest::default())).await.err(),
        admin
            .disable_user(within(
                DEADLINE,
                Role::Admin,
                v1::DisableUserRequest { user_id: id(), reason: why(), ..Default::default() },
            ))
            .await
            .err(),
        admin
            .enable_user(within(
                DEADLINE,
                Role::Admin,
                v1::EnableUserRequest { user_id: id(), reason: why(), ..Default::default() },
            ))
            .await
            .err(),
        admin
            .delete_user(within(
                DEADLINE,
                Role::Admin,
                v1::DeleteUserRequest { user_id: id(), reason: why(), ..Default::default() },
            ))
            .await
            .err(),
        sessions.validate_session(within(DEADLINE, Role::Edge, validation(&browser))).await.err(),
        sessions.refresh_tokens(within(DEADLINE, Role::Edge, refresh)).await.err(),
        sessions.get_access_token(within(DEADLINE, Role::Backend, token)).await.err(),
        sessions.revoke(within(DEADLINE, Role::Backend, revoke)).await.err(),
        logins.start_login(within(DEADLINE, Role::Edge, start)).await.err(),
        logins.start_logout(within(DEADLINE, Role::Edge, logout)).await.err(),
        admin.list_sessions(within(DEADLINE, Role::Admin, v1::ListSessionsRequest::default())).await.err(),
        admin.revoke(within(DEADLINE, Role::Admin, user)).await.err(),
    ];
    assert!(began.elapsed() < DEADLINE);
    for answer in answers {
        let status = failed::<()>(Err(answer.expect("no call knows better")), Code::Unavailable, "STORE_UNAVAILABLE");
        assert!(status.get_details_retry_info().unwrap().retry_delay.unwrap() > Duration::ZERO, "{status:?}");
        assert!(!status.message().contains("on purpose"), "the cause is for the log: {status:?}");
    }
    store.set(None);
    let answer = sessions.validate_session(by(Role::Edge, validation(&browser))).await.unwrap().into_inner();
    assert!(matches!(answer.outcome, Some(Outcome::Active(_))), "{answer:?}");
}

fn newest(browser: &Browser) -> (v1::GetUserInfoRequest, v1::ListUserSessionsRequest) {
    (
        v1::GetUserInfoRequest { cookies: cookies(browser), ..Default::default() },
        v1::ListUserSessionsRequest { cookies: cookies(browser), ..Default::default() },
    )
}

fn with_session(browser: &Browser) -> (v1::GetAttributesRequest, v1::UpdateAttributesRequest, v1::MintTokenRequest) {
    (
        v1::GetAttributesRequest { cookies: cookies(browser), ..Default::default() },
        v1::UpdateAttributesRequest {
            cookies: cookies(browser),
            set: [("cart".to_owned(), "7".into())].into(),
            ..Default::default()
        },
        v1::MintTokenRequest {
            cookies: cookies(browser),
            audience: "https://orders.example.com".into(),
            ..Default::default()
        },
    )
}

// What needs no store is answered without one: no cookie, a forged one, the settings, the providers.
#[tokio::test]
async fn what_needs_no_store_is_answered_while_it_is_away() {
    let (world, store) = World::with_faults(|_| ());
    let serving = Serving::of(&world).await;
    let (mut sessions, mut logins) = (serving.sessions().await, serving.logins().await);
    store.set(Fault::Silent);
    let forged = Browser { cookies: vec![("__Host-session".into(), "sess_AAAA".into())], ..Browser::default() };
    for browser in [Browser::default(), forged] {
        let answer = sessions.validate_session(by(Role::Edge, validation(&browser))).await.unwrap().into_inner();
        assert!(matches!(answer.outcome, Some(Outcome::Inactive(_))), "{answer:?}");
    }
    logins.get_edge_settings(by(Role::Edge, v1::GetEdgeSettingsRequest::default())).await.unwrap();
    logins.list_providers(by(Role::Edge, v1::LoginServiceListProvidersRequest::default())).await.unwrap();
}

async fn health(client: &mut HealthClient<Channel>, service: &str) -> ServingStatus {
    client.check(HealthCheckRequest { service: service.into() }).await.unwrap().into_inner().status()
}

/// Waits until every service says so.
async fn until(client: &mut HealthClient<Channel>, expected: ServingStatus) {
    for service in ["", "gatelodge.v1.SessionService", "gatelodge.v1.LoginService", "gatelodge.v1.AdminService"] {
        let began = Instant::now();
        while health(client, service).await != expected {
            assert!(began.elapsed() < Duration::from_secs(15), "{service:?} never said {expected:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

// security.md 114.
#[tokio::test]
async fn health_is_as_true_as_the_store() {
    let (world, store) = World::with_faults(|_| ());
    store.set(Fault::Silent);
    let serving = Serving::of(&world).await;
    let mut client = HealthClient::new(serving.channel().await);
    let first = health(&mut client, "").await;
    assert_eq!(first, ServingStatus::NotServing, "nothing is promised before the store has answered");
    store.set(None);
    until(&mut client, ServingStatus::Serving).await;
    for fault in [Fault::Away, Fault::Silent] {
        store.set(fault);
        until(&mut client, ServingStatus::NotServing).await;
        store.set(None);
        until(&mut client, ServingStatus::Serving).await;
    }
    let unknown = client.check(HealthCheckRequest { service: "no.such.Service".into() }).await;
    failed(unknown, Code::NotFound, "INVALID_FIELD");
}

// A balancer that gets no answer of health takes a replica out that is only busy.
#[tokio::test]
async fn health_answers_when_every_place_is_taken() {
    let world = World::new();
    let serving = Serving::with(&world, |settings| settings.max_in_flight = 0).await;
    let outcome = serving.sessions().await.validate_session(by(Role::Edge, validation(&Browser::default()))).await;
    failed(outcome, Code::ResourceExhausted, "OVERLOADED");
    let mut client = HealthClient::new(serving.channel().await);
    until(&mut client, ServingStatus::Serving).await;
}

// Anybody may watch health without a key, so not any number may.
#[tokio::test]
async fn only_so_many_watch_health_at_once() {
    let world = World::new();
    let serving = Serving::of(&world).await;
    let mut client = HealthClient::new(serving.channel().await);
    let mut watching = Vec::new();
    let refused = loop {
        match client.watch(HealthCheckRequest::default()).await {
            Ok(stream) => watching.push(stream.into_inner()),
            Err(refused) => break refused,
        }
    };
    failed::<()>(Err(refused), Code::ResourceExhausted, "OVERLOADED");
    assert_eq!(watching.len(), 64);
    health(&mut client, "").await;
    serving.sessions().await.validate_session(by(Role::Edge, validation(&Browser::default()))).await.unwrap();
    watching.pop();
    let began = Instant::now();
    while client.watch(HealthCheckRequest::default()).await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(10), "a watcher that is gone holds its place");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
