//! Owns the verbs of key rings as a user meets them. Does not know what keys do.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use gatelodge::app::world::SystemClock;
use gatelodge::authority::ports::Clock as _;
use serde_json::Value;

use super::{gatelodge, text};

const SECRET: &str = "vY7r2k9QmX4tB8wL1zN6cH3sD5fG0jPa";

fn run(folder: &Path, words: &[&str]) -> (i32, String, String) {
    let mut command = gatelodge(folder);
    command.env("SESSION_SIGNING_SECRET", SECRET).env("CSRF_SIGNING_SECRET", "pK3n8sW1xE6rT0yU4iO9aS2dF7gH5jLz");
    let output = command.args(words).output().unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn folder(yaml: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("gatelodge.yaml"), yaml).unwrap();
    folder
}

fn states(folder: &Path) -> Vec<(String, String)> {
    let (code, out, err) = run(folder, &["rings", "list", "-o", "json"]);
    assert_eq!(code, 0, "{err}");
    assert!(!out.contains(SECRET));
    let rows: Vec<Value> = serde_json::from_str(&out).unwrap();
    let word = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    rows.iter().map(|row| (word(row, "ring"), word(row, "state"))).collect()
}

#[test]
fn a_rotation_writes_the_file_and_the_list_shows_what_its_keys_do() {
    let folder = folder("app: { sessions: { rings_file: rings.yaml } }\n");
    let rings = folder.path().join("rings.yaml");
    fs::write(&rings, "").unwrap();
    fs::set_permissions(&rings, fs::Permissions::from_mode(0o600)).unwrap();
    let (code, out, err) = run(folder.path(), &["rings", "rotate", "-o", "json"]);
    assert_eq!(code, 0, "{err}");
    let added: Vec<Value> = serde_json::from_str(&out).unwrap();
    let written = fs::read_to_string(&rings).unwrap();
    assert!(added.iter().all(|key| written.contains(key["id"].as_str().unwrap())), "{out}");
    assert_eq!(fs::metadata(&rings).unwrap().permissions().mode() & 0o777, 0o600);
    let expected = [("session", "active"), ("session", "verify-only"), ("csrf", "active"), ("csrf", "verify-only")];
    assert_eq!(states(folder.path()), expected.map(|(ring, state)| (ring.to_owned(), state.to_owned())));
    // No second one before its date has come, and the file stays as it is.
    let (code, _, err) = run(folder.path(), &["rings", "rotate"]);
    assert!(code != 0 && err.contains("rotate again once it is active"), "{err}");
    assert_eq!(fs::read_to_string(&rings).unwrap(), written);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left beside it");
}

