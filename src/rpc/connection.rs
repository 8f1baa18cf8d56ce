//! Owns a connection as the server reads and writes it, in plain text or under TLS. One whose client certificate is no longer
//! good, or that has none where one is needed now, ends, so that whoever has another comes with that. Does not know how it was accepted.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, BufWriter, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;
use tonic::transport::server::Connected;

use super::peer::{ClientCertificate, Peer};
use super::tls::Tls;

/// How often it is looked at whether a client certificate is good. The connection ends at the second look that finds it is
/// not: until then its calls are told why they are refused, and those from before that end within this have their answers.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// A connection.
pub(super) struct Connection {
    /// HTTP/2 hands an answer over in pieces (headers, message, trailers) and then flushes: from here they leave as one write.
    /// To a writer of vectors it hands a message of more than 256 bytes with a flush of its own, and the trailers after that:
    /// so this is none (`is_write_vectored`), and a call costs one write, not two, for messages of up to 1,024 bytes.
    io: BufWriter<Either<TcpStream, Box<TlsStream<TcpStream>>>>,
    peer: Peer,
    watch: Option<Watch>,
}

impl Connection {
    pub(super) fn plain(stream: TcpStream) -> Self {
        let peer = Peer { address: stream.peer_addr().ok(), certificate: None, tls: None };
        Self { io: BufWriter::new(Either::Left(stream)), peer, watch: None }
    }

    /// One whose handshake is done.
    pub(super) fn under(tls: &Tls, stream: TlsStream<TcpStream>) -> Self {
        let (tcp, session) = stream.get_ref();
        let shown = session.peer_certificates().map(|chain| Arc::new(ClientCertificate::new(chain, tls.clone())));
        let peer = Peer { address: tcp.peer_addr().ok(), certificate: shown, tls: Some(tls.clone()) };
        let io = BufWriter::new(Either::Right(Box::new(stream)));
        Self { io, watch: Some(Watch::over(peer.clone())), peer }
    }
}

/// Looks at whether a connection would be opened now, as long as it lasts.
struct Watch {
    peer: Peer,
    looks: Interval,
    /// The last look has found that it would not.
    is_refused: bool,
    is_over: bool,
}

impl Watch {
    fn over(peer: Peer) -> Self {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { peer, looks, is_refused: false, is_over: false }
    }

    /// Whether the connection is to end.
    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        while !self.is_over && self.looks.poll_tick(context).is_ready() {
            let is_refused = self.peer.refused().is_some();
            self.is_over = is_refused && self.is_refused;
            self.is_refused = is_refused;
        }
        self.is_over
    }
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.watch.as_mut().is_some_and(|watch| watch.is_over(context)) {
            // Nothing was read: the other end has nothing more to say.
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        false
    }
}
