//! Shows that every connection has a handshake of its own, that those which never end hold up nobody, and that certificates
//! change beside connections that are open (security.md 100, 107). Does not know what is asked over them.

use std::time::Duration;

use gatelodge::rpc::policy::Role;
use gatelodge_client::v1::session_service_client::SessionServiceClient;
use rustls::HandshakeKind;
use rustls::pki_types::CertificateDer;
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};

use super::serving::{by, validation};
use super::tls::{answered, serving};
use crate::world::certificates::{channel, client, connect, issuer, leaf, served};
use crate::world::{Browser, World};

// Who resumes a session shows no certificate again.
#[tokio::test]
async fn no_session_of_tls_is_resumed() {
    let (world, ours, callers) = (World::new(), issuer(), issuer());
    let serving = serving(&world, &ours, Some(&callers)).await;
    let own = leaf(&callers, &["edge"], |_| ());
    for version in [&TLS13, &TLS12] {
        let client = client(&ours, Some(&own), version);
        for _ in 0..3 {
            let mut stream = connect(&client, serving.address).await.unwrap();
            assert_eq!(stream.get_ref().1.handshake_kind(), Some(HandshakeKind::Full), "{version:?}");
            // Tickets come with the first bytes.
            assert!(stream.read(&mut [0; 64]).await.unwrap() > 0);
        }
    }
}

/// Connections that begin a handshake and say no more.
async fn stalled(address: std::net::SocketAddr, count: usize) -> Vec<TcpStream> {
    let mut all = Vec::new();
    for _ in 0..count {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"\x16\x03\x01").await.unwrap();
        all.push(stream);
    }
    all
}

#[tokio::test]
async fn handshakes_that_never_end_hold_up_nobody_however_many_there_are() {
    let (world, ours) = (World::new(), issuer());
    let serving = serving(&world, &ours, None).await;
    let mut stalled = stalled(serving.address, 600).await;
    let answer = timeout(Duration::from_secs(8), answered(&serving, &ours, None)).await;
    assert!(answer.expect("nobody else is let in"));
    // The oldest had to make room, long before its time was over.
    let oldest = timeout(Duration::from_secs(5), stalled[0].read(&mut [0; 1])).await.expect("it is open");
    assert!(matches!(oldest, Ok(0) | Err(_)), "{oldest:?}");
}

#[tokio::test]
async fn a_flood_from_one_network_displaces_itself_and_nobody_else() {
    let (world, ours) = (World::new(), issuer());
    let serving = serving(&world, &ours, None).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    // A slow one from elsewhere, older than all of the flood.
    let mut slow = socket.connect(serving.address).await.unwrap();
    slow.write_all(b"\x16\x03\x01").await.unwrap();
    let mut flood = stalled(serving.address, 600).await;
    let displaced = timeout(Duration::from_secs(5), flood[0].read(&mut [0; 1])).await.expect("it is open");
    assert!(matches!(displaced, Ok(0) | Err(_)), "{displaced:?}");
    timeout(Duration::from_millis(300), slow.read(&mut [0; 1])).await.expect_err("it was displaced");
}

#[tokio::test]
async fn a_handshake_has_ten_seconds() {
    let (world, ours) = (World::new(), issuer());
    let serving = serving(&world, &ours, None).await;
    let (began, mut stalled) = (Instant::now(), stalled(serving.address, 1).await);
    let end = timeout(Duration::from_secs(20), stalled[0].read(&mut [0; 1])).await.expect("it is open");
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    assert!(began.elapsed() >= Duration::from_secs(9), "{:?}", began.elapsed());
}

#[tokio::test]
async fn another_certificate_is_shown_to_who_comes_then_and_open_connections_go_on() {
    let (world, ours, later) = (World::new(), issuer(), issuer());
    let callers = issuer();
    let own = leaf(&callers, &["edge"], |_| ());
    let (tls, other) = (served(&ours, Some(&callers)), served(&later, Some(&callers)));
    let own_tls = tls.clone();
    let serving = super::serving::Serving::with(&world, |settings| settings.tls = Some(own_tls)).await;
    let open = channel(serving.address.port(), &ours, &own).await;
    let ask = async || {
        let question = by(Role::Edge, validation(&Browser::default()));
        SessionServiceClient::new(open.clone()).validate_session(question).await.map(drop)
    };
    ask().await.unwrap();
    assert!(tls.take_over(&other) && !tls.take_over(&other), "the second time nothing differs");
    ask().await.unwrap();
    assert!(!answered(&serving, &ours, Some(&own)).await && answered(&serving, &later, Some(&own)).await);
    let stream = connect(&client(&later, Some(&own), &TLS13), serving.address).await.unwrap();
    let shown: &[CertificateDer<'_>] = stream.get_ref().1.peer_certificates().unwrap();
    assert_eq!((shown.len(), stream.get_ref().1.alpn_protocol()), (1, Some(&b"h2"[..])));
    ask().await.unwrap();
}
