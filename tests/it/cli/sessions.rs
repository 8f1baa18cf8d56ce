//! Owns the verbs `sessions` and `health`, from the outside, against an authority in a process of its own. Does not
//! know how sessions are kept.

use std::fs;
use std::path::Path;

use super::running::{Running, free_addresses, start};
use super::{gatelodge, text};

/// An authority, its address without a scheme, and the keys of an admin and of an edge.
struct Authority {
    _running: Running,
    address: String,
    admin: String,
    edge: String,
}

fn serve(folder: &Path, tls: &str) -> Authority {
    serve_more(folder, tls, "", "")
}

/// `of_admin` stands in the admin's line, and `more` is more configuration.
fn serve_more(folder: &Path, tls: &str, of_admin: &str, more: &str) -> Authority {
    let key = |role: &str| {
        let output =
            gatelodge(folder).args(["keys", "generate", "--role", role, "--name", role, "-o", "json"]).output();
        serde_json::from_slice::<serde_json::Value>(&output.unwrap().stdout).unwrap()
    };
    let (admin, edge) = (key("admin"), key("edge"));
    let caller = |key: &serde_json::Value, rest: &str| {
        format!("{{ name: {0}, role: {0}, key_hash: {1}{rest} }}", key["role"], key["key_hash"])
    };
    let [listen] = free_addresses();
    let yaml = format!(
        "development: true\noidc: {{ providers: {{ google: {{ client_id: a, client_secret: b }} }} }}\ncallers: [{}, {}]\nserver: {{ listen: {listen}, tls: {{ {tls} }} }}\n{more}\n",
        caller(&admin, of_admin),
        caller(&edge, "")
    );
    fs::write(folder.join("gatelodge.yaml"), yaml).unwrap();
    let running = start(folder, &["serve"], "the session store answers");
    let of = |key: serde_json::Value| key["api_key"].as_str().unwrap().to_owned();
    Authority { _running: running, address: listen.to_string(), admin: of(admin), edge: of(edge) }
}

