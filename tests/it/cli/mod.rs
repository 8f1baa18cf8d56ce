//! Owns the command line as a user meets it: the real binary, its output and its exit codes. Does not know the library.

mod asking;
mod audit;
mod caller_keys;
mod config;
mod keys;
mod rings;
mod running;
mod sessions;
mod tenants;
mod users;
mod verbs;

use assert_cmd::Command;

/// The binary in `folder`, with an empty environment.
fn gatelodge(folder: &std::path::Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatelodge"));
    command.env_clear().current_dir(folder);
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
