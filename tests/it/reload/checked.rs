//! Shows what `gatelodge rings check` counts, and that `rings rotate` gives a key an end that nothing under it outlasts, over both
//! stores. Does not know how records are kept.

use std::fs;

use gatelodge::crypto::ApiKey;
use gatelodge_client::{Client, ClientOptions};
use serde_json::Value;

use super::served::{Served, hostile, provider};
use crate::hostile::Hostile;
use crate::redis::{Server, address};
use crate::world::Kept;
use crate::world::kept::fresh_prefix;
use crate::world::process::until;

/// An authority with one of everything that is counted: a session and its user, an API key, mint keys, audit entries.
async fn served(kept: Kept, hostile: &Hostile, admin: &ApiKey) -> Served {
    let store = match kept {
        Kept::Memory => "store: { embedded: { path: sessions.redb } }".to_owned(),
        Kept::Redis => {
            let redis = tokio::task::spawn_blocking(Server::shared).await.unwrap();
            let (url, prefix) = (address(redis.port), fresh_prefix());
            format!("store: {{ kind: redis, redis: {{ urls: ['{url}'], key_prefix: {prefix} }} }}")
        }
    };
    let more = format!(
        "oidc: {{ providers: {{ {} }} }}\ntokens: {{ mint: {{ enabled: true, audiences: [a] }} }}\n\
         callers: [{{ name: ops, role: admin, key_hash: '{}' }}]\n{store}\n\
         app: {{ redirects: {{ public_base_url: BASE }}, sessions: {{ rings_file: rings.yaml }} }}\n",
        provider("one", hostile),
        admin.hash(),
    );
    let served = Served::with_file(&more, None, "rings.yaml", "").await;
    served.log_in("one", hostile).await;
    let made = served.verb(admin.expose(), &["keys", "create", "--role", "backend", "--name", "ci"]).await;
    assert_eq!(made.0, 0, "{made:?}");
    let client = Client::connect(&ClientOptions::new(served.address(), admin.expose())).unwrap();
    client.tokens().get_jwks().await.unwrap();
    served
}

/// What is under each key, by its state.
async fn counted(served: &Served) -> Vec<(String, [u64; 5])> {
    let (code, out, err) = served.verb("", &["rings", "check", "-o", "json"]).await;
    assert_eq!(code, 0, "{err}");
    let rows: Vec<Value> = serde_json::from_str(&out).unwrap();
    let number = |row: &Value, kind: &str| row[kind].as_str().unwrap().parse::<u64>().unwrap();
    let kinds = ["sessions", "users", "api_keys", "mint_keys", "audit_entries"];
    rows.iter().map(|row| (row["state"].as_str().unwrap().to_owned(), kinds.map(|kind| number(row, kind)))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_under_a_key_is_counted_until_nothing_needs_it() {
    let (hostile, admin) = (hostile().await, ApiKey::generate(&[1; 32]));
    for kept in [Kept::Memory, Kept::Redis] {
        let mut served = served(kept, &hostile, &admin).await;
        let (code, out, err) = served.verb("", &["rings", "rotate", "--after", "1s", "-o", "json"]).await;
        assert_eq!((code, err.as_str()), (0, ""), "{kept:?}");
        let rows: Vec<Value> = serde_json::from_str(&out).unwrap();
        // The audit is kept for 30 days, and no session lives as long.
        assert_eq!(rows[0]["as_long_as"], "an entry of the audit");
        served.says("what outlives a key was sealed anew", 1).await;
        let another = served.log_in("one", &hostile).await;
        assert_eq!(served.me(&another).await, 200);
        // Written down beside the answers: two logins, an API key.
        let listed = async || served.verb(admin.expose(), &["audit", "-o", "json"]).await.1;
        until("the audit", async || listed().await.matches("entry_id").count() >= 3).await;
        if kept == Kept::Memory {
            served.kill();
        }
        let mut all = counted(&served).await;
        all.sort();
        let [(active, new), (retiring, old)] = &all[..] else { panic!("{all:?}") };
        assert_eq!((active.as_str(), retiring.as_str()), ("active", "retiring"), "{kept:?}");
        assert_eq!((new[..4].to_vec(), old[..4].to_vec()), (vec![1, 1, 1, 1], vec![1, 0, 0, 0]), "{kept:?}");
        assert!(new[4] > 0 && old[4] > 0, "{kept:?}: {all:?}");
        let (code, out, _) = served.verb("", &["rings", "check"]).await;
        let needed = format!("default: {} records need the key ", old.iter().sum::<u64>());
        assert!(code == 0 && out.contains(&needed) && out.contains("AUDIT ENTRIES"), "{out}");
        // A key that is lost says what it takes with it, and that is a failure.
        fs::write(served.path("rings.yaml"), "session: [{ id: 00000001 }]\n").unwrap();
        let (code, _, err) = served.verb("", &["rings", "check"]).await;
        let lost = "under it are 1 sessions, 1 users, 1 api keys, 1 mint keys";
        assert!(code == 1 && err.contains("is not loaded") && err.contains(lost), "{kept:?}: {err}");
    }
}

// The dates are those of the store's clock. Where it can't be asked, that is said.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_that_can_not_ask_the_store_for_its_time_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let port = crate::redis::free_port();
    let yaml =
        format!("development: true\nstore: {{ kind: redis, redis: {{ urls: ['redis://127.0.0.1:{port}'] }} }}\n");
    fs::write(folder.path().join("gatelodge.yaml"), yaml).unwrap();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_gatelodge"));
    command.env_clear().current_dir(folder.path()).args(["rings", "rotate", "--file", "rings.yaml"]);
    let done = command.output().await.unwrap();
    let err = String::from_utf8(done.stderr).unwrap();
    assert!(done.status.success() && err.contains("by this machine's clock"), "{err}");
    assert!(fs::read_to_string(folder.path().join("rings.yaml")).unwrap().contains("active_from"));
}
