//! Owns the cases of asking the provider about a token (RFC 7662). Does not know who presents it.

use std::time::Duration;

use gatelodge::authority::access_token::{TokenCheck, TokenFault, TokenVerdict};
use gatelodge::authority::provider::{IdentityProvider as _, ProviderError};
use gatelodge::crypto::Secret;
use gatelodge::providers::oidc::OidcProvider;
use gatelodge::session::time::Timestamp;
use serde_json::{Value, json};

use crate::hostile::{Answer, Body, Endpoint, Hostile, NOW, SUB, reason_of};

const API: &str = "https://api.example";

fn api(hostile: &Hostile, audiences: &'static [&'static str]) -> OidcProvider {
    hostile.settings_with(move |settings| {
        settings.access_tokens.check = TokenCheck::Introspection;
        settings.access_tokens.audiences = audiences.iter().map(|one| (*one).to_owned()).collect();
    });
    hostile.provider()
}

fn active() -> Value {
    json!({"active": true, "sub": SUB, "aud": API, "scope": "orders:read", "client_id": "app", "exp": NOW + 60,
           "token_type": "Bearer"})
}

fn with(name: &str, value: Value) -> Value {
    let mut body = active();
    body[name] = value;
    body
}

async fn ask(provider: &OidcProvider, token: &str) -> Result<TokenVerdict, ProviderError> {
    provider.check_token(&Secret::new(token), Timestamp::from_secs(NOW)).await
}

#[tokio::test]
async fn an_answer_says_whose_the_token_is_and_why_it_is_not_good() {
    use TokenFault::{Ended, Expired, Forged, NotYetValid, OtherAudience, UnknownIssuer};
    let table = [
        ("good", active(), None),
        ("not active", json!({"active": false}), Some(Ended)),
        ("expired all the same", with("exp", json!(NOW - 60)), Some(Expired)),
        ("not yet", with("nbf", json!(NOW + 60)), Some(NotYetValid)),
        ("for somebody else", with("aud", json!("https://evil.example")), Some(OtherAudience)),
        ("of another issuer", with("iss", json!("https://evil.example")), Some(UnknownIssuer)),
        ("a refresh token, by its type", with("token_type", json!("refresh_token")), Some(Forged)),
        ("bound to a key that nobody showed", with("token_type", json!("DPoP")), Some(Forged)),
        ("bound to a certificate", with("cnf", json!({ "x5t#S256": "k" })), Some(Forged)),
        ("Keycloak's refresh token", with("typ", json!("Refresh")), Some(Forged)),
        ("Keycloak's ID token", with("typ", json!("ID")), Some(Forged)),
        ("an end that is text", with("exp", json!("soon")), Some(Forged)),
        ("a subject that is a number", with("sub", json!(5)), Some(Forged)),
    ];
    let hostile = Hostile::start().await;
    let provider = api(&hostile, &[API]);
    for (what, body, expected) in table {
        hostile.answers(Endpoint::Introspect, Answer::json(200, body));
        match ask(&provider, what).await.unwrap() {
            TokenVerdict::Good(good) => {
                assert_eq!(expected, None, "{what}");
                assert_eq!((good.identity.user_id.as_str(), good.client_id.as_str()), ("hostile_user-1", "app"));
            }
            TokenVerdict::Bad(fault) => assert_eq!(Some(fault), expected, "{what}"),
        }
    }
    let call = &hostile.received(Endpoint::Introspect)[0];
    assert!(call.form.contains("token=good") && call.form.contains("token_type_hint=access_token"), "{call:?}");
    assert!(call.authorization.as_deref().unwrap().starts_with("Basic "), "we name ourselves, not the token");
}

#[tokio::test]
async fn an_answer_without_audience_passes_only_where_none_is_configured() {
    let hostile = Hostile::start().await;
    let mut body = active();
    body.as_object_mut().unwrap().remove("aud");
    hostile.answers(Endpoint::Introspect, Answer::json(200, body));
    assert_eq!(ask(&api(&hostile, &[API]), "t").await.unwrap(), TokenVerdict::Bad(TokenFault::OtherAudience));
    assert!(matches!(ask(&api(&hostile, &[]), "t").await.unwrap(), TokenVerdict::Good(_)));
}

