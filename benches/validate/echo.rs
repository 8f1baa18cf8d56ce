//! Owns what ours is compared with: a tonic server that decodes the same requests and gives the same answer, field by
//! field as anybody compiles the contract, and the same with one GET before it; and an echo of checks on a stream.
//! Does not know what is in the messages.

use std::pin::Pin;
use std::time::Duration;

use futures::stream::BoxStream;
use futures::{Stream, TryStreamExt as _};
use gatelodge::rpc::server::ServerSettings;
use gatelodge::store::record::{self, Owner};
use gatelodge_client::v1;
use gatelodge_client::v1::check_sessions_response;
use gatelodge_client::v1::session_service_server::{SessionService, SessionServiceServer};
use prost::Message as _;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::io::tcp::TcpSettings;
use redis::{AsyncCommands as _, Client, IntoConnectionInfo as _};
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming, async_trait};

use crate::protocol::Order;
use crate::{Result, session};

const KEY: &str = "echo";

/// The echo.
#[derive(Clone)]
pub struct Echo {
    answer: v1::ValidateSessionResponse,
    redis: Option<ConnectionManager>,
}

impl Echo {
    /// The echo that `order` describes; with a Redis, which it gives a value as large as a session's record.
    pub async fn new(order: &Order) -> Result<Self> {
        let redis = match &order.redis {
            None => None,
            Some(address) => {
                let mut redis = connect(address)?;
                let (new, _) = session::make(&session::vault(session::TENANT), session::user(0), None);
                let owner = Owner { user: new.user.hash, began: None };
                let record = record::write(&owner, &new.record);
                let _: () = redis.set(KEY, record).await?;
                Some(redis)
            }
        };
        Ok(Self { answer: v1::ValidateSessionResponse::decode(order.answer.as_slice())?, redis })
    }

    /// Serves until `stop` completes, with the settings of ours.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()> + Send) -> Result<()> {
        let settings = ServerSettings::default();
        let service = SessionServiceServer::new(self).max_decoding_message_size(settings.max_message_bytes);
        let server = Server::builder()
            .tcp_nodelay(true)
            .max_connection_age(settings.max_connection_age)
            .http2_keepalive_interval(Some(Duration::from_secs(30)))
            .http2_max_header_list_size(Some(16 * 1024))
            .add_service(service);
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        Ok(server.serve_with_incoming_shutdown(incoming, stop).await?)
    }
}

/// A connection like the one that the Redis store's calls share.
fn connect(address: &str) -> Result<ConnectionManager> {
    let info = address.into_connection_info()?.set_tcp_settings(TcpSettings::default().set_nodelay(true));
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(Duration::from_secs(2)))
        .set_response_timeout(Some(Duration::from_secs(2)));
    Ok(ConnectionManager::new_lazy_with_config(Client::open(info)?, config)?)
}

#[async_trait]
impl SessionService for Echo {
    type WatchSessionsStream = BoxStream<'static, std::result::Result<v1::WatchSessionsResponse, Status>>;

    async fn validate_session(
        &self,
        _: Request<v1::ValidateSessionRequest>,
    ) -> std::result::Result<Response<v1::ValidateSessionResponse>, Status> {
        if let Some(redis) = &self.redis {
            let value: redis::RedisResult<Vec<u8>> = redis.clone().get(KEY).await;
            value.map_err(|error| Status::unavailable(error.to_string()))?;
        }
        Ok(Response::new(self.answer.clone()))
    }

    type CheckSessionsStream =
        Pin<Box<dyn Stream<Item = std::result::Result<v1::CheckSessionsResponse, Status>> + Send>>;

    async fn check_sessions(
        &self,
        request: Request<Streaming<v1::CheckSessionsRequest>>,
    ) -> std::result::Result<Response<Self::CheckSessionsStream>, Status> {
        let answer = self.answer.clone();
        let answers = request.into_inner().map_ok(move |question| v1::CheckSessionsResponse {
            id: question.id,
            result: Some(check_sessions_response::Result::Answer(answer.clone())),
        });
        Ok(Response::new(Box::pin(answers)))
    }

    async fn refresh_tokens(
        &self,
        _: Request<v1::RefreshTokensRequest>,
    ) -> std::result::Result<Response<v1::RefreshTokensResponse>, Status> {
        Err(Status::unimplemented("an echo"))
    }

    async fn get_access_token(
        &self,
        _: Request<v1::GetAccessTokenRequest>,
    ) -> std::result::Result<Response<v1::GetAccessTokenResponse>, Status> {
        Err(Status::unimplemented("an echo"))
    }

    async fn get_user_info(
        &self,
        _: Request<v1::GetUserInfoRequest>,
    ) -> std::result::Result<Response<v1::GetUserInfoResponse>, Status> {
        Err(Status::unimplemented("an echo"))
    }

    async fn list_user_sessions(
        &self,
        _: Request<v1::ListUserSessionsRequest>,
    ) -> std::result::Result<Response<v1::ListUserSessionsResponse>, Status> {
        Err(Status::unimplemented("an echo"))
    }

    async fn get_attributes(
        &self,
        _: Request<v1::GetAttributesRequest>,
    ) -> std::result::Result<Response<v1::GetAttributesResponse>, Status> {
        Err(Status::unimplemented("an echo"))
    }

    async fn update_attributes(
        &self,
        _: Request<v1::UpdateAttributesRequest>,
    ) -> std::result::Result<Response<v1::UpdateAttributesResponse>, Status> {
        Err(Status::unimplemented("an echo"))
    }

    async fn revoke(
        &self,
        _: Request<v1::SessionServiceRevokeRequest>,
    ) -> std::result::Result<Response<v1::SessionServiceRevokeResponse>, Status> {
        Err(Status::unimplemented("an echo"))
    }

    async fn watch_sessions(
        &self,
        _: Request<v1::WatchSessionsRequest>,
    ) -> std::result::Result<Response<Self::WatchSessionsStream>, Status> {
        Err(Status::unimplemented("an echo"))
    }
}
