//! Owns a way to a server that is far, or loses an answer when it is told to: the server has done what it was asked,
//! the connection breaks, and nobody was told. Does not know what is sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The way, on a port of its own.
pub struct Lossy {
    pub port: u16,
    lose: Arc<AtomicBool>,
}

impl Lossy {
    /// Passes on what comes to `port`, for as long as the test's runtime runs.
    pub async fn before(server: u16) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), server, Duration::ZERO)
    }

    /// As [`Lossy::before`], on a port that is bound already; every answer takes that long on its way.
    pub fn on(listener: TcpListener, server: u16, far: Duration) -> Self {
        let (port, lose) = (listener.local_addr().unwrap().port(), Arc::new(AtomicBool::new(false)));
        let losing = Arc::clone(&lose);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
                tokio::spawn(pass(client, server, far, Arc::clone(&losing)));
            }
        });
        Self { port, lose }
    }

    /// Loses the next answer, and the connection with it.
    pub fn lose_next_answer(&self) {
        self.lose.store(true, Ordering::SeqCst);
    }

    /// Whether the answer was lost by now.
    pub fn has_lost(&self) -> bool {
        !self.lose.load(Ordering::SeqCst)
    }
}

async fn pass(client: TcpStream, server: TcpStream, far: Duration, lose: Arc<AtomicBool>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let questions = async { tokio::io::copy(&mut from_client, &mut to_server).await };
    let answers = async {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let length = from_server.read(&mut buffer).await?;
            if length == 0 || lose.swap(false, Ordering::SeqCst) {
                return std::io::Result::Ok(());
            }
            tokio::time::sleep(far).await;
            to_client.write_all(&buffer[..length]).await?;
        }
    };
    // Whichever side ends first, the other is closed with it.
    tokio::select! {
        _ = questions => {}
        _ = answers => {}
    }
}
