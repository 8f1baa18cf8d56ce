//! Owns the promise that the files under `config/` name every key and load. Does not know the rules.

use std::fs;
use std::path::{Path, PathBuf};

use gatelodge::app::settings;
use gatelodge::config::Config;
use gatelodge::config::load::{Sources, Text};
use gatelodge::config::schema::{Kind, Shape, document};
use gatelodge::config::template;
use gatelodge::config::tree::{Content, Node};
use gatelodge::config::variables::Variables;
use gatelodge::config::yaml;
use gatelodge::crypto::SecretBytes;

use super::{SECRETS, load_sound};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name)
}

/// Every key of the schema, with `*` where the user gives the name.
fn keys(shape: Shape, path: &str, found: &mut Vec<String>) {
    match shape.kind() {
        Kind::Section(inner) => {
            for key in inner.keys() {
                let here = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                assert!(shape.key(key).unwrap().description().is_some(), "{here} has no description");
                keys(shape.key(key).unwrap(), &here, found);
            }
        }
        // What a tenant may say is what stands at the top level, with number and hosts beside it.
        Kind::Named(_) if path == "tenants" => found.push(path.to_owned()),
        // Names with a text each have no keys of ours.
        Kind::Named(each) if matches!(each.kind(), Kind::Text(_)) => found.push(path.to_owned()),
        Kind::Named(each) => keys(each, &format!("{path}.*"), found),
        _ => found.push(path.to_owned()),
    }
}

fn names(node: &Node, path: &[&str]) -> bool {
    let Some((first, rest)) = path.split_first() else { return true };
    let Content::Map(entries) = &node.content else { return false };
    entries.iter().any(|(key, inner)| (*first == "*" || key.text == *first) && names(inner, rest))
}

#[test]
fn the_commented_file_names_every_key_of_the_schema() {
    let tree = yaml::read(&"gatelodge.yaml".into(), template::GATELODGE_YAML, &mut Vec::new()).unwrap();
    let mut all = Vec::new();
    keys(Shape::root(), "", &mut all);
    assert!(all.len() > 70, "only {} keys found in the schema", all.len());
    let missing: Vec<_> = all.iter().filter(|key| !names(&tree, &key.split('.').collect::<Vec<_>>())).collect();
    assert!(missing.is_empty(), "config/gatelodge.yaml does not name {missing:?}");
}

#[test]
fn the_commented_file_holds_the_defaults() {
    let with_file = load_sound(template::GATELODGE_YAML, &[]).unwrap().config;
    let without = load_sound("", &[]).unwrap().config;
    let plain = |config: &Config| {
        let mut config = config.clone();
        config.oidc.providers.clear();
        config.app.sessions.idle_timeout = Some(config.app.sessions.idle());
        serde_saphyr::to_string(&config).unwrap()
    };
    assert_eq!(plain(&with_file), plain(&without));
    let keycloak = &with_file.oidc.providers["keycloak"];
    let default = gatelodge::config::oidc::Provider::default();
    assert_eq!(
        (keycloak.scopes_of("keycloak"), keycloak.clock_leeway, &keycloak.signing_algorithms, keycloak.client_auth),
        (default.scopes_of(""), default.clock_leeway, &default.signing_algorithms, default.client_auth)
    );
}

