//! Owns a server in a process of its own: this program, started again. Does not know what it serves.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::Ipv4Addr;
use std::process::{Child, ChildStdin, Command, Stdio};

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::{Result, cpu};

/// The flag that makes a program that server.
pub const SERVE: &str = "--serve";

/// It ends when its standard input does, so it never outlives the generator.
pub struct ServerProcess {
    pub port: u16,
    child: Child,
    input: Option<ChildStdin>,
}

impl ServerProcess {
    /// Starts it with these variables in its environment, and waits until it listens.
    pub fn start(variables: &[(&str, &str)]) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(SERVE)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take().ok_or("a server without standard output")?);
        let mut port = String::new();
        BufReader::new(output).read_line(&mut port)?;
        Ok(Self { port: port.trim().parse()?, child, input })
    }

    /// The time that processors have spent on it so far, in seconds.
    pub fn cpu_seconds(&self) -> Result<f64> {
        cpu::seconds_of(self.child.id())
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        drop(self.input.take());
        // It has ended already, or it ends now; there is nobody to tell that it did not.
        let _ = self.child.wait();
    }
}

/// For the server: a port, which whoever has started it is told, and when to stop.
pub async fn listen() -> Result<(TcpListener, impl Future<Output = ()> + Send + 'static)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?.port())?;
    let (stopping, stopped) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        std::io::stdin().lines().for_each(drop);
        drop(stopping);
    });
    Ok((listener, async move { drop(stopped.await) }))
}
