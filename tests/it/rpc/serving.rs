//! Owns a gRPC server over a world's authority, callers of each role, and calls whose bytes are the test's own.
//! Does not know what is tested.

use std::net::SocketAddr;
use std::time::Duration;

use ::bytes::{Buf as _, BufMut as _, Bytes};
use gatelodge::authority::tenants::Tenants;
use gatelodge::crypto::ApiKey;
use gatelodge::rpc::callers::{Caller, Callers};
use gatelodge::rpc::policy::Role;
use gatelodge::rpc::server::{ServeError, ServerSettings, serve};
use gatelodge_client::v1;
use gatelodge_client::v1::admin_service_client::AdminServiceClient;
use gatelodge_client::v1::login_service_client::LoginServiceClient;
use gatelodge_client::v1::session_service_client::SessionServiceClient;
use gatelodge_client::v1::token_service_client::TokenServiceClient;
use http::uri::PathAndQuery;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::world::{Browser, World};

pub const ROLES: [Role; 3] = [Role::Edge, Role::Backend, Role::Admin];

/// The API key of a role.
pub fn key(role: Role) -> String {
    ApiKey::generate(&[role as u8 + 1; 32]).expose().to_owned()
}

/// A server on a port of its own.
pub struct Serving {
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<Result<(), ServeError>>,
}

impl Serving {
    pub async fn of(world: &World) -> Self {
        Self::with(world, |_| ()).await
    }

    /// A server whose settings differ.
    pub async fn with(world: &World, change: impl FnOnce(&mut ServerSettings)) -> Self {
        Self::at(TcpListener::bind("127.0.0.1:0").await.unwrap(), world, change)
    }

    /// A server that takes the connections of this listener.
    pub fn at(listener: TcpListener, world: &World, change: impl FnOnce(&mut ServerSettings)) -> Self {
        let callers = ROLES.map(|role| (key(role), Caller::new(role.name(), role)));
        Self::to(listener, world.authority.clone(), callers, change)
    }

    /// A server of these tenants, for callers with these keys.
    pub fn to(
        listener: TcpListener,
        tenants: impl Into<Tenants>,
        callers: impl IntoIterator<Item = (String, Caller)>,
        change: impl FnOnce(&mut ServerSettings),
    ) -> Self {
        let hash = |key: String| *ApiKey::parse(&key).unwrap().hash().as_bytes();
        let callers = Callers::new(callers.into_iter().map(|(key, caller)| (hash(key), caller)));
        let mut settings = ServerSettings::default();
        change(&mut settings);
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async {
            let _ = stopped.await;
        };
        let served = tokio::spawn(serve(tenants.into(), callers, settings, listener, stopped));
        Self { address, stop: Some(stop), served }
    }

    pub async fn channel(&self) -> Channel {
        Endpoint::from_shared(format!("http://{}", self.address)).unwrap().connect().await.unwrap()
    }

    pub async fn sessions(&self) -> SessionServiceClient<Channel> {
        SessionServiceClient::new(self.channel().await)
    }

    pub async fn logins(&self) -> LoginServiceClient<Channel> {
        LoginServiceClient::new(self.channel().await)
    }

    pub async fn admin(&self) -> AdminServiceClient<Channel> {
        AdminServiceClient::new(self.channel().await)
    }

    pub async fn tokens(&self) -> TokenServiceClient<Channel> {
        TokenServiceClient::new(self.channel().await)
    }

    /// Tells the server to stop.
    pub fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    /// How the server ended.
    pub async fn ended(self) -> Result<(), ServeError> {
        self.served.await.unwrap()
    }
}

/// A request with the key of a role.
pub fn by<T>(role: Role, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {}", key(role)).parse().unwrap());
    request
}

/// A request with the key of a role and a deadline.
pub fn within<T>(deadline: Duration, role: Role, message: T) -> Request<T> {
    let mut request = by(role, message);
    request.set_timeout(deadline);
    request
}

/// A browser's cookies, as an edge passes them on.
pub fn cookies(browser: &Browser) -> Vec<v1::Cookie> {
    let cookie = |(name, value): &(String, String)| v1::Cookie { name: name.clone(), value: value.clone().into() };
    browser.cookies.iter().map(cookie).collect()
}

/// What an edge saw of a request of the world's browser.
pub fn context(method: &'static str, target: &'static str) -> v1::RequestContext {
    v1::RequestContext {
        method: method.into(),
        target: target.into(),
        user_agent: Some("Browser/1".into()),
        accept_language: Some("en".into()),
        peer_address: Some("192.0.2.7".into()),
        sec_fetch_mode: Some("navigate".into()),
        ..Default::default()
    }
}

/// A question about a browser's session.
pub fn validation(browser: &Browser) -> v1::ValidateSessionRequest {
    v1::ValidateSessionRequest { cookies: cookies(browser), context: Some(context("GET", "/")), ..Default::default() }
}

/// Calls any method with any bytes, and answers the first message.
pub async fn raw(channel: &Channel, path: &str, key: Option<&str>, message: Bytes) -> Result<Bytes, Status> {
    let mut grpc = tonic::client::Grpc::new(channel.clone());
    grpc.ready().await.map_err(|error| Status::unknown(error.to_string()))?;
    let mut request = Request::new(futures::stream::iter([message]));
    if let Some(key) = key {
        request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    }
    let answer = grpc.streaming(request, PathAndQuery::try_from(path).unwrap(), Raw).await?;
    let first = answer.into_inner().message().await?;
    first.ok_or_else(|| Status::unknown("no message came"))
}

/// Bytes as they are.
#[derive(Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        let length = buffer.remaining();
        Ok(Some(buffer.copy_to_bytes(length)))
    }
}
