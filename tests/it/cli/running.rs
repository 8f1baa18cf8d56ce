//! Owns a gatelodge that runs in a process of its own until the test ends. Does not know what is asked of it.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running process; ended with the value.
pub struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs gatelodge in `folder` until a line on standard output or standard error contains `ready`.
pub fn start(folder: &Path, arguments: &[&str], ready: &str) -> Running {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatelodge"));
    // One stream for both, so that whichever has the line is read.
    let script = r#"exec "$0" "$@" 2>&1"#;
    let binary = command.get_program().to_owned();
    command = Command::new("sh");
    command.args(["-c", script]).arg(binary).args(arguments).env_clear().current_dir(folder).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let said = child.stdout.take().unwrap();
    let running = Running(child);
    let mut lines = BufReader::new(said).lines();
    let mut before = Vec::new();
    loop {
        let line = lines.next().unwrap_or_else(|| panic!("it ended: {before:#?}")).unwrap();
        if line.contains(ready) {
            break;
        }
        before.push(line);
    }
    // Whoever writes to a pipe that nobody reads stops in the end.
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
    running
}

/// Addresses that were free a moment ago.
pub fn free_addresses<const N: usize>() -> [SocketAddr; N] {
    let listeners = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap())
}
