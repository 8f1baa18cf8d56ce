//! Owns what is logged while a test runs, and a second life of the test's own process for what a process has once.
//! Does not know what is looked for.

use std::io::{self, Write};
use std::sync::{Arc, LazyLock, Mutex};

use tokio::process::Command;
use tracing::Dispatch;
use tracing::subscriber::{DefaultGuard, NoSubscriber};

/// Everything that this thread logs, at the finest level, as the real log's filter lets it through.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Listens until the guard is dropped.
    pub fn listen(&self) -> DefaultGuard {
        // With one subscriber in the process, whether a place in the code is of interest is asked of the thread that comes
        // there first, once for all: another test's thread, which listens to nothing, would silence it for this one.
        static ANOTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::new()));
        LazyLock::force(&ANOTHER);
        let own = self.clone();
        let lines = tracing_subscriber::fmt()
            .with_env_filter(gatelodge::telemetry::filter("trace"))
            .with_writer(move || own.clone())
            .with_ansi(false);
        tracing::subscriber::set_default(lines.finish())
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const CHILD: &str = "GATELODGE_TEST_CHILD";

/// What a child of this test is told; `None` when this is no child.
pub fn told() -> Option<String> {
    std::env::var(CHILD).ok()
}

/// Another process that runs the test of this name, and is told something.
pub fn again(test: &str, what: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(CHILD, what).kill_on_drop(true);
    command
}
