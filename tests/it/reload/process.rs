//! Shows that a running process takes up another configuration whole or not at all, when it is told to and when a file changes.
//! Does not know how that is done.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use gatelodge::crypto::ApiKey;
use gatelodge_client::v1::WatchAuditRequest;
use gatelodge_client::{Client, ClientOptions};

use super::served::{Served, hostile, provider};
use crate::redis::{Server, address, free_port};
use crate::world::Browser;
use crate::world::kept::fresh_prefix;
use crate::world::process::{SECRET, until};

const ANEW: &str = "the configuration was loaded anew";
const REFUSED: &str = "stays in force";

fn configuration(more: &str, providers: &[String]) -> String {
    format!(
        "oidc: {{ providers: {{ {} }} }}\napp: {{ redirects: {{ public_base_url: BASE }}{more} }}\n",
        providers.join(", ")
    )
}

#[tokio::test]
async fn a_faulty_file_is_refused_whole_and_says_where_the_fault_is() {
    let (other, hostile) = (hostile().await, hostile().await);
    let one = provider("one", &hostile);
    let served = Served::with(&configuration("", std::slice::from_ref(&one)), None).await;
    let ada = served.log_in("one", &hostile).await;
    // The provider that comes with the fault does not come.
    let faulty = configuration(", sessions: { max_age: soon }", &[one.clone(), provider("two", &other)]);
    served.write(&faulty);
    served.hang_up();
    served.says(REFUSED, 1).await;
    let said = served.lines("app.sessions.max_age").concat();
    assert!(said.contains("gatelodge.yaml:5:") && said.contains("expected a length of time"), "{said}");
    assert_eq!(served.me(&ada).await, 200);
    assert_ne!(served.begin(&mut Browser::default(), "two").await.0, 302);
    // Syntax, a file that is gone, and half of a file.
    for (at, text) in [(2, "app: { sessions: {"), (3, "nonsense: true\n")] {
        served.write(text);
        served.hang_up();
        served.says(REFUSED, at).await;
        assert_eq!(served.me(&ada).await, 200);
    }
    fs::remove_file(served.path("gatelodge.yaml")).unwrap();
    served.hang_up();
    served.says(REFUSED, 4).await;
    assert_eq!((served.me(&ada).await, served.lines(ANEW).len()), (200, 0));
    // What is right again is taken up, without being told.
    served.write(&configuration("", &[one, provider("two", &other)]));
    served.says(ANEW, 1).await;
    served.log_in("two", &other).await;
    assert_eq!(served.me(&ada).await, 200);
}

#[tokio::test]
async fn a_changed_file_brings_providers_and_limits_and_says_what_only_a_start_changes() {
    let (other, hostile) = (hostile().await, hostile().await);
    let one = provider("one", &hostile);
    let served = Served::with(&configuration("", std::slice::from_ref(&one)), None).await;
    let ada = served.log_in("one", &hostile).await;
    assert_ne!(served.begin(&mut Browser::default(), "two").await.0, 302);
    let limited = ", rates: { logins: { per_tenant: 2, per_client: 0, within: 1day } }";
    let more = format!("{}cache: {{ max_sessions: 77 }}\n", configuration(limited, &[one, provider("two", &other)]));
    served.write(&more);
    served.says(ANEW, 1).await;
    let said = served.lines(ANEW).concat();
    for key in ["oidc.providers.two.issuer", "oidc.providers.two.client_secret", "app.rates.logins.per_tenant"] {
        assert!(said.contains(key), "{key}: {said}");
    }
    let left = served.lines("only a start of the process changes them").concat();
    assert!(left.contains("cache.max_sessions") && !said.contains("cache.max_sessions"), "{left}");
    served.log_in("two", &other).await;
    assert_eq!(served.begin(&mut Browser::default(), "two").await.0, 302);
    assert_eq!(served.begin(&mut Browser::default(), "two").await.0, 429, "the new limit");
    assert_eq!(served.me(&ada).await, 200);
}

