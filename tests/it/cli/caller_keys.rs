//! Owns the verbs `keys create | list | revoke`, from the outside, against an authority in this process. Does not know how keys
//! are kept.

use serde_json::Value;

use super::asking::{ask, ask_with, json};
use crate::rpc::serving::Serving;
use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_made_used_listed_and_revoked() {
    let world = World::new();
    let serving = Serving::of(&world).await;
    let made = ["keys", "create", "--role", "admin", "--name", "report", "--rpc", "AdminService/ListCallerKeys"];
    let (code, out, err) = ask(&serving, &[&made[..], &["--expires-in", "30d", "-o", "json"]].concat()).await;
    assert_eq!(code, 0, "{err}");
    let made: Value = json(&out);
    assert_eq!([&made["caller"], &made["role"], &made["created_by"]], ["default/report", "admin", "admin"]);
    let report = made["api_key"].as_str().unwrap().to_owned();
    assert!(report.starts_with("glk_"));

    let (code, out, _) = ask(&serving, &["keys", "create", "--role", "edge", "--name", "web"]).await;
    assert!(code == 0 && out.contains("shown this once") && out.contains("default/web"), "{out}");
    let (code, out, err) = ask_with(&serving, report.clone(), &["keys", "list"]).await;
    assert!(code == 0 && out.contains("default/report") && out.contains("default/web"), "{out}{err}");
    assert!(!out.contains("glk_"), "{out}");
    let (code, _, err) = ask_with(&serving, report.clone(), &["keys", "revoke", "default/web"]).await;
    assert!(code == 77 && err.contains("is not in its `rpcs`"), "{code} {err}");

    assert_eq!(ask(&serving, &["keys", "revoke", "default/web"]).await.1, "The API key is revoked.\n");
    assert_eq!(ask(&serving, &["keys", "revoke", "default/web"]).await.0, 66);
    let id = made["key_id"].as_str().unwrap();
    assert_eq!(ask(&serving, &["keys", "revoke", id, "--reason", "gone"]).await.0, 0);
    assert_eq!(ask_with(&serving, report, &["keys", "list"]).await.0, 77);
    for wrong in [
        &["keys", "create", "--role", "edge"][..],
        &["keys", "create", "--role", "root", "--name", "a"],
        &["keys", "create", "--role", "edge", "--name", "a b"],
        &["keys", "create", "--role", "edge", "--name", "a", "--expires-in", "soon"],
        &["keys", "create", "--role", "edge", "--name", "a", "--rpc", "AdminService/Revoke"],
        &["keys", "revoke", ""],
    ] {
        assert_eq!(ask(&serving, wrong).await.0, 64, "{wrong:?}");
    }
}
