//! Owns the attempts to slip past the policy by another spelling of a path (security.md 97). Does not know the policy.

use std::time::Duration;

use ::bytes::Bytes;
use gatelodge::rpc::policy::Role;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::Code;

use super::serving::{Serving, key, raw};
use crate::world::World;

/// A backend may call ValidateSession, and not ListSessions: neither is reached by any of these.
const SPELLINGS: [&str; 14] = [
    "//gatelodge.v1.AdminService/ListSessions",
    "/gatelodge.v1.AdminService//ListSessions",
    "/gatelodge.v1.AdminService/ListSessions/",
    "/gatelodge.v1.AdminService/ListSessions//",
    "/gatelodge.v1.AdminService%2fListSessions",
    "/gatelodge.v1.AdminService%2FListSessions",
    "/%67atelodge.v1.AdminService/ListSessions",
    "/gatelodge.v1.AdminService/List%53essions",
    "/gatelodge.v1.adminservice/listsessions",
    "/GATELODGE.V1.ADMINSERVICE/LISTSESSIONS",
    "/./gatelodge.v1.AdminService/ListSessions",
    "/x/../gatelodge.v1.AdminService/ListSessions",
    "/gatelodge.v1.SessionService/ValidateSession/../../gatelodge.v1.AdminService/ListSessions",
    "/gatelodge.v1.AdminService/ListSessions;x=1",
];

#[tokio::test]
async fn no_other_spelling_of_a_path_reaches_a_method() {
    let world = World::new();
    let serving = Serving::of(&world).await;
    let channel = serving.channel().await;
    for path in SPELLINGS {
        for role in [Role::Backend, Role::Admin] {
            let outcome = raw(&channel, path, Some(&key(role)), Bytes::new()).await;
            super::failed(outcome, Code::Unimplemented, "METHOD_UNKNOWN");
        }
        super::failed(raw(&channel, path, None, Bytes::new()).await, Code::Unauthenticated, "CALLER_UNAUTHENTICATED");
    }
    // A query is no part of a method's name: the same rule is found with it.
    let path = "/gatelodge.v1.AdminService/ListSessions?/gatelodge.v1.SessionService/ValidateSession";
    let outcome = raw(&channel, path, Some(&key(Role::Backend)), Bytes::new()).await;
    super::failed(outcome, Code::PermissionDenied, "CALLER_NOT_ALLOWED");
}

/// A header as HTTP/2 writes it without any table or code (RFC 7541, 6.2.2).
fn literal(name: &str, value: &str) -> Vec<u8> {
    let length = |text: &str| {
        let length = text.len();
        if length < 127 { vec![u8::try_from(length).unwrap()] } else { vec![127, u8::try_from(length - 127).unwrap()] }
    };
    [&[0_u8][..], &length(name), name.as_bytes(), &length(value), value.as_bytes()].concat()
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;

/// Calls a path with an empty message over HTTP/2 of our own making; answers the kinds of frames that came for it,
/// until the stream ended.
async fn by_hand(serving: &Serving, path: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(serving.address).await.unwrap();
    let headers = [
        literal(":method", "POST"),
        literal(":scheme", "http"),
        literal(":path", path),
        literal(":authority", "localhost"),
        literal("content-type", "application/grpc"),
        literal("te", "trailers"),
        literal("authorization", &format!("Bearer {}", key(Role::Admin))),
    ];
    let hello = [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        frame(SETTINGS, 0, 0, &[]),
        frame(HEADERS, 4, 1, &headers.concat()),
        frame(DATA, 1, 1, &[0; 5]),
    ];
    stream.write_all(&hello.concat()).await.unwrap();
    let mut kinds = Vec::new();
    loop {
        let mut head = [0; 9];
        if stream.read_exact(&mut head).await.is_err() {
            return kinds;
        }
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let (kind, flags, number) = (head[3], head[4], u32::from_be_bytes([head[5], head[6], head[7], head[8]]));
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload).await.unwrap();
        if number == 1 || kind == GOAWAY {
            kinds.push(kind);
        }
        let ended = matches!(kind, DATA | HEADERS) && number == 1 && flags & 1 == 1;
        if ended || kind == RST_STREAM || kind == GOAWAY {
            return kinds;
        }
    }
}

// CVE-2026-33186: gRPC servers that take a path without its slash, and rules that do not.
#[tokio::test]
async fn a_path_that_is_no_path_gets_no_message() {
    let world = World::new();
    let serving = Serving::of(&world).await;
    let ask = |path| tokio::time::timeout(Duration::from_secs(10), by_hand(&serving, path));
    let good = ask("/gatelodge.v1.AdminService/ListSessions").await.unwrap();
    assert!(good.contains(&DATA), "this is how an answer looks: {good:?}");
    for path in
        ["gatelodge.v1.AdminService/ListSessions", "", "*", "http://localhost/gatelodge.v1.AdminService/ListSessions"]
    {
        let kinds = ask(path).await.unwrap();
        assert!(!kinds.contains(&DATA), "{path:?}: {kinds:?}");
    }
}
