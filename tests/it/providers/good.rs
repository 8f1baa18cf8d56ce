//! Owns what has to work with a provider that behaves. Does not know any attack.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use gatelodge::authority::provider::{AuthorizationRequest, IdentityProvider as _, Redemption};
use gatelodge::crypto::Secret;
use gatelodge::providers::credential::ClientAuth;
use gatelodge::session::login_wish::LoginHints;
use gatelodge::session::time::Timestamp;
use serde_json::{Value, json};

use super::{accepted, set, unset};
use crate::hostile::keys::{ED25519, P256, P384, RSA, b64};
use crate::hostile::{CLIENT_ID, Endpoint, Hostile, NOW, REDIRECT_URI, SUB, Signing, reason_of};

accepted! {
    rs256: |p| p.sign(Signing::With(&RSA, "RS256"));
    rs384: |p| p.sign(Signing::With(&RSA, "RS384"));
    rs512: |p| p.sign(Signing::With(&RSA, "RS512"));
    ps256: |p| p.sign(Signing::With(&RSA, "PS256"));
    ps384: |p| p.sign(Signing::With(&RSA, "PS384"));
    ps512: |p| p.sign(Signing::With(&RSA, "PS512"));
    es256: |p| p.sign(Signing::With(&P256, "ES256"));
    es384: |p| p.sign(Signing::With(&P384, "ES384"));
    eddsa: |p| p.sign(Signing::With(&ED25519, "EdDSA"));
    key_without_a_name: |p| p.header(unset("kid"));
    metadata_that_says_only_what_it_must: |p| {
        p.metadata(unset("code_challenge_methods_supported"))
            .metadata(unset("token_endpoint_auth_methods_supported"))
            .metadata(unset("id_token_signing_alg_values_supported"))
            .metadata(unset("userinfo_endpoint"))
            .metadata(unset("revocation_endpoint"))
            .metadata(unset("end_session_endpoint"))
    };
}

#[tokio::test]
async fn a_login_brings_the_identity_and_the_tokens() {
    let provider = Hostile::start().await;
    provider
        .settings_with(|s| s.registration.claims = vec!["department".into()])
        .claims(set("department", json!(["a"])));
    provider.claims(set("secret_claim", "not let through"));
    let grant = provider.log_in().await.unwrap();
    let who = &grant.identity;
    assert_eq!((who.user_id.as_str(), who.sub.as_str()), ("hostile_user-1", SUB));
    assert_eq!((&who.issuer, who.provider.as_str()), (&provider.issuer(), "hostile"));
    assert_eq!((who.email.as_deref(), who.email_verified), (Some("alice@example.com"), true));
    assert_eq!(Value::from(who.claims.clone()), json!({ "department": ["a"] }));
    assert_eq!(who.auth_time, Some(Timestamp::from_secs(NOW - 5)));
    assert_eq!(who.scopes, ["openid", "email", "profile"]);
    assert_eq!(grant.provider_session.as_deref(), Some("op-session"));
    assert_eq!(grant.tokens.access_end, Some(Timestamp::from_secs(NOW + 300)));
    assert!(grant.tokens.access.is_some() && grant.tokens.id.is_some() && grant.tokens.refresh.is_some());
}

#[tokio::test]
async fn what_the_provider_leaves_out_has_a_sound_default() {
    let provider = Hostile::start().await;
    provider.token_body(unset("scope")).token_body(unset("expires_in")).claims(unset("auth_time"));
    provider.settings_with(|s| s.registration.keep_refresh_token = false);
    let grant = provider.log_in().await.unwrap();
    assert_eq!(grant.identity.scopes, ["openid", "email", "profile"], "those that were asked for");
    assert_eq!(grant.tokens.access_end, None);
    assert_eq!(grant.identity.auth_time, None, "nobody knows how old the login is");
    assert!(grant.tokens.refresh.is_none(), "a refresh token is kept only when told so");
}

#[tokio::test]
async fn fewer_scopes_than_asked_for_are_what_was_granted() {
    let provider = Hostile::start().await;
    provider.token_body(set("scope", "openid"));
    assert_eq!(provider.log_in().await.unwrap().identity.scopes, ["openid"]);
}

