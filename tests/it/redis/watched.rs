//! Owns a primary, its replica, and three sentinels that watch them. Does not know what is kept there.

use gatelodge::crypto::Secret;
use gatelodge::store::redis::{RedisSettings, SentinelSettings};

use super::{Rights, Server, cut_off_replicas_of, free_port, replication, rights, wait_until};

/// The name that the sentinels have for the primary.
pub const MASTER: &str = "sessions";

/// Servers that sentinels watch.
pub struct Watched {
    /// The primary at first, then its replica.
    pub servers: Vec<Server>,
    pub sentinels: Vec<Server>,
}

impl Watched {
    /// Starts them, and waits until every sentinel knows of the replica and of the others.
    pub fn start() -> Self {
        Self::of(&[])
    }

    /// The same, which speak TLS with these files, also among themselves.
    pub fn start_with_tls(files: &[String]) -> Self {
        Self::of(&[files, &["--tls-replication".to_owned(), "yes".to_owned()]].concat())
    }

    fn of(files: &[String]) -> Self {
        let server = |more: &[&str]| {
            let port = free_port().to_string();
            let tls = if files.is_empty() { Vec::new() } else { vec!["--tls-port", port.as_str()] };
            Server::start(&[files.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), &tls, more].concat())
        };
        let primary = server(&[]);
        // Where there is TLS it is what they announce, and what the sentinels watch.
        let port = if files.is_empty() { primary.port } else { primary.tls() }.to_string();
        let replica = server(&["--replicaof", "127.0.0.1", &port, "--repl-diskless-sync-delay", "0"]);
        let sentinels = (0..3).map(|_| Self::sentinel(&port, files)).collect();
        let watched = Self { servers: vec![primary, replica], sentinels };
        watched.wait_until_whole();
        watched
    }

    fn sentinel(primary: &str, files: &[String]) -> Server {
        Server::start_as(|port, folder| {
            let tls = free_port().to_string();
            let mut lines: Vec<_> =
                files.chunks(2).map(|pair| pair.join(" ").trim_start_matches('-').to_owned()).collect();
            if !files.is_empty() {
                lines.push(format!("tls-port {tls}"));
            }
            lines.extend([
                format!("port {port}"),
                "bind 127.0.0.1".to_owned(),
                format!("user gatelodge on >watch {}", rights(Rights::Sentinel).join(" ")),
                format!("sentinel monitor {MASTER} 127.0.0.1 {primary} 2"),
                format!("sentinel down-after-milliseconds {MASTER} 1000"),
                format!("sentinel failover-timeout {MASTER} 5000"),
            ]);
            let file = folder.join("sentinel.conf");
            std::fs::write(&file, lines.join("\n")).expect("the sentinel's file is written");
            let mut command = vec!["redis-server".to_owned(), file.display().to_string(), "--sentinel".to_owned()];
            if !files.is_empty() {
                command.extend(["--tls-port".to_owned(), tls]);
            }
            command
        })
    }

    /// Settings of a store there, as the users of the page.
    pub fn settings(&self, settings: RedisSettings) -> RedisSettings {
        let url = |server: &Server| Secret::new(format!("redis://gatelodge:watch@127.0.0.1:{}", server.port));
        let sentinel = SentinelSettings {
            master: MASTER.to_owned(),
            urls: self.sentinels.iter().map(url).collect(),
            server: Secret::new("redis://store:secret@primary.invalid"),
        };
        RedisSettings { urls: Vec::new(), sentinel: Some(sentinel), ..settings }
    }

    /// Waits until all that is watched is there, and known to all who watch.
    pub fn wait_until_whole(&self) {
        let knows_all = |sentinel: &Server| {
            let told: Vec<String> =
                redis::cmd("SENTINEL").arg("MASTER").arg(MASTER).query(&mut sentinel.admin()).unwrap_or_default();
            let has = |name: &str, value: &str| told.chunks(2).any(|pair| pair[0] == name && pair[1] == value);
            has("flags", "master") && has("num-slaves", "1") && has("num-other-sentinels", "2")
        };
        wait_until("the sentinels never know all", || self.sentinels.iter().all(knows_all));
        self.wait_until_replicated();
    }

    /// The server that is the primary, and was not stopped.
    pub fn primary(&self) -> usize {
        let is_primary = |server: &Server| server.answers() && replication(server, "role") == "master";
        self.servers.iter().position(is_primary).expect("there is a primary")
    }

    /// Waits until the replica has all that the primary has written so far.
    pub fn wait_until_replicated(&self) {
        let at = self.primary();
        let written: u64 = replication(&self.servers[at], "master_repl_offset").parse().expect("an offset");
        let replica = &self.servers[1 - at];
        wait_until("the replica never has all", || {
            replication(replica, "master_link_status") == "up"
                && replication(replica, "slave_repl_offset").parse().is_ok_and(|offset: u64| offset >= written)
        });
    }

    /// From now on the replica hears nothing of what the primary writes.
    pub fn cut_off_replica(&self) {
        cut_off_replicas_of(&self.servers[self.primary()]);
    }

    /// Has the sentinels promote the replica, although the primary is well: it goes on answering.
    pub fn promote(&self) {
        let ask = || redis::cmd("SENTINEL").arg("FAILOVER").arg(MASTER).query::<()>(&mut self.sentinels[0].admin());
        wait_until("the sentinels promote nobody", || ask().is_ok());
    }

    /// Waits until every sentinel names another primary than the first, and the first knows it.
    pub fn wait_until_replaced(&self) {
        let port = self.servers[1].port.to_string();
        let named = |sentinel: &Server| -> Vec<String> {
            let mut ask = redis::cmd("SENTINEL");
            ask.arg("GET-MASTER-ADDR-BY-NAME").arg(MASTER).query(&mut sentinel.admin()).unwrap_or_default()
        };
        wait_until("the first one is never replaced", || {
            self.sentinels.iter().all(|sentinel| named(sentinel).get(1) == Some(&port))
                && replication(&self.servers[0], "role") == "slave"
        });
    }
}
