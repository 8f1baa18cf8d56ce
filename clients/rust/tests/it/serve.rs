//! Owns what a served edge does with clients that take without giving. Does not know what the routes answer.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use gatelodge_client::v1::validate_session_response::Outcome;
use gatelodge_client::{Edge, EdgeOptions, ServeLimits};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::authority::{Authority, active, outcome};
use crate::browser::send_raw;

const HEAD_WITHIN: Duration = Duration::from_millis(400);
const REQUEST: &[u8] = b"GET /auth/me HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

struct Served {
    authority: Authority,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

async fn served(change: impl FnOnce(&mut ServeLimits)) -> Served {
    served_with(Router::new(), change).await
}

async fn served_with(pages: Router, change: impl FnOnce(&mut ServeLimits)) -> Served {
    let authority = Authority::start().await;
    authority.validate.say([outcome(Outcome::Active(active()))]);
    let mut limits = ServeLimits { head_within: HEAD_WITHIN, ..ServeLimits::default() };
    change(&mut limits);
    let edge = Edge::new(authority.client(), EdgeOptions { limits, ..EdgeOptions::default() }).unwrap();
    edge.gate().ready().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async { drop(stopped.await) };
    let serving = tokio::spawn(async move { edge.serve(pages, listener, stopped).await });
    Served { authority, address, stop, serving }
}

/// Sends a head a byte at a time, for as long as it is listened to. Answers how long that was.
async fn drip(address: SocketAddr) -> Duration {
    let begun = Instant::now();
    let (mut from, mut to) = TcpStream::connect(address).await.unwrap().into_split();
    let writing = tokio::spawn(async move {
        to.write_all(b"GET /auth/me HTTP/1.1\r\nX: ").await.unwrap();
        while to.write_all(b"x").await.is_ok() {
            sleep(Duration::from_millis(20)).await;
        }
    });
    let mut said = Vec::new();
    // A reset is an end too.
    let _ = from.read_to_end(&mut said).await;
    writing.abort();
    begun.elapsed()
}

fn is_good(answer: &[u8]) -> bool {
    answer.starts_with(b"HTTP/1.1 200 ")
}

#[tokio::test]
async fn a_head_that_drips_and_a_silent_connection_are_ended() {
    let served = served(|_| ()).await;
    assert!(drip(served.address).await < HEAD_WITHIN * 10);

    let mut silent = TcpStream::connect(served.address).await.unwrap();
    let mut nothing = Vec::new();
    let ended = timeout(HEAD_WITHIN * 10, silent.read_to_end(&mut nothing)).await;
    assert!(ended.is_ok(), "it is held for ever");

    let mut kept = TcpStream::connect(served.address).await.unwrap();
    kept.write_all(b"GET /auth/me HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let ended = timeout(HEAD_WITHIN * 10, kept.read_to_end(&mut answer)).await;
    assert!(ended.is_ok() && is_good(&answer), "one that was kept alive is not idle for ever");
}

#[tokio::test]
async fn a_head_beyond_its_limit_is_refused() {
    let served = served(|limits| limits.head_bytes = 16 * 1024).await;
    let with =
        |length: usize| format!("GET /auth/me HTTP/1.1\r\nConnection: close\r\nX: {}\r\n\r\n", "x".repeat(length));
    assert!(is_good(&send_raw(served.address, with(8 * 1024).as_bytes()).await));
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    // It may be answered before all of it is written.
    let _ = stream.write_all(with(64 * 1024).as_bytes()).await;
    let mut start = [0; 13];
    stream.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 431 ");
    assert_eq!(served.authority.validate.count(), 1);
}

#[tokio::test]
async fn a_crowd_that_says_nothing_keeps_nobody_out_for_long() {
    let served = served(|limits| limits.connections = 4).await;
    let mut crowd = Vec::new();
    for _ in 0..8 {
        crowd.push(TcpStream::connect(served.address).await.unwrap());
    }
    let begun = Instant::now();
    let answer = timeout(HEAD_WITHIN * 20, send_raw(served.address, REQUEST)).await.expect("it waits for ever");
    assert!(is_good(&answer), "{}", String::from_utf8_lossy(&answer));
    assert!(begun.elapsed() >= HEAD_WITHIN, "more connections were open than are allowed");
    drop(crowd);
}

// However many sockets never read: they hold no place for long, and one that reads slowly gets all of it.
#[tokio::test]
async fn an_answer_that_nobody_takes_holds_no_connection() {
    const LARGE: usize = 32 * 1024 * 1024;
    let pages = Router::new().route("/large", axum::routing::get(|| async { vec![b'x'; LARGE] }));
    let limit = Duration::from_millis(500);
    let served = served_with(pages, |limits| (limits.connections, limits.answer_taken_within) = (4, limit)).await;
    let ask = b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let mut crowd = Vec::new();
    for _ in 0..4 {
        let mut deaf = TcpStream::connect(served.address).await.unwrap();
        deaf.write_all(ask).await.unwrap();
        crowd.push(deaf);
    }
    let answer = timeout(limit * 10, send_raw(served.address, REQUEST)).await.expect("it waits for ever");
    assert!(is_good(&answer), "{}", String::from_utf8_lossy(&answer));
    drop(crowd);

    let mut slow = TcpStream::connect(served.address).await.unwrap();
    slow.write_all(ask).await.unwrap();
    let (mut buffer, mut got) = (vec![0; 1024 * 1024], 0);
    while let Ok(length @ 1..) = slow.read(&mut buffer).await {
        got += length;
        sleep(Duration::from_millis(20)).await;
    }
    assert!(got > LARGE, "{got}");
}

#[tokio::test]
async fn a_stop_ends_idle_connections_and_waits_for_running_requests() {
    let served =
        served(|limits| (limits.head_within, limits.drain) = (Duration::from_mins(1), Duration::from_secs(20))).await;
    let _idle = TcpStream::connect(served.address).await.unwrap();
    served.authority.validate.say([]);
    let running = tokio::spawn(async move { send_raw(served.address, REQUEST).await });
    while served.authority.validate.count() == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    served.stop.send(()).unwrap();
    let answer = running.await.unwrap();
    assert!(
        answer.starts_with(b"HTTP/1.1 503 "),
        "the call's own deadline ends it: {}",
        String::from_utf8_lossy(&answer)
    );
    timeout(Duration::from_secs(10), served.serving).await.expect("an idle connection holds it").unwrap();
    assert!(TcpStream::connect(served.address).await.is_err());
}
