//! Owns the verbs `config check | show | schema | init`, from the outside. Does not know the rules.

use std::fs;

use super::{gatelodge, text};

const CANARY: &str = "qg8mVJ0b2E5yY1rXc7uT4wKzN9pLfHsDa3iQeR6oGxU";

#[test]
fn a_wrong_configuration_exits_64_and_says_everything() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("gatelodge.yaml"), "app:\n  sessions:\n    max_agee: 1\n").unwrap();
    let output = gatelodge(folder.path()).args(["config", "check"]).output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    let said = text(&output.stderr);
    assert!(
        said.contains("error: gatelodge.yaml:3:5: app.sessions.max_agee: unknown key; did you mean `max_age`?"),
        "{said}"
    );
    assert!(said.contains("app.sessions.signing_secret: missing") && said.contains("has 3 faults"), "{said}");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_file_that_is_named_has_to_be_there() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [["config", "check", "none.yaml"].as_slice(), &["--config", "none.yaml", "config", "show"]] {
        let output = gatelodge(folder.path()).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(64));
        assert!(text(&output.stderr).contains("can't read none.yaml"), "{}", text(&output.stderr));
    }
}

#[test]
fn what_init_writes_passes_the_check_and_shows_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    gatelodge(folder.path()).args(["config", "init"]).assert().success();
    gatelodge(folder.path()).args(["config", "check"]).assert().success().stdout("ok: gatelodge.yaml, .env\n");

    let secrets = fs::read_to_string(folder.path().join(".env")).unwrap();
    let secrets: Vec<_> =
        secrets.lines().filter_map(|line| line.split_once("_SECRET=")).map(|(_, value)| value).collect();
    assert!(secrets.len() == 2 && secrets[0] != secrets[1] && secrets.iter().all(|secret| secret.len() >= 32));
    let shown = gatelodge(folder.path()).args(["config", "show"]).output().unwrap();
    let shown = text(&shown.stdout) + &text(&shown.stderr);
    assert!(secrets.iter().all(|secret| !shown.contains(secret)), "a secret was shown");
    let line = shown.lines().find(|line| line.trim_start().starts_with("signing_secret:")).unwrap();
    assert!(line.contains("***") && line.ends_with("# .env:2:1 from SESSION_SIGNING_SECRET"), "{line}");

    let again = gatelodge(folder.path()).args(["config", "init"]).output().unwrap();
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("are there already; nothing was written"));
}

#[test]
fn show_says_where_each_value_came_from() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("my.yaml"), "app:\n  sessions:\n    max_age: ${AGE:-1h}\n    idle_timeout: 600\n")
        .unwrap();
    fs::write(folder.path().join(".env"), format!("SESSION_SIGNING_SECRET={CANARY}\nAGE=2h\n")).unwrap();
    let command = || {
        let mut command = gatelodge(folder.path());
        command.env("GATELODGE_CONFIG", "my.yaml").env("CSRF_SIGNING_SECRET", CANARY.to_uppercase());
        command.env("GATELODGE__LOG__LEVEL", "debug");
        command
    };
    let shown = text(&command().args(["config", "show"]).output().unwrap().stdout);
    let line = |key: &str| shown.lines().find(|line| line.trim_start().starts_with(key)).unwrap().to_owned();
    assert!(line("max_age:").ends_with("# my.yaml:3:14 from AGE at .env:2:1"), "{}", line("max_age:"));
    assert!(line("idle_timeout:").ends_with("# my.yaml:4:19"), "{}", line("idle_timeout:"));
    assert!(line("level:").ends_with("# GATELODGE__LOG__LEVEL"), "{}", line("level:"));
    assert!(!line("touch_interval:").contains('#'));

    let output = command().args(["config", "show", "-o", "json"]).output().unwrap();
    let entries: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let entry = |key: &str| entries.as_array().unwrap().iter().find(|entry| entry["key"] == key).unwrap().clone();
    assert_eq!(entry("app.sessions.max_age")["value"], "7200");
    assert_eq!(entry("app.sessions.touch_interval")["origin"], "default");
    assert_eq!(entry("app.sessions.csrf_signing_secret")["value"], "***");
    assert!(!(shown + &text(&output.stdout)).contains(CANARY), "a secret was shown");
}

