//! Owns telling the client that a login has ended here (OpenID Connect Back-Channel Logout 1.0). Does not know what the
//! client makes of it.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Map, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

use super::desk::Desk;

/// How long a logout waits for the client.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a logout token is good for.
const TOKEN_LIFE: Duration = Duration::from_mins(2);
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Where a client is told of logouts.
pub struct Told {
    /// Where it listens: its names may mean nothing to this machine.
    pub at: SocketAddr,
    /// The addresses, plain http: one for each of its tenants.
    pub addresses: Vec<String>,
}

/// Tells the client that this user's login has ended. A client that does not listen keeps nobody logged in here.
pub(super) async fn tell(desk: &Desk, sub: &str, sid: &str) {
    let Some(told) = &desk.client.told else { return };
    for address in &told.addresses {
        let Some(token) = token(desk, sub, sid) else { return };
        let posted = timeout(PATIENCE, post(told.at, address, &token)).await;
        match posted.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(status) => tracing::debug!(address, status, "the client was told of a logout"),
            Err(error) => tracing::warn!(address, %error, "the client could not be told of a logout"),
        }
    }
}

fn token(desk: &Desk, sub: &str, sid: &str) -> Option<String> {
    let (now, mut events) = (desk.now(), Map::new());
    events.insert(EVENT.to_owned(), json!({}));
    let claims = json!({
        "iss": desk.issuer, "aud": desk.client.id, "iat": now.as_secs(), "exp": (now + TOKEN_LIFE).as_secs(),
        "jti": desk.chance(), "sub": sub, "sid": sid, "events": events,
    });
    desk.key.sign("logout+jwt", claims.as_object()?)
}

/// Posts a token, and answers the status.
async fn post(at: SocketAddr, address: &str, token: &str) -> io::Result<u16> {
    let odd = || io::Error::from(io::ErrorKind::InvalidInput);
    let url = Url::parse(address).map_err(|_| odd())?;
    let (host, port) = (url.host_str().ok_or_else(odd)?, url.port_or_known_default().ok_or_else(odd)?);
    let mut stream = TcpStream::connect(at).await?;
    let body = format!("logout_token={token}");
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: {host}:{port}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        url.path(),
        body.len()
    );
    stream.write_all([head, body].concat().as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(4096).read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(|| io::ErrorKind::InvalidData.into())
}
