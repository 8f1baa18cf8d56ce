//! Owns the cases of the configured providers together. Does not know what they speak.

use std::time::Duration;

use gatelodge::authority::ports::Providers as _;
use gatelodge::crypto::Secret;
use gatelodge::providers::Registry;
use gatelodge::providers::http::HttpSettings;
use gatelodge::providers::oidc::OidcSettings;
use gatelodge::providers::registration::Registration;

use crate::hostile::{Hostile, reason_of};

fn faults(settings: Vec<OidcSettings>) -> Vec<&'static str> {
    let settings = settings.into_iter().map(Into::into).collect();
    let faults = Registry::new(settings, HttpSettings::default()).err().unwrap_or_default();
    faults.into_iter().map(|fault| fault.key).collect()
}

fn plain(name: &str, issuer: &str) -> OidcSettings {
    OidcSettings::new(Registration::new(name, issuer, "client", Secret::new("secret")))
}

#[test]
fn the_presets_and_a_plain_issuer_are_sound() {
    let settings = vec![
        plain("google", "https://accounts.google.com"),
        plain("microsoft", "https://login.microsoftonline.com/{tenantid}/v2.0"),
        plain("keycloak", "https://sso.example/realms/main"),
    ];
    let registry = Registry::new(settings.into_iter().map(Into::into).collect(), HttpSettings::default()).unwrap();
    let names: Vec<_> = registry.all().iter().map(|provider| provider.info().name.clone()).collect();
    assert_eq!(names, ["google", "microsoft", "keycloak"]);
    assert!(registry.get("keycloak").is_some() && registry.get("github").is_none());
}

#[test]
fn a_provider_that_is_not_offered_is_known_by_its_issuer_alone() {
    let offered = vec![plain("one", "https://one.example")];
    let registry = Registry::new(offered.into_iter().map(Into::into).collect(), HttpSettings::default()).unwrap();
    let registry = registry.with_others([("two", "https://two.example"), ("one", "https://not-this.example")]);
    let issuer = |name: &str| registry.issuer(name).and_then(|rule| rule.expected(None));
    assert_eq!(issuer("one").as_deref(), Some("https://one.example"));
    assert_eq!(issuer("two").as_deref(), Some("https://two.example"));
    assert_eq!(issuer("three"), None);
    assert!(registry.get("two").is_none() && registry.all().len() == 1);
}

#[test]
fn every_fault_is_named_at_once() {
    let mut bad = plain("my_provider", "http://sso.example");
    bad.registration.client_id.clear();
    bad.registration.client_secret = Secret::default();
    bad.registration.scopes.clear();
    bad.clock_leeway = Duration::from_secs(61);
    bad.signing_algs = vec!["none".into(), "HS256".into()];
    assert_eq!(
        faults(vec![bad]),
        ["name", "client_id", "client_secret", "issuer", "scopes", "clock_leeway", "signing_algorithms"]
    );
    let twice = vec![plain("one", "https://sso.example"), plain("one", "https://sso.example")];
    assert_eq!(faults(twice), ["name", "issuer"]);
}

// security.md 39: an inner issuer needs to be allowed, and even then not by plain http.
#[test]
fn an_issuer_that_is_not_public_https_needs_its_exception() {
    let with = |issuer: &str, development, allow_private_network| {
        let mut settings = plain("one", issuer);
        (settings.registration.development, settings.registration.allow_private_network) =
            (development, allow_private_network);
        faults(vec![settings]).is_empty()
    };
    for issuer in ["http://localhost:8080/realms/x", "http://127.0.0.1:9000", "http://[::1]:9000"] {
        assert!(with(issuer, true, false) && !with(issuer, false, true) && !with(issuer, false, false), "{issuer}");
    }
    for issuer in ["https://10.0.0.5", "https://127.0.0.1"] {
        assert!(with(issuer, true, false) && with(issuer, false, true) && !with(issuer, false, false), "{issuer}");
    }
    for issuer in [
        "https://a@sso.example",
        "https://sso.example?x",
        "https://sso.example#x",
        "sso.example",
        "",
        "https://169.254.169.254",
    ] {
        assert!(!with(issuer, true, true), "{issuer}");
    }
}

#[tokio::test]
async fn a_provider_that_is_down_disturbs_no_other() {
    let hostile = Hostile::start().await;
    let mut gone = plain("gone", "http://127.0.0.1:1");
    gone.registration.development = true;
    let registry = Registry::new(vec![gone.into(), hostile.settings().into()], HttpSettings::default()).unwrap();
    let provider = |name| registry.get(name).unwrap();
    assert_eq!(reason_of(&provider("gone").redeem(&hostile.redemption()).await), "unavailable");
    assert_eq!(reason_of(&provider("hostile").redeem(&hostile.redemption()).await), "accepted");
}