#[test]
fn the_schema_is_json_and_names_the_keys() {
    let folder = tempfile::tempdir().unwrap();
    let output = gatelodge(folder.path()).args(["config", "schema"]).output().unwrap();
    let schema: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(schema["properties"]["oidc"].is_object());
}

#[test]
fn help_and_version_succeed_and_a_wrong_word_exits_64() {
    let folder = tempfile::tempdir().unwrap();
    gatelodge(folder.path()).arg("--help").assert().success();
    let version = gatelodge(folder.path()).arg("--version").output().unwrap();
    assert_eq!(text(&version.stdout), format!("gatelodge {}\n", env!("CARGO_PKG_VERSION")));
    gatelodge(folder.path()).arg("confg").assert().code(64);
    gatelodge(folder.path()).args(["config", "check", "--loud"]).assert().code(64);
}

#[test]
fn completion_is_a_script_for_the_shell() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let output = gatelodge(folder.path()).args(["completion", shell]).output().unwrap();
        assert!(output.status.success() && text(&output.stdout).contains("gatelodge"), "{shell}");
    }
}

#[test]
fn check_says_what_it_read_and_what_it_cannot_read() {
    let folder = tempfile::tempdir().unwrap();
    let check = |named: &[&str]| {
        let mut command = gatelodge(folder.path());
        command.env("SESSION_SIGNING_SECRET", CANARY).env("CSRF_SIGNING_SECRET", CANARY.to_uppercase());
        let output = command.args(["config", "check"]).args(named).output().unwrap();
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    };
    assert!(check(&[]).1.contains("ok: no file, only defaults and variables\n"));
    fs::create_dir(folder.path().join("config")).unwrap();
    fs::write(folder.path().join("config/gatelodge.yaml"), "\u{feff}log:\r\n  level: info\r\n").unwrap();
    assert!(check(&[]).1.contains("ok: config/gatelodge.yaml\n"));
    fs::create_dir(folder.path().join("gatelodge.yaml")).unwrap();
    let refused = |named: &[&str], why: &str| {
        let (code, said) = check(named);
        assert!(code == Some(64) && said.contains(why), "{code:?} {said}");
    };
    refused(&[], "can't read gatelodge.yaml: Is a directory");
    refused(&["/dev/zero"], "can't read /dev/zero: it is larger than 1 MiB; is this the right file?");
    fs::write(folder.path().join("utf16.yaml"), b"\xff\xfel\0o\0g\0").unwrap();
    refused(&["utf16.yaml"], "can't read utf16.yaml: it is not UTF-8 text");
}

#[test]
fn init_adds_the_file_that_is_missing_and_warns_where_new_secrets_take_over() {
    let folder = tempfile::tempdir().unwrap();
    let yaml = format!("app: {{ sessions: {{ signing_secret: {CANARY} }} }}\n");
    fs::write(folder.path().join("gatelodge.yaml"), &yaml).unwrap();
    let output = gatelodge(folder.path()).args(["config", "init"]).output().unwrap();
    let (said, warned) = (text(&output.stdout), text(&output.stderr));
    assert!(
        output.status.success() && said.contains("Kept ./gatelodge.yaml, which was there.\nWrote ./.env"),
        "{said}"
    );
    assert!(warned.contains("app.sessions.signing_secret: not in force: .env:2:1"), "{warned}");
    assert_eq!(fs::read_to_string(folder.path().join("gatelodge.yaml")).unwrap(), yaml);
    assert!(!(said + &warned).contains(CANARY));
}
