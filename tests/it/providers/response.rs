//! Owns the cases of the authorization response: who sent the code, before the code goes anywhere.
//! Does not know state and binding: those are the use case's.

use super::{accepted, refused, set, unset};
use crate::hostile::{Answer, Body, Endpoint, Hostile, reason_of};
use gatelodge::authority::provider::IdentityProvider as _;

// security.md 13, 14 (RFC 9207, 2.4).
refused! { refuses_unsent;
    response_iss_another: "response.iss", |p| p.redemption_with(|r| r.response_issuer = Some("https://evil.example".into()));
    response_iss_with_a_slash: "response.iss", |p| {
        p.redemption_with(|r| r.response_issuer.as_mut().unwrap().push('/'))
    };
    response_iss_in_other_case: "response.iss", |p| {
        p.redemption_with(|r| r.response_issuer.as_mut().unwrap().make_ascii_uppercase())
    };
    response_iss_empty: "response.iss", |p| p.redemption_with(|r| r.response_issuer = Some(String::new()));
    response_iss_missing_though_announced: "response.iss", |p| p.redemption_with(|r| r.response_issuer = None);
    response_iss_another_though_not_announced: "response.iss", |p| {
        p.metadata(unset("authorization_response_iss_parameter_supported"))
            .redemption_with(|r| r.response_issuer = Some("https://evil.example".into()))
    };
}

accepted! {
    response_iss_missing_and_not_announced: |p| {
        p.metadata(unset("authorization_response_iss_parameter_supported")).redemption_with(|r| r.response_issuer = None)
    };
    response_iss_right_though_not_announced: |p| {
        p.metadata(set("authorization_response_iss_parameter_supported", false))
    };
}

// security.md 13: mix-up. The code of one provider never reaches the other, and neither issuer passes for the other.
#[tokio::test]
async fn two_providers_are_never_mixed_up() {
    let (honest, other) = (Hostile::start().await, Hostile::start().await);
    let mut redemption = honest.redemption();
    redemption.response_issuer = Some(other.issuer());
    assert_eq!(reason_of(&honest.provider().redeem(&redemption).await), "response.iss");
    assert_eq!(reason_of(&other.provider().redeem(&honest.redemption()).await), "response.iss");
    assert_eq!((honest.calls(Endpoint::Token), other.calls(Endpoint::Token)), (0, 0));
}

// security.md 18: a code is sent at most once, whatever becomes of it.
#[tokio::test]
async fn a_code_is_not_sent_again_when_the_connection_breaks() {
    let provider = Hostile::start().await;
    provider.answers(Endpoint::Token, Answer::body(Body::Broken)).refuses("unavailable").await;
    assert_eq!(provider.calls(Endpoint::Token), 1);
}

// security.md 33: the same subject at two issuers is two identities.
#[tokio::test]
async fn the_same_subject_at_two_issuers_is_two_identities() {
    let (one, two) = (Hostile::start().await, Hostile::start().await);
    let (first, second) = (one.log_in().await.unwrap().identity, two.log_in().await.unwrap().identity);
    assert_eq!((&first.sub, &first.email), (&second.sub, &second.email));
    assert_ne!(first.issuer, second.issuer);
}
