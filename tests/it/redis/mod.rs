//! Owns real Redis servers for tests: a single one, a cluster of six, and those that sentinels watch, on free loopback ports, in a folder of their
//! own, gone with the test process whatever becomes of it. Does not know what is kept in them.

mod cluster;
mod lossy;
mod watched;

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
pub use watched::{MASTER, Watched};

/// What those who run Redis are told, with the users that it needs.
const PAGE: &str = include_str!("../../../docs/redis.md");

/// The rights of the user for one server, for the nodes of a cluster, and for sentinels, as the page has them.
fn rights(of: Rights) -> Vec<&'static str> {
    let lines = PAGE.lines().filter_map(|line| line.strip_prefix("user gatelodge on >PASSWORD "));
    lines.map(|line| line.split(' ').collect()).nth(of as usize).expect("the page has the line")
}

#[derive(Clone, Copy)]
enum Rights {
    Server,
    Node,
    Sentinel,
}

/// The users of the tests: exactly that of the page, and another that may do the same with every key. Neither may enumerate
/// keys, so a test in which the store tries fails.
fn users(of: Rights) -> Vec<&'static str> {
    let any_key = |right| if right == "~gl:*" { "~*" } else { right };
    let exact = ["--user", "gatelodge", "on", ">secret"].into_iter().chain(rights(of));
    let wide = ["--user", "store", "on", ">secret"].into_iter().chain(rights(of).into_iter().map(any_key));
    exact.chain(wide).collect()
}

/// What the store connects with.
pub fn address(port: u16) -> String {
    format!("redis://store:secret@127.0.0.1:{port}/")
}

/// The same as the user of the page, whose keys begin with `gl:`.
pub fn exact_address(port: u16) -> String {
    format!("redis://gatelodge:secret@127.0.0.1:{port}/")
}

/// A running server.
pub struct Server {
    pub port: u16,
    keeper: Child,
    folder: Arc<tempfile::TempDir>,
    /// What is run, and with what.
    command: Vec<String>,
}

impl Server {
    /// Starts a server with further `options`, and waits until it answers.
    pub fn start(options: &[&str]) -> Self {
        let of = if options.contains(&"--cluster-enabled") { Rights::Node } else { Rights::Server };
        Self::start_as(|port, _| {
            let port = port.to_string();
            let own = ["redis-server", "--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
            own.iter().chain(&users(of)).chain(options).map(|&word| word.to_owned()).collect()
        })
    }

    /// Starts what is run with a port, in a folder of its own.
    fn start_as(command: impl Fn(u16, &Path) -> Vec<String>) -> Self {
        require_redis();
        let folder = Arc::new(tempfile::tempdir().expect("a temporary folder"));
        for _ in 0..10 {
            let port = free_port();
            let command = command(port, folder.path());
            let server = Self { port, keeper: keep(folder.path(), &command), folder: Arc::clone(&folder), command };
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

    /// The port that speaks TLS, of one that has such a port.
    pub fn tls(&self) -> u16 {
        let port = self.command.iter().skip_while(|word| *word != "--tls-port").nth(1);
        port.expect("a port for TLS").parse().expect("a port")
    }

    /// Kills it. Its data is gone: it keeps none, unless its options say so.
    pub fn stop(&mut self) {
        self.tell("leave");
        drop(self.keeper.stdin.take());
        self.keeper.wait().expect("the keeper ends");
    }

    /// Starts it again on the same port.
    pub fn start_again(&mut self) {
        self.keeper = keep(self.folder.path(), &self.command);
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

    /// Whether it answers now.
    fn answers(&self) -> bool {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}/", self.port)).expect("an address");
        let connection = client.get_connection_with_timeout(Duration::from_secs(1));
        connection.is_ok_and(|mut connection| redis::cmd("PING").query::<String>(&mut connection).is_ok())
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

/// What a server says of its replication; empty when it says nothing of that.
fn replication(server: &Server, field: &str) -> String {
    let told: String = redis::cmd("INFO").arg("replication").query(&mut server.admin()).unwrap_or_default();
    let value = told.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    value.unwrap_or_default().to_owned()
}

/// Waits until `is_so`.
#[track_caller]
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// From now on nobody hears of what this server writes: that is lost with it.
fn cut_off_replicas_of(server: &Server) {
    let mut admin = server.admin();
    let mut refuse = redis::cmd("ACL");
    refuse.arg("SETUSER").arg("default").arg("-psync").arg("-sync");
    refuse.query::<()>(&mut admin).expect("nobody may follow");
    redis::cmd("CLIENT").arg("KILL").arg("TYPE").arg("replica").query::<u64>(&mut admin).expect("nobody follows");
    wait_until("a replica follows all the same", || replication(server, "connected_slaves") == "0");
}

/// A shell that keeps a server and its folder for as long as its standard input is open: that ends with this process,
/// even when it is killed. Lines on it are signals for the server, or `leave` for the folder to outlive the server.
fn keep(folder: &Path, command: &[String]) -> Child {
    let script = "\"$@\" >log 2>&1 & server=$!; left=remove; \
                  while read -r word; do case $word in leave) left=;; *) kill -s \"$word\" $server;; esac; done; \
                  kill -s KILL $server; wait $server 2>/dev/null; if [ $left ]; then rm -rf \"$PWD\"; fi";
    Command::new("sh")
        .args(["-c", script, "keeper"])
        .args(command)
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
