//! Owns how the typed client calls: what goes with a call, when it is repeated, and how it fails.
//! Does not know routes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use gatelodge_client::v1::{self, ErrorReason};
use gatelodge_client::{Client, ClientOptions, Reason};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tonic::transport::Server;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::authority::{Authority, KEY, Scripts, active, outcome, serve};

fn question() -> v1::ValidateSessionRequest {
    v1::ValidateSessionRequest::default()
}

fn yes() -> Result<v1::ValidateSessionResponse, Status> {
    outcome(v1::validate_session_response::Outcome::Active(active()))
}

fn unavailable(retry_after: Option<Duration>) -> Status {
    let metadata = HashMap::from([("request_id".to_owned(), "req-9".to_owned())]);
    let mut details = ErrorDetails::with_error_info("STORE_UNAVAILABLE", "gatelodge", metadata);
    if retry_after.is_some() {
        details.set_retry_info(retry_after);
    }
    Status::with_error_details(Code::Unavailable, "The session store can't be reached.", details)
}

#[tokio::test]
async fn key_deadline_and_request_id_go_with_a_call() {
    let authority = Authority::start().await;
    authority.validate.say([yes()]);
    let client = authority.client().for_request("req-1");
    client.sessions().validate_session(question()).await.unwrap();
    assert_eq!(authority.validate.metadata("authorization"), Some(format!("Bearer {KEY}")));
    assert_eq!(authority.validate.metadata("x-request-id").as_deref(), Some("req-1"));
    assert!(authority.validate.metadata("user-agent").unwrap().starts_with("gatelodge-rust/"));
    let timeout = authority.validate.metadata("grpc-timeout").unwrap();
    let micros: u64 = timeout.strip_suffix('u').unwrap().parse().unwrap();
    assert!((1_000_000..=2_000_000).contains(&micros), "{timeout}");
    assert!(!format!("{client:?}").contains(KEY));
}

#[tokio::test]
async fn a_safe_call_is_repeated_no_sooner_than_asked_for() {
    let authority = Authority::start().await;
    let wait = Duration::from_millis(400);
    authority.validate.say([Err(unavailable(Some(wait))), Err(unavailable(None)), yes()]);
    let begun = Instant::now();
    authority.client().sessions().check(question()).await.unwrap();
    assert!(begun.elapsed() >= wait);
    assert_eq!(authority.validate.count(), 3);
}

#[tokio::test]
async fn only_unavailable_is_repeated_and_only_where_it_is_safe() {
    let authority = Authority::start().await;
    authority.validate.say([Err(Status::internal("no"))]);
    authority.login.say([Err(unavailable(None))]);
    authority.callback.say([Err(unavailable(None))]);
    // A repeat would find the first, and take it for somebody else's change.
    authority.update.say([Err(unavailable(None))]);
    let client = authority.client();
    client.sessions().check(question()).await.unwrap_err();
    client.login().start_login(v1::StartLoginRequest::default()).await.unwrap_err();
    client.login().complete_callback(v1::CompleteCallbackRequest::default()).await.unwrap_err();
    client.sessions().update_attributes(v1::UpdateAttributesRequest::default()).await.unwrap_err();
    assert_eq!((authority.validate.count(), authority.login.count(), authority.callback.count()), (1, 1, 1));
    assert_eq!(authority.update.count(), 1);
}

