//! Owns what a Cluster and servers with sentinels have in common: one dies, its replica is promoted. Does not know what is
//! kept there.

use gatelodge::crypto::Secret;
use gatelodge::session::key::SessionKey;
use gatelodge::store::redis::RedisSettings;

use super::PREFIX;
use crate::redis::{Cluster, Server, Watched, address};
use crate::store::bench::keys_of;

/// Servers of which another takes the place of one that dies.
pub trait Servers: Send + 'static {
    fn start() -> Self;

    /// How a store reaches them.
    fn settings(&self, settings: RedisSettings) -> RedisSettings;

    fn all(&mut self) -> &mut Vec<Server>;

    /// Whether this one is a primary.
    fn is_primary(&self, at: usize) -> bool;

    /// The primary that holds a key which ends so.
    fn holder(&self, end: &[u8]) -> usize;

    /// Whether anybody but the server `without` holds a key which ends so.
    fn has_beside(&self, without: usize, end: &[u8]) -> bool;

    /// Waits until replicas have all that was written so far: then a failover loses nothing.
    fn wait_until_replicated(&self);

    /// From now on no replica hears of what this server writes: that is lost with it.
    fn cut_off_replicas_of(&self, at: usize);
}

/// How the log's name ends.
pub const LOG: &[u8] = b"e\0\0\0\0";

/// How a record's name ends.
pub fn name_of(session: &SessionKey) -> Vec<u8> {
    [b"}s".as_slice(), &session.tenant.0.to_be_bytes(), &session.id].concat()
}

fn holds(server: &Server, end: &[u8]) -> bool {
    keys_of(server, PREFIX).iter().any(|key| key.ends_with(end))
}

impl Servers for Cluster {
    fn start() -> Self {
        Self::start()
    }

    fn settings(&self, settings: RedisSettings) -> RedisSettings {
        let urls = self.nodes.iter().map(|node| Secret::new(address(node.port))).collect();
        RedisSettings { urls, cluster: true, ..settings }
    }

    fn all(&mut self) -> &mut Vec<Server> {
        &mut self.nodes
    }

    fn is_primary(&self, at: usize) -> bool {
        self.primaries().iter().any(|node| node.port == self.nodes[at].port)
    }

    fn holder(&self, end: &[u8]) -> usize {
        let held = |port| self.primaries().into_iter().any(|node| node.port == port && holds(node, end));
        self.nodes.iter().position(|node| held(node.port)).expect("somebody holds it")
    }

    fn has_beside(&self, without: usize, end: &[u8]) -> bool {
        self.nodes.iter().enumerate().any(|(at, node)| at != without && holds(node, end))
    }

    fn wait_until_replicated(&self) {
        self.wait_until_replicated();
    }

    fn cut_off_replicas_of(&self, at: usize) {
        self.cut_off_replicas_of(at);
    }
}

impl Servers for Watched {
    fn start() -> Self {
        Self::start()
    }

    fn settings(&self, settings: RedisSettings) -> RedisSettings {
        self.settings(settings)
    }

    fn all(&mut self) -> &mut Vec<Server> {
        &mut self.servers
    }

    fn is_primary(&self, at: usize) -> bool {
        self.primary() == at
    }

    fn holder(&self, end: &[u8]) -> usize {
        let at = self.primary();
        assert!(holds(&self.servers[at], end), "the primary has it");
        at
    }

    fn has_beside(&self, without: usize, end: &[u8]) -> bool {
        holds(&self.servers[1 - without], end)
    }

    fn wait_until_replicated(&self) {
        self.wait_until_replicated();
    }

    fn cut_off_replicas_of(&self, at: usize) {
        assert_eq!(at, self.primary());
        self.cut_off_replica();
    }
}
