//! Owns what `cargo bench --bench start` shows: how soon `gatelodge serve` serves on an empty store, and what it holds
//! in memory when idle. Does not know how it starts: it spawns the binary and asks for its health over gRPC.
//!
//! The last line is one JSON object. `-- --quick` starts it twice and shows only that it works.

#[path = "../parts/spread.rs"]
mod spread;

use std::error::Error;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use gatelodge_client::{Client, ClientOptions};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use self::spread::{Spread, rounded};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const STARTS: usize = 10;
const IDLE: Duration = Duration::from_secs(2);
/// How often it is tried whether the port is open: what the figure is exact to.
const PAUSE: Duration = Duration::from_micros(500);
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    let starts = if std::env::args().any(|argument| argument == "--quick") { 2 } else { STARTS };
    match measure(starts) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error is closed: there is nowhere left to say it.
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(starts: usize) -> Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let (mut milliseconds, mut megabytes) = (Vec::new(), Vec::new());
        for _ in 0..starts {
            let folder = tempfile::tempdir()?;
            let begin = Instant::now();
            let (authority, port) = Authority::start(folder.path())?;
            authority.serving(port, begin + PATIENCE).await?;
            milliseconds.push(begin.elapsed().as_secs_f64() * 1e3);
            sleep(IDLE).await;
            megabytes.push(authority.resident_megabytes()?);
        }
        let mut out = std::io::stdout().lock();
        let (start, rss) = (Spread::of(milliseconds), Spread::of(megabytes));
        writeln!(out, "gatelodge serve, empty embedded store, {starts} starts: median (least to most)")?;
        writeln!(out, "from spawn to SERVING: {} ms\nresident when idle for 2 s: {} MB", words(start), words(rss))?;
        writeln!(out, "{}", json!({ "start_ms": rounded(start.median, 1), "rss_mb": rounded(rss.median, 1) }))?;
        Ok(())
    })
}

/// A running `gatelodge serve`; ends with this value.
struct Authority(Child);

impl Authority {
    /// Spawns it with a configuration and an empty store in `folder`.
    fn start(folder: &Path) -> Result<(Self, u16)> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let config = folder.join("gatelodge.yaml");
        let text = format!(
            "server: {{ listen: \"127.0.0.1:{port}\" }}\n\
             store: {{ kind: embedded, embedded: {{ path: \"{}\" }} }}\n",
            folder.join("sessions.redb").display()
        );
        std::fs::write(&config, text)?;
        let child = Command::new(env!("CARGO_BIN_EXE_gatelodge"))
            .arg("serve")
            .arg("--config")
            .arg(config)
            .env("SESSION_SIGNING_SECRET", "vY7r2k9QmX4tB8wL1zN6cH3sD5fG0jPa")
            .env("CSRF_SIGNING_SECRET", "pK3n8sW1xE6rT0yU4iO9aS2dF7gH5jLz")
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok((Self(child), port))
    }

    /// Waits until its health is SERVING.
    async fn serving(&self, port: u16, end: Instant) -> Result<()> {
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
            if Instant::now() > end {
                return Err("gatelodge serve does not listen".into());
            }
            sleep(PAUSE).await;
        }
        let client = Client::connect(&ClientOptions::without_key(format!("http://127.0.0.1:{port}")))?;
        while !client.is_serving("").await.is_ok_and(|serving| serving) {
            if Instant::now() > end {
                return Err("gatelodge serve listens and does not serve".into());
            }
            sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Its resident memory, in megabytes of 10^6 bytes (proc(5), `status`: VmRSS).
    fn resident_megabytes(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes: f64 = line.ok_or("no VmRSS")?.trim().trim_end_matches(" kB").parse()?;
        Ok(kibibytes * 1024.0 / 1e6)
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn words(Spread { median, least, most }: Spread) -> String {
    format!("{median:.1} ({least:.1} to {most:.1})")
}
