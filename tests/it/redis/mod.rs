//! Owns real Redis servers for tests: a single one and a cluster of six, on free loopback ports, in a folder of their
//! own, gone with the test process whatever becomes of it. Does not know what is kept in them.

mod cluster;
mod lossy;

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

pub use cluster::Cluster;
pub use lossy::Lossy;
use tokio::time::Instant;

/// The store's own user: it may not enumerate keys, so a test in which the store tries fails.
const USER: [&str; 11] =
    ["--user", "store", "on", ">secret", "~*", "&*", "+@all", "-keys", "-scan", "-randomkey", "-flushall"];

/// What the store connects with.
pub fn address(port: u16) -> String {
    format!("redis://store:secret@127.0.0.1:{port}/")
}

/// A running server.
pub struct Server {
    pub port: u16,
    keeper: Child,
    folder: Arc<tempfile::TempDir>,
    options: Vec<String>,
}

impl Server {
    /// Starts a server with further `options`, and waits until it answers.
    pub fn start(options: &[&str]) -> Self {
        require_redis();
        let folder = Arc::new(tempfile::tempdir().expect("a temporary folder"));
        let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        for _ in 0..10 {
            let port = free_port();
            let keeper = keep(port, folder.path(), &options);
            let server = Self { port, keeper, folder: Arc::clone(&folder), options: options.clone() };
            if server.answers_within(Duration::from_secs(5)) {
                return server;
            }
            // Somebody else took the port in between: another one.
        }
        panic!("redis-server does not start; is the package redis-server installed?");
    }

    /// The one that all tests of this process share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&[]))
    }

    /// Kills it. Its data is gone: it keeps none, unless its options say so.
    pub fn stop(&mut self) {
        self.tell("leave");
        drop(self.keeper.stdin.take());
        self.keeper.wait().expect("the keeper ends");
    }

    /// Starts it again on the same port.
    pub fn start_again(&mut self) {
        self.keeper = keep(self.port, self.folder.path(), &self.options);
        assert!(self.answers_within(Duration::from_secs(10)), "redis-server does not start again");
    }

    /// Stops or continues the process, as a server that hangs. Returns when it does.
    pub fn freeze(&mut self, frozen: bool) {
        self.tell(if frozen { "STOP" } else { "CONT" });
        let client = redis::Client::open(format!("redis://127.0.0.1:{}/", self.port)).expect("an address");
        let limit = Duration::from_millis(100);
        let answers = || {
            let mut connection = client.get_connection_with_timeout(limit)?;
            connection.set_read_timeout(Some(limit))?;
            redis::cmd("PING").query::<String>(&mut connection)
        };
        while answers().is_ok() == frozen {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn tell(&mut self, word: &str) {
        if let Some(stdin) = self.keeper.stdin.as_mut() {
            writeln!(stdin, "{word}").expect("the keeper listens");
        }
    }

    /// A connection that may do everything.
    pub fn admin(&self) -> redis::Connection {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}/", self.port)).expect("an address");
        client.get_connection().expect("redis answers")
    }

    fn answers_within(&self, limit: Duration) -> bool {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}/", self.port)).expect("an address");
        let end = Instant::now() + limit;
        while Instant::now() < end {
            let pong =
                client.get_connection().and_then(|mut connection| redis::cmd("PING").query::<String>(&mut connection));
            if pong.is_ok() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A shell that keeps a server and its folder for as long as its standard input is open: that ends with this process,
/// even when it is killed. Lines on it are signals for the server, or `leave` for the folder to outlive the server.
fn keep(port: u16, folder: &Path, options: &[String]) -> Child {
    let script = "\"$@\" >log 2>&1 & server=$!; left=remove; \
                  while read -r word; do case $word in leave) left=;; *) kill -s \"$word\" $server;; esac; done; \
                  kill -s KILL $server; wait $server 2>/dev/null; if [ $left ]; then rm -rf \"$PWD\"; fi";
    Command::new("sh")
        .args(["-c", script, "keeper", "redis-server", "--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no"])
        .args(USER)
        .args(options)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .spawn()
        .expect("sh starts")
}

/// Fails with what to do when the programs are not there.
fn require_redis() {
    for program in ["redis-server", "redis-cli"] {
        let found = Command::new(program).arg("--version").stdout(Stdio::null()).status();
        assert!(found.is_ok_and(|status| status.success()), "{program} is missing: install the package redis-server");
    }
}

/// A port that nobody listens on. It is below what systems give to outgoing connections and to whoever listens on port
/// 0, and no other call gets it: nobody else comes to have it until the program that is told it listens there.
pub fn free_port() -> u16 {
    static NEXT: LazyLock<AtomicU32> = LazyLock::new(|| AtomicU32::new(std::process::id().wrapping_mul(611)));
    (0..SPAN)
        .filter_map(|_| u16::try_from(FIRST + NEXT.fetch_add(1, Ordering::Relaxed) % SPAN).ok())
        .find(|&port| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok())
        .expect("a free port")
}

const FIRST: u32 = 10_240;
const SPAN: u32 = 21_760;
