//! Owns the cases of token exchange (RFC 8693). Does not know who wants the token.

use std::time::Duration;

use gatelodge::authority::provider::{Exchange, ExchangeRequest, IdentityProvider as _, ProviderError};
use gatelodge::crypto::Secret;
use gatelodge::session::time::Timestamp;
use serde_json::json;

use super::{set, unset};
use crate::hostile::{Answer, Body, Endpoint, Hostile, NOW, reason_of};

async fn exchange(hostile: &Hostile, audience: &str) -> Result<Exchange, ProviderError> {
    let request = ExchangeRequest {
        access_token: Secret::new("at-CANARY-1"),
        audience: audience.to_owned(),
        now: Timestamp::from_secs(NOW),
    };
    hostile.provider().exchange(&request).await
}

async fn start() -> Hostile {
    let mut hostile = Hostile::start().await;
    hostile.limit_calls_to(Duration::from_secs(2));
    hostile.settings_with(|settings| settings.exchange_audiences = Some(vec!["orders".to_owned()]));
    hostile
}

#[tokio::test]
async fn a_token_comes_for_the_audience_that_was_named() {
    let hostile = start().await;
    let got = exchange(&hostile, "orders").await.unwrap();
    assert_eq!((got.access.expose(), got.end), ("at-for-orders", Some(Timestamp::from_secs(NOW + 120))));
    assert_eq!(got.scopes, ["orders:read"]);
}

#[tokio::test]
async fn what_is_not_configured_is_not_asked_for() {
    let hostile = Hostile::start().await;
    assert_eq!(reason_of(&exchange(&hostile, "orders").await), "unsupported");
    let hostile = start().await;
    assert_eq!(reason_of(&exchange(&hostile, "billing").await), "audience");
    assert_eq!(hostile.calls(Endpoint::Token), 0);
}

macro_rules! refused {
    ($($name:ident: $reason:literal, $bend:expr;)*) => { $(
        #[tokio::test]
        async fn $name() {
            let hostile = start().await;
            let bend: fn(&Hostile) -> &Hostile = $bend;
            assert_eq!(reason_of(&exchange(bend(&hostile), "orders").await), $reason);
            assert_eq!(hostile.calls(Endpoint::Token), 1, "a token is shown once");
            assert_eq!(hostile.canary_calls(), 0);
        }
    )* };
}

refused! {
    exchange_that_is_not_offered: "unsupported", |p| says(p, 400, "unsupported_grant_type");
    exchange_that_our_client_may_not_use: "unsupported", |p| says(p, 400, "unauthorized_client");
    exchange_for_a_target_that_is_unknown: "audience", |p| says(p, 400, "invalid_target");
    exchange_for_a_target_that_is_denied: "audience", |p| says(p, 403, "access_denied");
    exchange_of_a_token_that_was_withdrawn: "invalid_grant", |p| says(p, 400, "invalid_grant");
    exchange_with_a_client_that_is_not_accepted: "failed", |p| says(p, 401, "invalid_client");
    exchange_at_a_provider_in_trouble: "unavailable", |p| says(p, 502, "invalid_target");
    exchange_without_the_tokens_kind: "token_response.issued_token_type", |p| p.exchanged(unset("issued_token_type"));
    exchange_for_an_id_token: "token_response.issued_token_type", |p| {
        p.exchanged(set("issued_token_type", "urn:ietf:params:oauth:token-type:id_token"))
    };
    exchange_for_a_token_that_is_no_bearer: "token_response.token_type", |p| p.exchanged(set("token_type", "N_A"));
    exchange_without_token: "token_response.access_token", |p| p.exchanged(unset("access_token"));
    exchange_with_an_odd_life: "token_response.expires_in", |p| p.exchanged(set("expires_in", -5));
    exchange_with_doubled_names: "failed", |p| {
        p.answers(Endpoint::Token, Answer::json(200, r#"{"access_token":"a","access_token":"b"}"#))
    };
    exchange_answered_with_a_page: "failed", |p| p.answers(Endpoint::Token, Answer::text(200, "text/html", "<p>"));
    exchange_that_is_sent_elsewhere: "failed", |p| {
        let canary = format!("http://{}/token", p.canary());
        p.answers(Endpoint::Token, Answer::redirect(307, canary))
    };
    exchange_that_floods: "failed", |p| p.answers(Endpoint::Token, Answer::body(Body::Endless));
    exchange_that_drips: "unavailable", |p| p.answers(Endpoint::Token, Answer::body(Body::Drip));
    exchange_that_breaks_off: "unavailable", |p| p.answers(Endpoint::Token, Answer::body(Body::Broken));
}

fn says<'a>(provider: &'a Hostile, status: u16, error: &str) -> &'a Hostile {
    provider.answers(Endpoint::Token, Answer::json(status, json!({ "error": error })))
}
