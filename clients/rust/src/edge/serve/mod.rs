//! Owns the HTTP server of an edge: how long, how much and how many it puts up with. Does not know the routes.

mod patient;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tower::ServiceExt as _;

use patient::Patient;

/// What a served edge puts up with. The defaults fit an edge behind a proxy and one that browsers reach directly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServeLimits {
    /// How many connections are open at a time; more wait to be accepted.
    pub connections: usize,
    /// How long a request's head may take to come, from the moment at which one could: so also how long a connection may
    /// be idle.
    pub head_within: Duration,
    /// The longest head of a request, in bytes, but for the last read: one of twice the length is 431 in any case. At
    /// least 8 KiB.
    pub head_bytes: usize,
    /// How long a browser may take nothing of an answer that waits for it. Who takes a thousand bytes a second may take long.
    pub answer_taken_within: Duration,
    /// How long running requests may take once the edge is told to stop.
    pub drain: Duration,
}

impl Default for ServeLimits {
    fn default() -> Self {
        Self {
            connections: 4096,
            head_within: Duration::from_secs(15),
            head_bytes: 64 * 1024,
            answer_taken_within: Duration::from_secs(30),
            drain: Duration::from_secs(25),
        }
    }
}

/// How long to wait when the system gives no more connections (too many open files).
const BREATH: Duration = Duration::from_millis(500);
const SMALLEST_HEAD: usize = 8 * 1024;

/// Serves until `shutdown`, then lets running requests finish.
pub(super) async fn serve(
    router: Router,
    listener: TcpListener,
    limits: ServeLimits,
    shutdown: impl Future<Output = ()>,
) {
    let free = Arc::new(Semaphore::new(limits.connections));
    let (stopping, stopped) = watch::channel(false);
    let mut open = JoinSet::new();
    let accepting = async {
        // The semaphore is never closed.
        while let Ok(place) = Arc::clone(&free).acquire_owned().await {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let connection = connection(router.clone(), stream, peer, limits, stopped.clone());
                    open.spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
                Err(error) if is_the_clients(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "no connection can be accepted");
                    sleep(BREATH).await;
                }
            }
            while open.try_join_next().is_some() {}
        }
    };
    tokio::select! {
        () = accepting => {}
        () = shutdown => {}
    }
    drop(listener);
    stopping.send_replace(true);
    let finished = async { while open.join_next().await.is_some() {} };
    if timeout(limits.drain, finished).await.is_err() {
        tracing::warn!("requests were still running when the time to finish them was over");
    }
}

async fn connection(
    router: Router,
    stream: TcpStream,
    peer: SocketAddr,
    limits: ServeLimits,
    mut stopped: watch::Receiver<bool>,
) {
    // Without it answers are only later, not wrong.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_within)
        .max_buf_size(limits.head_bytes.max(SMALLEST_HEAD))
        .serve_connection(TokioIo::new(Patient::new(stream, limits.answer_taken_within)), service);
    tokio::pin!(connection);
    let told_to_stop = async {
        // A sender that is gone says the same.
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = told_to_stop => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %peer, "a connection ended early");
    }
}

fn is_the_clients(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
