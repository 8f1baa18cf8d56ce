//! Owns the verbs of key rings as a user meets them. Does not know what keys do.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

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