#[tokio::test]
async fn an_error_carries_reason_request_and_fields() {
    let authority = Authority::start().await;
    let client = authority.client().with_deadline(Duration::from_millis(20));
    authority.validate.say([Err(unavailable(None))]);
    let error = client.sessions().check(question()).await.unwrap_err();
    assert!(error.is(ErrorReason::StoreUnavailable) && error.is_retryable());
    assert_eq!((error.code(), error.request_id()), (Code::Unavailable, Some("req-9")));
    let shown = "The session store can't be reached. (Unavailable, STORE_UNAVAILABLE, request req-9)";
    assert_eq!(error.to_string(), shown);

    let mut details = ErrorDetails::with_error_info("FROM_THE_FUTURE", "gatelodge", HashMap::new());
    details.add_bad_request_violation("page_size", "at most 200");
    authority.list.say([Err(Status::with_error_details(Code::InvalidArgument, "no", details))]);
    let error = client.admin().list_sessions(v1::ListSessionsRequest::default()).await.unwrap_err();
    assert_eq!(*error.reason(), Reason::Unknown("FROM_THE_FUTURE".into()));
    assert_eq!(error.field_violations()[0].field, "page_size");
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn a_repeat_that_runs_out_of_time_leaves_the_cause() {
    let authority = Authority::start().await;
    authority.validate.say([Err(unavailable(None)), Err(Status::cancelled("Timeout expired"))]);
    let error = authority.client().sessions().check(question()).await.unwrap_err();
    assert!(error.is(ErrorReason::StoreUnavailable), "{error}");
    assert_eq!(authority.validate.count(), 2);
}

#[tokio::test]
async fn no_answer_in_time_is_deadline_exceeded() {
    let authority = Authority::start().await;
    let client = authority.client().with_deadline(Duration::from_millis(100));
    let error = client.sessions().check(question()).await.unwrap_err();
    assert!(error.is(ErrorReason::DeadlineExceeded), "{error}");
    assert_eq!(error.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn an_authority_that_is_away_is_named_and_the_client_recovers_by_itself() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let client = Client::connect(&ClientOptions::new(format!("http://{address}"), KEY)).unwrap();
    let error = client.with_deadline(Duration::from_millis(200)).sessions().check(question()).await.unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (Code::Unavailable, true));
    assert!(error.message().contains(&format!("http://{address}")), "{error}");
    assert!(error.message().contains("refused"), "{error}");

    let scripts = Arc::new(Scripts::default());
    scripts.validate.say([yes()]);
    serve(Server::builder(), scripts, TcpListener::bind(address).await.unwrap());
    client.sessions().check(question()).await.unwrap();
}

#[tokio::test]
async fn every_other_method_reaches_its_own() {
    let authority = Authority::start().await;
    let client = authority.client();
    authority.providers.say([Ok(v1::LoginServiceListProvidersResponse::default())]);
    client.login().list_providers(v1::LoginServiceListProvidersRequest::default()).await.unwrap();
    authority.refresh.say([Ok(v1::RefreshTokensResponse::default())]);
    client.sessions().refresh_tokens(v1::RefreshTokensRequest::default()).await.unwrap();
    authority.access_token.say([Ok(v1::GetAccessTokenResponse::default())]);
    client.sessions().get_access_token(v1::GetAccessTokenRequest::default()).await.unwrap();
    authority.revoke.say([Ok(v1::SessionServiceRevokeResponse { revoked_count: 1, ..Default::default() })]);
    let revoked = client.sessions().revoke(v1::SessionServiceRevokeRequest::default()).await.unwrap();
    assert_eq!(revoked.revoked_count, 1);
    authority.get.say([Ok(v1::GetSessionResponse::default())]);
    client.admin().get_session(v1::GetSessionRequest::default()).await.unwrap();
    authority.admin_revoke.say([Ok(v1::AdminServiceRevokeResponse { revoked_count: 7, ..Default::default() })]);
    let revoked = client.admin().revoke(v1::AdminServiceRevokeRequest::default()).await.unwrap();
    assert_eq!(revoked.revoked_count, 7);
}

// security.md 109: what is marked in the contract as secret is not shown.
#[test]
fn debug_shows_no_secret() {
    let canary = "canary";
    let context =
        || Some(v1::RequestContext { target: canary.into(), csrf_token: Some(canary.into()), ..Default::default() });
    let callback = v1::CompleteCallbackRequest {
        response: Some(v1::complete_callback_request::Response::Query(canary.into())),
        cookies: vec![v1::Cookie { name: "session".into(), value: canary.into() }],
        context: context(),
        ..Default::default()
    };
    let answer = v1::HttpAnswer {
        location: canary.into(),
        set_cookies: vec![canary.into()],
        body: canary.into(),
        ..Default::default()
    };
    let session = v1::ActiveSession { csrf_token: canary.into(), set_cookies: vec![canary.into()], ..active() };
    let token = v1::AccessToken { value: canary.into(), r#type: "Bearer".into(), ..Default::default() };
    let response = callback.response.clone();
    let logout = v1::StartLogoutRequest { form: canary.into(), query: canary.into(), ..Default::default() };
    let shown = format!("{callback:?} {response:?} {logout:?} {answer:?} {session:?} {token:?}");
    assert!(!shown.contains(canary), "{shown}");
    assert!(shown.contains("Bearer") && shown.contains("google_1"), "what is no secret is shown: {shown}");
}

// An authority that does not know audiences answers with the session's own token.
#[tokio::test]
async fn a_token_for_another_audience_than_asked_for_is_none() {
    use v1::get_access_token_response::Outcome;
    let authority = Authority::start().await;
    let token = v1::AccessToken { value: "own".into(), ..Default::default() };
    authority.access_token.say([Ok(v1::GetAccessTokenResponse { outcome: Some(Outcome::AccessToken(token)) })]);
    let client = authority.client();
    let asked = |audience: &str| v1::GetAccessTokenRequest { audience: audience.into(), ..Default::default() };
    client.sessions().get_access_token(asked("")).await.unwrap();
    let error = client.sessions().get_access_token(asked("orders")).await.unwrap_err();
    assert!(error.to_string().contains("upgrade the authority"), "{error}");
}

#[tokio::test]
async fn health_is_asked_without_a_key() {
    let (reporter, service) = tonic_health::server::health_reporter();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    tokio::spawn(Server::builder().add_service(service).serve_with_incoming(incoming));
    let client = Client::connect(&ClientOptions::without_key(format!("http://{address}"))).unwrap();
    assert!(client.is_serving("").await.unwrap());
    reporter.set_service_status("", tonic_health::ServingStatus::NotServing).await;
    assert!(!client.is_serving("").await.unwrap());
    assert_eq!(client.is_serving("unknown").await.unwrap_err().code(), Code::NotFound);
}

// contract.md, 3: an older authority ignores a filter that it does not know, and would list too much.
#[tokio::test]
async fn a_list_under_a_filter_that_was_not_applied_is_an_error() {
    let authority = Authority::start().await;
    let provider = || "google".to_owned();
    let applied = v1::SessionFilter { provider: provider(), ..Default::default() };
    for (applied, good) in [(Some(applied), true), (None, false), (Some(v1::SessionFilter::default()), false)] {
        authority.list.say([Ok(v1::ListSessionsResponse { applied_filter: applied, ..Default::default() })]);
        let question = v1::ListSessionsRequest { provider: provider(), ..Default::default() };
        assert_eq!(authority.client().admin().list_sessions(question).await.is_ok(), good);
        let of_a_user = v1::ListSessionsRequest { user_id: "google_1".into(), ..Default::default() };
        assert!(authority.client().admin().list_sessions(of_a_user).await.is_ok(), "that one is known to all");
    }
}
