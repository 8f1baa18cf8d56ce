//! Owns the gRPC server: its services, health, reflection, limits and its end. Does not know where it listens.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tower::util::option_layer;

use super::admin_service::Admin;
use super::callers::Callers;
use super::entrance;
use super::envoy::Authorization;
use super::envoy::wire::authorization_server::AuthorizationServer;
use super::gate::Gate;
use super::grpc_web::{self, GrpcWebSettings};
use super::health::Health;
use super::login_service::Logins;
use super::places::Places;
use super::session_service::Sessions;
use super::shares::Shares;
use super::streams::Streams;
use super::tasks::Tasks;
use super::tls::Tls;
use super::token_service::Tokens;
use super::v1::DESCRIPTOR_SET;
use super::v1::admin_service_server::AdminServiceServer;
use super::v1::login_service_server::LoginServiceServer;
use super::v1::session_service_server::SessionServiceServer;
use super::v1::token_service_server::TokenServiceServer;
use super::work::Work;
use crate::authority::observer::CallObserver;
use crate::authority::settings::Limits;
use crate::authority::tenants::Tenants;

/// How the server behaves.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// TLS; `None` for plaintext.
    pub tls: Option<Tls>,
    /// The largest request message, in bytes (security.md 105).
    pub max_message_bytes: usize,
    /// How many calls may be in flight; more are told to come back.
    pub max_in_flight: usize,
    /// How long running calls may take to finish once the server is told to stop.
    pub drain: Duration,
    /// How long a connection lasts, so that balancers spread callers anew.
    pub max_connection_age: Duration,
    /// Where work runs that has to come to its end. What runs there is waited for at the end, within `drain`.
    pub tasks: Tasks,
    /// Who looks on, if anybody does.
    pub observer: Option<Arc<dyn CallObserver>>,
    /// gRPC-Web; `None`: it is not spoken, nor HTTP/1.1.
    pub grpc_web: Option<GrpcWebSettings>,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            tls: None,
            max_message_bytes: Limits::default().message_bytes(),
            max_in_flight: 10_000,
            drain: Duration::from_secs(10),
            max_connection_age: Duration::from_mins(30),
            tasks: Tasks::default(),
            observer: None,
            grpc_web: None,
        }
    }
}

/// Why the server did not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The transport failed.
    #[error("the gRPC server failed")]
    Transport(#[from] tonic::transport::Error),
    /// Reflection can't be built from the compiled contract.
    #[error("the compiled contract can't be reflected")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// How long what is cut off may take to let go of what it holds.
const CUT_WITHIN: Duration = Duration::from_secs(1);

/// Serves these tenants, or the one of an authority, until `stop` completes: then health says NOT_SERVING, running calls and tasks finish within the drain time,
/// and what still runs is cut.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    tenants: impl Into<Tenants>,
    callers: Callers,
    settings: ServerSettings,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send,
) -> Result<(), ServeError> {
    let tenants = tenants.into();
    let (reporter, health_service) = tonic_health::server::health_reporter();
    let health = Health::new(reporter, settings.observer.as_ref()).await;
    let watching = health.clone().watch(tenants.clone());
    let reflection = || {
        let builder = tonic_reflection::server::Builder::configure();
        builder
            .register_encoded_file_descriptor_set(DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
    };
    let server = Server::builder()
        .max_connection_age(settings.max_connection_age)
        .http2_keepalive_interval(Some(Duration::from_secs(30)))
        .http2_max_header_list_size(Some(16 * 1024))
        .accept_http1(settings.grpc_web.is_some());
    let limit = settings.max_message_bytes;
    let calls = Places::new(settings.max_in_flight);
    let shares = Shares::new(calls.clone());
    let work = Work::new(settings.tasks.clone(), shares.clone(), &calls);
    let stopping = CancellationToken::new();
    let streams = Streams::new(
        stopping.clone(),
        settings.max_connection_age,
        settings.tasks.clone(),
        tenants.clone(),
        callers.clone(),
    );
    let sessions = Sessions {
        tenants: tenants.clone(),
        callers: callers.clone(),
        work: work.clone(),
        places: calls.clone(),
        streams: streams.clone(),
    };
    let logins = Logins { tenants: tenants.clone(), work: work.clone() };
    let tokens = Tokens { tenants: tenants.clone(), shares };
    let authorization = Authorization { tenants: tenants.clone() };
    let router = server
        .layer(option_layer(settings.grpc_web.as_ref().map(grpc_web::layer)))
        .layer(Gate::new(callers, tenants.clone(), calls.clone(), settings.observer.clone()))
        .add_service(SessionServiceServer::new(sessions).max_decoding_message_size(limit))
        .add_service(LoginServiceServer::new(logins).max_decoding_message_size(limit))
        .add_service(TokenServiceServer::new(tokens).max_decoding_message_size(limit))
        .add_service(AdminServiceServer::new(Admin { tenants, work, streams }).max_decoding_message_size(limit))
        .add_service(AuthorizationServer::new(authorization).max_decoding_message_size(limit))
        .add_service(health_service)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?);
    let incoming = entrance::connections(listener, settings.tls);
    // Boxed: what accepts and serves is too large to be carried through those who wait for it.
    let mut serving = Box::pin(router.serve_with_incoming_shutdown(incoming, stopping.clone().cancelled_owned()));
    tokio::select! {
        ended = &mut serving => return Ok(ended?),
        never = watching => match never {},
        () = stop => {}
    }
    health.stop().await;
    stopping.cancel();
    let drained = async {
        let ended = serving.await;
        // What a call has begun may outlast it.
        settings.tasks.ended().await;
        ended
    };
    if let Ok(ended) = tokio::time::timeout(settings.drain, drained).await {
        return Ok(ended?);
    }
    let (calls, tasks) = (calls.taken(), settings.tasks.count());
    tracing::warn!(calls, tasks, "cut off: still at work when the time to stop was over (server.shutdown_grace)");
    if tokio::time::timeout(CUT_WITHIN, settings.tasks.cut()).await.is_err() {
        tracing::error!(tasks = settings.tasks.count(), "what was cut off does not end");
    }
    Ok(())
}
