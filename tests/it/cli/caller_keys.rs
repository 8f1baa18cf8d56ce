//! Owns the verbs `keys create | list | revoke`, from the outside, against an authority in this process. Does not know how keys
//! are kept.

use gatelodge::rpc::policy::Role;
use serde_json::Value;

use super::{gatelodge, text};
use crate::rpc::serving::{Serving, key};
use crate::world::World;

/// Runs a verb with an API key: exit code, standard output, standard error.
async fn ask(serving: &Serving, key: String, arguments: &[&str]) -> (i32, String, String) {
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_made_used_listed_and_revoked() {
    let world = World::new();
    let serving = Serving::of(&world).await;
    let admin = || key(Role::Admin);
    let made = ["keys", "create", "--role", "admin", "--name", "report", "--rpc", "AdminService/ListCallerKeys"];
    let (code, out, err) = ask(&serving, admin(), &[&made[..], &["--expires-in", "30d", "-o", "json"]].concat()).await;
    assert_eq!(code, 0, "{err}");
    let made: Value = serde_json::from_str(&out).unwrap();
    assert_eq!([&made["caller"], &made["role"], &made["created_by"]], ["default/report", "admin", "admin"]);
    let report = made["api_key"].as_str().unwrap().to_owned();
    assert!(report.starts_with("glk_"));

    let (code, out, _) = ask(&serving, admin(), &["keys", "create", "--role", "edge", "--name", "web"]).await;
    assert!(code == 0 && out.contains("shown this once") && out.contains("default/web"), "{out}");
    let (code, out, err) = ask(&serving, report.clone(), &["keys", "list"]).await;
    assert!(code == 0 && out.contains("default/report") && out.contains("default/web"), "{out}{err}");
    assert!(!out.contains("glk_"), "{out}");
    let (code, _, err) = ask(&serving, report.clone(), &["keys", "revoke", "default/web"]).await;
    assert!(code == 77 && err.contains("is not in its `rpcs`"), "{code} {err}");

    assert_eq!(ask(&serving, admin(), &["keys", "revoke", "default/web"]).await.1, "The API key is revoked.\n");
    assert_eq!(ask(&serving, admin(), &["keys", "revoke", "default/web"]).await.0, 66);
    let id = made["key_id"].as_str().unwrap();
    assert_eq!(ask(&serving, admin(), &["keys", "revoke", id, "--reason", "gone"]).await.0, 0);
    assert_eq!(ask(&serving, report, &["keys", "list"]).await.0, 77);
    for wrong in [
        &["keys", "create", "--role", "edge"][..],
        &["keys", "create", "--role", "root", "--name", "a"],
        &["keys", "create", "--role", "edge", "--name", "a b"],
        &["keys", "create", "--role", "edge", "--name", "a", "--expires-in", "soon"],
        &["keys", "create", "--role", "edge", "--name", "a", "--rpc", "AdminService/Revoke"],
        &["keys", "revoke", ""],
    ] {
        assert_eq!(ask(&serving, admin(), wrong).await.0, 64, "{wrong:?}");
    }
}