// security.md 1, 7, 8: code flow, S256, exactly our parameters, each once; and no network when metadata is at hand.
#[tokio::test]
async fn the_authorization_request_is_what_it_has_to_be() {
    let hostile = Hostile::start().await;
    hostile.metadata(|m| {
        let address = format!("{}?tenant=x", m["authorization_endpoint"].as_str().unwrap());
        m["authorization_endpoint"] = address.into();
    });
    let provider = hostile.provider();
    let request = AuthorizationRequest {
        state: Secret::new("the state"),
        nonce: "the nonce".into(),
        code_challenge: "the-challenge".into(),
        redirect_uri: REDIRECT_URI.into(),
        max_age: Some(Duration::from_mins(5)),
        hints: LoginHints::default(),
        now: Timestamp::from_secs(NOW),
    };
    for _ in 0..3 {
        let url = url::Url::parse(&provider.authorization_url(&request).await.unwrap()).unwrap();
        let pairs: Vec<_> = url.query_pairs().map(|(name, value)| format!("{name}={value}")).collect();
        let expected = [
            "tenant=x",
            "response_type=code",
            &format!("client_id={CLIENT_ID}"),
            &format!("redirect_uri={REDIRECT_URI}"),
            "scope=openid email profile",
            "state=the state",
            "nonce=the nonce",
            "code_challenge=the-challenge",
            "code_challenge_method=S256",
            "max_age=300",
        ];
        assert_eq!(pairs, expected);
    }
    assert_eq!(hostile.calls(Endpoint::Metadata), 1);
}

// security.md 1: the verifier that goes to the token endpoint is the one that the challenge was made of.
#[tokio::test]
async fn a_whole_login_passes_pkce_and_no_other_verifier_does() {
    let hostile = Hostile::start().await;
    let provider = hostile.provider();
    let verifier = "a-verifier-of-at-least-43-characters-as-it-should-be";
    for (presented, outcome) in [(verifier, "accepted"), ("another", "invalid_grant")] {
        let request = AuthorizationRequest {
            state: Secret::new("the state"),
            nonce: "the nonce".into(),
            code_challenge: b64(digest(&SHA256, verifier.as_bytes())),
            redirect_uri: REDIRECT_URI.into(),
            max_age: None,
            hints: LoginHints::default(),
            now: Timestamp::from_secs(NOW),
        };
        let back = hostile.visit(&provider.authorization_url(&request).await.unwrap()).unwrap();
        let parameter = |name: &str| back.query_pairs().find(|(own, _)| own == name).unwrap().1.into_owned();
        assert_eq!(parameter("state"), "the state");
        let redemption = Redemption {
            code: Secret::new(parameter("code")),
            code_verifier: Secret::new(presented),
            nonce: request.nonce,
            response_issuer: Some(parameter("iss")),
            ..hostile.redemption()
        };
        assert_eq!(reason_of(&provider.redeem(&redemption).await), outcome);
    }
}

#[tokio::test]
async fn the_client_authenticates_as_the_provider_offers_and_the_settings_say() {
    let hostile = Hostile::start().await;
    hostile.log_in().await.unwrap();
    let call = hostile.received(Endpoint::Token).pop().unwrap();
    assert!(call.authorization.is_some_and(|value| value.starts_with("Basic ")));
    assert!(!call.form.contains("client_secret") && !call.form.contains("CANARY+client"), "{}", call.form);

    hostile.metadata(set("token_endpoint_auth_methods_supported", json!(["client_secret_post"])));
    hostile.log_in().await.unwrap();
    let call = hostile.received(Endpoint::Token).pop().unwrap();
    assert_eq!(call.authorization, None);
    assert!(call.form.contains("client_secret=CANARY+client+secret+%2B+%25"), "{}", call.form);

    hostile.settings_with(|s| s.registration.client_auth = ClientAuth::Basic);
    hostile.log_in().await.unwrap();
    assert!(hostile.received(Endpoint::Token).pop().unwrap().authorization.is_some());
}

