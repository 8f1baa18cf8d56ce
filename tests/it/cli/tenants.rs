//! Owns the verbs `tenants` and a start that is refused for a number, as an operator meets them. Does not know the stores.

use std::fs;

use super::running::{free_addresses, start};
use super::{gatelodge, text};

#[test]
fn a_number_of_another_tenant_refuses_the_start_and_is_freed_by_release() {
    let folder = tempfile::tempdir().unwrap();
    let [address] = free_addresses::<1>();
    let configure = |tenants: &str| {
        let yaml = format!(
            "server: {{ listen: \"{address}\" }}\nstore: {{ embedded: {{ path: s.redb }} }}\napp: {{ sessions: {{ \
             signing_secret: qg8mVJ0b2E5yY1rXc7uT4wKzN9pLfHsDa3iQeR6oGxU, \
             csrf_signing_secret: Zt5nP1cW8kLx3vHq0dYb7sRj2fGm9uEaT6oIiXhVyBw }} }}\n{tenants}\n"
        );
        fs::write(folder.path().join("gatelodge.yaml"), yaml).unwrap();
    };
    let two = |name: &str| {
        format!(
            "tenants: {{ {name}: {{ number: 2, app: {{ redirects: {{ public_base_url: \"https://two.example\" }} }} }} }}"
        )
    };
    let ask = |words: &[&str]| {
        let output = gatelodge(folder.path()).args(words).output().unwrap();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    };
    configure(&two("acme"));
    drop(start(folder.path(), &["serve"], "the authority listens"));
    configure(&two("globex"));
    let (code, _, said) = ask(&["serve"]);
    assert!(code == 64 && said.contains("error: tenant number 2 belongs to `acme`"), "{code} {said}");
    assert_eq!(ask(&["tenants", "list"]).1, " NUMBER  NAME\n 1       default\n 2       acme\n");
    let listed = r#"[{"name":"default","number":"1"},{"name":"acme","number":"2"}]"#;
    assert_eq!(ask(&["tenants", "list", "-o", "json"]).1.trim(), listed);
    let (code, said, _) = ask(&["tenants", "release", "2"]);
    assert!(code == 0 && said.starts_with("Number 2 is free. All sessions of `acme` have ended"), "{said}");
    assert_eq!(ask(&["tenants", "release", "2"]).0, 66);
    let running = start(folder.path(), &["serve"], "the authority listens");
    let (code, _, said) = ask(&["tenants", "list"]);
    assert!(code == 69 && said.contains("is in use by another process"), "{said}");
    drop(running);
    let (code, _, said) = ask(&["tenants", "release", "2"]);
    assert!(code == 64 && said.contains("`globex` is in the configuration with the number 2"), "{said}");
}
