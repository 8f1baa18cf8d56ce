//! Owns that the commands which `gatelodge dev` prints work when pasted. Does not know what they reach: a program
//! named grpcurl that writes down how it was called stands in for the real one.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use gatelodge::crypto::Secret;
use gatelodge::dev::banner::Banner;

static EDGE: LazyLock<Secret> = LazyLock::new(|| Secret::new("edge-key"));
static BACKEND: LazyLock<Secret> = LazyLock::new(|| Secret::new("backend-key"));
static ADMIN: LazyLock<Secret> = LazyLock::new(|| Secret::new("admin-key"));

fn banner() -> Banner<'static> {
    Banner {
        edge: "http://localhost:8000",
        provider: "http://127.0.0.1:8090",
        authority: "127.0.0.1:50051",
        store: "in memory",
        session_cookie: "session",
        edge_key: &EDGE,
        backend_key: &BACKEND,
        admin_key: &ADMIN,
    }
}

/// What is called when `line` is pasted into bash, and `typed` after it.
fn pasted(line: &str, typed: &str) -> String {
    assert!(banner().to_string().contains(&format!("\n  {line}\n")), "the banner does not print {line}");
    let folder = tempfile::tempdir().unwrap();
    let stand_in = folder.path().join("grpcurl");
    fs::write(
        &stand_in,
        "#!/bin/bash\nfor word in \"$@\"; do echo \"$word\"; done\ncase \"$*\" in *'-d @'*) cat;; esac\n",
    )
    .unwrap();
    fs::set_permissions(&stand_in, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("bash")
        .args(["-uc", line])
        .env("PATH", path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    shell.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    let output = shell.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_list_line_calls_as_an_admin() {
    let called = pasted(&banner().list_command(), "");
    let expected =
        "-plaintext\n-H\nauthorization: Bearer admin-key\n127.0.0.1:50051\ngatelodge.v1.AdminService/ListSessions\n";
    assert_eq!(called, expected);
}

#[test]
fn the_revoke_line_asks_for_the_id() {
    let called = pasted(&banner().revoke_command(), "sid_abc\n");
    assert!(called.contains("Bearer admin-key"));
    assert!(
        called.ends_with(
            r#"gatelodge.v1.AdminService/Revoke
{"session_id":"sid_abc"}"#
        ),
        "{called}"
    );
}

#[test]
fn the_validate_line_sends_the_cookie_as_base64_and_never_as_an_argument() {
    let cookie = format!("sess_{}", "Zg-_".repeat(40));
    let called = pasted(&banner().validate_command(), &format!("{cookie}\n"));
    let (arguments, body) = called.split_once("SessionService/ValidateSession\n").unwrap();
    assert!(arguments.contains("Bearer backend-key"));
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    let value = base64::Engine::decode(
        &base64::engine::general_purpose::STANDARD,
        body["cookies"][0]["value"].as_str().unwrap(),
    );
    assert_eq!((body["cookies"][0]["name"].as_str(), value.unwrap()), (Some("session"), cookie.into_bytes()));
}
