//! Owns the cases of the userinfo answer. Does not know the ID token, beyond what userinfo must agree with.

use std::time::Duration;

use gatelodge::providers::oidc::Userinfo;
use serde_json::{Value, json};

use super::{refused, set, unset};
use crate::hostile::keys::{OTHER_RSA, b64};
use crate::hostile::{Answer, Body, Endpoint, Hostile, reason_of};

fn asking(provider: &Hostile) -> &Hostile {
    provider.settings_with(|settings| settings.userinfo = Userinfo::Always)
}

// security.md 48: it speaks of the same user, or it is not used.
refused! {
    userinfo_of_another_user: "userinfo.sub", |p| asking(p).userinfo(set("sub", "user-2"));
    userinfo_without_sub: "userinfo.sub", |p| asking(p).userinfo(unset("sub"));
    userinfo_sub_a_list: "userinfo.sub", |p| asking(p).userinfo(set("sub", json!(["user-1"])));
    userinfo_sub_null: "userinfo.sub", |p| asking(p).userinfo(set("sub", Value::Null));
    userinfo_of_another_issuer: "userinfo.iss", |p| asking(p).userinfo(set("iss", "https://evil.example"));
    userinfo_iss_a_list: "userinfo.iss", |p| asking(p).userinfo(|u| drop(u.insert("iss".into(), json!([]))));
    claims_too_large: "claims.size", |p| {
        p.settings_with(|s| s.registration.claims = vec!["groups".into()]).userinfo(set("groups", vec!["g".repeat(100); 400]))
    };
}

/// Userinfo as a signed token (Core, 5.3.2).
fn signed(provider: &Hostile) -> &Hostile {
    asking(provider).signs_userinfo("JWT")
}

// security.md 25, 48: by the provider, for us, about the same user, and made for nothing else.
refused! {
    signed_userinfo_of_another_user: "userinfo.sub", |p| signed(p).userinfo(set("sub", "user-2"));
    signed_userinfo_without_iss: "userinfo.iss", |p| signed(p).userinfo(unset("iss"));
    signed_userinfo_of_another_issuer: "userinfo.iss", |p| signed(p).userinfo(set("iss", "https://evil.example"));
    signed_userinfo_iss_a_list: "userinfo.iss", |p| signed(p).userinfo(|u| drop(u.insert("iss".into(), json!([]))));
    signed_userinfo_without_aud: "userinfo.aud", |p| signed(p).userinfo(unset("aud"));
    signed_userinfo_for_another_client: "userinfo.aud", |p| signed(p).userinfo(set("aud", "another"));
    signed_userinfo_for_several: "userinfo.aud", |p| signed(p).userinfo(set("aud", json!(["gatelodge-test", "another"])));
    signed_userinfo_over: "userinfo.exp", |p| signed(p).userinfo(set("exp", crate::hostile::NOW - 11));
    signed_userinfo_exp_a_text: "userinfo.exp", |p| signed(p).userinfo(set("exp", "never"));
    signed_userinfo_of_tomorrow: "userinfo.iat", |p| signed(p).userinfo(set("iat", crate::hostile::NOW + 86_400));
    signed_userinfo_that_is_an_access_token: "userinfo.typ", |p| asking(p).signs_userinfo("at+jwt");
    signed_userinfo_that_is_an_id_token: "userinfo.typ", |p| signed(p).userinfo(set("nonce", "n"));
    signed_userinfo_that_is_a_logout_token: "userinfo.typ", |p| signed(p).userinfo(set("events", json!({})));
    signed_userinfo_by_an_algorithm_not_listed: "userinfo.alg", |p| {
        signed(p).metadata(set("userinfo_signing_alg_values_supported", json!(["ES256"])))
    };
}

#[tokio::test]
async fn a_signed_answer_says_what_a_plain_one_does() {
    let provider = Hostile::start().await;
    signed(&provider).claims(unset("name")).userinfo(set("exp", crate::hostile::NOW + 60));
    assert_eq!(provider.log_in().await.unwrap().identity.name.as_deref(), Some("Userinfo Name"));
}

// security.md 23, 48: what nobody there has signed is never passed over, whether it was needed or not.
#[tokio::test]
async fn a_signature_that_is_not_the_providers_fails_the_login() {
    for needed in [Userinfo::Always, Userinfo::WhenNeeded] {
        let provider = Hostile::start().await;
        provider.settings_with(move |settings| settings.userinfo = needed).claims(unset("name"));
        let token = {
            let (header, claims) = (
                json!({ "alg": "RS256", "kid": "rsa" }),
                json!({
                    "iss": provider.issuer(), "aud": "gatelodge-test", "sub": "user-1", "name": "Mallory",
                }),
            );
            let input = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
            format!("{input}.{}", b64(OTHER_RSA.sign("RS256", input.as_bytes())))
        };
        provider.answers(Endpoint::Userinfo, Answer::text(200, "application/jwt", token));
        provider.refuses("userinfo.signature").await;
    }
}

