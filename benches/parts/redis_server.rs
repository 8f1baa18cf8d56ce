//! Owns a real Redis server for the time of the measurement, on a free loopback port. Does not know what is kept in it.

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use redis::Connection;
use tempfile::TempDir;
use tokio::time::Instant;

use crate::Result;

/// A running server that keeps nothing on disk.
pub struct RedisServer {
    pub address: String,
    child: Child,
    _folder: TempDir,
}

impl RedisServer {
    /// Starts it and waits until it answers.
    pub fn start() -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let folder = tempfile::tempdir()?;
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| format!("redis-server does not start; install the package redis-server ({error})"))?;
        let server = Self { address: format!("redis://127.0.0.1:{port}/"), child, _folder: folder };
        let end = Instant::now() + Duration::from_secs(10);
        while server.admin().is_err() {
            if Instant::now() > end {
                return Err("redis-server does not answer".into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// A connection apart from those that are measured.
    pub fn admin(&self) -> Result<Connection> {
        let mut connection = redis::Client::open(self.address.as_str())?.get_connection()?;
        let _: String = redis::cmd("PING").query(&mut connection)?;
        Ok(connection)
    }

    /// The bytes that it has given out (`used_memory` of INFO), its own among them.
    pub fn used_memory(&self) -> Result<f64> {
        let info: String = redis::cmd("INFO").arg("memory").query(&mut self.admin()?)?;
        let line = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
        Ok(line.ok_or("INFO memory says nothing of used_memory")?.trim().parse()?)
    }

    /// Empties it.
    pub fn flush(&self) -> Result<()> {
        Ok(redis::cmd("FLUSHALL").query(&mut self.admin()?)?)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
