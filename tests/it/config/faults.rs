//! Owns the promise that everything wrong is said at once, with its place. Does not know the rules between keys.

use super::{faults, load_sound};

#[test]
fn every_fault_is_reported_at_once_with_line_and_column() {
    let yaml = "\
developement: true
oidc:
  providers:
    My_IdP: { client_id: x, client_secret: y, issuer: https://idp.example }
    google:
      client_id: ${NOT_SET}
      client_secret: s
      scope: [openid]
app:
  sessions:
    max_agee: 3
    idle_timeout: soon
    max_sessions_per_user: many
    security: { strict_fingerprinting: perhaps }
    cookie: session
  trusted_proxies: [10.0.0.0/8, 10.0.0.0/99]
  redirects: { callback_answer: jsn, public_base_url: https://app.example.com/path }
store: { kind: rediss }
callers:
  - { name: web, role: edge }
  - { name: web, role: boss, key_hash: 'sha256:00' }
log: { level: info, level: debug }
";
    assert_eq!(
        faults(yaml, &[]),
        [
            "f.yaml:1:1: developement: unknown key; did you mean `development`?",
            "f.yaml:4:13: oidc.providers.My_IdP: a provider's name has lower case letters, digits and `-`, and begins with a letter (`<provider>_<sub>` names one user)",
            "f.yaml:6:18: oidc.providers.google.client_id: the variable NOT_SET is not set",
            "f.yaml:8:7: oidc.providers.google.scope: unknown key; did you mean `scopes`?",
            "f.yaml:11:5: app.sessions.max_agee: unknown key; did you mean `max_age`?",
            "f.yaml:12:19: app.sessions.idle_timeout: expected a length of time: seconds, or a number with a unit (`15m`)",
            "f.yaml:13:28: app.sessions.max_sessions_per_user: expected a whole number below 1,000,000,000",
            "f.yaml:14:40: app.sessions.security.strict_fingerprinting: expected true or false",
            "f.yaml:15:13: app.sessions.cookie: expected a section",
            "f.yaml:16:33: app.trusted_proxies[1]: expected a network (`10.0.0.0/8`)",
            "f.yaml:17:33: app.redirects.callback_answer: expected one of redirect, json; did you mean `json`?",
            "f.yaml:17:55: app.redirects.public_base_url: expected an origin without a path (`https://app.example.com`)",
            "f.yaml:18:16: store.kind: expected one of embedded, redis; did you mean `redis`?",
            "f.yaml:20:13: callers[0]: nobody can be it: give `key_hash` (`gatelodge keys generate` makes one), or `identities`",
            "f.yaml:21:13: callers[1].name: callers[0] has the same; each has its own",
            "f.yaml:21:24: callers[1].role: expected one of edge, backend, admin",
            "f.yaml:21:40: callers[1].key_hash: expected the hash of an API key: `sha256:` and 64 hex digits, from `gatelodge keys generate`",
            "f.yaml:22:21: log.level: given twice; first at f.yaml:22:8",
        ]
    );
}

#[test]
fn a_fault_of_syntax_names_its_line() {
    for (yaml, line) in [("a: [1, 2\nb: 3\n", "f.yaml:"), ("app:\n\tx: 1\n", "f.yaml:2:"), ("a: 'x\n", "f.yaml:")] {
        let lines = faults(yaml, &[]);
        assert!(lines.len() == 1 && lines[0].starts_with(line) && lines[0].contains("not YAML"), "{lines:?}");
    }
    let table = [
        ("a: b: c\n", "f.yaml:1:5: not YAML: mapping values are not allowed in this context"),
        ("---\na: 1\n---\nb: 2\n", "f.yaml:4:1: a second document begins here; a configuration is one"),
    ];
    for (yaml, line) in table {
        assert_eq!(faults(yaml, &[]), [line]);
    }
    let many = "k: v\n".repeat(200_000);
    assert!(faults(&many, &[])[0].contains("too much for a configuration"));
    assert_eq!(faults("- a\n", &[]), ["f.yaml:1:1: expected a section, found a list"]);
    assert_eq!(faults("just text", &[]), ["f.yaml:1:1: expected a section"]);
}

#[test]
fn nothing_is_a_configuration_too() {
    for yaml in ["", "# nothing\n", "app:\n", "---\n", "app:\n  sessions:\n    max_age:\n"] {
        let config = load_sound(yaml, &[]).unwrap().config;
        assert_eq!(config.app.sessions.max_age.get().as_secs(), 86_400, "{yaml:?}");
    }
}

// security.md 77: a value may be a secret wherever it stands, so no fault repeats one.
#[test]
fn no_fault_repeats_a_value() {
    let yaml = "app: { sessions: { max_age: '${S}', csrf_header: '${S}', cookie: '${S}' } }\n\
                store: { kind: '${S}', redis: { urls: ['${S}'] } }\nserver: { listen: '${S}' }\n\
                callers: [{ name: '${S}', role: '${S}', key_hash: '${S}' }]\nlog: { level: '${S}' }\n\
                oidc: { providers: { a: { issuer: '${S}', enabled: '${S}', client_secret: { '${S}': x } } } }\n";
    let found = faults(yaml, &[("S", "hunter2 hunter2=[")]);
    assert!(found.len() >= 10, "{found:#?}");
    assert!(found.iter().all(|line| !line.contains("hunter2")), "{found:#?}");
}

#[test]
fn a_provider_that_is_off_may_lack_its_secret_file_too() {
    let provider = "client_id: a, client_secret_file: /nowhere/secret, issuer: https://idp.example";
    assert_eq!(faults(&format!("oidc: {{ providers: {{ a: {{ enabled: false, {provider} }} }} }}"), &[]), [""; 0]);
    let lines = faults(&format!("oidc: {{ providers: {{ a: {{ {provider} }} }} }}"), &[]);
    assert!(lines[0].contains("oidc.providers.a.client_secret_file: can't read /nowhere/secret"), "{lines:?}");
}

#[test]
fn callers_that_share_a_name_or_a_key_are_found_among_other_faults() {
    let hash = |digit: &str| format!("sha256:{}", digit.repeat(64));
    let (one, two) = (hash("1"), hash("2"));
    let yaml = format!(
        "callers:\n  - {{ name: web, role: boss, key_hash: '{one}' }}\n  - {{ name: web, role: edge, key_hash: '{one}' }}\n  \
         - {{ role: edge, key_hash: '{two}' }}\n  - {{ name: 'a b', role: edge, key_hash: '{two}' }}\n  - {{ name: web }}\n"
    );
    assert_eq!(
        faults(&yaml, &[]),
        [
            "f.yaml:2:24: callers[0].role: expected one of edge, backend, admin",
            "f.yaml:3:13: callers[1].name: callers[0] has the same; each has its own",
            "f.yaml:3:40: callers[1].key_hash: callers[0] has the same; each has its own",
            "f.yaml:4:5: callers[2]: needs name",
            "f.yaml:5:13: callers[3].name: expected 1 to 64 letters, digits and `-_.`",
            "f.yaml:5:42: callers[3].key_hash: callers[2] has the same; each has its own",
            "f.yaml:6:5: callers[4]: needs role",
            "f.yaml:6:13: callers[4].name: callers[0] has the same; each has its own",
        ]
    );
}