// A folder whose link is turned, as Kubernetes mounts secrets.
#[tokio::test]
async fn a_secret_behind_a_link_that_is_turned_is_noticed() {
    let hostile = hostile().await;
    let one =
        format!("one: {{ issuer: '{}', client_id: client, client_secret_file: mounted/secret }}", hostile.issuer());
    let served_files = |folder: &std::path::Path, name: &str, secret: &str| {
        fs::create_dir(folder.join(name)).unwrap();
        fs::write(folder.join(name).join("secret"), secret).unwrap();
    };
    let served = Served::with(&configuration("", &[]), None).await;
    served_files(served.process.folder.path(), "first", "secret");
    symlink("first", served.path("mounted")).unwrap();
    served.write(&configuration("", &[one]));
    served.says(ANEW, 1).await;
    served_files(served.process.folder.path(), "second", "another");
    symlink("second", served.path("turned")).unwrap();
    fs::rename(served.path("turned"), served.path("mounted")).unwrap();
    served.says(ANEW, 2).await;
    let said = served.lines(ANEW).pop().unwrap();
    assert!(said.contains("oidc.providers.one.client_secret") && !said.contains("another"), "{said}");
    let log = fs::read_to_string(served.path("log")).unwrap();
    assert!(!log.contains(SECRET));
}

/// A caller's lines for the configuration.
fn caller(name: &str, key: &ApiKey) -> String {
    format!("{{ name: {name}, role: admin, key_hash: '{}' }}", key.hash())
}

// security.md 99: revocable without restart.
#[tokio::test]
async fn callers_come_and_go_with_the_file_and_so_do_their_streams() {
    let (first, second) = (ApiKey::generate(&[1; 32]), ApiKey::generate(&[2; 32]));
    let with = |callers: &[String]| format!("{}callers: [{}]\n", configuration("", &[]), callers.join(", "));
    let served = Served::with(&with(&[caller("ops", &first)]), None).await;
    let asked = async |key: &ApiKey| served.verb(key.expose(), &["users", "list"]).await.0;
    assert_eq!((asked(&first).await, asked(&second).await), (0, 77));
    served.write(&with(&[caller("ops", &first), caller("more", &second)]));
    served.says(ANEW, 1).await;
    assert_eq!((asked(&first).await, asked(&second).await), (0, 0));
    let mut watches = Vec::new();
    for key in [&first, &second] {
        let options = ClientOptions::new(served.address(), key.expose());
        let mut watch =
            Client::connect(&options).unwrap().admin().watch_audit(WatchAuditRequest::default()).await.unwrap();
        watches.push(tokio::spawn(async move { while let Ok(Some(_)) = watch.message().await {} }));
    }
    served.write(&with(&[caller("more", &second)]));
    served.says(ANEW, 2).await;
    assert_eq!((asked(&first).await, asked(&second).await), (77, 0));
    until("the end of a stream", async || watches[0].is_finished()).await;
    assert!(!watches[1].is_finished(), "the other caller is as it was");
    assert!(served.lines("only a start of the process changes them").is_empty());
}

// What stays as it was at the start was judged beside other things.
#[tokio::test]
async fn a_part_that_does_not_go_with_what_only_a_start_changes_is_refused_whole() {
    let hostile = hostile().await;
    let told = |name: &str, more: &str| {
        let providers = configuration(more, &[provider(name, &hostile)]);
        format!("{providers}telemetry: {{ traces: {{ tell_providers: [{name}] }} }}\n")
    };
    let served = Served::with(&told("one", ""), None).await;
    let ada = served.log_in("one", &hostile).await;
    served.write(&told("two", ", sessions: { csrf_header: x-other }"));
    served.says(REFUSED, 1).await;
    let said = served.lines("telemetry.traces.tell_providers").concat();
    assert!(said.contains("there is no provider `one`") && said.contains("restart it"), "{said}");
    assert_eq!(served.lines(ANEW).len(), 0, "none of it");
    assert_eq!(served.me(&ada).await, 200);
    let (code, _, err) = served.verb("", &["config", "check"]).await;
    assert_eq!(code, 0, "by itself it is right: {err}");
}

