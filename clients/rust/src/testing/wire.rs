//! Owns the way from a client to the fake: gRPC through memory. Does not know what is said.

use std::io;

use hyper_util::rt::TokioIo;
use tokio::io::DuplexStream;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::transport::server::{Router, TcpIncoming};
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::FakeAuthority;
use super::answers::unknown_method;
use crate::v1::admin_service_server::AdminServiceServer;
use crate::v1::login_service_server::LoginServiceServer;
use crate::v1::session_service_server::SessionServiceServer;
use crate::v1::token_service_server::TokenServiceServer;

const BUFFER: usize = 64 * 1024;

/// A channel that leads to the fake, which serves for as long as the channel lives.
pub(super) fn channel(authority: &FakeAuthority) -> Channel {
    let (sender, connections) = mpsc::unbounded_channel::<DuplexStream>();
    let incoming = UnboundedReceiverStream::new(connections).map(Ok::<_, io::Error>);
    tokio::spawn(services(authority).serve_with_incoming(incoming));
    Endpoint::from_static("http://fake").connect_with_connector_lazy(tower::service_fn(move |_| {
        let (near, far) = tokio::io::duplex(BUFFER);
        let sent = sender.send(far).map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused));
        std::future::ready(sent.map(|()| TokioIo::new(near)))
    }))
}

/// Serves whoever connects.
pub(super) async fn serve(authority: &FakeAuthority, listener: TcpListener) -> io::Result<()> {
    let served = services(authority).serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)));
    served.await.map_err(io::Error::other)
}

fn services(authority: &FakeAuthority) -> Router {
    Server::builder()
        .add_service(LoginServiceServer::new(authority.clone()))
        .add_service(SessionServiceServer::new(authority.clone()))
        .add_service(TokenServiceServer::new(authority.clone()))
        .add_service(AdminServiceServer::new(authority.clone()))
        .add_service(HealthServer::new(authority.clone()))
}

#[tonic::async_trait]
impl Health for FakeAuthority {
    type WatchStream = UnboundedReceiverStream<Result<HealthCheckResponse, Status>>;

    async fn check(&self, _: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        self.enter().await?;
        Ok(Response::new(HealthCheckResponse { status: ServingStatus::Serving.into() }))
    }

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        Err(unknown_method())
    }
}
