//! Owns the cases of requests that are handed over before the browser leaves (RFC 9126): what is not taken is never sent in the
//! open instead (security.md 9). Does not know what comes back.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use gatelodge::authority::login_answer::LoginFailure;
use gatelodge::authority::provider::{AuthorizationRequest, IdentityProvider as _, Redemption};
use gatelodge::crypto::Secret;
use gatelodge::providers::oidc::PushedRequests;
use serde_json::{Value, json};

use super::{request, set, unset};
use crate::hostile::keys::b64;
use crate::hostile::{Answer, Body, CLIENT_ID, Endpoint, Hostile, reason_of};
use crate::logins::{log_in_at, not_begun};

fn always(hostile: &Hostile) -> &Hostile {
    hostile.settings_with(|settings| settings.pushed = PushedRequests::Always)
}

#[tokio::test]
async fn the_browser_carries_a_name_and_the_login_is_as_ever() {
    let hostile = Hostile::start().await;
    let provider = always(&hostile).provider();
    let verifier = "a-verifier-of-at-least-43-characters-as-it-should-be";
    let request = AuthorizationRequest {
        code_challenge: b64(digest(&SHA256, verifier.as_bytes())),
        max_age: Some(Duration::from_mins(5)),
        ..request()
    };
    let address = provider.authorization_url(&request).await.unwrap();
    let pairs: Vec<_> = url::Url::parse(&address).unwrap().query_pairs().map(|(name, _)| name.into_owned()).collect();
    assert_eq!(pairs, ["client_id", "request_uri"]);
    let pushed = hostile.received(Endpoint::Pushed).pop().unwrap();
    assert!(pushed.authorization.is_some(), "the client shows who it is");
    for part in
        ["state=the+state", "nonce=the+nonce", "code_challenge=", "max_age=300", &format!("client_id={CLIENT_ID}")]
    {
        assert!(pushed.form.contains(part), "{}", pushed.form);
    }
    let back = hostile.visit(&address).unwrap();
    let parameter = |name: &str| back.query_pairs().find(|(own, _)| own == name).unwrap().1.into_owned();
    let redemption = Redemption {
        code: Secret::new(parameter("code")),
        code_verifier: Secret::new(verifier),
        nonce: request.nonce,
        response_issuer: Some(parameter("iss")),
        ..hostile.redemption()
    };
    provider.redeem(&redemption).await.unwrap();
    hostile.visit(&address).unwrap_err();
}

#[tokio::test]
async fn a_request_is_handed_over_where_the_settings_or_the_provider_want_it() {
    let table = [
        (PushedRequests::WhenRequired, true, false, Some(0)),
        (PushedRequests::WhenRequired, true, true, Some(1)),
        (PushedRequests::WhenRequired, false, false, Some(0)),
        (PushedRequests::WhenRequired, false, true, None),
        (PushedRequests::WhenOffered, true, false, Some(1)),
        (PushedRequests::WhenOffered, false, false, Some(0)),
        (PushedRequests::Always, true, false, Some(1)),
        (PushedRequests::Always, false, false, None),
    ];
    for (setting, offered, required, handed_over) in table {
        let hostile = Hostile::start().await;
        hostile.settings_with(move |settings| settings.pushed = setting);
        hostile.metadata(set("require_pushed_authorization_requests", required));
        if !offered {
            hostile.metadata(unset("pushed_authorization_request_endpoint"));
        }
        let address = hostile.provider().authorization_url(&request()).await;
        let case = format!("{setting:?}, offered: {offered}, required: {required}");
        assert_eq!(address.is_ok().then(|| hostile.calls(Endpoint::Pushed)), handed_over, "{case}");
        if handed_over.is_some() {
            hostile.visit(&address.unwrap()).expect(&case);
        }
    }
}

#[tokio::test]
async fn a_whole_login_goes_by_a_request_that_was_handed_over() {
    let hostile = Hostile::start().await;
    log_in_at(always(&hostile)).await;
    assert_eq!(hostile.calls(Endpoint::Pushed), 1);
}

// security.md 9: 201, 400, 500, silence, garbage, an end that has come. Each fails that login, and no browser leaves.
#[tokio::test]
async fn a_request_that_is_not_taken_fails_its_login_alone() {
    let hostile = Hostile::start().await;
    let named = |name: &str, value: Value| {
        let mut body = json!({ "request_uri": "urn:example:1", "expires_in": 60 });
        body[name] = value;
        Answer::json(201, body)
    };
    let (refused, away) = ("request_refused", "unavailable");
    let canary = format!("http://{}/par", hostile.canary());
    let table = [
        (Answer::json(400, json!({ "error": "invalid_request" })), refused),
        (Answer::json(401, json!({ "error": "invalid_client" })), refused),
        (Answer::json(403, "{}"), refused),
        (Answer::json(413, "no JSON"), refused),
        (Answer::json(200, json!({ "request_uri": "urn:example:1", "expires_in": 60 })), refused),
        (Answer::redirect(307, canary), refused),
        (Answer::text(201, "text/html", "<p>"), refused),
        (Answer::json(201, "[]"), refused),
        (Answer::json(201, json!({ "request_uri": "urn:example:1" })), refused),
        (named("expires_in", json!(0)), refused),
        (named("expires_in", json!(-1)), refused),
        (named("expires_in", json!("60")), refused),
        (named("expires_in", json!(1.5)), refused),
        (named("request_uri", json!("")), refused),
        (named("request_uri", json!("urn:a b")), refused),
        (named("request_uri", json!(["urn:a"])), refused),
        (named("request_uri", json!("x".repeat(2049))), refused),
        (Answer::json(429, json!({ "error": "slow_down" })), away),
        (Answer::json(503, "{}"), away),
        (Answer::body(Body::Broken), away),
    ];
    for (answer, reason) in table {
        hostile.behave();
        always(&hostile).answers(Endpoint::Pushed, answer.clone());
        let outcome = hostile.provider().authorization_url(&request()).await;
        assert_eq!(reason_of(&outcome), reason, "{:?}", answer.headers);
        let failure = match reason {
            "unavailable" => LoginFailure::ProviderUnavailable,
            _ => LoginFailure::ProviderError,
        };
        not_begun(&hostile, failure).await;
    }
    assert_eq!((hostile.calls(Endpoint::Authorize), hostile.calls(Endpoint::Token), hostile.canary_calls()), (0, 0, 0));
    hostile.behave();
    log_in_at(always(&hostile)).await;
}

#[tokio::test]
async fn a_provider_that_says_nothing_holds_no_login_for_longer_than_a_call() {
    let mut hostile = Hostile::start().await;
    hostile.limit_calls_to(Duration::from_millis(300));
    always(&hostile).answers(Endpoint::Pushed, Answer::body(Body::After(Duration::from_mins(1))));
    let (provider, request) = (hostile.provider(), request());
    let asked = tokio::time::timeout(Duration::from_secs(20), provider.authorization_url(&request));
    assert_eq!(reason_of(&asked.await.unwrap()), "unavailable");
}