/// A provider whose metadata names a template, as Microsoft's does, and whose tokens are of one directory.
fn of_many_directories(hostile: &Hostile) -> (String, impl Fn(&str) -> String) {
    let origin = hostile.issuer();
    let template = format!("{origin}/{{tenantid}}/v2.0");
    let (issuer, discovery) = (template.clone(), format!("{origin}/.well-known/openid-configuration"));
    let directory = move |tid: &str| format!("{origin}/{tid}/v2.0");
    hostile
        .settings_with(move |s| (s.registration.issuer, s.discovery_url) = (issuer.clone(), Some(discovery.clone())))
        .metadata(set("issuer", template.clone()))
        .metadata(unset("authorization_response_iss_parameter_supported"))
        .redemption_with(|r| r.response_issuer = None)
        .claims(set("iss", directory("9188-ab")));
    (template, directory)
}

// A template stands for many issuers; each token's own directory decides.
#[tokio::test]
async fn an_issuer_template_is_filled_by_the_tokens_own_directory() {
    let hostile = Hostile::start().await;
    let (_, directory) = of_many_directories(&hostile);
    hostile.refuses("id_token.tid").await;
    hostile.claims(set("tid", "9188-ab"));
    let who = hostile.log_in().await.unwrap().identity;
    assert_eq!((who.user_id.as_str(), who.issuer), ("hostile_9188-ab_user-1", directory("9188-ab")));

    for (tid, reason) in [("another", "id_token.iss"), ("../9188-ab", "id_token.tid"), ("{tenantid}", "id_token.tid")] {
        hostile.claims(set("tid", tid));
        assert_eq!(reason_of(&hostile.log_in().await), reason);
    }
}

// security.md 104: a list of directories lets in those, and nobody else of all that the issuer stands for.
#[tokio::test]
async fn only_the_directories_that_are_named_log_in() {
    const OURS: &str = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490";
    let hostile = Hostile::start().await;
    let (_, directory) = of_many_directories(&hostile);
    hostile.settings_with(|s| s.directories = vec![OURS.to_uppercase(), "11111111-2222-3333-4444-555555555555".into()]);
    for (tid, reason) in [
        (OURS, "accepted"),
        ("9188040d-6c67-4c5b-b112-36a304b66dad", "id_token.directory"),
        ("8eaef023-2b34-4da1-9baa-8bc8c9d6a49", "id_token.directory"),
    ] {
        hostile.claims(set("tid", tid)).claims(set("iss", directory(tid)));
        assert_eq!(reason_of(&hostile.log_in().await), reason, "{tid}");
    }
    hostile.claims(unset("tid"));
    assert_eq!(reason_of(&hostile.log_in().await), "id_token.tid");
}

#[tokio::test]
async fn directories_that_can_be_none_are_a_fault() {
    let hostile = Hostile::start().await;
    hostile.settings_with(|s| s.directories = vec!["contoso.com".into()]);
    let keys = |hostile: &Hostile| hostile.settings().faults().into_iter().map(|fault| fault.key).collect::<Vec<_>>();
    assert_eq!(keys(&hostile), ["directories"; 2], "an issuer of its own, and a name");
    hostile.settings_with(|s| s.directories = vec!["8eaef023-2b34-4da1-9baa-8bc8c9d6a490".into()]);
    assert_eq!(keys(&hostile), ["directories"], "an issuer of its own");
}

// A key set that serves several issuers says whose tokens each key signs.
#[tokio::test]
async fn a_key_of_one_directory_signs_for_no_other() {
    let hostile = Hostile::start().await;
    let (template, directory) = of_many_directories(&hostile);
    hostile.claims(set("tid", "9188-ab"));
    let table =
        [(template, "accepted"), (directory("9188-ab"), "accepted"), (directory("another"), "id_token.signature")];
    for (issuer, outcome) in table {
        hostile.jwks(move |jwks| jwks["keys"][0]["issuer"] = issuer.clone().into());
        assert_eq!(reason_of(&hostile.log_in().await), outcome);
    }
}