#[tokio::test]
async fn an_answer_that_is_no_proper_object_fails_the_login() {
    let answers = [
        (Answer::json(200, "[]"), "failed"),
        (Answer::json(200, "[{\"sub\":\"user-1\"}]"), "failed"),
        (Answer::json(200, r#"{"sub":"user-2","sub":"user-1"}"#), "failed"),
        (Answer::text(200, "application/jwt", "e30.e30.AA"), "userinfo.alg"),
        (Answer::text(200, "application/jwt", "{\"sub\":\"user-1\"}"), "userinfo.segments"),
        (Answer::text(200, "application/jwt", "a.b.c.d.e"), "userinfo.encrypted"),
        (Answer::text(200, "application/jwt", ""), "userinfo.segments"),
        (Answer::text(200, "text/html", "{\"sub\":\"user-1\"}"), "failed"),
        (Answer::json(401, "{}"), "failed"),
        (Answer::json(503, "{}"), "unavailable"),
    ];
    let provider = Hostile::start().await;
    asking(&provider);
    for (answer, reason) in answers {
        provider.answers(Endpoint::Userinfo, answer);
        assert_eq!(reason_of(&provider.log_in().await), reason);
    }
}

// security.md 48: who vouches for whom stays the ID token's; the access token is in the header alone.
#[tokio::test]
async fn it_adds_to_the_id_token_and_overwrites_nothing() {
    let provider = Hostile::start().await;
    asking(&provider)
        .settings_with(|s| {
            s.registration.claims = ["nickname", "acr", "auth_time", "iss", "groups"].map(str::to_owned).into();
        })
        .claims(unset("acr"))
        .claims(unset("email"))
        .claims(set("email_verified", true))
        .userinfo(set("acr", "gold"))
        .userinfo(set("amr", json!(["hwk"])))
        .userinfo(set("auth_time", 5))
        .userinfo(set("name", "Mallory"))
        .userinfo(set("sid", "another"))
        .userinfo(set("email", "alice@userinfo.example"));
    let grant = provider.log_in().await.unwrap();
    let who = grant.identity;
    assert_eq!((who.acr, who.amr), (None, vec!["pwd".to_owned()]));
    assert_eq!((who.name.as_deref(), grant.provider_session.as_deref()), (Some("Alice Example"), Some("op-session")));
    assert_eq!(
        (who.email.as_deref(), who.email_verified),
        (Some("alice@userinfo.example"), false),
        "not half from each"
    );
    let names: Vec<_> = who.claims.keys().map(String::as_str).collect();
    assert_eq!(names, ["auth_time", "iss", "nickname"]);
    assert_ne!(who.claims["auth_time"], json!(5));

    let call = &provider.received(Endpoint::Userinfo)[0];
    assert!(call.authorization.as_deref().unwrap().starts_with("Bearer at-"), "{call:?}");
}

#[tokio::test]
async fn it_is_asked_when_the_setting_says() {
    let table = [
        (Userinfo::Never, true, 0),
        (Userinfo::Never, false, 0),
        (Userinfo::WhenNeeded, true, 0),
        (Userinfo::WhenNeeded, false, 1),
        (Userinfo::Always, true, 1),
        (Userinfo::Always, false, 1),
    ];
    for (setting, complete, asked) in table {
        let provider = Hostile::start().await;
        provider.settings_with(move |settings| settings.userinfo = setting);
        if !complete {
            provider.claims(unset("name"));
        }
        let name = provider.log_in().await.unwrap().identity.name;
        assert_eq!(provider.calls(Endpoint::Userinfo), asked, "{setting:?}, ID token complete: {complete}");
        let expected = match (complete, asked) {
            (true, _) => Some("Alice Example"),
            (false, 1) => Some("Userinfo Name"),
            (false, _) => None,
        };
        assert_eq!(name.as_deref(), expected, "{setting:?}, ID token complete: {complete}");
    }
}

// A provider whose userinfo is away locks nobody out whose ID token says who they are.
#[tokio::test]
async fn a_claim_that_cant_be_had_fails_only_the_login_that_requires_it() {
    for (setting, outcome) in [(Userinfo::WhenNeeded, "accepted"), (Userinfo::Always, "unavailable")] {
        let provider = Hostile::start().await;
        provider.settings_with(move |settings| settings.userinfo = setting).claims(unset("name"));
        for answer in [Answer::json(503, "{}"), Answer::body(Body::After(Duration::from_mins(1)))] {
            provider.answers(Endpoint::Userinfo, answer);
            provider.redemption_with(|redemption| redemption.within = Duration::from_millis(500));
            let granted = provider.log_in().await;
            assert_eq!(reason_of(&granted), outcome, "{setting:?}");
            assert!(granted.is_err() || granted.unwrap().identity.name.is_none());
        }
        provider.metadata(unset("userinfo_endpoint"));
        let expected = if outcome == "accepted" { outcome } else { "failed" };
        assert_eq!(reason_of(&provider.log_in().await), expected, "{setting:?}: there is no endpoint");
    }
}

// security.md 48: whoever asks, another user's answer is an attack and not a failure.
#[tokio::test]
async fn another_users_answer_is_refused_though_none_was_required() {
    let provider = Hostile::start().await;
    provider.claims(unset("name")).userinfo(set("sub", "user-2"));
    provider.refuses("userinfo.sub").await;
}

// security.md 33: an address that readers could take apart in two ways is none.
#[tokio::test]
async fn an_address_with_several_at_signs_is_dropped() {
    for address in ["alice@evil.example@example.com", "@example.com", "alice", "al\u{0}ice@example.com"] {
        let provider = Hostile::start().await;
        provider.claims(set("email", address));
        let who = provider.log_in().await.unwrap().identity;
        assert_eq!((who.email, who.email_verified), (None, false), "{address:?}");
    }
}
