//! Owns the processes of the measurement: starting this binary again as a server, its end, its CPU time.
//! Does not know what a server does.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gatelodge::config::Config;
use gatelodge::config::log::Log;
use gatelodge::config::period::Period;
use gatelodge::telemetry::Telemetry;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::protocol::{Kind, Order, Ready};
use crate::{Result, cpu, echo, ours};

/// The flag that makes this binary a server.
pub const SERVE: &str = "--serve";

/// A server in a process of its own. It ends when its standard input does, so it never outlives the generator.
pub struct Server {
    pub kind: Kind,
    pub ready: Ready,
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Server {
    /// Starts it and waits until it listens.
    pub fn start(order: &Order) -> Result<Self> {
        let mut child =
            Command::new(std::env::current_exe()?).arg(SERVE).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut input = child.stdin.take().ok_or("a server without standard input")?;
        let mut output = BufReader::new(child.stdout.take().ok_or("a server without standard output")?);
        writeln!(input, "{}", serde_json::to_string(order)?)?;
        let ready = serde_json::from_str(&line(&mut output)?)?;
        Ok(Self { kind: order.kind, ready, child, input: Some(input), output })
    }

    /// The time that processors have spent on it so far, in seconds.
    pub fn cpu_seconds(&self) -> Result<f64> {
        cpu::seconds_of(self.child.id())
    }

    /// How often the store's port has been called, but for health.
    pub fn store_calls(&mut self) -> Result<u64> {
        let input = self.input.as_mut().ok_or("the server has been told to end")?;
        writeln!(input)?;
        Ok(line(&mut self.output)?.trim().parse()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.input.take());
        // It has ended already, or it ends now; there is nobody to tell that it did not.
        let _ = self.child.wait();
    }
}

fn line(output: &mut BufReader<ChildStdout>) -> Result<String> {
    let mut line = String::new();
    output.read_line(&mut line)?;
    if line.is_empty() { Err("a server ended before it was told to".into()) } else { Ok(line) }
}

/// Is the server that the first line of standard input orders, until standard input ends. Every further line is
/// answered with the number of store calls.
pub async fn serve() -> Result<()> {
    let mut order = String::new();
    std::io::stdin().read_line(&mut order)?;
    let order: Order = serde_json::from_str(&order)?;
    let telemetry = Telemetry::start(&Log::default(), &watched(&order))?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = format!("http://{}", listener.local_addr()?);
    let calls = Arc::new(AtomicU64::new(0));
    let (stopping, stopped) = oneshot::channel::<()>();
    let counted = Arc::clone(&calls);
    std::thread::spawn(move || {
        for _ in std::io::stdin().lines() {
            say(&counted.load(Ordering::Relaxed).to_string());
        }
        drop(stopping);
    });
    let stop = async move { drop(stopped.await) };
    match order.kind {
        Kind::Echo | Kind::EchoGet => {
            let echo = echo::Echo::new(&order).await?;
            say(&serde_json::to_string(&Ready { address, ..Ready::default() })?);
            echo.serve(listener, stop).await
        }
        Kind::Embedded | Kind::Counted | Kind::Redis | Kind::Near | Kind::NearSeen | Kind::RedisSeen => {
            let ours = ours::Ours::new(&order, &calls, &telemetry).await?;
            say(&serde_json::to_string(&Ready { address, ..ours.ready.clone() })?);
            ours.serve(listener, stop).await
        }
    }
}

/// Metrics and traces for the collector that the order names, as they are by default, and told often.
fn watched(order: &Order) -> Config {
    let mut config = Config::default();
    config.telemetry.otlp.endpoint.clone_from(&order.collector);
    config.telemetry.metrics.every = Period::seconds(1);
    config
}

fn say(line: &str) {
    // When the generator has gone, standard input ends too, and with it this process.
    let _ = writeln!(std::io::stdout(), "{line}");
}
