//! Owns the cases of the outbound calls as such: redirects, sizes, times, labels, TLS. Does not know what they carry.

use std::fmt::Write as _;
use std::time::Duration;

use gatelodge::authority::provider::IdentityProvider as _;
use gatelodge::crypto::Secret;
use gatelodge::providers::http::HttpSettings;
use gatelodge::providers::oidc::{OidcProvider, OidcSettings, Userinfo};
use gatelodge::providers::registration::Registration;
use tokio::time::Instant;

use super::unset;
use crate::hostile::{Answer, Body, CLIENT_SECRET, Endpoint, Hostile, reason_of};

const CALLED_IN_A_LOGIN: [Endpoint; 4] = [Endpoint::Metadata, Endpoint::Jwks, Endpoint::Token, Endpoint::Userinfo];

async fn hostile_with_userinfo() -> Hostile {
    let hostile = Hostile::start().await;
    hostile.settings_with(|s| s.userinfo = Userinfo::Always);
    hostile
}

// security.md 40: no redirect is followed, from any endpoint, by any status; the secret goes nowhere else.
#[tokio::test]
async fn no_redirect_is_ever_followed() {
    for endpoint in CALLED_IN_A_LOGIN {
        for status in [301, 302, 303, 307, 308] {
            let hostile = hostile_with_userinfo().await;
            hostile.answers(endpoint, Answer::redirect(status, format!("http://{}/x", hostile.canary())));
            assert_eq!(reason_of(&hostile.log_in().await), "failed", "{endpoint:?} {status}");
            hostile.answers(endpoint, Answer::redirect(status, format!("{}/elsewhere", hostile.issuer())));
            assert_eq!(reason_of(&hostile.log_in().await), "failed", "{endpoint:?} {status}, own origin");
            assert_eq!(hostile.canary_calls(), 0);
        }
    }
}

// security.md 41: every call ends within its limits, whatever comes.
#[tokio::test]
async fn every_call_is_bounded_in_size_and_time() {
    let table = [
        (Answer::body(Body::Endless), "failed"),
        (Answer::body(Body::Text(format!("{{\"a\":\"{}\"}}", "x".repeat(1 << 20)))), "failed"),
        (Answer::body(Body::Drip), "unavailable"),
        (Answer::body(Body::After(Duration::from_mins(1))), "unavailable"),
        (Answer::body(Body::Broken), "unavailable"),
        (Answer::json(200, "{}").with("x-filler", "h".repeat(100 * 1024)), "failed"),
        (Answer::json(200, "\u{1f}\u{8b}").with("content-encoding", "gzip"), "failed"),
        (Answer::json(200, "{}").with("content-encoding", "br"), "failed"),
        (Answer::text(200, "text/html", "<html>"), "failed"),
        (Answer::text(200, "application/jsonp", "{}"), "failed"),
        (Answer::text(200, "application/xml; x=+json", "{}"), "failed"),
        (Answer::json(500, "{}"), "unavailable"),
        (Answer::json(404, "{}"), "failed"),
    ];
    for endpoint in CALLED_IN_A_LOGIN {
        for (number, (answer, reason)) in table.iter().enumerate() {
            let mut hostile = hostile_with_userinfo().await;
            if matches!(answer.body, Body::Drip | Body::After(_)) {
                hostile.limit_calls_to(Duration::from_millis(300));
            }
            hostile.answers(endpoint, answer.clone());
            let begun = Instant::now();
            assert_eq!(&reason_of(&hostile.log_in().await), reason, "{endpoint:?} case {number}");
            assert!(begun.elapsed() < Duration::from_secs(5), "{endpoint:?} case {number}");
        }
    }
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_unavailable() {
    let hostile = Hostile::start().await;
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let settings = OidcSettings::new(Registration {
        development: true,
        ..Registration::new("gone", &format!("http://{nobody}"), "client", Secret::new(CLIENT_SECRET))
    });
    let provider = OidcProvider::new(settings, HttpSettings::default()).unwrap();
    assert_eq!(reason_of(&provider.redeem(&hostile.redemption()).await), "unavailable");
}

// security.md 109: what goes wrong is told without any secret.
#[tokio::test]
async fn no_error_holds_a_secret_or_what_the_provider_wrote() {
    let table = [
        Answer::json(400, r#"{"error":"PAYLOAD","error_description":"PAYLOAD\r\n<script>"}"#),
        Answer::json(500, "PAYLOAD"),
        Answer::text(200, "text/PAYLOAD", "PAYLOAD"),
        Answer::body(Body::Broken),
    ];
    for answer in table {
        let hostile = Hostile::start().await;
        hostile.answers(Endpoint::Token, answer).metadata(unset("userinfo_endpoint"));
        let mut redemption = hostile.redemption();
        redemption.code = Secret::new("CANARY-code");
        redemption.code_verifier = Secret::new("CANARY-verifier");
        let error = hostile.provider().redeem(&redemption).await.unwrap_err();
        let mut text = format!("{error} {error:?}");
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            write!(text, " {inner}").unwrap();
            cause = inner.source();
        }
        assert!(!text.contains("CANARY") && !text.contains("PAYLOAD"), "{text}");
    }
}
