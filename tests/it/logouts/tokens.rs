//! Owns one named case for each thing that can be wrong with a logout token (OpenID Connect Back-Channel Logout 1.0, 2.6;
//! security.md 22 to 35, 89). Does not know what a good one does.

use gatelodge::authority::provider::IdentityProvider as _;
use gatelodge::crypto::Secret;
use gatelodge::session::time::Timestamp;
use serde_json::{Value, json};

use super::{set, unset};
use crate::hostile::keys::{OTHER_RSA, P256, RSA};
use crate::hostile::{CLIENT_ID, CLIENT_SECRET, Hostile, NOW, Signing, reason_of};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

macro_rules! refused {
    ($($name:ident: $check:literal, $bend:expr;)*) => { $(
        #[tokio::test]
        async fn $name() {
            super::told::refused($bend, concat!("logout_token.", $check)).await;
        }
    )* };
}

// security.md 22, 23, 24, 35: form and signature.
refused! {
    alg_none: "alg", |p| p.sign(Signing::Unsigned("none")).id_token(|t| t.push_str("AA"));
    alg_none_without_signature: "encoding", |p| p.sign(Signing::Unsigned("none"));
    alg_missing: "alg", |p| p.header(unset("alg"));
    alg_hs256_with_the_public_key_as_pem: "alg", |p| p.sign(Signing::Hmac(RSA.public_texts().1.into()));
    alg_hs256_with_the_public_key_as_der: "alg", |p| p.sign(Signing::Hmac(RSA.public_texts().0));
    alg_hs256_with_the_client_secret: "alg", |p| p.sign(Signing::Hmac(CLIENT_SECRET.into()));
    alg_says_rs256_for_an_ec_key: "signature", |p| p.sign(Signing::With(&P256, "ES256")).header(set("alg", "RS256"));
    signed_with_another_key_of_that_name: "signature", |p| p.sign(Signing::With(&OTHER_RSA, "RS256")).header(set("kid", "rsa"));
    signed_with_a_key_that_nobody_knows: "signature", |p| p.sign(Signing::With(&OTHER_RSA, "RS256")).header(set("kid", "new"));
    signature_cut: "signature", |p| p.id_token(|t| t.truncate(t.len() - 2));
    a_key_of_its_own: "signature", |p| {
        p.sign(Signing::With(&OTHER_RSA, "RS256")).header(set("jwk", OTHER_RSA.jwk())).header(set("kid", "own"))
    };
    crit: "header", |p| p.header(set("crit", json!(["x"])));
    a_claim_twice: "payload", |p| p.payload_text(|t| *t = t.replacen('{', "{\"jti\":\"first\",", 1));
}

// security.md 25: no other kind of token is a logout token.
refused! {
    typ_missing: "typ", |p| p.header(unset("typ"));
    typ_of_a_plain_jwt: "typ", |p| p.header(set("typ", "JWT"));
    typ_of_an_access_token: "typ", |p| p.header(set("typ", "at+jwt"));
    typ_of_a_proof: "typ", |p| p.header(set("typ", "dpop+jwt"));
    typ_no_text: "typ", |p| p.header(set("typ", 5));
    events_missing: "events", |p| p.claims(unset("events"));
    events_empty: "events", |p| p.claims(set("events", json!({})));
    events_another: "events", |p| p.claims(set("events", json!({"http://schemas.openid.net/event/other": {}})));
    events_a_list: "events", |p| p.claims(set("events", json!([EVENT])));
    events_a_text: "events", |p| p.claims(set("events", EVENT));
    event_no_object: "events", |p| p.claims(set("events", json!({ EVENT: true })));
    event_null: "events", |p| p.claims(set("events", json!({ EVENT: null })));
    nonce: "nonce", |p| p.claims(set("nonce", "a nonce"));
    nonce_null: "nonce", |p| p.claims(set("nonce", Value::Null));
}