#[test]
fn a_new_file_is_its_owners_alone_and_without_one_the_lines_are_printed() {
    let folder = folder("app: {}\n");
    let file = folder.path().join("new.yaml");
    let (code, _, err) =
        run(folder.path(), &["rings", "rotate", "--file", "new.yaml", "--ring", "minting", "--after", "0"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(fs::read_to_string(&file).unwrap().contains("minting:\n"));
    // An end is told of where a key got one.
    let words = ["rings", "rotate", "--file", "new.yaml", "--ring", "minting", "--ring", "csrf"];
    let (code, out, err) = run(folder.path(), &words);
    assert!(code == 0 && out.contains("dropped at `former_until`"), "{out}{err}");
    assert!(out.contains("No key got an end in: csrf. "), "{out}");
    let (code, out, _) = run(folder.path(), &["rings", "rotate"]);
    assert!(code == 0 && out.contains("session:\n  - id: ") && out.contains("app.sessions.rings"), "{out}");
    // What is no ring is left alone.
    fs::write(&file, "sesion: []\n").unwrap();
    let (code, _, err) = run(folder.path(), &["rings", "rotate", "--file", "new.yaml"]);
    assert!(code == 64 && err.contains("new.yaml:1:1"), "{err}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "sesion: []\n");
}

#[test]
fn a_wrong_secret_and_a_lost_one_are_told_apart() {
    let ring = |key: &str| format!("app: {{ sessions: {{ rings: {{ session: [{key}] }} }} }}\n");
    let of = folder(&ring(&format!("{{ id: 01234567, secret: '{SECRET}Z' }}")));
    let (code, _, err) = run(of.path(), &["config", "check"]);
    assert!(code == 64 && err.contains("app.sessions.rings.session[0].secret: not the key that `id` names"), "{err}");
    let of = folder(&ring("{ id: 01234567 }"));
    let (code, _, err) = run(of.path(), &["config", "check"]);
    assert!(code == 0 && err.contains("the secret of the key 01234567 is missing"), "{err}");
    assert!(states(of.path()).contains(&("session".to_owned(), "missing".to_owned())));
    let of = folder(&ring("{ active_from: tomorrow }"));
    let (_, _, err) = run(of.path(), &["config", "check"]);
    assert!(err.contains("gatelodge.yaml:1:") && err.contains("expected a moment in UTC"), "{err}");
}

// One of two at once would lose the key that the other has told of.
#[test]
fn of_two_rotations_at_once_the_second_waits_and_finds_the_key_of_the_first() {
    let folder = folder("app: { sessions: { rings_file: rings.yaml } }\n");
    let rings = folder.path().join("rings.yaml");
    fs::write(&rings, "").unwrap();
    let alone = fs::File::open(folder.path()).unwrap();
    alone.lock().unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_gatelodge"));
    command.env_clear().env("SESSION_SIGNING_SECRET", SECRET).env("CSRF_SIGNING_SECRET", SECRET.to_lowercase());
    command.current_dir(folder.path()).args(["rings", "rotate"]).stderr(Stdio::piped()).stdout(Stdio::null());
    let mut second = command.spawn().unwrap();
    let pid = format!(" {} ", second.id());
    let waits =
        || fs::read_to_string("/proc/locks").unwrap().lines().any(|line| line.contains("->") && line.contains(&pid));
    while second.try_wait().unwrap().is_none() && !waits() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let first = "session: [{ id: 01234567, secret: x, active_from: 2100-01-01T00:00:00Z }]\n";
    fs::write(&rings, first).unwrap();
    drop(alone);
    let second = second.wait_with_output().unwrap();
    let err = text(&second.stderr);
    assert!(!second.status.success() && err.contains("the key 01234567 waits for 2100-01-01"), "{err}");
    assert_eq!(fs::read_to_string(&rings).unwrap(), first);
}

// store.md 2: a key is there for as long as anything that it made.
#[test]
fn the_former_keys_of_each_ring_end_after_the_longest_of_what_they_made() {
    let folder = folder(
        "app: { sessions: { rings_file: rings.yaml, max_age: 1day, idle_timeout: 1day }, audit: { keep_for: 90days } }\n\
         tenants: { acme: { number: 2, app: { redirects: { public_base_url: 'https://a.example' }, \
         audit: { keep_for: 10days }, sessions: { remember_me: { enabled: true, max_age: 60days, idle_timeout: 1day } } } } }\n",
    );
    fs::write(folder.path().join("rings.yaml"), "").unwrap();
    let rings = ["session", "csrf", "sealing", "fingerprint", "minting"].map(|ring| ["--ring", ring]).concat();
    let words = [&["rings", "rotate", "--after", "0", "-o", "json"], &rings[..]].concat();
    let (code, out, err) = run(folder.path(), &words);
    assert_eq!(code, 0, "{err}");
    let rows: Vec<Value> = serde_json::from_str(&out).unwrap();
    let days = |row: &Value| {
        let moment = |name: &str| humantime::parse_rfc3339(row[name].as_str().unwrap()).unwrap();
        (moment("former_until").duration_since(moment("active_from")).unwrap().as_secs() + 43_200) / 86_400
    };
    let found: Vec<_> = rows.iter().map(|row| (row["as_long_as"].as_str().unwrap(), days(row))).collect();
    let expected = [
        ("an entry of the audit", 90),
        ("a CSRF token", 1),
        ("an entry of the audit", 90),
        ("the longest session", 60),
        ("what is sealed anew", 1),
    ];
    assert_eq!(found, expected);
}

// Which key hashed a fingerprint nobody can tell, but until when one may be there.
#[test]
fn a_former_key_may_go_when_all_has_ended_that_no_count_shows() {
    let may_go = |mode: &str, hours: u64| {
        let since = SystemClock.now().as_secs() - hours * 3600;
        let since = humantime::format_rfc3339_seconds(std::time::UNIX_EPOCH + Duration::from_secs(since));
        let folder = folder(&format!(
            "store: {{ embedded: {{ path: sessions.redb }} }}\n\
             app: {{ idempotency: {{ keep_answers_for: 1h }}, sessions: {{ max_age: 3days, idle_timeout: 1day, \
             security: {{ fingerprint: {mode} }}, \
             rings: {{ session: [{{ secret: 'hT5bV9nM2kL7jH4gF1dS8aP3oI6uY0tR', active_from: {since} }}] }} }} }}\n"
        ));
        let (code, told, err) = run(folder.path(), &["rings", "check"]);
        assert_eq!(code, 0, "{err}");
        let (_, out, _) = run(folder.path(), &["rings", "check", "-o", "json"]);
        let rows: Vec<Value> = serde_json::from_str(&out).unwrap();
        let row = rows.iter().find(|row| row["state"] == "retiring").unwrap();
        let may_go = row["may_go"] == true;
        let line = if may_go { "any more: it may be taken out" } else { "leave it in until 20" };
        assert!(told.contains(line), "{told}");
        may_go
    };
    assert!(!may_go("warn", 72) && may_go("warn", 74), "as long as the longest session, and an hour");
    assert!(!may_go("off", 1) && may_go("off", 3), "as long as an answer");
}

// With no key nothing could be signed, and everybody would be logged out.
#[test]
fn a_ring_all_of_whose_keys_end_is_refused() {
    let key = "{ secret: 'hT5bV9nM2kL7jH4gF1dS8aP3oI6uY0tR', retire_after: 2030-01-01T00:00:00Z }";
    let folder = folder(&format!("app: {{ sessions: {{ rings: {{ session: [{key}], sealing: [{key}] }} }} }}\n"));
    let (code, _, err) = run(folder.path(), &["config", "check"]);
    assert_eq!(code, 0, "SESSION_SIGNING_SECRET has no end: {err}");
    let mut command = gatelodge(folder.path());
    command.env("CSRF_SIGNING_SECRET", "pK3n8sW1xE6rT0yU4iO9aS2dF7gH5jLz");
    let output = command.args(["config", "check"]).output().unwrap();
    let err = text(&output.stderr);
    assert_eq!(output.status.code(), Some(64), "{err}");
    assert!(err.contains("app.sessions.rings.session: every key has a `retire_after`"), "{err}");
    assert!(err.contains("2030-01-01T00:00:00Z") && !err.contains("rings.sealing"), "{err}");
}
