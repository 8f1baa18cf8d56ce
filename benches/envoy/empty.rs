//! Owns what ours is compared with: a server that reads what a proxy asks and always says yes.
//! Does not know what it is asked.

use std::time::Duration;

use gatelodge::rpc::envoy::v3::authorization_server::{Authorization, AuthorizationServer};
use gatelodge::rpc::envoy::v3::check_response::{HttpResponse, Status};
use gatelodge::rpc::envoy::v3::{CheckRequest, CheckResponse, OkHttpResponse};
use gatelodge::rpc::server::ServerSettings;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, async_trait};

use crate::Result;
use crate::server_process::listen;

/// Is that server until its standard input ends, with the settings of ours.
pub async fn serve() -> Result<()> {
    let (listener, stop) = listen().await?;
    let settings = ServerSettings::default();
    let server = Server::builder()
        .tcp_nodelay(true)
        .max_connection_age(settings.max_connection_age)
        .http2_keepalive_interval(Some(Duration::from_secs(30)))
        .http2_max_header_list_size(Some(16 * 1024))
        .add_service(AuthorizationServer::new(Yes).max_decoding_message_size(settings.max_message_bytes));
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    Ok(server.serve_with_incoming_shutdown(incoming, stop).await?)
}

struct Yes;

#[async_trait]
impl Authorization for Yes {
    async fn check(&self, _: Request<CheckRequest>) -> std::result::Result<Response<CheckResponse>, tonic::Status> {
        Ok(Response::new(CheckResponse {
            status: Some(Status { code: 0 }),
            http_response: Some(HttpResponse::OkResponse(OkHttpResponse::default())),
            dynamic_metadata: None,
        }))
    }
}
