//! Owns what every verb says of itself: help, and the options that it takes. Does not know what the verbs do.

use super::running::{free_addresses, start};
use super::{gatelodge, text};

fn help(verb: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let output = gatelodge(folder.path()).args(verb).arg("--help").output().unwrap();
    assert!(output.status.success(), "{verb:?}");
    text(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_verb_offers_a_configuration_file_where_it_reads_one_and_says_what_for() {
    for verb in
        [&["edge"][..], &["sessions"], &["sessions", "list"], &["health"], &["keys", "generate"], &["completion"]]
    {
        assert!(!help(verb).contains("--config"), "{verb:?}");
    }
    for verb in [&["serve"][..], &["tenants", "release"], &["config", "check"], &["config", "show"]] {
        assert!(help(verb).contains("default: gatelodge.yaml or config/gatelodge.yaml"), "{verb:?}");
    }
    let dev = help(&["dev"]);
    assert!(
        dev.contains("--config <FILE> A configuration file whose providers, store and times are used as well"),
        "{dev}"
    );
    assert!(!dev.contains("default: gatelodge.yaml"), "{dev}");
}

#[test]
fn a_configuration_file_for_a_verb_that_reads_none_exits_64() {
    let folder = tempfile::tempdir().unwrap();
    for words in
        [&["edge", "-c", "x.yaml"][..], &["-c", "x.yaml", "sessions", "list"], &["config", "init", "-c", "x.yaml"]]
    {
        let output = gatelodge(folder.path()).args(words).output().unwrap();
        assert!(
            output.status.code() == Some(64) && text(&output.stderr).contains("--config is for serve"),
            "{words:?}"
        );
    }
    // The variable may stand in a shell for the verbs that read it.
    gatelodge(folder.path()).env("GATELODGE_CONFIG", "x.yaml").args(["config", "schema"]).assert().success();
}

#[test]
fn roles_are_listed_where_they_are_asked_for() {
    assert!(help(&["keys", "generate"]).contains("[possible values: edge, backend, admin]"));
    assert!(help(&[]).contains("66 no such session"));
}

#[test]
fn dev_names_the_flag_that_mends_what_is_in_its_way() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = || {
        let flags = ["--listen", "--edge-listen", "--provider-listen"].into_iter();
        let words = flags.zip(free_addresses::<3>()).flat_map(|(flag, address)| [flag.to_owned(), address.to_string()]);
        ["dev".to_owned()].into_iter().chain(words).collect::<Vec<_>>()
    };
    let first = arguments();
    let _running = start(folder.path(), &first.iter().map(String::as_str).collect::<Vec<_>>(), "Gatelodge is running");
    let second = gatelodge(folder.path()).args(arguments()).output().unwrap();
    let said = text(&second.stderr);
    assert_eq!(second.status.code(), Some(69), "{said}");
    assert!(said.contains("another process uses the folder .gatelodge") && said.contains("--folder"), "{said}");
    assert!(said.contains("--ephemeral") && !said.contains('\u{1b}'), "{said}");

    for address in ["0.0.0.0:8090", "192.0.2.1:8090", "127.0.0.1:0"] {
        let output =
            gatelodge(folder.path()).args(["dev", "--ephemeral", "--provider-listen", address]).output().unwrap();
        assert_eq!(output.status.code(), Some(64), "{address}");
        assert!(text(&output.stderr).contains("--provider-listen takes a loopback address"), "{address}");
    }
}
