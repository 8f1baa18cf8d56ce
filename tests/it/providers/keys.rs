//! Owns the cases of the provider's keys over time: rotation, unknown names, outages, floods. Does not know claims.

use std::time::Duration;

use gatelodge::authority::provider::{AuthorizationRequest, IdentityProvider as _};
use gatelodge::crypto::Secret;
use gatelodge::providers::oidc::OidcProvider;
use gatelodge::session::login_wish::LoginHints;
use gatelodge::session::time::Timestamp;
use serde_json::{Value, json};

use super::{accepted, refused, set, unset};
use crate::hostile::keys::{ED25519, OTHER_RSA, P256, RSA};
use crate::hostile::{Answer, Body, Endpoint, Hostile, NOW, Signing, reason_of};

/// Lets time pass for caches, while nothing is under way.
async fn let_pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

async fn log_in(hostile: &Hostile, provider: &OidcProvider) -> &'static str {
    reason_of(&provider.redeem(&hostile.redemption()).await)
}

fn rotated(hostile: &Hostile) {
    hostile
        .sign(Signing::With(&OTHER_RSA, "RS256"))
        .jwks(|jwks| drop(jwks.insert("keys".into(), json!([OTHER_RSA.jwk()]))));
}

// security.md 45: odd key sets. What can't be used is left out, and what remains decides.
refused! {
    jwks_empty: "failed", |p| p.jwks(set("keys", json!([])));
    jwks_without_keys: "failed", |p| p.jwks(unset("keys"));
    jwks_a_list: "failed", |p| p.answers(Endpoint::Jwks, Answer::json(200, "[]"));
    jwks_with_a_name_twice: "failed", |p| p.answers(Endpoint::Jwks, Answer::json(200, r#"{"keys":[],"keys":[]}"#));
    jwks_of_secret_keys: "failed", |p| p.jwks(set("keys", json!([{"kty": "oct", "k": "AAAA", "kid": "rsa"}])));
    jwks_key_for_encryption: "id_token.signature", |p| p.jwks(|jwks| jwks["keys"][0]["use"] = "enc".into());
    jwks_key_with_its_private_part: "id_token.signature", |p| p.jwks(|jwks| jwks["keys"][0]["d"] = "AQAB".into());
    jwks_key_with_exponent_one: "id_token.signature", |p| p.jwks(|jwks| jwks["keys"][0]["e"] = "AQ".into());
    jwks_point_off_the_curve: "id_token.signature", |p| {
        p.sign(Signing::With(&P256, "ES256")).jwks(|jwks| jwks["keys"][1]["y"] = jwks["keys"][1]["x"].clone())
    };
    jwks_key_after_ten_thousand_others: "failed", |p| p.jwks(|jwks| {
        jwks.insert("keys".into(), vec![json!({"kty": "oct", "k": "AAAA"}); 10_000].into());
    });
    jwks_right_name_on_another_key_only: "id_token.signature", |p| p.jwks(|jwks| {
        let mut other = OTHER_RSA.jwk();
        other["kid"] = "rsa".into();
        jwks["keys"][0] = other;
    });
}

accepted! {
    jwks_with_odd_keys_beside_a_good_one: |p| p.jwks(|jwks| {
        let odd = [json!({}), json!(5), json!({"kty": "oct", "k": "AAAA"}), json!({"kty": "RSA", "n": 5})];
        let Value::Array(keys) = &mut jwks["keys"] else { panic!() };
        keys.splice(0..0, odd);
    });
    jwks_one_name_for_two_keys: |p| p.jwks(|jwks| {
        let mut other = OTHER_RSA.jwk();
        other["kid"] = "rsa".into();
        let Value::Array(keys) = &mut jwks["keys"] else { panic!() };
        keys.insert(0, other);
    });
    jwks_of_one_key_without_a_name: |p| p.header(unset("kid")).jwks(|jwks| {
        let mut only = RSA.jwk();
        only.as_object_mut().unwrap().remove("kid");
        jwks.insert("keys".into(), json!([only]));
    });
    jwks_of_several_keys_and_no_name_in_the_token: |p| p.header(unset("kid")).jwks(|jwks| {
        jwks.insert("keys".into(), json!([OTHER_RSA.jwk(), ED25519.jwk(), RSA.jwk()]));
    });
    jwks_labelled_as_a_key_set: |p| {
        let keys = json!({"keys": [RSA.jwk()]});
        p.answers(Endpoint::Jwks, Answer::text(200, "application/jwk-set+json; charset=utf-8", keys.to_string()))
    };
}

// security.md 43: a new key is found at once, with one fetch for all who need it; the old one is no longer good.
#[tokio::test]
async fn a_rotated_key_is_found_at_once() {
    let hostile = Hostile::start().await;
    let provider = hostile.provider();
    assert_eq!(log_in(&hostile, &provider).await, "accepted");
    rotated(&hostile);
    let redemptions: Vec<_> = (0..20).map(|_| hostile.redemption()).collect();
    let logins = redemptions.iter().map(|redemption| provider.redeem(redemption));
    let outcomes: Vec<_> = futures::future::join_all(logins).await.iter().map(reason_of).collect();
    assert_eq!(outcomes, ["accepted"; 20]);
    assert_eq!(hostile.calls(Endpoint::Jwks), 2);
    hostile.sign(Signing::With(&RSA, "RS256"));
    assert_eq!(log_in(&hostile, &provider).await, "id_token.signature", "the withdrawn key");
}

// security.md 44: unknown names make us ask once in each cool-down, and otherwise fail closed.
#[tokio::test]
async fn a_flood_of_unknown_keys_is_one_fetch_in_each_cool_down() {
    let hostile = Hostile::start().await;
    let provider = hostile.provider();
    assert_eq!(log_in(&hostile, &provider).await, "accepted");
    hostile.header(|header| {
        static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let next = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        header.insert("kid".into(), format!("unknown-{next}").into());
    });
    for _ in 0..100 {
        assert_eq!(log_in(&hostile, &provider).await, "id_token.signature");
    }
    assert_eq!(hostile.calls(Endpoint::Jwks), 2);
    let_pass(Duration::from_secs(31)).await;
    for _ in 0..100 {
        assert_eq!(log_in(&hostile, &provider).await, "id_token.signature");
    }
    assert_eq!(hostile.calls(Endpoint::Jwks), 3);
}

// A bad signature by a key that we know tells nothing about our keys: nothing is fetched for it.
#[tokio::test]
async fn a_bad_signature_by_a_known_key_fetches_nothing() {
    let hostile = Hostile::start().await;
    let provider = hostile.provider();
    hostile.sign(Signing::With(&OTHER_RSA, "RS256")).header(set("kid", "rsa"));
    for _ in 0..10 {
        assert_eq!(log_in(&hostile, &provider).await, "id_token.signature");
    }
    assert_eq!(hostile.calls(Endpoint::Jwks), 1);
}

// security.md 46: an outage of the key set disturbs nobody, within limits.
#[tokio::test]
async fn keys_serve_through_an_outage_but_not_for_ever() {
    let hostile = Hostile::start().await;
    let provider = hostile.provider();
    assert_eq!(log_in(&hostile, &provider).await, "accepted");
    hostile.answers(Endpoint::Jwks, Answer::json(503, "{}"));
    let_pass(Duration::from_hours(20)).await;
    assert_eq!(log_in(&hostile, &provider).await, "accepted");
    let_pass(Duration::from_hours(5)).await;
    assert_eq!(log_in(&hostile, &provider).await, "unavailable");
}

// security.md 46: what the provider says about keeping is believed within limits.
#[tokio::test]
async fn cache_control_is_clamped() {
    for (says, until_asked_again) in [("max-age=0", 5 * 60), ("max-age=315360000", 12 * 3600), ("no-store", 3600)] {
        let hostile = Hostile::start().await;
        let provider = hostile.provider();
        let keys = json!({"keys": [RSA.jwk()]});
        hostile.answers(Endpoint::Jwks, Answer::json(200, keys).with("cache-control", says));
        assert_eq!(log_in(&hostile, &provider).await, "accepted");
        let_pass(Duration::from_secs(until_asked_again - 5)).await;
        assert_eq!(log_in(&hostile, &provider).await, "accepted");
        assert_eq!(hostile.calls(Endpoint::Jwks), 1, "{says}");
        let_pass(Duration::from_secs(10)).await;
        assert_eq!(log_in(&hostile, &provider).await, "accepted");
        settle(&hostile, Endpoint::Jwks, 2).await;
    }
}

// security.md 38: a poisoned or failed renewal of the metadata keeps what was there.
#[tokio::test]
async fn a_poisoned_renewal_keeps_the_old_metadata() {
    let poison = [
        Answer::json(200, json!({"issuer": "https://evil.example"})),
        Answer::json(500, "{}"),
        Answer::text(200, "text/html", "<html>"),
    ];
    for (number, answer) in poison.into_iter().enumerate() {
        let hostile = Hostile::start().await;
        let provider = hostile.provider();
        assert_eq!(log_in(&hostile, &provider).await, "accepted");
        hostile.answers(Endpoint::Metadata, answer);
        let_pass(Duration::from_hours(2)).await;
        assert_eq!(log_in(&hostile, &provider).await, "accepted", "case {number}");
        settle(&hostile, Endpoint::Metadata, 2).await;
        assert_eq!(log_in(&hostile, &provider).await, "accepted", "case {number}");
    }
}

// A provider that hangs is asked once for all who wait, and nobody asks again for a moment after.
#[tokio::test]
async fn a_dead_provider_is_asked_once_for_all_who_wait() {
    let mut hostile = Hostile::start().await;
    hostile.limit_calls_to(Duration::from_secs(1));
    hostile.answers(Endpoint::Metadata, Answer::body(Body::After(Duration::from_mins(1))));
    let provider = hostile.provider();
    let redemptions: Vec<_> = (0..50).map(|_| hostile.redemption()).collect();
    let logins = redemptions.iter().map(|redemption| provider.redeem(redemption));
    let outcomes: Vec<_> = futures::future::join_all(logins).await.iter().map(reason_of).collect();
    assert_eq!(outcomes, ["unavailable"; 50]);
    assert_eq!(log_in(&hostile, &provider).await, "unavailable");
    assert_eq!(hostile.calls(Endpoint::Metadata), 1);
    hostile.behave();
    let_pass(Duration::from_secs(3)).await;
    assert_eq!(log_in(&hostile, &provider).await, "accepted");
}

// Stale metadata answers at once; its renewal runs beside the call, even against a provider that hangs.
#[tokio::test]
async fn a_login_begins_at_once_while_stale_metadata_is_renewed() {
    let hostile = Hostile::start().await;
    let provider = hostile.provider();
    assert_eq!(log_in(&hostile, &provider).await, "accepted");
    hostile.answers(Endpoint::Metadata, Answer::body(Body::After(Duration::from_mins(1))));
    let_pass(Duration::from_hours(2)).await;
    let request = AuthorizationRequest {
        state: Secret::new("s"),
        nonce: "n".into(),
        code_challenge: "c".into(),
        redirect_uri: "https://app.example/".into(),
        max_age: None,
        hints: LoginHints::default(),
        now: Timestamp::from_secs(NOW),
    };
    let begun = tokio::time::timeout(Duration::from_secs(1), provider.authorization_url(&request)).await;
    assert!(begun.is_ok_and(|url| url.is_ok()));
}

// The leeway counts both ways and to the second, wherever it is set (security.md 29).
#[tokio::test]
async fn clocks_may_differ_by_the_leeway_and_not_by_a_second_more() {
    for leeway in [0, 1, 5, 10] {
        let hostile = Hostile::start().await;
        hostile.settings_with(move |s| s.clock_leeway = Duration::from_secs(leeway));
        let provider = hostile.provider();
        let mut outcomes = Vec::new();
        for theirs in [NOW + leeway, NOW + leeway + 1, NOW - 299 - leeway, NOW - 300 - leeway] {
            hostile.set_time(theirs);
            outcomes.push(log_in(&hostile, &provider).await);
        }
        assert_eq!(outcomes, ["accepted", "id_token.iat", "accepted", "id_token.exp"], "{leeway}");
    }
}

/// Waits until work beside the calls has reached the provider.
async fn settle(hostile: &Hostile, endpoint: Endpoint, calls: usize) {
    for _ in 0..500 {
        if hostile.calls(endpoint) >= calls {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(hostile.calls(endpoint), calls, "{endpoint:?}");
}
