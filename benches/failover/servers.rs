//! Owns Redis servers of which a replica takes the place of the primary that is killed: with three sentinels, or as a Cluster
//! of three primaries and three replicas. Does not know who asks them.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use redis::Connection;
use tempfile::TempDir;
use tokio::time::Instant;

use crate::Result;

const MASTER: &str = "sessions";
const PATIENCE: Duration = Duration::from_mins(1);

/// Which kind of servers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sentinel,
    Cluster,
}

/// Running servers; they end with this value.
pub struct Servers {
    kind: Kind,
    keepers: Vec<Server>,
    sentinels: Vec<Server>,
}

struct Server {
    port: u16,
    child: Child,
    _folder: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have been killed already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Servers {
    /// Starts them, and waits until each knows of the others. What takes a server as gone after that long is the servers' own
    /// setting, two seconds here: `down-after-milliseconds` and `cluster-node-timeout`.
    pub fn start(kind: Kind) -> Result<Self> {
        let servers = match kind {
            Kind::Sentinel => Self::watched()?,
            Kind::Cluster => Self::cluster()?,
        };
        let end = Instant::now() + PATIENCE;
        while !servers.are_whole() {
            if Instant::now() > end {
                return Err("the Redis servers never know of each other".into());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(servers)
    }

    fn watched() -> Result<Self> {
        let primary = Server::start(&[])?;
        let port = primary.port.to_string();
        let replica = Server::start(&["--replicaof", "127.0.0.1", &port, "--repl-diskless-sync-delay", "0"])?;
        let sentinels = (0..3).map(|_| Server::sentinel(&port)).collect::<Result<_>>()?;
        Ok(Self { kind: Kind::Sentinel, keepers: vec![primary, replica], sentinels })
    }

    fn cluster() -> Result<Self> {
        let node = |_| {
            let bus = free_port()?.to_string();
            let options = ["--cluster-enabled", "yes", "--cluster-port", &bus, "--cluster-node-timeout", "2000"];
            Server::start(&[options.as_slice(), &["--repl-diskless-sync-delay", "0"]].concat())
        };
        let keepers: Vec<_> = (0..6).map(node).collect::<Result<_>>()?;
        let made = Command::new("redis-cli")
            .args(["--cluster", "create"])
            .args(keepers.iter().map(|server| format!("127.0.0.1:{}", server.port)))
            .args(["--cluster-replicas", "1", "--cluster-yes"])
            .output()?;
        if !made.status.success() {
            return Err(format!("no cluster: {}", String::from_utf8_lossy(&made.stdout)).into());
        }
        Ok(Self { kind: Kind::Cluster, keepers, sentinels: Vec::new() })
    }

    fn are_whole(&self) -> bool {
        let linked = |server: &Server| {
            let role = server.replication("role").unwrap_or_default();
            role == "master" || server.replication("master_link_status").is_ok_and(|status| status == "up")
        };
        let cluster = |server: &Server| {
            let told = server.ask(redis::cmd("CLUSTER").arg("INFO")).unwrap_or_default();
            told.contains("cluster_state:ok") && told.contains("cluster_known_nodes:6")
        };
        let knows_all = |sentinel: &Server| {
            let asked = redis::cmd("SENTINEL").arg("MASTER").arg(MASTER).query(&mut sentinel.admin()?);
            let told: Vec<String> = asked?;
            let has = |name: &str, value: &str| told.windows(2).any(|pair| pair == [name, value]);
            Result::Ok(has("num-slaves", "1") && has("num-other-sentinels", "2"))
        };
        self.keepers.iter().all(linked)
            && (self.kind == Kind::Sentinel || self.keepers.iter().all(cluster))
            && self.sentinels.iter().all(|sentinel| knows_all(sentinel).is_ok_and(|knows| knows))
    }

    /// How the authority is told of them.
    pub fn configuration(&self) -> String {
        let urls = |servers: &[Server]| {
            let urls: Vec<_> = servers.iter().map(|server| format!("\"redis://127.0.0.1:{}\"", server.port)).collect();
            urls.join(", ")
        };
        match self.kind {
            Kind::Sentinel => format!(
                "store: {{ kind: redis, redis: {{ sentinel: {{ master: {MASTER}, urls: [{}] }} }} }}",
                urls(&self.sentinels)
            ),
            Kind::Cluster => {
                format!("store: {{ kind: redis, redis: {{ cluster: true, urls: [{}] }} }}", urls(&self.keepers))
            }
        }
    }

    /// Kills the primary that keeps the sessions, which are all of one user. Answers how long it took until another server says
    /// that it is the primary in its place.
    pub fn kill(&mut self) -> Result<Duration> {
        let keeps = self.keepers.iter().position(Server::keeps_sessions).ok_or("nobody keeps the sessions")?;
        let primaries = |servers: &Self| {
            let others = servers.keepers.iter().enumerate().filter(|(place, _)| *place != keeps);
            let roles = others.map(|(_, server)| server.replication("role"));
            roles.filter(|role| role.as_deref().is_ok_and(|role| role == "master")).count()
        };
        let before = primaries(self);
        let server = self.keepers.get_mut(keeps).ok_or("no server")?;
        server.child.kill()?;
        server.child.wait()?;
        let begin = Instant::now();
        while primaries(self) == before {
            if begin.elapsed() > PATIENCE {
                return Err("no replica is promoted".into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(begin.elapsed())
    }
}

impl Server {
    fn start(options: &[&str]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let port = free_port()?;
        let text = port.to_string();
        let own = ["--port", &text, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
        Self::run(folder, port, &[own.as_slice(), options].concat())
    }

    fn sentinel(primary: &str) -> Result<Self> {
        let (folder, port) = (tempfile::tempdir()?, free_port()?);
        let lines = [
            format!("port {port}"),
            "bind 127.0.0.1".to_owned(),
            format!("sentinel monitor {MASTER} 127.0.0.1 {primary} 2"),
            format!("sentinel down-after-milliseconds {MASTER} 2000"),
            format!("sentinel failover-timeout {MASTER} 10000"),
        ];
        let file = folder.path().join("sentinel.conf");
        std::fs::write(&file, lines.join("\n"))?;
        let file = path(&file)?.to_owned();
        Self::run(folder, port, &[&file, "--sentinel"])
    }

    fn run(folder: TempDir, port: u16, arguments: &[&str]) -> Result<Self> {
        let child = Command::new("redis-server")
            .args(arguments)
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| format!("redis-server does not start; install the package redis-server ({error})"))?;
        let server = Self { port, child, _folder: folder };
        let end = Instant::now() + PATIENCE;
        while server.admin().is_err() {
            if Instant::now() > end {
                return Err("redis-server does not answer".into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    fn admin(&self) -> Result<Connection> {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}/", self.port))?;
        let mut connection = client.get_connection_with_timeout(Duration::from_secs(1))?;
        let _: String = redis::cmd("PING").query(&mut connection)?;
        Ok(connection)
    }

    fn ask(&self, command: &redis::Cmd) -> Result<String> {
        Ok(command.query(&mut self.admin()?)?)
    }

    /// Whether it is a primary that has records of sessions.
    fn keeps_sessions(&self) -> bool {
        let keys = || -> Result<usize> {
            let named: Vec<Vec<u8>> = redis::cmd("KEYS").arg("gl:{*}s*").query(&mut self.admin()?)?;
            Ok(named.len())
        };
        self.replication("role").is_ok_and(|role| role == "master") && keys().is_ok_and(|count| count > 0)
    }

    fn replication(&self, field: &str) -> Result<String> {
        let told = self.ask(redis::cmd("INFO").arg("replication"))?;
        let value = told.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        Ok(value.ok_or("INFO replication does not say")?.to_owned())
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn path(file: &Path) -> Result<&str> {
    file.to_str().ok_or_else(|| "a folder whose name is no text".into())
}
