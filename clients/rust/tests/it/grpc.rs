//! Owns who gets to a gRPC server behind a gate, by a session or a bearer token. Does not know browsers.

use std::sync::Arc;
use std::time::Duration;

use gatelodge_client::v1::admin_service_client::AdminServiceClient;
use gatelodge_client::v1::admin_service_server::AdminServiceServer;
use gatelodge_client::v1::validate_session_response::Outcome;
use gatelodge_client::v1::{self, validate_token_response};
use gatelodge_client::{Caller, Gate, GrpcLayer};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Channel, Server};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

use crate::authority::{Authority, Scripts, active, outcome, settings};

/// A gRPC server of an application's own, behind a layer; a service of ours stands for its own.
async fn backend(layer: GrpcLayer) -> (AdminServiceClient<Channel>, Arc<Scripts>) {
    let scripts = Arc::new(Scripts::default());
    scripts.get.say([Ok(v1::GetSessionResponse::default())]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::builder().layer(layer).add_service(AdminServiceServer::from_arc(Arc::clone(&scripts)));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    (AdminServiceClient::connect(format!("http://{address}")).await.unwrap(), scripts)
}

async fn gate(authority: &Authority) -> Gate {
    let gate = Gate::new(authority.client());
    gate.ready().await;
    gate
}

async fn call(to: &mut AdminServiceClient<Channel>, name: &'static str, value: &str) -> Result<(), Status> {
    let mut request = Request::new(v1::GetSessionRequest::default());
    request.metadata_mut().insert(name, value.parse().unwrap());
    to.get_session(request).await.map(drop)
}

#[expect(clippy::unnecessary_wraps, reason = "a script takes answers and failures alike")]
fn token(outcome: validate_token_response::Outcome) -> Result<v1::ValidateTokenResponse, Status> {
    Ok(v1::ValidateTokenResponse { outcome: Some(outcome) })
}

#[tokio::test]
async fn a_session_cookie_is_validated_and_a_bearer_token_is_no_session() {
    let authority = Authority::start().await;
    let (mut backend, scripts) = backend(gate(&authority).await.require_grpc()).await;
    authority.validate.say([outcome(Outcome::Active(active()))]);
    call(&mut backend, "cookie", "theme=dark; session=s").await.unwrap();
    let asked = authority.validate.last();
    assert_eq!((asked.cookies[0].value.as_ref(), asked.context), (b"s".as_ref(), None));

    let identity = Some(v1::Identity { user_id: "google_2".into(), ..Default::default() });
    let judged = Some(v1::TokenRequirements::default());
    let active = v1::ActiveToken { identity, judged, ..Default::default() };
    authority.validate_token.say([token(validate_token_response::Outcome::Active(active))]);
    call(&mut backend, "authorization", "bearer at_1").await.unwrap();
    assert_eq!(authority.validate_token.last().token, "at_1");
    assert_eq!((authority.validate.count(), scripts.get.count()), (1, 2));
    let callers = scripts.get.extensions();
    let users: Vec<_> = callers.iter().map(|caller| caller.get::<Caller>().and_then(Caller::user_id)).collect();
    assert_eq!(users, [Some("google_1"), Some("google_2")]);
}

#[tokio::test]
async fn of_several_tenants_the_authority_of_a_call_says_whose_cookies_are_read() {
    let authority = Authority::without_settings().await;
    let at = |host: &str, cookie: &str| {
        let mut one = settings("v1").settings.unwrap();
        (one.hosts, one.session_cookie_names) = (vec![host.to_owned()], vec![cookie.to_owned()]);
        one
    };
    let told = v1::GetEdgeSettingsResponse {
        settings: Some(at("app.example.com", "app")),
        others: vec![at("127.0.0.1", "acme")],
    };
    authority.settings.say([Ok(told)]);
    authority.validate.say([outcome(Outcome::Active(active()))]);
    let (mut backend, _) = backend(gate(&authority).await.require_grpc()).await;
    call(&mut backend, "cookie", "app=1; acme=2").await.unwrap();
    assert_eq!(authority.validate.last().cookies, [v1::Cookie { name: "acme".into(), value: "2".into() }]);
}

#[tokio::test]
async fn who_is_not_known_or_may_not_call_gets_to_no_handler() {
    let authority = Authority::start().await;
    let layer = gate(&authority).await.require_grpc().scopes(["admin"]).max_login_age(Duration::from_mins(5));
    let (mut backend, scripts) = backend(layer.audience("orders")).await;
    authority.validate.say([outcome(Outcome::Inactive(v1::InactiveSession::default()))]);
    assert_eq!(call(&mut backend, "x", "y").await.unwrap_err().code(), Code::Unauthenticated);
    let denied = v1::DeniedSession { remedy: "Ask somebody.".into(), ..Default::default() };
    authority.validate.say([outcome(Outcome::Denied(denied))]);
    let refused = call(&mut backend, "cookie", "session=s").await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert!(refused.message().ends_with("Ask somebody."));
    let asked = authority.validate.last().requirements.unwrap();
    assert_eq!((asked.scopes, asked.max_login_age.unwrap().seconds), (vec!["admin".to_owned()], 300));

    authority.validate_token.say([token(validate_token_response::Outcome::Inactive(v1::InactiveToken::default()))]);
    assert_eq!(call(&mut backend, "authorization", "Bearer x").await.unwrap_err().code(), Code::Unauthenticated);
    authority.validate_token.say([token(validate_token_response::Outcome::Denied(v1::DeniedToken::default()))]);
    assert_eq!(call(&mut backend, "authorization", "Bearer x").await.unwrap_err().code(), Code::PermissionDenied);
    assert_eq!(authority.validate_token.last().requirements.unwrap().audience, "orders");
    assert_eq!(scripts.get.count(), 0);
}

// The authority's own status speaks of the backend's key: a caller is told nothing of it.
#[tokio::test]
async fn could_not_say_is_unavailable_and_a_gate_that_only_looks_lets_nobody_through_as_nobody() {
    let authority = Authority::start().await;
    let (mut backend, scripts) = backend(gate(&authority).await.grpc()).await;
    let mut details = tonic_types::ErrorDetails::new();
    details.set_retry_info(Some(Duration::from_secs(7)));
    authority.validate.say([Err(Status::with_error_details(Code::PermissionDenied, "key", details))]);
    let status = call(&mut backend, "cookie", "session=s").await.unwrap_err();
    assert_eq!((status.code(), status.message().contains("key")), (Code::Unavailable, false));
    assert_eq!(status.get_details_retry_info().unwrap().retry_delay, Some(Duration::from_secs(7)));
    authority.validate.say([outcome(Outcome::Inactive(v1::InactiveSession::default()))]);
    call(&mut backend, "cookie", "session=s").await.unwrap();
    assert!(scripts.get.extensions()[0].get::<Caller>().is_none());
}
