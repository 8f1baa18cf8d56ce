//! Owns finding out whether a server that gave no answer speaks with TLS or without: asked with neither user nor password.
//! Does not know what it was asked before.

use std::sync::Arc;
use std::time::Duration;

use redis::ConnectionAddr;
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::tls;

/// What the first byte of an answer in TLS is: an alert, or a handshake (RFC 8446, 5.1).
const TLS: [u8; 2] = [21, 22];

/// What the first byte of an answer of Redis is to `PING`: yes, or a refusal.
const PLAIN: [u8; 2] = *b"+-";

/// Whether the server is there and speaks in the other way than the address says: without TLS where that asks for TLS, and
/// the other way round.
pub async fn is_other(address: &ConnectionAddr, within: Duration) -> bool {
    match address {
        ConnectionAddr::TcpTls { host, port, .. } => answers(host, *port, b"PING\r\n", PLAIN, within).await,
        ConnectionAddr::Tcp(host, port) => match greeting() {
            Some(greeting) => answers(host, *port, &greeting, TLS, within).await,
            None => false,
        },
        _ => false,
    }
}

/// Whether the first byte of the answer is one of these.
async fn answers(host: &str, port: u16, question: &[u8], expected: [u8; 2], within: Duration) -> bool {
    let asking = async {
        let mut stream = TcpStream::connect((host, port)).await?;
        stream.write_all(question).await?;
        stream.read_u8().await
    };
    matches!(timeout(within, asking).await, Ok(Ok(first)) if expected.contains(&first))
}

/// What a client begins a connection with TLS with, for a server of any name.
fn greeting() -> Option<Vec<u8>> {
    let config = tls::config(RootCertStore::empty())?.with_no_client_auth();
    let name = ServerName::try_from("redis.invalid").ok()?;
    let mut client = ClientConnection::new(Arc::new(config), name).ok()?;
    let mut greeting = Vec::new();
    client.write_tls(&mut greeting).ok()?;
    Some(greeting)
}