#[tokio::test]
async fn what_only_a_start_changes_is_told_as_long_as_it_differs() {
    let served = Served::with(&configuration("", &[]), None).await;
    let other = format!("{}cache: {{ max_sessions: 77 }}\n", configuration("", &[]));
    let left = "only a start of the process changes them";
    served.write(&other);
    served.says(left, 1).await;
    served.write(&format!("{other}\n"));
    served.says(left, 2).await;
    served.write(&configuration("", &[]));
    served.says(ANEW, 3).await;
    assert_eq!(served.lines(left).len(), 2);
}

/// `gatelodge rings rotate`: the keys' dates are that far away.
fn rotate(file: &std::path::Path, after: &str) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatelodge"));
    let words = ["rings", "rotate", "--after", after, "--file"];
    let done = command.args(words).arg(file).env_clear().current_dir(file.parent().unwrap()).output().unwrap();
    assert!(done.status.success(), "{done:?}");
}

// The whole of it: three processes over one Redis, load on all of them, and a key that each learns of at its own time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_changes_under_load_on_three_processes_and_nobody_is_logged_out() {
    let (hostile, port) = (Arc::new(hostile().await), free_port());
    let redis = tokio::task::spawn_blocking(Server::shared).await.unwrap();
    let (url, prefix) = (address(redis.port), fresh_prefix());
    let more = format!(
        "{}store: {{ kind: redis, redis: {{ urls: ['{url}'], key_prefix: {prefix} }} }}\n",
        configuration(", sessions: { rings_file: rings.yaml }", &[provider("one", &hostile)])
    );
    let files = tempfile::tempdir().unwrap();
    fs::write(files.path().join("rings.yaml"), "").unwrap();
    let mut all = Vec::new();
    for _ in 0..3 {
        all.push(Served::with_file(&more, Some(port), "rings.yaml", "").await);
    }
    let all = Arc::new(all);
    let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let load: Vec<_> = (0..3)
        .map(|at: usize| {
            let (all, hostile, stop, asked) = (all.clone(), hostile.clone(), stop.clone(), asked.clone());
            tokio::spawn(async move {
                let mut people = Vec::new();
                while !stop.load(Ordering::SeqCst) {
                    if people.len() < 20 {
                        people.push(all[(at + people.len()) % 3].log_in("one", &hostile).await);
                    }
                    for person in &people {
                        for (number, replica) in all.iter().enumerate() {
                            assert_eq!(replica.me(person).await, 200, "at {number}");
                            asked.fetch_add(1, Ordering::SeqCst);
                            tokio::time::sleep(Duration::from_millis(3)).await;
                        }
                    }
                }
                people
            })
        })
        .collect();
    rotate(&files.path().join("rings.yaml"), "15s");
    for replica in [2, 0, 1] {
        fs::copy(files.path().join("rings.yaml"), all[replica].path("rings.yaml")).unwrap();
        // Each learns of it at another time: that is what is shown.
        tokio::time::sleep(Duration::from_millis(1500)).await;
    }
    for replica in all.iter() {
        replica.says(ANEW, 1).await;
        replica.says("the keys of a ring have turned", 4).await;
    }
    let after = all[0].log_in("one", &hostile).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    stop.store(true, Ordering::SeqCst);
    for one in load {
        for person in one.await.unwrap().iter().chain([&after]) {
            for replica in all.iter() {
                assert_eq!(replica.me(person).await, 200);
            }
        }
    }
    assert!(asked.load(Ordering::SeqCst) > 100, "there was load");
    // Taken out while it is in use: that is said, with what goes with it.
    fs::write(all[0].path("rings.yaml"), "").unwrap();
    all[0].says("a key is gone from the configuration while it was in use", 2).await;
    let said = all[0].lines("a key is gone").concat();
    assert!(said.contains("credentials, logins under way; where") && said.contains("CSRF tokens"), "{said}");
    assert_eq!(all[1].me(&after).await, 200, "the others have it");
}