// Floods, redirects, odd labels, doubled keys, slow drips: trouble is an error, never a verdict.
#[tokio::test]
async fn an_answer_that_is_none_is_an_error() {
    let mut hostile = Hostile::start().await;
    hostile.limit_calls_to(Duration::from_secs(1));
    let provider = api(&hostile, &[API]);
    let cases = [
        (Answer::json(200, r#"{"active":false,"active":true}"#), "failed"),
        (Answer::json(200, r#"{"active":"true"}"#), "failed"),
        (Answer::json(200, "{}"), "failed"),
        (Answer::json(200, "[]"), "failed"),
        (Answer::text(200, "text/html", r#"{"active":true}"#), "failed"),
        (Answer::text(200, "application/token-introspection+jwt", "e30.e30.AA"), "failed"),
        (Answer::json(401, json!({"error": "invalid_client"})), "failed"),
        (Answer::json(503, json!({"active": true})), "unavailable"),
        (Answer::redirect(307, format!("http://{}/introspect", hostile.canary())), "failed"),
        (Answer::json(200, active()).with("content-encoding", "gzip"), "failed"),
        (Answer::body(Body::Endless), "failed"),
        (Answer::body(Body::Drip), "unavailable"),
        (Answer::body(Body::Broken), "unavailable"),
    ];
    for (number, (answer, reason)) in cases.into_iter().enumerate() {
        hostile.answers(Endpoint::Introspect, answer);
        let outcome = ask(&provider, &format!("token-{number}")).await;
        assert_eq!(reason_of(&outcome), reason, "{number}: {outcome:?}");
    }
    assert_eq!(hostile.canary_calls(), 0, "the token went where a redirect pointed");
}

#[tokio::test]
async fn an_answer_is_kept_no_longer_than_told_and_never_beyond_the_tokens_end() {
    let hostile = Hostile::start().await;
    hostile.settings_with(|settings| settings.access_tokens.keep_answers_for = Duration::from_mins(1));
    let provider = api(&hostile, &[API]);
    let asked = |answer: Answer| {
        hostile.answers(Endpoint::Introspect, answer);
        let (provider, hostile) = (&provider, &hostile);
        async move |token: &str| {
            let before = hostile.calls(Endpoint::Introspect);
            ask(provider, token).await.unwrap();
            ask(provider, token).await.unwrap();
            hostile.calls(Endpoint::Introspect) - before
        }
    };
    assert_eq!(asked(Answer::json(200, active()))("kept").await, 1);
    assert_eq!(asked(Answer::json(200, json!({"active": false})))("refused").await, 1, "for a moment");
    assert_eq!(asked(Answer::json(200, active()).with("cache-control", "max-age=0"))("told not to").await, 2);
    // Its end is within the leeway: it is good now, and for no time beyond.
    assert_eq!(asked(Answer::json(200, with("exp", json!(NOW - 5))))("over").await, 2);
    // security.md 47: another entry with the same token shares nothing.
    let before = hostile.calls(Endpoint::Introspect);
    hostile.answers(Endpoint::Introspect, Answer::json(200, active()));
    ask(&hostile.provider(), "kept").await.unwrap();
    assert_eq!(hostile.calls(Endpoint::Introspect) - before, 1);
}

#[tokio::test]
async fn fifty_who_present_one_token_are_one_question() {
    let hostile = Hostile::start().await;
    hostile.settings_with(|settings| settings.access_tokens.keep_answers_for = Duration::ZERO);
    let provider = api(&hostile, &[API]);
    hostile.answers(Endpoint::Introspect, Answer::json(200, active()));
    ask(&provider, "warm").await.unwrap();
    let before = hostile.calls(Endpoint::Introspect);
    hostile.answers(Endpoint::Introspect, Answer::body(Body::After(Duration::from_millis(300))));
    let all = futures::future::join_all((0..50).map(|_| ask(&provider, "one"))).await;
    assert_eq!((all.len(), hostile.calls(Endpoint::Introspect) - before), (50, 1));
}
