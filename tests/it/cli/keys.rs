//! Owns the verb `keys generate`, from the outside. Does not know how keys are made.

use std::fs;

use super::{gatelodge, text};

#[test]
fn a_key_is_shown_with_a_line_that_the_configuration_takes() {
    let folder = tempfile::tempdir().unwrap();
    let output = gatelodge(folder.path()).args(["keys", "generate", "--role", "backend", "--name", "billing"]).output();
    let said = text(&output.unwrap().stdout);
    let key = said.split_whitespace().find(|word| word.starts_with("glk_")).unwrap();
    let line = said.lines().find(|line| line.contains("key_hash")).unwrap();
    assert_eq!(key.len(), 53);
    assert!(line.contains(&gatelodge::crypto::ApiKeyHash::of(key).to_string()));

    fs::write(folder.path().join("gatelodge.yaml"), format!("development: true\ncallers:\n{line}\n")).unwrap();
    gatelodge(folder.path()).args(["config", "check"]).assert().success();
    let shown = gatelodge(folder.path()).args(["config", "show", "-o", "json"]).output().unwrap();
    assert!(text(&shown.stdout).contains("callers[0].key_hash"));
}

#[test]
fn no_two_keys_are_alike_and_programs_get_json() {
    let folder = tempfile::tempdir().unwrap();
    let key = || {
        let mut command = gatelodge(folder.path());
        let output =
            command.args(["keys", "generate", "--role", "admin", "--name", "ops", "-o", "json"]).output().unwrap();
        let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        value["api_key"].as_str().unwrap().to_owned()
    };
    assert_ne!(key(), key());
}

#[test]
fn a_wrong_role_or_name_exits_64() {
    let folder = tempfile::tempdir().unwrap();
    for (role, name) in [("root", "a"), ("edge", ""), ("edge", "a b"), ("edge", "1: x"), ("edge", "a\nb")] {
        gatelodge(folder.path()).args(["keys", "generate", "--role", role, "--name", name]).assert().code(64);
    }
    gatelodge(folder.path()).args(["keys", "generate"]).assert().code(64);
}
