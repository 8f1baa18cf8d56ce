//! Owns the promise that the environment wins over `.env`, that over the file, that over the defaults, and that each
//! value says where it came from. Does not know the rules.

use std::fs;

use super::{SECRETS, faults, load, load_sound, load_with_dotenv};

#[test]
fn the_environment_wins_over_dotenv_and_that_over_the_file() {
    let yaml = "app: { sessions: { max_age: 100, idle_timeout: 50, touch_interval: 5 } }\nlog: { format: pretty }\n";
    let dotenv = "GATELODGE__APP__SESSIONS__MAX_AGE=200\nGATELODGE__APP__SESSIONS__IDLE_TIMEOUT=60\n";
    let variables = [SECRETS.as_slice(), &[("GATELODGE__APP__SESSIONS__MAX_AGE", "300")]].concat();
    let loaded = load_with_dotenv(yaml, dotenv, &variables).unwrap();
    let sessions = &loaded.config.app.sessions;
    let seconds = [sessions.max_age, sessions.idle(), sessions.touch_interval].map(|period| period.get().as_secs());
    assert_eq!(seconds, [300, 60, 5]);
    let origin = |key: &str| loaded.origins.get(key).map(ToString::to_string);
    assert_eq!(origin("app.sessions.max_age").as_deref(), Some("GATELODGE__APP__SESSIONS__MAX_AGE"));
    assert_eq!(
        origin("app.sessions.idle_timeout").as_deref(),
        Some(".env:2:1 from GATELODGE__APP__SESSIONS__IDLE_TIMEOUT")
    );
    assert_eq!(origin("app.sessions.touch_interval").as_deref(), Some("f.yaml:1:68"));
    assert_eq!(origin("app.sessions.signing_secret").as_deref(), Some("SESSION_SIGNING_SECRET"));
    assert_eq!(origin("store.kind"), None);
}

#[test]
fn every_kind_of_key_can_be_overridden() {
    let hash = format!("sha256:{}", "ab".repeat(32));
    let callers = format!("[{{ name: web, role: edge, key_hash: '{hash}' }}]");
    let variables = [
        ("GATELODGE__OIDC__PROVIDERS__MY_IDP__ISSUER", "https://idp.example"),
        ("GATELODGE__OIDC__PROVIDERS__MY_IDP__CLIENT_ID", "0123"),
        ("GATELODGE__OIDC__PROVIDERS__MY_IDP__CLIENT_SECRET", "${NOT_A_VARIABLE} # [x]"),
        ("GATELODGE__OIDC__PROVIDERS__MY_IDP__SCOPES", "openid, groups"),
        ("GATELODGE__APP__CORS__ALLOWED_ORIGINS", "[http://localhost:5173]"),
        ("GATELODGE__STORE__REDIS__PASSWORD", "true"),
        ("GATELODGE__CALLERS", &callers),
        ("GATELODGE__LOG__LEVEL", ""),
        ("GATELODGE_ADDRESS", "http://127.0.0.1:50051"),
    ];
    let config = load_sound("", &variables).unwrap().config;
    let idp = &config.oidc.providers["my-idp"];
    assert_eq!(idp.client_id.as_deref(), Some("0123"));
    assert_eq!(idp.client_secret.as_ref().unwrap().expose(), "${NOT_A_VARIABLE} # [x]");
    assert_eq!(idp.scopes, ["openid", "groups"]);
    assert_eq!(config.app.cors.allowed_origins[0].0, "http://localhost:5173");
    assert_eq!(config.store.redis.password.as_ref().unwrap().expose(), "true");
    assert_eq!(config.callers[0].key_hash.unwrap().to_string(), hash);
    assert_eq!(config.log.level, "info", "a variable that is empty sets nothing");
}

