//! Owns accepting connections: each handshake of TLS beside the others, within a time, and no more at once than there
//! is room for. Does not know what is said over a connection.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use futures::stream::{self, Stream};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::connection::Connection;
use super::strangers::NowAndThen;
use super::tls::Tls;
use crate::session::rate::network;

/// How long a handshake may take.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// How many handshakes are at work at most. Of more, the oldest is given up of the network that has the most: whoever
/// floods the door displaces itself first, and one that goes on well takes a few round trips.
const AT_WORK: usize = 512;
/// How long nothing is accepted when the system can't give another connection, lest asking be all that is done.
const PAUSE: Duration = Duration::from_millis(50);

/// The connections that come to a listener, until this is dropped, which closes it.
pub(super) fn connections(listener: TcpListener, tls: Option<Tls>) -> impl Stream<Item = io::Result<Connection>> {
    let entrance = Entrance { listener, tls, handshakes: Handshakes::default() };
    stream::unfold(entrance, |mut entrance| async move { Some((Ok(entrance.next().await), entrance)) })
}

struct Entrance {
    listener: TcpListener,
    tls: Option<Tls>,
    handshakes: Handshakes,
}

impl Entrance {
    async fn next(&mut self) -> Connection {
        loop {
            let came = tokio::select! {
                came = self.listener.accept() => came,
                Some(connection) = self.handshakes.done() => return connection,
            };
            match (came, &self.tls) {
                (Ok((stream, _)), None) => return Connection::plain(prompt(stream)),
                (Ok((stream, _)), Some(tls)) => self.handshakes.begin(tls.clone(), prompt(stream)),
                (Err(error), _) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "a connection can't be accepted");
                    if !is_of_one(&error) {
                        sleep(PAUSE).await;
                    }
                }
            }
        }
    }
}

/// Small messages leave at once.
fn prompt(stream: TcpStream) -> TcpStream {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(error = &error as &dyn std::error::Error, "TCP_NODELAY can't be set");
    }
    stream
}

/// Whether the connection itself is why, and not the system.
fn is_of_one(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

/// The handshakes that are at work.
#[derive(Default)]
struct Handshakes {
    at_work: JoinSet<Result<Connection, Failed>>,
    /// In the order in which they began, and from where; some may be done.
    begun: VecDeque<(Option<IpAddr>, AbortHandle)>,
    said: NowAndThen,
}

/// A handshake that came to nothing.
struct Failed(Option<std::net::SocketAddr>, io::Error);

impl Handshakes {
    fn begin(&mut self, tls: Tls, stream: TcpStream) {
        let from = stream.peer_addr().ok().map(|peer| network(peer.ip()));
        if self.begun.len() >= AT_WORK {
            self.begun.retain(|(_, one)| !one.is_finished());
        }
        if self.begun.len() >= AT_WORK
            && let Some((_, one)) =
                displaced(self.begun.iter().map(|(from, _)| *from)).and_then(|at| self.begun.remove(at))
        {
            one.abort();
        }
        self.begun.push_back((from, self.at_work.spawn(shake(tls, stream))));
    }

    /// The next that has a connection; `None` where none is at work.
    async fn done(&mut self) -> Option<Connection> {
        loop {
            match self.at_work.join_next().await? {
                Ok(Ok(connection)) => return Some(connection),
                Ok(Err(failed)) => self.tell(&failed),
                // It was given up.
                Err(_) => (),
            }
        }
    }

    /// A certificate that is refused is told to whoever runs the authority; its client learns of a TLS alert at most.
    fn tell(&self, Failed(peer, error): &Failed) {
        let peer = peer.map(tracing::field::display);
        let cause = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let error = error as &dyn std::error::Error;
        let see = match cause {
            Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
                Some("server.tls.client_ca_file")
            }
            // A list whose signature, or whose issuer's right to sign lists, is not as it has to be.
            Some(rustls::Error::InvalidCertRevocationList(_)) => Some("server.tls.client_crl_file"),
            _ => None,
        };
        if let Some((see, unsaid)) = see.and_then(|see| Some((see, self.said.say()?))) {
            tracing::warn!(peer, error, unsaid, "a client certificate was refused; see `{see}`");
        } else {
            tracing::debug!(peer, error, "a TLS handshake failed");
        }
    }
}

/// Which of them, the oldest first, makes room: the oldest of the network that has the most; of several such, the
/// oldest of all.
fn displaced<T: Copy + Eq + Hash>(begun: impl Iterator<Item = T> + Clone) -> Option<usize> {
    let mut counts = HashMap::new();
    for from in begun.clone() {
        *counts.entry(from).or_insert(0_usize) += 1;
    }
    let most = counts.values().copied().max()?;
    begun.into_iter().position(|from| counts.get(&from) == Some(&most))
}

async fn shake(tls: Tls, stream: TcpStream) -> Result<Connection, Failed> {
    let peer = stream.peer_addr().ok();
    let accepting = TlsAcceptor::from(tls.now().server.clone()).accept(stream);
    match timeout(HANDSHAKE_WITHIN, accepting).await {
        Ok(Ok(stream)) => Ok(Connection::under(&tls, stream)),
        Ok(Err(error)) => Err(Failed(peer, error)),
        Err(_) => Err(Failed(peer, io::ErrorKind::TimedOut.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_the_most_makes_room_first() {
        let of = |begun: &str| displaced(begun.chars());
        assert_eq!((of(""), of("abc"), of("abcb")), (None, Some(0), Some(1)));
        assert_eq!((of("abba"), of("abbab")), (Some(0), Some(1)), "one network alone is as none");
    }
}
