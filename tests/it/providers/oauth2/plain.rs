//! Owns what must hold of a provider that the configuration describes. Does not know a known one.

use gatelodge::authority::provider::{IdentityProvider as _, ProviderError, RefreshRequest};
use gatelodge::crypto::Secret;
use gatelodge::providers::http::HttpSettings;
use gatelodge::providers::oauth2::{Dialect, Mapping, OAuth2Provider, OAuth2Settings};
use gatelodge::providers::registration::Registration;
use gatelodge::session::time::Timestamp;
use serde_json::{Value, json};

use super::{Fake, NOW, TOKEN, form, log_in, provider};
use crate::hostile::reason_of;

fn described(registration: Registration) -> OAuth2Settings {
    let at = |path: &str| format!("{}{path}", registration.issuer);
    OAuth2Settings {
        dialect: Dialect::Plain,
        authorization_endpoint: at("/authorize"),
        token_endpoint: at("/token"),
        profile_endpoint: at("/me"),
        emails_endpoint: None,
        revocation_endpoint: None,
        response_issuer: None,
        mapping: Mapping {
            sub: "data.id".into(),
            email: "data.mail".into(),
            email_verified: "data.confirmed".into(),
            name: "data.full_name".into(),
            picture: "data.photo".into(),
        },
        registration,
    }
}

async fn intranet(profile: Value) -> (Fake, OAuth2Settings) {
    let fake = Fake::start().await;
    fake.at("/token", 200, json!({ "access_token": TOKEN, "token_type": "Bearer", "refresh_token": "refresh-CANARY" }));
    fake.at("/me", 200, profile);
    let mut registration = fake.registration("intranet", &["profile"]);
    registration.claims = vec!["data.department".into(), "data.missing".into()];
    let settings = described(registration);
    (fake, settings)
}

fn profile() -> Value {
    json!({ "data": {
        "id": "u-17", "mail": "ada@example.com", "confirmed": true, "full_name": "Ada", "photo": "https://example.com/a.png",
        "department": ["engines"],
    } })
}

#[tokio::test]
async fn everything_is_found_where_the_configuration_says() {
    let (_fake, settings) = intranet(profile()).await;
    let grant = log_in(settings).await.unwrap();
    let identity = grant.identity;
    assert_eq!(identity.user_id, "intranet_u-17");
    assert_eq!((identity.email.as_deref(), identity.email_verified), (Some("ada@example.com"), true));
    assert_eq!((identity.name.as_deref(), identity.picture.is_some()), (Some("Ada"), true));
    assert_eq!(Value::from(identity.claims), json!({ "data.department": ["engines"] }));
    assert_eq!(identity.scopes, ["profile"], "what was asked for, where the answer says nothing (RFC 6749, 5.1)");
}

#[tokio::test]
async fn an_address_is_verified_only_where_the_provider_says_so() {
    for said in [json!("true"), json!(1), json!(null), json!(false)] {
        let mut profile = profile();
        profile["data"]["confirmed"] = said.clone();
        let (_fake, settings) = intranet(profile).await;
        assert!(!log_in(settings).await.unwrap().identity.email_verified, "{said}");
    }
    let (_fake, mut settings) = intranet(profile()).await;
    settings.mapping.email_verified.clear();
    assert!(!log_in(settings).await.unwrap().identity.email_verified, "it does not say");
}

#[tokio::test]
async fn odd_texts_are_left_out_and_the_login_goes_on() {
    let mut odd = profile();
    for (name, value) in [("mail", "a@b@c"), ("full_name", "line\nbreak"), ("photo", "javascript:alert(1)")] {
        odd["data"][name] = json!(value);
    }
    let (_fake, settings) = intranet(odd).await;
    let identity = log_in(settings).await.unwrap().identity;
    assert_eq!((identity.email, identity.name, identity.picture), (None, None, None));
}

#[tokio::test]
async fn a_refresh_brings_new_tokens_and_a_refused_one_says_so() {
    let (fake, settings) = intranet(profile()).await;
    let provider = provider(settings);
    let request = RefreshRequest {
        refresh_token: Secret::new("refresh-CANARY"),
        issuer: fake.origin.clone(),
        sub: "u-17".into(),
        auth_time: None,
        id_token: None,
        access_token: None,
        has_rights: false,
        now: Timestamp::from_secs(NOW),
    };
    assert_eq!(provider.refresh(&request).await.unwrap().tokens.access.unwrap().expose(), TOKEN);
    assert_eq!(form(&fake.asked("/token")[0])["grant_type"], "refresh_token");
    fake.at("/token", 400, json!({ "error": "invalid_grant" }));
    assert!(matches!(provider.refresh(&request).await.unwrap_err().error, ProviderError::InvalidGrant(_)));
}

// security.md 18, 19: a token answer that is none, of each kind.
#[tokio::test]
async fn a_token_answer_that_is_none_is_refused() {
    for (body, reason) in [
        (json!({}), "token_response.access_token"),
        (json!({ "access_token": "", "token_type": "bearer" }), "token_response.access_token"),
        (json!({ "access_token": "a b", "token_type": "bearer" }), "token_response.access_token"),
        (json!({ "access_token": TOKEN }), "token_response.token_type"),
        (json!({ "access_token": TOKEN, "token_type": "mac" }), "token_response.token_type"),
        (json!({ "access_token": TOKEN, "token_type": "bearer", "error": "invalid_grant" }), "invalid_grant"),
        (json!([]), "failed"),
    ] {
        let (fake, settings) = intranet(profile()).await;
        fake.at("/token", 200, body.clone());
        assert_eq!(reason_of(&log_in(settings).await), reason, "{body}");
        assert!(fake.asked("/me").is_empty(), "{body}");
    }
}

#[test]
fn faults_of_the_description_are_named_at_once() {
    let secret = || gatelodge::crypto::Secret::new("secret");
    let mut bad = described(Registration::new("intranet", "https://login.example.com", "client", secret()));
    bad.token_endpoint = "login".into();
    bad.profile_endpoint = String::new();
    let faults = |settings| OAuth2Provider::new(settings, HttpSettings::default()).err().unwrap_or_default();
    let keys = |settings| faults(settings).into_iter().map(|fault| fault.key).collect::<Vec<_>>();
    assert_eq!(keys(bad), ["oauth2.token_endpoint", "oauth2.profile_endpoint"]);
    let mut inner = described(Registration::new("intranet", "https://login.example.com", "client", secret()));
    (inner.token_endpoint, inner.mapping.sub) = ("https://10.0.0.1/token".into(), String::new());
    assert_eq!(keys(inner), ["oauth2.token_endpoint", "oauth2.claims.sub"]);
}