#[test]
fn a_wrong_override_is_a_fault_that_names_its_variable() {
    let variables = [
        ("GATELODGE__APP__SESSIONS__MAX_AGEE", "1"),
        ("GATELODGE__APP__SESSIONS", "1"),
        ("GATELODGE__LOG__LEVEL__X", "1"),
        ("GATELODGE__SERVER__LISTEN", "localhost"),
        ("GATELODGE__CALLERS", "[{ name: web }]"),
    ];
    assert_eq!(
        faults("", &variables),
        [
            "GATELODGE__APP__SESSIONS: app.sessions: names a section; name one of its keys",
            "GATELODGE__APP__SESSIONS__MAX_AGEE: unknown key; did you mean `max_age`?",
            "GATELODGE__CALLERS: callers[0]: needs role",
            "GATELODGE__LOG__LEVEL__X: unknown key; `log.level` has no keys below it",
            "GATELODGE__SERVER__LISTEN: server.listen: expected an IP address and port (`127.0.0.1:50051`)",
        ]
        .map(str::to_owned)
    );
    let in_dotenv = load_with_dotenv("", "\nGATELODGE__LOG__LEVL=debug\n", &SECRETS).unwrap_err().to_string();
    assert_eq!(in_dotenv, ".env:2:1: GATELODGE__LOG__LEVL: unknown key; did you mean `level`?");
}

#[test]
fn what_the_environment_gives_need_not_be_set_in_the_file() {
    let yaml = "oidc: { providers: { google: { client_id: '${A}', client_secret_file: /nowhere } } }";
    let variables = [
        ("GATELODGE__OIDC__PROVIDERS__GOOGLE__CLIENT_ID", "id"),
        ("GATELODGE__OIDC__PROVIDERS__GOOGLE__CLIENT_SECRET", "secret"),
    ];
    assert_eq!(faults(yaml, &variables), [""; 0]);
}

#[test]
fn a_secret_is_read_from_its_file_and_never_from_two_places() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    fs::write(&file, format!("{}\n", SECRETS[0].1)).unwrap();
    let yaml = format!("app: {{ sessions: {{ signing_secret_file: '{}' }} }}", file.display());
    let loaded = load(&yaml, &SECRETS[1..]).unwrap();
    assert_eq!(loaded.config.app.sessions.signing_secret.as_ref().unwrap().expose(), SECRETS[0].1);
    assert_eq!(loaded.origins["app.sessions.signing_secret"].to_string(), file.display().to_string());
    let open =
        |loaded: &gatelodge::config::load::Loaded| loaded.warnings.iter().any(|w| w.message.contains("every user"));
    assert!(open(&loaded));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(!open(&load(&yaml, &SECRETS[1..]).unwrap()));
    }
    let both = yaml.replace("signing_secret_file", "signing_secret: x, signing_secret_file");
    let refused = load(&both, &SECRETS[1..]).unwrap_err().to_string();
    assert!(refused.contains("given twice: `signing_secret` and `signing_secret_file`"), "{refused}");
}

#[test]
fn a_secret_that_is_written_in_the_file_and_loses_to_a_variable_is_warned_of() {
    let said = |yaml: &str, dotenv: &str, variables: &[(&str, &str)]| {
        let loaded = load_with_dotenv(yaml, dotenv, variables).unwrap();
        let lines = loaded.warnings.iter().map(ToString::to_string);
        lines.filter(|line| line.contains("not in force")).collect::<Vec<_>>()
    };
    let yaml = format!("app: {{ sessions: {{ signing_secret: {}, csrf_signing_secret: x }} }}", SECRETS[0].1);
    let dotenv = format!("CSRF_SIGNING_SECRET={}\n", SECRETS[1].1);
    let why = "The environment wins over `.env`, and that over the file";
    assert_eq!(
        said(&yaml, &dotenv, &SECRETS[..1]),
        [
            format!(
                "f.yaml:1:102: app.sessions.csrf_signing_secret: not in force: .env:1:1 from CSRF_SIGNING_SECRET sets it too. {why}"
            ),
            format!(
                "f.yaml:1:36: app.sessions.signing_secret: not in force: SESSION_SIGNING_SECRET sets it too. {why}"
            ),
        ]
    );
    let from_variables = "app: { sessions: { signing_secret: '${SESSION_SIGNING_SECRET:-}' } }";
    assert_eq!(said(from_variables, "", &SECRETS), [""; 0], "a variable that is put into the file is no second secret");
    let other = [SECRETS.as_slice(), &[("MINE", SECRETS[0].1)]].concat();
    assert_eq!(said("app: { sessions: { signing_secret: '${MINE}' } }", "", &other).len(), 1, "another variable is");
    let no_secret = [SECRETS.as_slice(), &[("GATELODGE__LOG__LEVEL", "warn")]].concat();
    assert_eq!(said("log: { level: info }", "", &no_secret), [""; 0], "to override what is no secret is no surprise");
}
