//! Owns the promise that what stands before the store hands on every step that there is: one that a port has a body for would
//! be lost in silence. Does not know what a step does.

use std::fs;
use std::path::Path;

/// The files of the ports that are measured.
const PORTS: [&str; 8] = [
    "ports",
    "login_store",
    "logout_store",
    "answer_store",
    "user_store",
    "mint_key_store",
    "event_log",
    "audit_store",
];
/// The ports among them.
const STORES: [&str; 8] =
    ["SessionStore", "LoginStore", "LogoutStore", "AnswerStore", "UserStore", "MintKeyStore", "EventLog", "AuditStore"];

#[test]
fn every_step_of_a_store_is_handed_on() {
    let read = |path: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let before = read("src/telemetry/store.rs");
    let mut steps = 0;
    for file in PORTS {
        let text = read(&format!("src/authority/{file}.rs"));
        for port in STORES {
            let Some(begin) = text.find(&format!("pub trait {port}:")) else { continue };
            let body = &text[begin..begin + text[begin..].find("\n}").unwrap()];
            for step in body.split("async fn ").skip(1) {
                let name = step.split('(').next().unwrap();
                assert!(before.contains(&format!(" {name}(")), "{port}::{name} is not handed on");
                steps += 1;
            }
        }
    }
    assert!(steps > 40, "only {steps} were found");
}
