//! Owns that our own relying party and the development provider understand each other. Does not know either's inside.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatelodge::authority::provider::{
    AuthorizationRequest, EndSession, IdentityProvider as _, ProviderError, Redemption, RefreshRequest,
};
use gatelodge::authority::trail::Trail;
use gatelodge::crypto::Secret;
use gatelodge::providers::http::HttpSettings;
use gatelodge::providers::oidc::{OidcProvider, OidcSettings};
use gatelodge::providers::registration::Registration;
use gatelodge::session::login_wish::LoginHints;
use gatelodge::session::time::Timestamp;
use serde_json::{Value, json};

use super::world::{CALLBACK, CLIENT, LOGGED_OUT, PASSWORD, USER, VERIFIER, World};

#[tokio::test]
async fn a_login_a_refresh_and_a_logout_pass_through_our_own_client() {
    let world = World::start().await;
    let settings = OidcSettings::new(Registration {
        development: true,
        keep_refresh_token: true,
        claims: vec!["roles".to_owned()],
        ..Registration::new("dev", &world.issuer, CLIENT.0, Secret::new(CLIENT.1))
    });
    let provider = OidcProvider::new(settings, HttpSettings::default()).unwrap();
    let now = Timestamp::from_secs(1_700_000_000);
    let request = AuthorizationRequest {
        state: Secret::new("the state"),
        nonce: "the nonce".to_owned(),
        code_challenge: URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes())),
        redirect_uri: CALLBACK.to_owned(),
        max_age: Some(Duration::from_mins(5)),
        hints: LoginHints::default(),
        now,
    };
    let mut browser = world.browser();
    let page = browser.get(&provider.authorization_url(&request).await.unwrap()).await;
    let back = browser.submit(&world, &page, USER, PASSWORD).await;
    let redemption = Redemption {
        code: Secret::new(back.returned("code")),
        code_verifier: Secret::new(VERIFIER),
        nonce: "the nonce".to_owned(),
        redirect_uri: CALLBACK.to_owned(),
        response_issuer: Some(back.returned("iss")),
        response_user: None,
        authenticated_after: Some(now - Duration::from_mins(5)),
        now,
        within: std::time::Duration::from_secs(15),
        trail: Trail::default(),
    };
    let grant = provider.redeem(&redemption).await.unwrap();
    let who = &grant.identity;
    assert_eq!((who.user_id.as_str(), who.email.as_deref()), ("dev_testuser1", Some(USER)));
    assert_eq!((who.email_verified, who.name.as_deref()), (true, Some("Tessa Usher")));
    assert_eq!(who.picture, Some(format!("{}/avatars/testuser1.svg", world.issuer)));
    assert_eq!(Value::from(who.claims.clone()), json!({ "roles": ["reader", "editor", "admin"] }));
    assert!(grant.provider_session.is_some());

    world.pass(100);
    let refresh = |token: &Secret| RefreshRequest {
        refresh_token: token.clone(),
        issuer: world.issuer.clone(),
        sub: who.sub.clone(),
        auth_time: who.auth_time,
        id_token: None,
        access_token: None,
        has_rights: false,
        now: now + Duration::from_secs(100),
    };
    let fresh = provider.refresh(&refresh(grant.tokens.refresh.as_ref().unwrap())).await.unwrap().tokens;
    let newest = fresh.refresh.as_ref().unwrap();
    assert_eq!(fresh.access_end, Some(now + Duration::from_secs(400)));

    provider.revoke(newest, now).await.unwrap();
    assert!(matches!(provider.refresh(&refresh(newest)).await.unwrap_err().error, ProviderError::InvalidGrant(_)));

    let end = EndSession {
        id_token_hint: fresh.id.clone(),
        state: Secret::new("logout state"),
        post_logout_redirect_uri: LOGGED_OUT.to_owned(),
        within: std::time::Duration::from_secs(10),
    };
    let back = browser.get(&provider.end_session_url(&end).await.unwrap().unwrap()).await;
    assert_eq!(back.location.as_deref(), Some(format!("{LOGGED_OUT}?state=logout+state").as_str()));
}
