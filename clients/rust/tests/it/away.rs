//! Owns what becomes of calls that a server turned back, since it goes away in good order (RFC 9113, 6.8).
//! Does not know what is asked.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gatelodge_client::v1::{self, validate_session_response::Outcome};
use gatelodge_client::{Client, ClientOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tonic::Code;

use crate::authority::{Authority, KEY, active, outcome};

/// A way to an authority that turns back what comes by its first connections.
struct Way {
    address: SocketAddr,
    turned_back: Arc<AtomicUsize>,
}

impl Way {
    async fn to(authority: &Authority, turning_back: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, turned_back) = (listener.local_addr().unwrap(), Arc::<AtomicUsize>::default());
        let (count, behind) = (Arc::clone(&turned_back), authority.address);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                if count.load(Ordering::SeqCst) < turning_back {
                    count.fetch_add(1, Ordering::SeqCst);
                    tokio::spawn(turn_back(stream));
                } else {
                    tokio::spawn(pass_on(stream, behind));
                }
            }
        });
        Self { address, turned_back }
    }

    fn client(&self) -> Client {
        let options = ClientOptions::new(format!("http://{}", self.address), KEY).check_stream(false);
        Client::connect(&options).unwrap()
    }

    fn turned_back(&self) -> usize {
        self.turned_back.load(Ordering::SeqCst)
    }
}

/// Goes away at the first call, before it looks at it.
async fn turn_back(mut stream: TcpStream) -> std::io::Result<()> {
    const PREFACE: usize = 24;
    const HEADERS: u8 = 1;
    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    // Of no stream, without an error.
    const GO_AWAY: [u8; 17] = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    stream.read_exact(&mut [0; PREFACE]).await?;
    stream.write_all(&SETTINGS).await?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        stream.read_exact(&mut vec![0; length as usize]).await?;
        if head[3] == HEADERS {
            stream.write_all(&GO_AWAY).await?;
        }
    }
}

async fn pass_on(mut stream: TcpStream, to: SocketAddr) {
    let mut there = TcpStream::connect(to).await.unwrap();
    let _ = copy_bidirectional(&mut stream, &mut there).await;
}

#[tokio::test]
async fn a_call_that_was_turned_back_is_made_by_another_connection() {
    let authority = Authority::start().await;
    authority.validate.say([outcome(Outcome::Active(active()))]);
    let way = Way::to(&authority, 3).await;
    way.client().sessions().check(v1::ValidateSessionRequest::default()).await.unwrap();
    assert_eq!((way.turned_back(), authority.validate.count()), (3, 1));
}

// However polite: whoever is always turned back asks with growing pauses, and a logout once more.
#[tokio::test]
async fn a_call_that_is_always_turned_back_is_repeated_as_any_other() {
    let authority = Authority::start().await;
    let way = Way::to(&authority, usize::MAX).await;
    let begun = Instant::now();
    let error = way.client().sessions().check(v1::ValidateSessionRequest::default()).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable, "{error}");
    assert!(begun.elapsed() < Duration::from_secs(3));
    assert!((4..=12).contains(&way.turned_back()), "{}", way.turned_back());

    let way = Way::to(&authority, usize::MAX).await;
    let error = way.client().login().start_logout(v1::StartLogoutRequest::default()).await.unwrap_err();
    assert_eq!((error.code(), way.turned_back()), (Code::Unavailable, 2), "{error}");

    let way = Way::to(&authority, usize::MAX).await;
    way.client().login().start_login(v1::StartLoginRequest::default()).await.unwrap_err();
    assert_eq!(way.turned_back(), 1, "a login is begun once");
}