// security.md 26, 27, 28: from this provider, for us and nobody else.
refused! {
    iss_missing: "iss", |p| p.claims(unset("iss"));
    iss_another: "iss", |p| p.claims(set("iss", "https://accounts.google.com"));
    iss_with_a_slash: "iss", |p| p.claims(set("iss", format!("{}/", p.issuer())));
    aud_missing: "aud", |p| p.claims(unset("aud"));
    aud_another: "aud", |p| p.claims(set("aud", "another-client"));
    aud_of_several: "aud", |p| p.claims(set("aud", json!([CLIENT_ID, "another-client"])));
    azp_another: "azp", |p| p.claims(set("azp", "another-client"));
}

// security.md 29: when it is good.
refused! {
    exp_missing: "exp", |p| p.claims(unset("exp"));
    exp_past: "exp", |p| p.claims(set("iat", NOW - 60)).claims(set("exp", NOW - 10));
    exp_as_text: "exp", |p| p.claims(set("exp", (NOW + 120).to_string()));
    iat_missing: "iat", |p| p.claims(unset("iat"));
    iat_too_old: "iat", |p| p.claims(set("iat", NOW - 611));
    iat_ahead: "iat", |p| p.claims(set("iat", NOW + 11));
    nbf_ahead: "nbf", |p| p.claims(set("nbf", NOW + 11));
}

refused! {
    jti_missing: "jti", |p| p.claims(unset("jti"));
    jti_empty: "jti", |p| p.claims(set("jti", ""));
    jti_a_number: "jti", |p| p.claims(set("jti", 5));
    jti_too_long: "jti", |p| p.claims(set("jti", "j".repeat(256)));
    neither_sub_nor_sid: "sub", |p| p.claims(unset("sub")).claims(unset("sid"));
    sub_a_number: "sub", |p| p.claims(set("sub", 42));
    sub_empty_and_no_sid: "sub", |p| p.claims(set("sub", "")).claims(unset("sid"));
    sid_a_number: "sid", |p| p.claims(set("sid", 42));
    sid_null_and_no_sub: "sid", |p| p.claims(set("sid", Value::Null)).claims(unset("sub"));
}

/// What becomes of a logout token with a new client.
async fn read(hostile: &Hostile) -> &'static str {
    let token = Secret::new(hostile.logout_token());
    reason_of(&hostile.provider().read_logout_token(&token, Timestamp::from_secs(NOW)).await)
}

#[tokio::test]
async fn what_is_right_in_another_way_is_taken() {
    let bends: [fn(&Hostile) -> &Hostile; 8] = [
        |p| p.header(set("typ", "application/logout+jwt")),
        |p| p.header(set("typ", "Logout+JWT")),
        |p| p.claims(set("aud", json!([CLIENT_ID]))),
        |p| p.claims(set("iat", NOW - 600)),
        |p| p.claims(set("events", json!({ EVENT: {"more": 1}, "another": 5 }))),
        |p| p.claims(set("typ", "Logout")),
        |p| p.claims(unset("sid")),
        |p| p.sign(Signing::With(&P256, "ES256")),
    ];
    for (number, bend) in bends.into_iter().enumerate() {
        assert_eq!(read(bend(&Hostile::start().await)).await, "accepted", "{number}");
    }
}

// Those of older providers are taken where the settings say so; what names itself something else is not even then.
#[tokio::test]
async fn an_untyped_token_is_taken_where_the_settings_let_it() {
    let hostile = Hostile::start().await;
    hostile.settings_with(|settings| settings.logout.untyped_tokens = true);
    for (typ, outcome) in [("logout+jwt", "accepted"), ("JWT", "accepted"), ("at+jwt", "logout_token.typ")] {
        hostile.header(set("typ", typ));
        assert_eq!(read(&hostile).await, outcome, "{typ}");
    }
    assert_eq!(read(hostile.header(unset("typ"))).await, "accepted");
    assert_eq!(read(hostile.claims(unset("events"))).await, "logout_token.events", "an ID token");
}
