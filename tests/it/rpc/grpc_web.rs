//! Owns the same calls from a page: gRPC-Web over HTTP/1.1, with the preflights that a browser sends. Does not know a call.

use ::bytes::Bytes;
use gatelodge::rpc::grpc_web::GrpcWebSettings;
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use prost::Message as _;
use reqwest::{Method, Response};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::serving::{Serving, key};
use crate::world::World;

const TOOL: &str = "https://tools.example.com";
const KINDS: &str = "/gatelodge.v1.LoginService/ListProviders";
const SESSIONS: &str = "/gatelodge.v1.AdminService/ListSessions";

async fn speaking() -> (World, Serving) {
    let world = World::new();
    let spoken = GrpcWebSettings { allowed_origins: vec![TOOL.to_owned()] };
    let serving = Serving::with(&world, |settings| settings.grpc_web = Some(spoken)).await;
    (world, serving)
}

/// A message as gRPC has it: not compressed, its length, itself.
fn framed(message: &[u8]) -> Vec<u8> {
    [&[0][..], &u32::try_from(message.len()).unwrap().to_be_bytes(), message].concat()
}

/// The frames of an answer: what kind each is of, and what is in it.
fn frames(mut body: Bytes) -> Vec<(u8, Bytes)> {
    let mut all = Vec::new();
    while !body.is_empty() {
        let head = body.split_to(5);
        let length = u32::from_be_bytes(head[1..].try_into().unwrap()) as usize;
        all.push((head[0], body.split_to(length)));
    }
    all
}

async fn call(serving: &Serving, path: &str, role: Option<Role>, origin: &str) -> Response {
    let request =
        reqwest::Client::builder().http1_only().build().unwrap().post(format!("http://{}{path}", serving.address));
    let request = request.header("content-type", "application/grpc-web+proto").header("x-grpc-web", "1");
    let request = request.header("origin", origin).body(framed(&[]));
    let key = role.map(|role| format!("Bearer {}", key(role)));
    let request = key.iter().fold(request, |request, key| request.header("authorization", key));
    request.send().await.unwrap()
}

/// The status of a call, wherever it stands.
async fn status(response: Response) -> String {
    if let Some(status) = response.headers().get("grpc-status") {
        return status.to_str().unwrap().to_owned();
    }
    let (_, trailers) = frames(response.bytes().await.unwrap()).pop().unwrap();
    let trailers = String::from_utf8(trailers.to_vec()).unwrap();
    trailers.lines().find_map(|line| line.strip_prefix("grpc-status:")).unwrap().trim().to_owned()
}

#[tokio::test]
async fn a_page_calls_what_its_key_may_and_nothing_else() {
    let (_world, serving) = speaking().await;
    let answer = call(&serving, KINDS, Some(Role::Edge), TOOL).await;
    assert_eq!(answer.headers()["content-type"], "application/grpc-web+proto");
    assert_eq!(answer.headers()["access-control-allow-origin"], TOOL);
    let exposed = answer.headers()["access-control-expose-headers"].to_str().unwrap();
    assert!(exposed.contains("grpc-status") && exposed.contains("x-request-id"), "{exposed}");
    let frames = frames(answer.bytes().await.unwrap());
    let [(0, message), (0x80, trailers)] = &frames[..] else { panic!("{frames:?}") };
    let listed = v1::LoginServiceListProvidersResponse::decode(message.clone()).unwrap();
    assert!(!listed.providers.is_empty());
    assert!(String::from_utf8_lossy(trailers).contains("grpc-status:0"));

    assert_eq!(status(call(&serving, SESSIONS, Some(Role::Admin), TOOL).await).await, "0");
    assert_eq!(status(call(&serving, SESSIONS, Some(Role::Edge), TOOL).await).await, "7");
    assert_eq!(status(call(&serving, SESSIONS, None, TOOL).await).await, "16");
    assert_eq!(status(call(&serving, "/gatelodge.v1.AdminService/Nothing", Some(Role::Admin), TOOL).await).await, "12");
    // Who speaks gRPC is answered as ever.
    let asked = v1::LoginServiceListProvidersRequest::default();
    let providers = serving.logins().await.list_providers(super::serving::by(Role::Edge, asked)).await;
    assert!(providers.is_ok());
}

#[tokio::test]
async fn a_page_of_another_origin_may_neither_ask_nor_read() {
    let (_world, serving) = speaking().await;
    let preflight = async |origin: &str| {
        let request = reqwest::Client::new().request(Method::OPTIONS, format!("http://{}{KINDS}", serving.address));
        let request = request.header("origin", origin).header("access-control-request-method", "POST");
        request.header("access-control-request-headers", "authorization,content-type,x-grpc-web").send().await.unwrap()
    };
    let allowed = preflight(TOOL).await;
    assert!(allowed.status().is_success());
    assert_eq!(allowed.headers()["access-control-allow-origin"], TOOL);
    let headers = allowed.headers()["access-control-allow-headers"].to_str().unwrap();
    assert!(["authorization", "content-type", "x-grpc-web"].iter().all(|name| headers.contains(name)), "{headers}");
    assert!(!allowed.headers().contains_key("access-control-allow-credentials"), "no cookie is anything here");
    for other in ["https://evil.example", "https://tools.example.com.evil.example", "null", "http://tools.example.com"]
    {
        assert!(!preflight(other).await.headers().contains_key("access-control-allow-origin"), "{other}");
        let answer = call(&serving, KINDS, Some(Role::Edge), other).await;
        assert!(!answer.headers().contains_key("access-control-allow-origin"), "{other}");
    }
}

#[tokio::test]
async fn without_the_setting_nothing_of_it_is_spoken() {
    let world = World::new();
    let serving = Serving::of(&world).await;
    let mut connection = TcpStream::connect(serving.address).await.unwrap();
    connection
        .write_all(format!("OPTIONS {KINDS} HTTP/1.1\r\nhost: a\r\norigin: {TOOL}\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let mut answer = Vec::new();
    // The connection is closed, be it with an end or a reset.
    let _ = connection.read_to_end(&mut answer).await;
    assert!(!String::from_utf8_lossy(&answer).starts_with("HTTP/"), "{answer:?}");
}
