//! Owns `gatelodge serve` as those see it who run it: with a collector that is away, and with nothing on. Does not know what
//! is counted.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use gatelodge_client::{Client, ClientOptions};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::MetricsServiceServer;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use super::collector::Collector;
use crate::redis::free_port;

/// A running authority; it ends with this value.
struct Served {
    child: Child,
    client: Client,
    folder: TempDir,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + Duration::from_mins(1);
    while !is_so().await {
        assert!(Instant::now() < end, "{what} did not come to pass");
        sleep(Duration::from_millis(20)).await;
    }
}

impl Served {
    /// With `more` configuration.
    async fn with(more: &str) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        fs::write(folder.path().join("gatelodge.yaml"), format!("server: {{ listen: '127.0.0.1:{port}' }}\n{more}\n"))
            .unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_gatelodge"))
            .arg("serve")
            .env_clear()
            .env("SESSION_SIGNING_SECRET", "vY7r2k9QmX4tB8wL1zN6cH3sD5fG0jPa")
            .env("CSRF_SIGNING_SECRET", "pK3n8sW1xE6rT0yU4iO9aS2dF7gH5jLz")
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let client = Client::connect(&ClientOptions::without_key(format!("http://127.0.0.1:{port}"))).unwrap();
        let served = Self { child, client, folder };
        until("serving", async || served.is_serving().await).await;
        served
    }

    async fn is_serving(&self) -> bool {
        self.client.is_serving("").await.is_ok_and(|serving| serving)
    }

    /// The lines of the log that say this.
    fn lines(&self, what: &str) -> Vec<String> {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap();
        log.lines().filter(|line| line.contains(what)).map(str::to_owned).collect()
    }

    fn proc(&self, of: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{of}", self.child.id()))
    }

    /// The names of its threads, as far as they are kept (proc(5), `comm`).
    fn threads(&self) -> Vec<String> {
        let tasks = fs::read_dir(self.proc("task")).unwrap();
        tasks.map(|task| fs::read_to_string(task.unwrap().path().join("comm")).unwrap_or_default()).collect()
    }

    /// How many sockets it listens on (proc(5), `net/tcp`).
    fn listeners(&self) -> usize {
        let links = fs::read_dir(self.proc("fd")).unwrap().filter_map(|fd| fs::read_link(fd.ok()?.path()).ok());
        let own: Vec<_> = links.map(|link| link.display().to_string()).collect();
        let tables = ["net/tcp", "net/tcp6"].map(|table| fs::read_to_string(self.proc(table)).unwrap_or_default());
        let rows = tables.iter().flat_map(|table| table.lines()).map(|row| row.split_whitespace().collect::<Vec<_>>());
        let listening = rows.filter(|row| row.get(3) == Some(&"0A")).filter_map(|row| row.get(9).copied());
        listening.filter(|inode| own.contains(&format!("socket:[{inode}]"))).count()
    }
}

async fn page(port: u16) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test]
async fn while_the_collector_is_away_the_authority_serves_and_says_so_once() {
    let (away, shown) = (free_port(), free_port());
    let mut served = Served::with(&format!(
        "telemetry: {{ otlp: {{ endpoint: 'http://127.0.0.1:{away}', timeout: 1s }}, \
         metrics: {{ every: 100ms, prometheus: {{ enabled: true, listen: '127.0.0.1:{shown}' }} }} }}"
    ))
    .await;
    until("a line of the log", async || !served.lines("the collector does not take them").is_empty()).await;
    assert!(served.is_serving().await);
    // What can be read says how it goes meanwhile.
    let shown = page(shown).await;
    for name in ["gatelodge_store_up 1", "rpc_server_call_duration_seconds_count", "gatelodge_calls_limit"] {
        assert!(shown.contains(name), "{name}: {shown}");
    }

    let listener = TcpListener::bind(("127.0.0.1", away)).await.unwrap();
    let collector = Collector::default();
    let services = Server::builder().add_service(MetricsServiceServer::new(collector.clone()));
    tokio::spawn(services.serve_with_incoming(TcpIncoming::from(listener)));
    until("a metric", async || collector.taken().metrics().contains(&"gatelodge.store.up")).await;
    until("a line of the log", async || !served.lines("the collector takes them again").is_empty()).await;
    assert_eq!(served.lines("the collector does not take them").len(), 1, "however often it was tried");

    let sent = collector.taken().metrics.len();
    let pid = served.child.id().to_string();
    assert!(Command::new("kill").arg(pid).status().unwrap().success());
    until("its end", async || served.child.try_wait().unwrap().is_some()).await;
    assert!(collector.taken().metrics.len() > sent, "the last figures are sent when it stops");
}

#[tokio::test]
async fn a_collector_that_hangs_keeps_no_process() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut served =
        Served::with(&format!("telemetry: {{ otlp: {{ endpoint: 'http://{address}', timeout: 1s }} }}")).await;
    assert!(Command::new("kill").arg(served.child.id().to_string()).status().unwrap().success());
    until("its end", async || served.child.try_wait().unwrap().is_some()).await;
    assert_eq!(served.lines("could not be sent in time").len(), 1);
}

#[tokio::test]
async fn what_is_off_is_not_there() {
    let served = Served::with("").await;
    assert_eq!(served.listeners(), 1, "the gRPC port alone");
    let threads = served.threads();
    assert!(!threads.is_empty() && !threads.iter().any(|name| name.starts_with("OpenTelemetry")), "{threads:?}");

    let port = free_port();
    let on = format!("telemetry: {{ metrics: {{ prometheus: {{ enabled: true, listen: '127.0.0.1:{port}' }} }} }}");
    let served = Served::with(&on).await;
    assert_eq!(served.listeners(), 2, "or else the test sees nothing");
}
