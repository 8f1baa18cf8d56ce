//! Owns `gatelodge serve` as those see it who run it: with a collector that is away, and with nothing on. Does not know what
//! is counted.

use std::fs;
use std::path::PathBuf;

use gatelodge_client::{Client, ClientOptions};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::MetricsServiceServer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use super::collector::Collector;
use crate::redis::free_port;
use crate::world::process::{Process, until};

/// A running authority.
struct Served {
    process: Process,
    client: Client,
}

impl Served {
    /// With `more` configuration.
    async fn with(more: &str) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        fs::write(folder.path().join("gatelodge.yaml"), format!("server: {{ listen: '127.0.0.1:{port}' }}\n{more}\n"))
            .unwrap();
        let client = Client::connect(&ClientOptions::without_key(format!("http://127.0.0.1:{port}"))).unwrap();
        let served = Self { process: Process::in_folder(folder), client };
        until("serving", async || served.is_serving().await).await;
        served
    }

    async fn is_serving(&self) -> bool {
        self.client.is_serving("").await.is_ok_and(|serving| serving)
    }

    fn proc(&self, of: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{of}", self.process.id()))
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
    until("a line of the log", async || !served.process.lines("the collector does not take them").is_empty()).await;
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
    until("a line of the log", async || !served.process.lines("the collector takes them again").is_empty()).await;
    assert_eq!(served.process.lines("the collector does not take them").len(), 1, "however often it was tried");

    let sent = collector.taken().metrics.len();
    served.process.signal("TERM");
    until("its end", async || served.process.end().is_some()).await;
    assert!(collector.taken().metrics.len() > sent, "the last figures are sent when it stops");
}

#[tokio::test]
async fn a_collector_that_hangs_keeps_no_process() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut served =
        Served::with(&format!("telemetry: {{ otlp: {{ endpoint: 'http://{address}', timeout: 1s }} }}")).await;
    served.process.signal("TERM");
    until("its end", async || served.process.end().is_some()).await;
    assert_eq!(served.process.lines("could not be sent in time").len(), 1);
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