/// Runs a verb: exit code, standard output, standard error.
fn ask(address: &str, key: &str, arguments: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = gatelodge(folder.path());
    command.env("GATELODGE_ADDRESS", address).env("GATELODGE_API_KEY", key);
    let output = command.args(arguments).output().unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_session_that_is_not_there_is_said_and_exits_66() {
    let folder = tempfile::tempdir().unwrap();
    let authority = serve(folder.path(), "");
    let sessions = |arguments: &[&str]| {
        ask(&format!("http://{}", authority.address), &authority.admin, &[&["sessions"], arguments].concat())
    };
    let unknown = "sid_AAAAAAAAAAAAAAAAAAAAAAAA";
    let revoked = sessions(&["revoke", unknown]);
    assert_eq!((revoked.0, revoked.1.as_str()), (66, "No living session has this id; nothing was ended.\n"));
    let revoked = sessions(&["revoke", unknown, "-o", "json"]);
    assert_eq!((revoked.0, revoked.1.as_str()), (66, "{\"revoked_count\":0}\n"));
    assert_eq!(sessions(&["show", unknown]).0, 66);
    let user = sessions(&["revoke", "--user", "google_1"]);
    assert_eq!((user.0, user.1.as_str()), (0, "This user has no living session; logins under way were ended.\n"));
    let dry = sessions(&["revoke", "--whole-tenant", "--dry-run"]);
    assert_eq!((dry.0, dry.1.as_str()), (0, "0 would be ended; nothing was.\n"));
    let dry = sessions(&["revoke", "--everything", "--dry-run"]);
    let of_all = "At most 0 would be ended: so many sessions there are of all tenants. Nothing was.\n";
    assert_eq!((dry.0, dry.1.as_str()), (0, of_all));
    for target in [&["--provider", "google"][..], &["--whole-tenant"], &["--everything"]] {
        let all = sessions(&[&["revoke"], target].concat());
        assert_eq!((all.0, all.1.as_str()), (0, "All of them were ended, logins under way included.\n"), "{target:?}");
    }
    assert_eq!(sessions(&["revoke", "--provider", "nope"]).0, 64);
    assert_eq!(sessions(&["list"]).1, "No session is living.\n");
    for wrong in [&["revoke", "--user", ""][..], &["list", "--user", ""], &["list", "--limit", "0"], &["show", "x"]] {
        assert_eq!(sessions(wrong).0, 64, "{wrong:?}");
    }
}

#[test]
fn a_failed_call_says_which_setting_to_look_at() {
    let folder = tempfile::tempdir().unwrap();
    let Authority { address, admin, edge, _running } = &serve(folder.path(), "");
    let list = |address: &str, key: &str, code: i32, hint: &str| {
        let (exit, _, said) = ask(address, key, &["sessions", "list"]);
        assert!(exit == code && said.contains(&format!("hint: {hint}")), "{address} {exit}: {said}");
    };
    let plain = format!("http://{address}");
    list(&plain, "glk_wrong", 77, "GATELODGE_API_KEY is no key of this authority");
    list(&plain, edge, 77, "GATELODGE_API_KEY is the key of a caller with another role");
    list(&format!("https://{address}"), admin, 69, "GATELODGE_ADDRESS says https://, and that port speaks plaintext");
    let [nobody] = free_addresses();
    list(&format!("http://{nobody}"), admin, 69, "GATELODGE_ADDRESS says where the authority is; is it running there?");
    let (exit, _, said) = ask("", "", &["health", "--address", &format!("https://{address}")]);
    assert!(exit == 69 && said.contains("hint: --address (or GATELODGE_ADDRESS) says https://"), "{exit}: {said}");
}

#[test]
fn an_address_without_tls_against_a_port_with_it_is_named_too() {
    let folder = tempfile::tempdir().unwrap();
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(folder.path().join("cert.pem"), certified.cert.pem()).unwrap();
    fs::write(folder.path().join("key.pem"), certified.signing_key.serialize_pem()).unwrap();
    let Authority { address, admin, _running, .. } = &serve(folder.path(), "cert_file: cert.pem, key_file: key.pem");
    let hint = |address: String| ask(&address, admin, &["sessions", "list"]).2;
    let plain = hint(format!("http://{address}"));
    assert!(
        plain.contains("hint: GATELODGE_ADDRESS has to lead to the authority's gRPC port, with https://"),
        "{plain}"
    );
    let stranger = hint(format!("https://{address}"));
    assert!(
        stranger.contains("hint: the authority's certificate has to be for the host of GATELODGE_ADDRESS"),
        "{stranger}"
    );
}

#[test]
fn a_tenant_is_named_by_a_flag_or_a_variable_and_one_that_is_not_the_callers_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let tenants = "tenants: { acme: { number: 2 }, globex: { number: 3 } }";
    let authority = serve_more(folder.path(), "", ", tenants: [acme, globex]", tenants);
    let run = |variable: &str, arguments: &[&str]| {
        let mut command = gatelodge(folder.path());
        command.env("GATELODGE_ADDRESS", format!("http://{}", authority.address));
        command.env("GATELODGE_API_KEY", &authority.admin).env("GATELODGE_TENANT", variable);
        let output = command.args(arguments).output().unwrap();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    };
    for arguments in [
        &["sessions", "--tenant", "acme", "list"][..],
        &["sessions", "list", "--tenant", "3"],
        &["users", "list", "--tenant", "globex"],
        &["sessions", "revoke", "--whole-tenant", "--tenant", "acme"],
    ] {
        let (exit, _, said) = run("", arguments);
        assert_eq!(exit, 0, "{arguments:?}: {said}");
    }
    assert_eq!(run("acme", &["sessions", "list"]).0, 0);
    for (variable, arguments, why) in [
        ("", &["sessions", "list"][..], "this API key is for several tenants: name one"),
        ("default", &["sessions", "list"], "this API key knows no such tenant"),
        ("acme", &["users", "list", "--tenant", "nobody"], "this API key knows no such tenant"),
    ] {
        let (exit, _, said) = run(variable, arguments);
        assert!(exit == 77 && said.contains(why) && said.contains("hint: --tenant (or GATELODGE_TENANT)"), "{said}");
    }
    let (exit, _, said) = run("acme", &["sessions", "revoke", "--everything"]);
    assert!(exit == 77 && said.contains("`everything` is the sessions of every tenant"), "{exit} {said}");
}
