//! Owns the HTTP server that nginx asks: a Rust edge in a process of its own, with an empty answer beside its routes. Does not
//! know who asks.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};

use axum::Router;
use axum::routing::get;
use gatelodge_client::{Client, ClientOptions, Edge, EdgeOptions, ROUTE_SETS};
use http::StatusCode;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::{Result, cpu};

/// The flag that makes this binary that server.
pub const SERVE: &str = "--serve";

/// It ends when its standard input does, so it never outlives the generator.
pub struct EdgeProcess {
    pub port: u16,
    child: Child,
    input: Option<ChildStdin>,
}

impl EdgeProcess {
    /// Starts it and waits until it listens.
    pub fn start(authority: &str, api_key: &str) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(SERVE)
            .env("GATELODGE_ADDRESS", authority)
            .env("GATELODGE_API_KEY", api_key)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take().ok_or("an edge without standard output")?);
        let mut port = String::new();
        BufReader::new(output).read_line(&mut port)?;
        Ok(Self { port: port.trim().parse()?, child, input })
    }

    /// The time that processors have spent on it so far, in seconds.
    pub fn cpu_seconds(&self) -> Result<f64> {
        cpu::seconds_of(self.child.id())
    }
}

impl Drop for EdgeProcess {
    fn drop(&mut self) {
        drop(self.input.take());
        // It has ended already, or it ends now; there is nobody to tell that it did not.
        let _ = self.child.wait();
    }
}

/// Is that server until standard input ends.
pub fn serve() -> Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let edge = Edge::new(
            Client::connect(&ClientOptions::from_env()?)?,
            EdgeOptions { route_sets: ROUTE_SETS.into(), ..EdgeOptions::default() },
        )?;
        edge.gate().ready().await;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        writeln!(std::io::stdout(), "{}", listener.local_addr()?.port())?;
        let (stopping, stopped) = oneshot::channel::<()>();
        std::thread::spawn(move || {
            std::io::stdin().lines().for_each(drop);
            drop(stopping);
        });
        let empty = Router::new().route("/empty", get(|| async { StatusCode::NO_CONTENT }));
        edge.serve(empty, listener, async move { drop(stopped.await) }).await;
        Ok(())
    })
}
