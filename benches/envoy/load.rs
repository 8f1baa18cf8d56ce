//! Owns the load: checks in flight over one connection, as a proxy asks them. Does not know who answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use gatelodge::rpc::envoy::v3::attribute_context::{HttpRequest, Peer, Request as Asked};
use gatelodge::rpc::envoy::v3::{
    Address, AttributeContext, CheckRequest, CheckResponse, HeaderMap, HeaderValue, SocketAddress,
};
use gatelodge_client::v1;
use http::uri::PathAndQuery;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::Request;
use tonic::client::Grpc;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;

use crate::Result;

const CHECK: PathAndQuery = PathAndQuery::from_static("/envoy.service.auth.v3.Authorization/Check");

/// Asks one server about one request of a browser.
#[derive(Clone)]
pub struct Asker {
    client: Grpc<Channel>,
    authorization: MetadataValue<Ascii>,
    question: CheckRequest,
}

/// What a round brought.
pub struct Round {
    pub checks: f64,
    pub per_second: f64,
    /// What the server had of the processors meanwhile, in seconds.
    pub cpu: f64,
}

impl Asker {
    /// Connects.
    pub async fn connect(address: String, api_key: &str, cookies: &[v1::Cookie]) -> Result<Self> {
        let channel = Endpoint::from_shared(address)?.tcp_nodelay(true).connect().await?;
        let mut authorization: MetadataValue<Ascii> = format!("Bearer {api_key}").parse()?;
        authorization.set_sensitive(true);
        Ok(Self { client: Grpc::new(channel), authorization, question: question(cookies) })
    }

    /// Asks once; an answer that lets nothing through is an error.
    pub async fn ask(&self) -> Result<()> {
        let mut client = self.client.clone();
        let mut request = Request::new(self.question.clone());
        request.set_timeout(Duration::from_secs(2));
        request.metadata_mut().insert("authorization", self.authorization.clone());
        client.ready().await?;
        let codec = ProstCodec::<CheckRequest, CheckResponse>::default();
        let answer = client.unary(request, CHECK, codec).await?.into_inner();
        match answer.status {
            Some(status) if status.code == 0 => Ok(()),
            _ => Err("a session that lives does not pass".into()),
        }
    }

    /// Keeps `in_flight` checks going for `length`.
    pub async fn round(&self, in_flight: usize, length: Duration, cpu: impl Fn() -> Result<f64>) -> Result<Round> {
        let (over, before, begun) = (Arc::new(AtomicBool::new(false)), cpu()?, Instant::now());
        let mut asking = JoinSet::new();
        for _ in 0..in_flight {
            let (asker, over) = (self.clone(), Arc::clone(&over));
            asking.spawn(async move {
                let mut checks = 0_u32;
                while !over.load(Ordering::Relaxed) {
                    asker.ask().await?;
                    checks += 1;
                }
                Result::Ok(checks)
            });
        }
        tokio::time::sleep(length).await;
        over.store(true, Ordering::Relaxed);
        let mut checks = 0;
        while let Some(done) = asking.join_next().await {
            checks += done??;
        }
        let checks = f64::from(checks);
        Ok(Round { checks, per_second: checks / begun.elapsed().as_secs_f64(), cpu: cpu()? - before })
    }
}

/// What Envoy asks about a browser on its way to a page, with `encode_raw_headers`.
fn question(cookies: &[v1::Cookie]) -> CheckRequest {
    let pair = |cookie: &v1::Cookie| [cookie.name.as_bytes(), b"=", &cookie.value].concat();
    let cookies = cookies.iter().map(pair).collect::<Vec<_>>().join(&b"; "[..]);
    let lines: [(&str, &[u8]); 12] = [
        (":authority", b"localhost:8000"),
        (":path", b"/orders/2025?page=2"),
        (":method", b"GET"),
        ("user-agent", b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"),
        ("accept", b"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
        ("sec-fetch-site", b"same-origin"),
        ("sec-fetch-mode", b"navigate"),
        ("sec-fetch-dest", b"document"),
        ("x-forwarded-for", b"127.0.0.1"),
        ("x-forwarded-proto", b"http"),
        ("x-request-id", b"4bf92f35-77b3-4da6-a3ce-929d0e0e4736"),
        ("cookie", &cookies),
    ];
    let line = |(name, value): (&str, &[u8])| HeaderValue {
        key: name.to_owned(),
        raw_value: Bytes::copy_from_slice(value),
        ..HeaderValue::default()
    };
    let http = HttpRequest {
        method: "GET".to_owned(),
        path: "/orders/2025?page=2".to_owned(),
        host: "localhost:8000".to_owned(),
        header_map: Some(HeaderMap { headers: lines.into_iter().map(line).collect() }),
        ..HttpRequest::default()
    };
    let socket_address = Some(SocketAddress { address: "127.0.0.1".to_owned() });
    let attributes = AttributeContext {
        source: Some(Peer { address: Some(Address { socket_address }) }),
        request: Some(Asked { http: Some(http) }),
        ..AttributeContext::default()
    };
    CheckRequest { attributes: Some(attributes) }
}
