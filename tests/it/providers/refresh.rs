//! Owns the cases of refreshing tokens. Does not know leases: those are the use case's.

use gatelodge::authority::not_refreshed::NotRefreshed;
use gatelodge::authority::not_refreshed::TokenFate::{self, AsItWas, MayBeSpent};
use gatelodge::authority::provider::{IdentityProvider as _, RefreshRequest, Renewal, Rights};
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

async fn refresh(hostile: &Hostile) -> Result<Tokens, NotRefreshed> {
    let request = request(hostile);
    hostile.provider().refresh(&request).await.map(|renewal| renewal.tokens)
}

/// Why it brought nothing, and what has become of the refresh token.
fn failure_of<T>(outcome: Result<T, NotRefreshed>) -> (&'static str, TokenFate) {
    let NotRefreshed { error, token } = outcome.err().expect("refused");
    (reason_of::<()>(&Err(error)), token)
}

macro_rules! refused {
    ($($name:ident: $reason:literal, $fate:ident, $bend:expr;)*) => { $(
        #[tokio::test]
        async fn $name() {
            let hostile = Hostile::start().await;
            let bend: fn(&Hostile) -> &Hostile = $bend;
            assert_eq!(failure_of(refresh(bend(&hostile)).await), ($reason, $fate));
            assert_eq!(hostile.calls(Endpoint::Token), 1, "a refresh token is sent once");
        }
    )* };
}

// OpenID Connect Core, 12.2: a refreshed ID token is verified in full and names the same user.
refused! {
    refreshed_token_of_another_user: "id_token.sub", MayBeSpent, |p| p.claims(set("sub", "user-2"));
    refreshed_token_of_another_issuer: "id_token.iss", MayBeSpent, |p| p.claims(set("iss", "https://evil.example"));
    refreshed_token_for_another_client: "id_token.aud", MayBeSpent, |p| p.claims(set("aud", "another-client"));
    refreshed_token_without_end: "id_token.exp", MayBeSpent, |p| p.claims(unset("exp"));
    refreshed_token_that_is_old: "id_token.iat", MayBeSpent, |p| p.claims(set("iat", NOW - 3600));
    refreshed_token_by_another_key: "id_token.signature", MayBeSpent, |p| {
        p.sign(Signing::With(&OTHER_RSA, "RS256")).header(set("kid", "rsa"))
    };
    refreshed_token_of_another_access_token: "id_token.at_hash", MayBeSpent, |p| p.token_body(set("access_token", "at-swapped"));
    refreshed_token_unsigned: "id_token.encoding", MayBeSpent, |p| p.sign(Signing::Unsigned("none"));
    refresh_without_access_token: "token_response.access_token", MayBeSpent, |p| p.token_body(unset("access_token"));
    refresh_with_an_odd_life: "token_response.expires_in", MayBeSpent, |p| p.token_body(set("expires_in", -5));
    refresh_refused: "invalid_grant", AsItWas, |p| {
        p.answers(Endpoint::Token, Answer::json(400, json!({"error": "invalid_grant"})))
    };
    refresh_with_a_client_that_is_not_accepted: "failed", AsItWas, |p| {
        p.answers(Endpoint::Token, Answer::json(401, json!({"error": "invalid_client"})))
    };
    refresh_at_a_provider_in_trouble: "unavailable", MayBeSpent, |p| {
        p.answers(Endpoint::Token, Answer::json(502, json!({"error": "invalid_grant"})))
    };
    refresh_at_a_provider_that_is_closed: "unavailable", AsItWas, |p| {
        p.answers(Endpoint::Token, Answer::json(503, "{}"))
    };
    refresh_at_a_provider_with_a_fault: "unavailable", AsItWas, |p| {
        p.answers(Endpoint::Token, Answer::json(500, "{}"))
    };
    refresh_under_a_rate_limit: "unavailable", AsItWas, |p| {
        p.answers(Endpoint::Token, Answer::json(429, json!({"error": "invalid_grant"})))
    };
    refresh_answered_with_a_page: "failed", MayBeSpent, |p| p.answers(Endpoint::Token, Answer::text(200, "text/html", "<p>"));
    refresh_with_doubled_names: "failed", MayBeSpent, |p| {
        p.answers(Endpoint::Token, Answer::json(200, r#"{"access_token":"a","access_token":"b","token_type":"Bearer"}"#))
    };
    refresh_that_is_sent_elsewhere: "failed", AsItWas, |p| {
        let canary = format!("http://{}/token", p.canary());
        p.answers(Endpoint::Token, Answer::redirect(308, canary))
    };
    refresh_that_floods: "failed", MayBeSpent, |p| p.answers(Endpoint::Token, Answer::body(Body::Endless));
    refresh_that_drips: "unavailable", MayBeSpent, |p| p.answers(Endpoint::Token, Answer::body(Body::Drip));
    refresh_with_a_broken_connection: "lost", MayBeSpent, |p| p.answers(Endpoint::Token, Answer::body(Body::Broken));
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
    assert_eq!(failure_of(hostile.provider().refresh(&request).await), ("invalid_grant", AsItWas));
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

// What was never sent is as it was.
#[tokio::test]
async fn a_refresh_token_that_could_not_be_sent_is_as_it_was() {
    let closed = {
        let (hostile, way) = Hostile::start_behind_a_way().await;
        let provider = hostile.provider();
        assert!(provider.refresh(&request(&hostile)).await.is_ok());
        way.close().await;
        failure_of(provider.refresh(&request(&hostile)).await)
    };
    assert_eq!(closed, ("unavailable", AsItWas));
    for (answer, reason) in [(Answer::json(503, "{}"), "unavailable"), (Answer::json(200, "[]"), "failed")] {
        let hostile = Hostile::start().await;
        hostile.answers(Endpoint::Metadata, answer);
        assert_eq!(failure_of(refresh(&hostile).await), (reason, AsItWas));
        assert_eq!(hostile.calls(Endpoint::Token), 0);
    }
}

// A rotated refresh token may be the only good one: it is not thrown away for an ID token that can't be verified now.
#[tokio::test]
async fn a_refresh_token_that_has_come_is_kept_while_the_key_of_the_id_token_beside_it_cant_be_had() {
    let bends: [fn(&Hostile) -> &Hostile; 3] = [
        |p| p.answers(Endpoint::Jwks, Answer::json(503, "{}")),
        |p| p.answers(Endpoint::Jwks, Answer::text(200, "text/html", "<p>")),
        // The key set lags behind.
        |p| p,
    ];
    for bend in bends {
        let hostile = Hostile::start().await;
        hostile.settings_with(|settings| settings.registration.rights.roles = vec!["realm_access.roles".to_owned()]);
        hostile.claims(set("realm_access", json!({ "roles": ["admin"] })));
        let provider = hostile.provider();
        assert!(provider.redeem(&hostile.redemption()).await.is_ok(), "the keys of now are known");
        bend(hostile.sign(Signing::With(&OTHER_RSA, "RS256")).token_body(set("refresh_token", "refresh-2")));
        // The second time is within the cool-down.
        for _ in 0..2 {
            let Renewal { tokens, rights } = provider.refresh(&request(&hostile)).await.unwrap();
            assert_eq!(tokens.refresh, Some(Secret::new("refresh-2")));
            assert_eq!((tokens.id, rights), (None, Rights::default()), "what nobody has verified says nothing");
        }
        hostile.claims(set("sub", "user-2"));
        assert_eq!(failure_of(provider.refresh(&request(&hostile)).await), ("id_token.sub", MayBeSpent));
    }
}
