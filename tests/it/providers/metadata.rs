//! Owns the cases of the provider's metadata: whose it is, what it offers, and where its addresses point.
//! Does not know how documents are fetched.

use gatelodge::authority::provider::{AuthorizationRequest, IdentityProvider as _};
use gatelodge::crypto::Secret;
use gatelodge::session::login_wish::LoginHints;
use gatelodge::session::time::Timestamp;
use serde_json::{Value, json};

use super::{refused, set, unset};
use crate::hostile::{Endpoint, Hostile, NOW, reason_of};

// security.md 38, 10, 22: nothing is begun with a provider whose metadata is not right.
refused! { refuses_unsent;
    metadata_of_another_issuer: "failed", |p| p.metadata(set("issuer", "https://accounts.google.com"));
    metadata_issuer_with_a_slash: "failed", |p| p.metadata(set("issuer", format!("{}/", p.issuer())));
    metadata_issuer_in_other_case: "failed", |p| p.metadata(set("issuer", p.issuer().to_uppercase()));
    metadata_issuer_missing: "failed", |p| p.metadata(unset("issuer"));
    metadata_issuer_a_list: "failed", |p| p.metadata(set("issuer", json!([p.issuer()])));
    metadata_without_authorization_endpoint: "failed", |p| p.metadata(unset("authorization_endpoint"));
    metadata_without_token_endpoint: "failed", |p| p.metadata(unset("token_endpoint"));
    metadata_without_keys: "failed", |p| p.metadata(unset("jwks_uri"));
    metadata_endpoint_not_text: "failed", |p| p.metadata(set("token_endpoint", 5));
    metadata_endpoint_empty: "failed", |p| p.metadata(set("userinfo_endpoint", ""));
    metadata_without_the_code_flow: "failed", |p| p.metadata(set("response_types_supported", json!(["id_token"])));
    metadata_with_plain_pkce_only: "failed", |p| p.metadata(set("code_challenge_methods_supported", json!(["plain"])));
    metadata_with_no_pkce_at_all: "failed", |p| p.metadata(set("code_challenge_methods_supported", json!([])));
    metadata_pkce_in_other_case: "failed", |p| p.metadata(set("code_challenge_methods_supported", json!(["s256"])));
    metadata_pkce_not_a_list: "failed", |p| p.metadata(set("code_challenge_methods_supported", "S256"));
    metadata_with_none_and_hmac_only: "failed", |p| {
        p.metadata(set("id_token_signing_alg_values_supported", json!(["none", "HS256", "HS512"])))
    };
    metadata_with_no_algorithm_that_we_allow: "failed", |p| p.settings_with(|s| s.signing_algs = vec!["ES384".into()])
        .metadata(set("id_token_signing_alg_values_supported", json!(["RS256"])));
    metadata_with_no_client_authentication_that_we_know: "failed", |p| {
        p.metadata(set("token_endpoint_auth_methods_supported", json!(["private_key_jwt"])))
    };
    metadata_switch_not_a_boolean: "failed", |p| {
        p.metadata(set("authorization_response_iss_parameter_supported", "true"))
    };
    metadata_authorization_endpoint_with_our_parameter: "failed", |p| {
        p.metadata(set("authorization_endpoint", format!("{}/authorize?state=theirs", p.issuer())))
    };
    metadata_nested_deep: "failed", |p| p.metadata(|m| {
        m.insert("x".into(), (0..20).fold(Value::Null, |inner, _| json!([inner])));
    });
}

// security.md 39, for every endpoint: refused before anything is sent, and nothing connects to the canary.
#[tokio::test]
async fn an_endpoint_that_points_anywhere_unsafe_is_refused() {
    let endpoints = [
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "userinfo_endpoint",
        "revocation_endpoint",
        "end_session_endpoint",
    ];
    for endpoint in endpoints {
        let hostile = Hostile::start().await;
        let canary = hostile.canary().to_owned();
        let port = canary.rsplit_once(':').unwrap().1.to_owned();
        let own_port = hostile.issuer().rsplit_once(':').unwrap().1.to_owned();
        let addresses = [
            format!("http://{canary}/x"),
            format!("https://{canary}/x"),
            format!("https://127.1:{port}/x"),
            format!("https://2130706433:{port}/x"),
            format!("https://0177.0.0.1:{port}/x"),
            format!("https://0x7f000001:{port}/x"),
            format!("https://[::1]:{port}/x"),
            format!("https://[::]:{port}/x"),
            format!("https://[::ffff:127.0.0.1]:{port}/x"),
            format!("https://0.0.0.0:{port}/x"),
            format!("http://localhost:{own_port}/x"),
            format!("http://127.0.0.2:{own_port}/x"),
            format!("https://127.0.0.1:{own_port}/x"),
            format!("http://user@127.0.0.1:{own_port}/x"),
            format!("http://127.0.0.1:{own_port}@{canary}/x"),
            format!("http://127.0.0.1:{own_port}/x#f"),
            "http://169.254.169.254/latest/meta-data/".into(),
            "https://169.254.169.254/latest/meta-data/".into(),
            "https://10.0.0.1/x".into(),
            "https://192.168.0.1/x".into(),
            "https://[fd00::1]/x".into(),
            "http://op.example/x".into(),
            "file:///etc/passwd".into(),
            "gopher://127.0.0.1/x".into(),
            "javascript:alert(1)".into(),
            "//elsewhere.example/x".into(),
            "/x".into(),
        ];
        for address in addresses {
            hostile.behave().metadata(set(endpoint, address.clone()));
            assert_eq!(reason_of(&hostile.log_in().await), "failed", "{endpoint} {address}");
        }
        assert_eq!((hostile.calls(Endpoint::Token), hostile.canary_calls()), (0, 0), "{endpoint}");
    }
}

// security.md 39: a name that resolves inwards is refused when it is called; the code is never sent there.
#[tokio::test]
async fn a_name_that_resolves_inwards_is_refused() {
    let hostile = Hostile::start().await;
    let port = hostile.canary().rsplit_once(':').unwrap().1.to_owned();
    hostile.metadata(set("token_endpoint", format!("https://localhost:{port}/token")));
    hostile.refuses_unsent("failed").await;
}

#[tokio::test]
async fn a_login_does_not_begin_with_bad_metadata() {
    let hostile = Hostile::start().await;
    hostile.metadata(set("code_challenge_methods_supported", json!(["plain"])));
    let request = AuthorizationRequest {
        state: Secret::new("s"),
        nonce: "n".into(),
        code_challenge: "c".into(),
        redirect_uri: "https://app.example/".into(),
        max_age: None,
        hints: LoginHints::default(),
        now: Timestamp::from_secs(NOW),
    };
    assert_eq!(reason_of(&hostile.provider().authorization_url(&request).await), "failed");
}
