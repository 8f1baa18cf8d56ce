//! Owns telling the operator of calls without a good API key: now and then, with where they come from and nothing of
//! the key. Does not know any key.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::{Extensions, header};
use tokio::time::Instant;
use tonic::transport::server::{TcpConnectInfo, TlsConnectInfo};

/// How long nothing more is said: a caller with an old key asks many times a second.
const QUIET: Duration = Duration::from_secs(10);

/// Who came without a good key.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    last: Mutex<Option<Last>>,
}

#[derive(Debug)]
struct Last {
    said: Instant,
    unsaid: u64,
}

impl Strangers {
    /// Notes a call that was turned away, and says so if nothing was said of late.
    pub(super) fn turned_away<B>(&self, request: &http::Request<B>) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let unsaid = match last.as_mut().filter(|last| now < last.said + QUIET) {
            Some(recent) => {
                recent.unsaid += 1;
                return;
            }
            None => last.replace(Last { said: now, unsaid: 0 }).map_or(0, |earlier| earlier.unsaid),
        };
        drop(last);
        let key = if request.headers().contains_key(header::AUTHORIZATION) { "unknown" } else { "missing" };
        let peer = peer(request.extensions()).map(tracing::field::display);
        let method = request.uri().path();
        tracing::warn!(peer, key, method, unsaid, "a call without a valid API key was refused; see `callers`");
    }
}

fn peer(extensions: &Extensions) -> Option<SocketAddr> {
    let plain = || extensions.get::<TcpConnectInfo>()?.remote_addr();
    let under_tls = || extensions.get::<TlsConnectInfo<TcpConnectInfo>>()?.get_ref().remote_addr();
    plain().or_else(under_tls)
}
