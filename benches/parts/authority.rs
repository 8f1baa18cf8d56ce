//! Owns a running `gatelodge serve`, and what it costs. Does not know what it is asked.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use gatelodge_client::{Client, ClientOptions};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::Result;

/// How often it is tried whether the port is open: what the time of a start is exact to.
const PAUSE: Duration = Duration::from_micros(500);

/// What it signs with: its sessions, which `session` can make for it, and its CSRF tokens.
pub const SIGNING_SECRET: &str = "vY7r2k9QmX4tB8wL1zN6cH3sD5fG0jPa";
pub const CSRF_SECRET: &str = "pK3n8sW1xE6rT0yU4iO9aS2dF7gH5jLz";

/// An empty embedded store beside the configuration.
pub const EMBEDDED: &str = "store: { kind: embedded, embedded: { path: sessions.redb } }";

/// A running `gatelodge serve`; ends with this value.
pub struct Authority {
    pub address: String,
    port: u16,
    child: Child,
}

impl Authority {
    /// Spawns it in `folder`, with this store and `more` configuration in YAML.
    pub fn start(folder: &Path, store: &str, more: &str) -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let config = folder.join("gatelodge.yaml");
        std::fs::write(&config, format!("server: {{ listen: \"127.0.0.1:{port}\" }}\n{store}\n{more}"))?;
        let child = Command::new(env!("CARGO_BIN_EXE_gatelodge"))
            .arg("serve")
            .arg("--config")
            .arg(config)
            .env("SESSION_SIGNING_SECRET", SIGNING_SECRET)
            .env("CSRF_SIGNING_SECRET", CSRF_SECRET)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { address: format!("http://127.0.0.1:{port}"), port, child })
    }

    /// Waits until its health is SERVING.
    pub async fn serving(&self, end: Instant) -> Result<()> {
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await.is_err() {
            if Instant::now() > end {
                return Err("gatelodge serve does not listen".into());
            }
            sleep(PAUSE).await;
        }
        let client = Client::connect(&ClientOptions::without_key(self.address.clone()))?;
        while !client.is_serving("").await.is_ok_and(|serving| serving) {
            if Instant::now() > end {
                return Err("gatelodge serve listens and does not serve".into());
            }
            sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Its resident memory, in megabytes of 10^6 bytes (proc(5), `status`: VmRSS).
    pub fn resident_megabytes(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes: f64 = line.ok_or("no VmRSS")?.trim().trim_end_matches(" kB").parse()?;
        Ok(kibibytes * 1024.0 / 1e6)
    }

    /// The time that processors have spent on it, in seconds.
    pub fn cpu_seconds(&self) -> Result<f64> {
        crate::cpu::seconds_of(self.child.id())
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