// Each with the variables that it needs, and no others.
#[test]
fn the_examples_load() {
    let google = &[("OIDC_GOOGLE_CLIENT_ID", "id"), ("OIDC_GOOGLE_CLIENT_SECRET", "secret")][..];
    let microsoft = &[("OIDC_MICROSOFT_CLIENT_ID", "id"), ("OIDC_MICROSOFT_CLIENT_SECRET", "secret")];
    let keycloak =
        &[("KEYCLOAK_ISSUER", "https://kc.example.com/realms/main"), ("OIDC_KEYCLOAK_CLIENT_SECRET", "secret")];
    let (auth0, okta) = (("AUTH0_DOMAIN", "example.eu.auth0.com"), ("OKTA_ISSUER", "https://example.okta.com"));
    let folder = tempfile::tempdir().unwrap();
    let p8 = folder.path().join("AuthKey_KEY4567890.p8");
    fs::write(&p8, crate::hostile::keys::P256.pem()).unwrap();
    let apple = &[
        ("OIDC_APPLE_CLIENT_ID", "com.example.app"),
        ("APPLE_TEAM_ID", "TEAM456789"),
        ("APPLE_KEY_ID", "KEY4567890"),
        ("APPLE_PRIVATE_KEY_FILE", p8.to_str().unwrap()),
    ];
    let examples = [
        ("google.yaml", google),
        ("microsoft.yaml", microsoft),
        ("keycloak.yaml", keycloak),
        ("auth0.yaml", &[auth0, ("OIDC_AUTH0_CLIENT_ID", "id"), ("OIDC_AUTH0_CLIENT_SECRET", "secret")]),
        ("okta.yaml", &[okta, ("OIDC_OKTA_CLIENT_ID", "id"), ("OIDC_OKTA_CLIENT_SECRET", "secret")]),
        ("gitlab.yaml", &[("OIDC_GITLAB_CLIENT_ID", "id"), ("OIDC_GITLAB_CLIENT_SECRET", "secret")]),
        ("apple.yaml", apple),
        ("github.yaml", &[("OIDC_GITHUB_CLIENT_ID", "id"), ("OIDC_GITHUB_CLIENT_SECRET", "secret")]),
        ("discord.yaml", &[("OIDC_DISCORD_CLIENT_ID", "id"), ("OIDC_DISCORD_CLIENT_SECRET", "secret")]),
        ("oauth2.yaml", &[("OIDC_INTRANET_CLIENT_SECRET", "secret")]),
        ("redis.yaml", google),
        ("redis-cluster.yaml", google),
        ("redis-sentinel.yaml", google),
        (
            "tenants.yaml",
            &[
                google[0],
                google[1],
                ("ACME_CLIENT_SECRET", "secret"),
                ("GLOBEX_SIGNING_SECRET", "6bV0c2fKq9Xw1LrTz8uYp4sNd7hGm3eJa5iOQxRkUWE"),
                ("GLOBEX_CSRF_SIGNING_SECRET", "Hs4nT1cW8kLx3vPq0dYb7zRj2fGm9uEaT6oIiXhVyBw"),
            ],
        ),
    ];
    let pages = fs::read_dir(file("../docs")).unwrap().map(|page| fs::read_to_string(page.unwrap().path()).unwrap());
    let docs: String = pages.collect();
    for (name, needed) in examples {
        let load = |variables: &[(&str, &str)]| {
            let environment = Variables::new(variables.iter().copied());
            settings::load(Sources::read(Some(&file(name)), Path::new("/nonexistent"), environment).unwrap())
        };
        let loaded = load(&[&SECRETS[..], needed].concat()).unwrap_or_else(|faults| panic!("{name}: {faults}"));
        assert!(loaded.config.oidc.providers.values().all(|provider| provider.enabled), "{name}");
        assert_eq!(load(&SECRETS).unwrap_err().0.len(), needed.len(), "{name}: each variable is asked for");
        let text = fs::read_to_string(file(name)).unwrap();
        assert!(needed.iter().all(|(variable, _)| text.contains(&format!("${{{variable}"))), "{name}");
        assert!(docs.contains(&format!("(../config/{name})")), "no page of docs/ names {name}");
    }
    let known = fs::read_dir(file("")).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        Path::new(&name).extension().is_some_and(|extension| extension == "yaml") && name != "gatelodge.yaml"
    });
    assert_eq!(known.count(), examples.len(), "an example under config/ is not in this test");
}

#[test]
fn the_example_of_a_dotenv_file_lacks_only_its_secrets() {
    let dotenv = fs::read_to_string(file(".env.example")).unwrap();
    let load = |variables: &[(&str, &str)]| {
        settings::load(Sources {
            dotenv: Some(Text { path: ".env".into(), text: dotenv.clone() }),
            environment: Variables::new(variables.iter().copied()),
            ..Sources::text("gatelodge.yaml", template::GATELODGE_YAML)
        })
    };
    let missing: Vec<_> = load(&[]).unwrap_err().0.into_iter().map(|fault| fault.path).collect();
    assert_eq!(missing, ["app.sessions.signing_secret", "app.sessions.csrf_signing_secret"]);
    load(&SECRETS).unwrap();
}

#[test]
fn the_schema_describes_secrets_and_refuses_unknown_keys() {
    let text = document().to_string();
    assert!(text.contains("\"writeOnly\":true") && text.contains("\"additionalProperties\":false"));
    assert_eq!(document()["$schema"], "https://json-schema.org/draft/2020-12/schema");
}

#[test]
fn init_writes_fresh_private_secrets_and_never_overwrites() {
    let folder = tempfile::tempdir().unwrap();
    let random = || {
        [
            SecretBytes::new(*b"q8\x01mVJ0b2E5yY1rXc7uT4wKzN9pLfHsD"),
            SecretBytes::new(*b"Zt5nP1cW8kLx3vHq0dYb7sRj2fGm9uEa"),
        ]
    };
    let init = |folder: &Path| template::init(folder, random());
    let [yaml, env] = init(folder.path()).unwrap().map(|file| file.path);
    let loaded = settings::load(Sources::read(Some(&yaml), folder.path(), Variables::default()).unwrap());
    loaded.unwrap_or_else(|faults| panic!("{faults}"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&env).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let new = |files: [template::InitFile; 2]| files.map(|file| file.is_new);
    init(folder.path()).unwrap_err();
    fs::write(&env, "MINE=1\n").unwrap();
    fs::remove_file(&yaml).unwrap();
    assert_eq!(new(init(folder.path()).unwrap()), [true, false]);
    assert_eq!(fs::read_to_string(&env).unwrap(), "MINE=1\n");
    fs::write(&yaml, "log: {}\n").unwrap();
    fs::remove_file(&env).unwrap();
    assert_eq!(new(init(folder.path()).unwrap()), [false, true]);
    assert_eq!(fs::read_to_string(&yaml).unwrap(), "log: {}\n");
    assert_eq!(new(init(&folder.path().join("a/new/one")).unwrap()), [true, true]);
}
