//! Owns a way to a hostile provider that can be closed: then nobody listens at its address. Does not know what goes by it.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// A port before the provider's own.
pub struct Way {
    at: SocketAddr,
    to: SocketAddr,
    open: Mutex<Option<JoinHandle<()>>>,
}

impl Way {
    /// An open way to this address.
    pub async fn to(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        Self { at, to, open: Mutex::new(Some(tokio::spawn(carry(listener, to)))) }
    }

    pub const fn address(&self) -> SocketAddr {
        self.at
    }

    /// From now on connections are refused, and those that there are break.
    pub async fn close(&self) {
        let carrying = self.open.lock().unwrap().take().unwrap();
        carrying.abort();
        drop(carrying.await);
    }

    /// From now on it is open again.
    pub async fn open(&self) {
        let end = tokio::time::Instant::now() + Duration::from_secs(30);
        let listener = loop {
            match TcpListener::bind(self.at).await {
                Ok(listener) => break listener,
                // A connection of somebody's may have this port at its near end for a moment.
                Err(error) => assert!(tokio::time::Instant::now() < end, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        *self.open.lock().unwrap() = Some(tokio::spawn(carry(listener, self.to)));
    }
}

async fn carry(listener: TcpListener, to: SocketAddr) {
    let mut connections = JoinSet::new();
    while let Ok((mut near, _)) = listener.accept().await {
        connections.spawn(async move {
            let mut far = TcpStream::connect(to).await.unwrap();
            drop(copy_bidirectional(&mut near, &mut far).await);
        });
    }
}
