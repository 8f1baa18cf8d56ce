//! Owns a Redis Cluster of three primaries and three replicas. Does not know what is kept in it.

use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use tokio::time::Instant;

use super::{Server, cut_off_replicas_of, free_port, replication};

/// A running cluster.
pub struct Cluster {
    pub nodes: Vec<Server>,
}

impl Cluster {
    /// The one that all tests of this process share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Starts six nodes.
    pub fn start() -> Self {
        Self::of((0..6).map(|_| Self::node(&[])).collect(), &[])
    }

    /// Six nodes that speak TLS with these files, also among themselves.
    pub fn start_with_tls(files: &[String]) -> Self {
        let node = |_| {
            let port = free_port().to_string();
            Self::node(
                &[
                    files.iter().map(String::as_str).collect(),
                    vec!["--tls-port", &port, "--tls-cluster", "yes", "--tls-replication", "yes"],
                ]
                .concat(),
            )
        };
        Self::of((0..6).map(node).collect(), files)
    }

    /// Makes them one cluster, whose nodes know each other by the ports with TLS where there are files for it.
    fn of(nodes: Vec<Server>, files: &[String]) -> Self {
        let port = |node: &Server| if files.is_empty() { node.port } else { node.tls() };
        let file = |name: &str| files.iter().skip_while(|word| *word != name).nth(1).map_or("", String::as_str);
        let [ca, certificate, key] = ["--tls-ca-cert-file", "--tls-cert-file", "--tls-key-file"].map(file);
        let tls = ["--tls", "--cacert", ca, "--cert", certificate, "--key", key];
        let addresses = nodes.iter().map(|node| format!("127.0.0.1:{}", port(node)));
        let made = Command::new("redis-cli")
            .args(if files.is_empty() { &[] } else { tls.as_slice() })
            .args(["--cluster", "create"])
            .args(addresses)
            .args(["--cluster-replicas", "1", "--cluster-yes"])
            .output()
            .expect("redis-cli starts");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
        let cluster = Self { nodes };
        cluster.wait_until_whole();
        cluster
    }

    /// Waits until every node says that the cluster is whole, and every replica has what its primary has.
    pub fn wait_until_whole(&self) {
        let end = Instant::now() + Duration::from_secs(30);
        let whole = |node: &Server| {
            let info: String = redis::cmd("CLUSTER").arg("INFO").query(&mut node.admin()).unwrap_or_default();
            let role: String = redis::cmd("INFO").arg("replication").query(&mut node.admin()).unwrap_or_default();
            let linked = role.contains("role:master") || role.contains("master_link_status:up");
            info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:6") && linked
        };
        while !self.nodes.iter().all(whole) {
            assert!(Instant::now() < end, "the cluster does not become whole");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until every replica has all that its primary has written so far: then a failover loses nothing.
    pub fn wait_until_replicated(&self) {
        let end = Instant::now() + Duration::from_secs(30);
        for primary in self.primaries() {
            let written: u64 = replication(primary, "master_repl_offset").parse().expect("an offset");
            let has_all = |node: &&Server| {
                replication(node, "master_port") == primary.port.to_string()
                    && replication(node, "master_link_status") == "up"
                    && replication(node, "slave_repl_offset").parse().is_ok_and(|offset: u64| offset >= written)
            };
            while !self.nodes.iter().any(|node| has_all(&node)) {
                assert!(Instant::now() < end, "no replica of {} has all", primary.port);
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }

    /// From now on no replica of this node hears of what it writes: that is lost with it.
    pub fn cut_off_replicas_of(&self, at: usize) {
        for node in &self.nodes {
            let mut set = redis::cmd("CONFIG");
            set.arg("SET").arg("cluster-replica-validity-factor").arg(0);
            set.query::<()>(&mut node.admin()).expect("a replica may be promoted however old it is");
        }
        cut_off_replicas_of(&self.nodes[at]);
    }

    /// The nodes that hold slots at the moment.
    pub fn primaries(&self) -> Vec<&Server> {
        let is_primary = |node: &&Server| {
            let role: String = redis::cmd("INFO").arg("replication").query(&mut node.admin()).expect("a node answers");
            role.contains("role:master")
        };
        self.nodes.iter().filter(is_primary).collect()
    }

    fn node(options: &[&str]) -> Server {
        let bus = free_port().to_string();
        let timing = ["--cluster-node-timeout", "2000", "--repl-diskless-sync-delay", "0"];
        Server::start(&[["--cluster-enabled", "yes", "--cluster-port", &bus].as_slice(), &timing, options].concat())
    }
}
