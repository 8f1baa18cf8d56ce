//! Owns that the development provider stays in development. Does not know how it works.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use gatelodge::dev::DevelopmentOnly;
use gatelodge::dev::provider::{DevProvider, DevProviderRefused};

use super::world::{TurnableClock, settings};

#[test]
fn it_is_not_made_for_an_issuer_that_others_could_reach() {
    for issuer in ["http://0.0.0.0:8090", "https://login.example.com", "http://10.0.0.1:8090", "http://127.0.0.1:8090/"]
    {
        let made = DevProvider::new(
            &DevelopmentOnly::in_gatelodge_dev(),
            settings(issuer, Arc::new(TurnableClock::default())),
        );
        assert!(matches!(made, Err(DevProviderRefused::IssuerNotLoopback)), "{issuer}");
    }
}

#[test]
fn nothing_but_the_command_dev_says_that_this_is_development() {
    let mut sayers = Vec::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    search(&source, &mut sayers);
    sayers.sort();
    assert_eq!(sayers, ["cli/dev.rs", "dev/mod.rs"], "only the command and the definition may say it");
}

fn search(folder: &Path, sayers: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            search(&path, sayers);
        } else if path.extension().is_some_and(|ending| ending == "rs")
            && fs::read_to_string(&path).unwrap().contains("in_gatelodge_dev")
        {
            let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
            sayers.push(path.strip_prefix(source).unwrap().display().to_string());
        }
    }
}
