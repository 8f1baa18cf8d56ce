//! Owns the cases of refreshing tokens. Does not know leases: those are the use case's.

use gatelodge::authority::provider::{IdentityProvider as _, ProviderError, RefreshRequest};
use gatelodge::crypto::Secret;
use gatelodge::session::record::Tokens;
use gatelodge::session::time::Timestamp;
use serde_json::{Value, json};

use super::{set, unset};
use crate::hostile::keys::OTHER_RSA;
use crate::hostile::{Answer, Body, Endpoint, Hostile, NOW, SUB, Signing, reason_of};

fn request(hostile: &Hostile) -> RefreshRequest {
    RefreshRequest {
        refresh_token: Secret::new("refresh-1"),
        issuer: hostile.issuer(),
        sub: SUB.to_owned(),
        auth_time: Some(Timestamp::from_secs(NOW - 5)),
        id_token: None,
        access_token: None,
        has_rights: false,
        now: Timestamp::from_secs(NOW),
    }
}

async fn refresh(hostile: &Hostile) -> Result<Tokens, ProviderError> {
    let request = request(hostile);
    hostile.provider().refresh(&request).await.map(|renewal| renewal.tokens)
}

macro_rules! refused {
    ($($name:ident: $reason:literal, $bend:expr;)*) => { $(
        #[tokio::test]
        async fn $name() {
            let hostile = Hostile::start().await;
            let bend: fn(&Hostile) -> &Hostile = $bend;
            assert_eq!(reason_of(&refresh(bend(&hostile)).await), $reason);
            assert_eq!(hostile.calls(Endpoint::Token), 1, "a refresh token is sent once");
        }
    )* };
}

// OpenID Connect Core, 12.2: a refreshed ID token is verified in full and names the same user.
refused! {
    refreshed_token_of_another_user: "id_token.sub", |p| p.claims(set("sub", "user-2"));
    refreshed_token_of_another_issuer: "id_token.iss", |p| p.claims(set("iss", "https://evil.example"));
    refreshed_token_for_another_client: "id_token.aud", |p| p.claims(set("aud", "another-client"));
    refreshed_token_without_end: "id_token.exp", |p| p.claims(unset("exp"));
    refreshed_token_that_is_old: "id_token.iat", |p| p.claims(set("iat", NOW - 3600));
    refreshed_token_by_another_key: "id_token.signature", |p| p.sign(Signing::With(&OTHER_RSA, "RS256"));
    refreshed_token_of_another_access_token: "id_token.at_hash", |p| p.token_body(set("access_token", "at-swapped"));
    refreshed_token_unsigned: "id_token.encoding", |p| p.sign(Signing::Unsigned("none"));
    refresh_without_access_token: "token_response.access_token", |p| p.token_body(unset("access_token"));
    refresh_with_an_odd_life: "token_response.expires_in", |p| p.token_body(set("expires_in", -5));
    refresh_refused: "invalid_grant", |p| {
        p.answers(Endpoint::Token, Answer::json(400, json!({"error": "invalid_grant"})))
    };
    refresh_with_a_client_that_is_not_accepted: "failed", |p| {
        p.answers(Endpoint::Token, Answer::json(401, json!({"error": "invalid_client"})))
    };
    refresh_at_a_provider_in_trouble: "unavailable", |p| {
        p.answers(Endpoint::Token, Answer::json(502, json!({"error": "invalid_grant"})))
    };
    refresh_under_a_rate_limit: "unavailable", |p| {
        p.answers(Endpoint::Token, Answer::json(429, json!({"error": "invalid_grant"})))
    };
    refresh_answered_with_a_page: "failed", |p| p.answers(Endpoint::Token, Answer::text(200, "text/html", "<p>"));
    refresh_with_doubled_names: "failed", |p| {
        p.answers(Endpoint::Token, Answer::json(200, r#"{"access_token":"a","access_token":"b","token_type":"Bearer"}"#))
    };
    refresh_that_is_sent_elsewhere: "failed", |p| {
        let canary = format!("http://{}/token", p.canary());
        p.answers(Endpoint::Token, Answer::redirect(308, canary))
    };
    refresh_that_floods: "failed", |p| p.answers(Endpoint::Token, Answer::body(Body::Endless));
    refresh_that_drips: "unavailable", |p| p.answers(Endpoint::Token, Answer::body(Body::Drip));
    refresh_with_a_broken_connection: "lost", |p| p.answers(Endpoint::Token, Answer::body(Body::Broken));
}

#[tokio::test]
async fn a_refresh_brings_what_the_answer_holds_and_no_more() {
    let hostile = Hostile::start().await;
    let tokens = refresh(&hostile).await.unwrap();
    assert!(tokens.access.is_some() && tokens.id.is_some() && tokens.refresh.is_some());
    assert_eq!(tokens.access_end, Some(Timestamp::from_secs(NOW + 300)));

    for name in ["id_token", "refresh_token", "scope", "expires_in"] {
        hostile.token_body(unset(name));
    }
    let tokens = refresh(&hostile).await.unwrap();
    assert_eq!((tokens.id, tokens.refresh, tokens.access_end), (None, None, None));
    assert!(tokens.scopes.is_empty());
}

#[tokio::test]
async fn a_refresh_token_that_is_not_good_is_a_definite_answer() {
    let hostile = Hostile::start().await;
    let request = RefreshRequest { refresh_token: Secret::new("stolen"), ..request(&hostile) };
    assert_eq!(reason_of(&hostile.provider().refresh(&request).await), "invalid_grant");
}

// security.md 83. At Keycloak whatever application asks for a fresh login moves `auth_time` for all of them.
#[tokio::test]
async fn a_refreshed_id_token_of_a_later_login_is_dropped_and_the_tokens_beside_it_are_not() {
    let hostile = Hostile::start().await;
    let request = RefreshRequest { auth_time: Some(Timestamp::from_secs(NOW - 60)), ..request(&hostile) };
    let tokens = hostile.provider().refresh(&request).await.unwrap().tokens;
    assert!(tokens.id.is_none() && tokens.access.is_some() && tokens.refresh.is_some());
}

#[tokio::test]
async fn a_refreshed_token_needs_no_nonce_and_no_time_of_login() {
    let hostile = Hostile::start().await;
    hostile.claims(unset("auth_time")).claims(set("nonce", Value::from("any")));
    assert!(refresh(&hostile).await.is_ok());
}
