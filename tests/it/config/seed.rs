//! Owns the promise that the configuration of users of this pattern loads as it stands. Does not know our own file.

use gatelodge::config::period::Period;

use super::{faults, load, load_sound, load_with_dotenv};

/// As users of this pattern have it, to the letter.
const SEED: &str = r#"oidc:
  providers:
    google:    { enabled: true, client_id: "${OIDC_GOOGLE_CLIENT_ID}", client_secret: "${OIDC_GOOGLE_CLIENT_SECRET}", scopes: [openid, email, profile] }
    microsoft: { enabled: true, client_id: "${OIDC_MICROSOFT_CLIENT_ID}", client_secret: "${OIDC_MICROSOFT_CLIENT_SECRET}", scopes: [openid, email, profile] }
    keycloak:
      enabled: ${KEYCLOAK_ENABLED:-false}
      issuer: ${KEYCLOAK_ISSUER:-http://localhost:8080/realms/test-realm}
      client_id: ${OIDC_KEYCLOAK_CLIENT_ID:-test-client}
      client_secret: ${OIDC_KEYCLOAK_CLIENT_SECRET}
      scopes: [openid, email, profile]
  refresh_tokens: { enabled: false, persist_in_session_store: false }
app:
  sessions:
    max_age: 86400
    auth_session_ttl_seconds: 600
    csrf_token_max_age_hours: 12
    security: { enable_client_fingerprinting: true, strict_fingerprinting: true }
"#;

const DOTENV: &str = "OIDC_GOOGLE_CLIENT_ID=g.apps.googleusercontent.com
OIDC_GOOGLE_CLIENT_SECRET=0123456789
OIDC_MICROSOFT_CLIENT_ID=00000000-1111-2222-3333-444444444444
OIDC_MICROSOFT_CLIENT_SECRET=\"a: {b}~#c\"
SESSION_SIGNING_SECRET=qg8mVJ0b2E5yY1rXc7uT4wKzN9pLfHsDa3iQeR6oGxU
CSRF_SIGNING_SECRET=Zt5nP1cW8kLx3vHq0dYb7sRj2fGm9uEaT6oIiXhVyBw
";

#[test]
fn the_seed_block_and_its_dotenv_load_as_they_stand() {
    let loaded = load_with_dotenv(SEED, DOTENV, &[]).unwrap();
    let providers = &loaded.config.oidc.providers;
    assert_eq!(providers.keys().collect::<Vec<_>>(), ["google", "keycloak", "microsoft"]);
    assert_eq!(providers["google"].issuer_of("google"), Some("https://accounts.google.com"));
    assert_eq!(providers["google"].client_secret.as_ref().unwrap().expose(), "0123456789");
    assert_eq!(
        providers["microsoft"].issuer_of("microsoft"),
        Some("https://login.microsoftonline.com/{tenantid}/v2.0")
    );
    assert_eq!(providers["microsoft"].client_secret.as_ref().unwrap().expose(), "a: {b}~#c");
    assert!(!providers["keycloak"].enabled);
    assert_eq!(providers["keycloak"].client_id.as_deref(), Some("test-client"));

    let sessions = &loaded.config.app.sessions;
    assert_eq!(sessions.max_age, Period::seconds(86_400));
    assert_eq!(sessions.idle(), sessions.max_age, "idle_timeout defaults to max_age");
    assert!(sessions.security.enable_client_fingerprinting && sessions.security.strict_fingerprinting);
    assert!(sessions.signing_secret.is_some() && sessions.csrf_signing_secret.is_some());
}

#[test]
fn text_from_a_variable_becomes_a_switch_a_number_or_a_time() {
    let yaml = "development: '${D}'\ntenant: { number: '${N}' }\napp: { sessions: { max_age: '${M}' } }\n";
    let config = load_sound(yaml, &[("D", "true"), ("N", "7"), ("M", "8h")]).unwrap().config;
    assert!(config.development);
    assert_eq!((config.tenant.number, config.app.sessions.max_age), (7, Period::seconds(28_800)));
}

#[test]
fn keycloak_is_switched_on_by_its_variables() {
    let on = [("KEYCLOAK_ENABLED", "true"), ("OIDC_KEYCLOAK_CLIENT_SECRET", "s"), ("GATELODGE__DEVELOPMENT", "true")];
    let loaded = load_with_dotenv(SEED, DOTENV, &on).unwrap();
    let keycloak = &loaded.config.oidc.providers["keycloak"];
    assert_eq!(keycloak.issuer_of("keycloak"), Some("http://localhost:8080/realms/test-realm"));
}

#[test]
fn an_unset_variable_counts_only_under_a_provider_that_is_enabled() {
    let lines = faults(SEED, &[("KEYCLOAK_ENABLED", "true"), ("KEYCLOAK_ISSUER", "https://kc.example/realms/r")]);
    assert_eq!(
        lines,
        [
            "f.yaml:3:44: oidc.providers.google.client_id: the variable OIDC_GOOGLE_CLIENT_ID is not set",
            "f.yaml:3:87: oidc.providers.google.client_secret: the variable OIDC_GOOGLE_CLIENT_SECRET is not set",
            "f.yaml:4:44: oidc.providers.microsoft.client_id: the variable OIDC_MICROSOFT_CLIENT_ID is not set",
            "f.yaml:4:90: oidc.providers.microsoft.client_secret: the variable OIDC_MICROSOFT_CLIENT_SECRET is not set",
            "f.yaml:9:22: oidc.providers.keycloak.client_secret: the variable OIDC_KEYCLOAK_CLIENT_SECRET is not set",
        ]
    );
    let off = [
        ("GATELODGE__OIDC__PROVIDERS__GOOGLE__ENABLED", "false"),
        ("GATELODGE__OIDC__PROVIDERS__MICROSOFT__ENABLED", "false"),
    ];
    assert_eq!(faults(SEED, &off), [""; 0], "an override decides whether a provider is enabled");
}

// security.md 77: missing, short and well-known secrets are refused, but in development.
#[test]
fn secrets_are_refused_outside_development() {
    let table = [
        (None, "missing"),
        (Some(""), "missing"),
        (Some("hunter2"), "too short"),
        (Some("your-session-secret-at-least-32-characters-long"), "everybody knows"),
        (Some("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), "too regular"),
    ];
    for (secret, expected) in table {
        let mut variables = vec![super::SECRETS[1]];
        variables.extend(secret.map(|secret| ("SESSION_SIGNING_SECRET", secret)));
        let refused = load("", &variables).unwrap_err().to_string();
        assert!(
            refused.contains("app.sessions.signing_secret: ") && refused.contains(expected),
            "{secret:?}: {refused}"
        );
        assert!(secret.is_none_or(|secret| secret.is_empty() || !refused.contains(secret)), "{refused}");
        let passed = load("development: true", &variables).unwrap();
        assert!(passed.warnings.iter().any(|warning| warning.path == "app.sessions.signing_secret"), "{secret:?}");
    }
    let one = super::SECRETS[0].1;
    let same = [("SESSION_SIGNING_SECRET", one), ("CSRF_SIGNING_SECRET", one)];
    assert!(load("", &same).unwrap_err().to_string().contains("must differ"));
}
