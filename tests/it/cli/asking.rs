//! Owns verbs that ask an authority in this process, as an admin or another caller types them. Does not know what they ask.

use gatelodge::rpc::policy::Role;
use serde_json::Value;

use super::{gatelodge, text};
use crate::rpc::serving::{Serving, key};

/// Runs a verb as an admin: exit code, standard output, standard error.
pub async fn ask(serving: &Serving, arguments: &[&str]) -> (i32, String, String) {
    ask_with(serving, key(Role::Admin), arguments).await
}

/// The same with this key.
pub async fn ask_with(serving: &Serving, key: String, arguments: &[&str]) -> (i32, String, String) {
    let address = format!("http://{}", serving.address);
    let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let run = move || {
        let folder = tempfile::tempdir().unwrap();
        let mut command = gatelodge(folder.path());
        command.env("GATELODGE_ADDRESS", address).env("GATELODGE_API_KEY", key);
        command.args(arguments).output().unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

pub fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}
