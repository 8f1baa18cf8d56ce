//! Owns the cases of logout at the provider: revocation and the way to its logout page. Does not know our sessions.

use std::time::Duration;

use gatelodge::authority::provider::{EndSession, IdentityProvider as _};
use gatelodge::crypto::Secret;
use gatelodge::session::time::Timestamp;
use serde_json::json;

use super::unset;
use crate::hostile::{Answer, Body, CLIENT_ID, Endpoint, Hostile, NOW, reason_of};

#[tokio::test]
async fn a_token_is_revoked_where_the_provider_offers_it() {
    let hostile = Hostile::start().await;
    hostile.provider().revoke(&Secret::new("refresh-1"), Timestamp::from_secs(NOW)).await.unwrap();
    let call = hostile.received(Endpoint::Revoke).pop().unwrap();
    assert_eq!(call.form, "token=refresh-1");
    assert!(call.authorization.is_some());

    hostile.metadata(unset("revocation_endpoint"));
    hostile.provider().revoke(&Secret::new("refresh-1"), Timestamp::from_secs(NOW)).await.unwrap();
    assert_eq!(hostile.calls(Endpoint::Revoke), 1);
}

// A failed revocation is never reported as done (CVE-2020-15223).
#[tokio::test]
async fn a_failed_revocation_is_an_error() {
    let hostile = Hostile::start().await;
    let table = [
        (Answer::json(503, "{}"), "unavailable"),
        (Answer::json(400, json!({"error": "unsupported_token_type"})), "failed"),
        (Answer::redirect(307, format!("http://{}/", hostile.canary())), "failed"),
        (Answer::text(404, "text/html", ""), "failed"),
    ];
    for (answer, reason) in table {
        hostile.answers(Endpoint::Revoke, answer);
        assert_eq!(
            reason_of(&hostile.provider().revoke(&Secret::new("refresh-1"), Timestamp::from_secs(NOW)).await),
            reason
        );
    }
    assert_eq!(hostile.canary_calls(), 0);
}

#[tokio::test]
async fn the_way_to_the_providers_logout_carries_hint_and_state() {
    let hostile = Hostile::start().await;
    let mut request = EndSession {
        id_token_hint: Some(Secret::new("a.b.c")),
        state: Secret::new("the state"),
        post_logout_redirect_uri: "https://app.example/auth/web/logged-out".into(),
        within: Duration::from_secs(10),
    };
    let pairs = |url: Option<String>| {
        let url = url::Url::parse(&url.unwrap()).unwrap();
        url.query_pairs().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
    };
    let client = format!("client_id={CLIENT_ID}");
    let rest = [&*client, "post_logout_redirect_uri=https://app.example/auth/web/logged-out", "state=the state"];
    let provider = hostile.provider();
    assert_eq!(
        pairs(provider.end_session_url(&request).await.unwrap()),
        [&["id_token_hint=a.b.c"][..], &rest].concat()
    );
    request.id_token_hint = None;
    assert_eq!(pairs(provider.end_session_url(&request).await.unwrap()), rest);

    hostile.metadata(unset("end_session_endpoint"));
    assert_eq!(hostile.provider().end_session_url(&request).await.unwrap(), None);

    hostile.answers(Endpoint::Metadata, Answer::body(Body::After(Duration::from_mins(1))));
    request.within = Duration::from_millis(200);
    let begun = tokio::time::Instant::now();
    assert_eq!(reason_of(&hostile.provider().end_session_url(&request).await), "unavailable");
    assert!(begun.elapsed() < Duration::from_secs(2), "a logout waits for a provider that is away");
}
