//! Owns how a test sends HTTP requests: through a router, or as raw bytes over a socket. Does not know routes.

use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::ConnectInfo;
use gatelodge_client::{Edge, EdgeOptions};
use http::{HeaderMap, Request, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tower::ServiceExt as _;

use crate::authority::Authority;

/// An edge that has its settings.
pub async fn edge(authority: &Authority) -> Edge {
    let edge = Edge::new(authority.client(), EdgeOptions::default()).unwrap();
    edge.gate().ready().await;
    edge
}

/// What a browser got.
#[derive(Debug)]
pub struct Got {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Got {
    /// A header that came once at most.
    pub fn header(&self, name: &str) -> Option<&str> {
        let values: Vec<_> = self.headers.get_all(name).iter().collect();
        assert!(values.len() < 2, "{name}: {values:?}");
        values.first().map(|value| value.to_str().unwrap())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// "Could not say": 503 that nobody keeps, with a hint to come back, and no cookie touched (security.md 67).
    pub fn assert_could_not_say(&self) {
        assert_eq!(self.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(self.header("cache-control"), Some("no-store"));
        assert!(self.header("retry-after").is_some_and(|wait| wait.parse::<u32>().unwrap() > 0));
        assert!(!self.headers.contains_key("set-cookie"));
        let body = self.json();
        for key in ["detail", "reason", "request_id"] {
            assert!(body[key].as_str().is_some_and(|text| !text.is_empty()), "{body}");
        }
    }
}

/// Sends a request through a router, from 192.0.2.7.
pub async fn send(router: Router, request: http::request::Builder) -> Got {
    send_body(router, request, Body::empty()).await
}

/// The same with a body.
pub async fn send_body(router: Router, request: http::request::Builder, body: impl Into<Body>) -> Got {
    let peer: SocketAddr = "192.0.2.7:4711".parse().unwrap();
    let request = request.extension(ConnectInfo(peer)).body(body.into()).unwrap();
    let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
    Got { status: parts.status, headers: parts.headers, body: to_bytes(body, usize::MAX).await.unwrap() }
}

pub async fn get(edge: &Edge, target: &str) -> Got {
    send(edge.router(), Request::get(target)).await
}

/// Sends bytes over a socket and returns all that came until the server closed it.
pub async fn send_raw(address: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    answer
}
