//! Owns a `gatelodge serve` in a process of its own, whose log is a file in its folder; it ends with its value. Does not know
//! how it is configured.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::{Instant, sleep};

/// The secret by which it signs what is the sessions'.
pub const SECRET: &str = "vY7r2k9QmX4tB8wL1zN6cH3sD5fG0jPa";

/// All that it is told in secret.
pub const SECRETS: [(&str, &str); 2] =
    [("SESSION_SIGNING_SECRET", SECRET), ("CSRF_SIGNING_SECRET", "pK3n8sW1xE6rT0yU4iO9aS2dF7gH5jLz")];

/// A running process.
pub struct Process {
    child: Child,
    pub folder: TempDir,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Process {
    /// Serves what the `gatelodge.yaml` of this folder says.
    pub fn in_folder(folder: TempDir) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_gatelodge"))
            .arg("serve")
            .env_clear()
            .envs(SECRETS)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        Self { child, folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal: "HUP", "TERM".
    pub fn signal(&self, name: &str) {
        let done = Command::new("kill").args([&format!("-{name}"), &self.id().to_string()]).status().unwrap();
        assert!(done.success());
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// How it ended, if it has.
    pub fn end(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// The lines of the log that say this.
    pub fn lines(&self, what: &str) -> Vec<String> {
        let log = fs::read_to_string(self.path("log")).unwrap();
        log.lines().filter(|line| line.contains(what)).map(str::to_owned).collect()
    }
}

/// Waits until it is so, for a minute at most.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + Duration::from_mins(1);
    while !is_so().await {
        assert!(Instant::now() < end, "{what} did not come to pass");
        sleep(Duration::from_millis(20)).await;
    }
}
