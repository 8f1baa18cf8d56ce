//! Owns the promise that the configuration becomes what the use cases go by. Does not know the use cases.

use std::time::Duration;

use gatelodge::app::settings::{key_rings, settings};
use gatelodge::config::Config;
use gatelodge::config::oidc::Userinfo;
use gatelodge::session::fingerprint::FingerprintMode;
use gatelodge::session::time::Timestamp;

use super::{load, load_sound};

#[test]
fn the_defaults_become_settings() {
    let settings = settings(&load_sound("", &[]).unwrap().config).unwrap();
    assert_eq!(settings.callback_address(), "http://localhost:8000/auth/web/callback");
    assert_eq!(settings.session_cookie_names(), ["session"]);
    assert_eq!(settings.lifetimes.idle, settings.lifetimes.absolute);
    assert_eq!(settings.csrf.max_age, Duration::from_hours(12));
    assert_eq!(settings.csrf.header, "x-csrf-token");
    assert!(!settings.tokens.refresh && !settings.is_secure());
}

#[test]
fn what_is_configured_arrives() {
    let yaml = "tenant: { number: 9, name: nine }\nedge: { mount_prefix: /api, routes: [] }\n\
                oidc: { refresh_tokens: { enabled: true, persist_in_session_store: true } }\n\
                app: { trusted_proxies: [10.0.0.0/8], cors: { allowed_origins: ['http://localhost:5173'] }, \
                redirects: { public_base_url: https://app.example.com, allowed: ['https://spa.example.com/*'] }, \
                sessions: { max_age: 8h, idle_timeout: 1h, cookie: { name: sid, former_names: [session] } } }\n";
    let settings = settings(&load_sound(yaml, &[]).unwrap().config).unwrap();
    assert_eq!(settings.callback_address(), "https://app.example.com/api/auth/web/callback");
    assert_eq!(settings.session_cookie_names(), ["__Host-sid", "session"]);
    assert_eq!(settings.lifetimes.idle, Duration::from_hours(1));
    assert_eq!((settings.tenant.0, settings.tenant_name.as_str()), (9, "nine"));
    assert_eq!(settings.csrf.allowed_origins[0].as_str(), "http://localhost:5173");
    assert_eq!(settings.trusted_proxies.0.len(), 1);
    assert!(settings.route_sets.is_empty());
    assert!(settings.tokens.refresh);
    assert!(settings.places.allow(b"https://spa.example.com/x").is_some());
}

// contract.md 9: the two fingerprint booleans map to off, warn and strict.
#[test]
fn two_switches_are_three_fingerprint_modes() {
    let table = [
        ("false", "false", FingerprintMode::Off),
        ("false", "true", FingerprintMode::Off),
        ("true", "false", FingerprintMode::Warn),
        ("true", "true", FingerprintMode::Strict),
    ];
    for (enabled, strict, mode) in table {
        let security = format!("enable_client_fingerprinting: {enabled}, strict_fingerprinting: {strict}");
        let yaml = format!("app: {{ sessions: {{ security: {{ {security} }} }} }}");
        assert_eq!(settings(&load_sound(&yaml, &[]).unwrap().config).unwrap().fingerprint.mode, mode);
    }
    for (word, mode) in
        [("off", FingerprintMode::Off), ("warn", FingerprintMode::Warn), ("strict", FingerprintMode::Strict)]
    {
        let yaml = format!("app: {{ sessions: {{ security: {{ fingerprint: {word} }} }} }}");
        assert_eq!(settings(&load_sound(&yaml, &[]).unwrap().config).unwrap().fingerprint.mode, mode);
    }
}

// What was a switch is one still.
#[test]
fn userinfo_is_one_of_three_words_or_a_switch() {
    let table = [
        ("never", Userinfo::Never),
        ("false", Userinfo::Never),
        ("when_needed", Userinfo::WhenNeeded),
        ("always", Userinfo::Always),
        ("true", Userinfo::Always),
    ];
    let provider = "client_id: a, client_secret: b, issuer: https://a.example";
    for (word, meant) in table {
        let yaml = format!("oidc: {{ providers: {{ a: {{ {provider}, userinfo: {word} }} }} }}");
        assert_eq!(load_sound(&yaml, &[]).unwrap().config.oidc.providers["a"].userinfo, meant, "{word}");
        let yaml = format!("oidc: {{ providers: {{ a: {{ {provider} }} }} }}");
        let variables = [("GATELODGE__OIDC__PROVIDERS__A__USERINFO", word)];
        assert_eq!(load_sound(&yaml, &variables).unwrap().config.oidc.providers["a"].userinfo, meant, "{word}");
    }
    let usual = format!("oidc: {{ providers: {{ a: {{ {provider} }} }} }}");
    assert_eq!(load_sound(&usual, &[]).unwrap().config.oidc.providers["a"].userinfo, Userinfo::WhenNeeded);
}

// security.md 76: what a former secret signed still verifies.
#[test]
fn a_former_secret_stays_in_the_ring() {
    let rings = |config: &Config| key_rings(config).unwrap().at(Timestamp::default());
    let before = rings(&load_sound("", &[]).unwrap().config);
    let (id, mac) = before.session.mac("p").sign(&[b"x"]);
    let (old, new) = (super::SECRETS[0].1, "H3jK9sLqW2eR7tYuI5oPzXcVbNm1QaSdFgH8JkL0ZxC");
    let yaml = format!("app: {{ sessions: {{ former_signing_secrets: ['{old}'] }} }}");
    let variables = [("SESSION_SIGNING_SECRET", new), super::SECRETS[1]];
    let after = rings(&load(&yaml, &variables).unwrap().config);
    assert!(after.session.mac("p").verify(&id, &[b"x"], &mac));
    assert!(!after.csrf.mac("p").verify(&id, &[b"x"], &mac));
}

#[test]
fn development_needs_no_secret() {
    assert!(key_rings(&load("development: true", &[]).unwrap().config).is_some());
}
