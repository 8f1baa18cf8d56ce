//! Owns the cases of access tokens that are bound to our key (DPoP, RFC 9449). Does not know who uses them.

use gatelodge::authority::provider::{ExchangeRequest, Grant, IdentityProvider as _, ProofRequest, ProviderError};
use gatelodge::crypto::Secret;
use gatelodge::providers::oidc::Userinfo;
use gatelodge::session::time::Timestamp;
use serde_json::json;

use super::{refresh_of, request, set};
use crate::hostile::keys::{ED25519, P256, P384, RSA, Signer};
use crate::hostile::proofs::thumbprint;
use crate::hostile::{Answer, Endpoint, Hostile, NOW, reason_of};
use crate::logins::{journey_parameter as parameter, log_in_at};

/// A provider that binds tokens to this key, and settings with it.
async fn binding(signer: &'static Signer) -> Hostile {
    let hostile = Hostile::start().await;
    hostile.binds_to(signer).settings_with(|settings| {
        settings.registration.dpop_key = Some(Secret::new(signer.pem()));
        settings.userinfo = Userinfo::Always;
        settings.exchange_audiences = Some(vec!["orders".to_owned()]);
    });
    hostile
}

async fn logged_in(hostile: &Hostile) -> Grant {
    hostile.log_in().await.unwrap()
}

#[tokio::test]
async fn every_request_with_a_token_has_a_proof_of_its_own() {
    for signer in [&*P256, &*P384, &*ED25519] {
        let hostile = binding(signer).await;
        let provider = hostile.provider();
        let grant = provider.redeem(&hostile.redemption()).await.unwrap();
        assert!(grant.tokens.is_bound, "{}", signer.kid);
        assert!(provider.refresh(&refresh_of(&hostile)).await.unwrap().tokens.is_bound);
        let exchange = ExchangeRequest {
            access_token: grant.tokens.access.unwrap(),
            audience: "orders".to_owned(),
            now: Timestamp::from_secs(NOW),
        };
        assert!(provider.exchange(&exchange).await.unwrap().is_bound);
        assert_eq!([Endpoint::Token, Endpoint::Userinfo].map(|endpoint| hostile.calls(endpoint)), [3, 1]);
    }
}

#[tokio::test]
async fn a_whole_login_is_bound() {
    log_in_at(&binding(&P256).await).await;
}

// RFC 9449, 10: a code that somebody else got hold of is of no use to them.
#[tokio::test]
async fn the_code_is_bound_before_there_is_a_token() {
    let hostile = binding(&P256).await;
    let address = hostile.provider().authorization_url(&request()).await.unwrap();
    assert_eq!(parameter(&address, "dpop_jkt"), Some(thumbprint(&P256)));
}

// RFC 9449, 8 and 9: the nonce is learnt from the refusal, and from then on known.
#[tokio::test]
async fn a_server_that_wants_its_nonce_is_asked_once_more_with_it() {
    let hostile = binding(&P256).await;
    hostile.wants_nonce(Some("first"));
    let provider = hostile.provider();
    provider.redeem(&hostile.redemption()).await.unwrap();
    assert_eq!([Endpoint::Token, Endpoint::Userinfo].map(|endpoint| hostile.calls(endpoint)), [2, 1], "one server");
    provider.refresh(&refresh_of(&hostile)).await.unwrap();
    assert_eq!(hostile.calls(Endpoint::Token), 3);
    hostile.wants_nonce(Some("second"));
    provider.refresh(&refresh_of(&hostile)).await.unwrap();
    assert_eq!(hostile.calls(Endpoint::Token), 5);
}

#[tokio::test]
async fn userinfo_that_wants_its_nonce_is_asked_once_more() {
    let hostile = binding(&P256).await;
    let provider = hostile.provider();
    let grant = provider.redeem(&hostile.redemption()).await.unwrap();
    hostile.wants_nonce(Some("of userinfo"));
    let (access, now) = (grant.tokens.access.unwrap(), Timestamp::from_secs(NOW));
    let request = gatelodge::authority::provider::UserInfoRequest {
        access_token: &access,
        is_bound: true,
        id_token: None,
        identity: &grant.identity,
        now,
    };
    provider.user_info(&request).await.unwrap();
    assert_eq!(hostile.calls(Endpoint::Userinfo), 3);
}

#[tokio::test]
async fn who_always_wants_another_nonce_is_asked_twice_and_fails_that_login_alone() {
    let hostile = binding(&P256).await;
    let refusal = || Answer::json(400, json!({ "error": "use_dpop_nonce" })).with("dpop-nonce", "for ever");
    hostile.answers(Endpoint::Token, refusal());
    assert_eq!(reason_of(&hostile.log_in().await), "failed");
    assert_eq!(hostile.calls(Endpoint::Token), 2);
    hostile.answers(Endpoint::Token, Answer::json(400, json!({ "error": "use_dpop_nonce" })));
    assert_eq!(reason_of(&hostile.log_in().await), "failed", "a refusal that names none");
    assert_eq!(hostile.calls(Endpoint::Token), 3);
    hostile.answers(Endpoint::Token, Answer::json(400, json!({ "error": "invalid_grant" })).with("dpop-nonce", "new"));
    assert_eq!(reason_of(&hostile.log_in().await), "invalid_grant", "a refusal for another reason");
    assert_eq!(hostile.calls(Endpoint::Token), 4, "the code was not sent again");
}

// A token that is not bound would be good in anybody's hands.
#[tokio::test]
async fn a_token_that_is_not_bound_is_refused() {
    let hostile = binding(&P256).await;
    hostile.token_body(set("token_type", "Bearer"));
    assert_eq!(reason_of(&hostile.log_in().await), "token_response.token_type");
    let hostile = Hostile::start().await;
    hostile.token_body(set("token_type", "DPoP"));
    assert_eq!(reason_of(&hostile.log_in().await), "token_response.token_type", "bound to a key that is not ours");
}

#[tokio::test]
async fn another_key_is_refused_by_the_provider() {
    let hostile = binding(&P256).await;
    hostile.settings_with(|settings| settings.registration.dpop_key = Some(Secret::new(P384.pem())));
    assert_eq!(reason_of(&hostile.log_in().await), "failed");
}

#[tokio::test]
async fn a_provider_that_takes_no_proofs_of_the_key_is_told_at_once() {
    let hostile = binding(&P256).await;
    hostile.metadata(set("dpop_signing_alg_values_supported", json!(["EdDSA"])));
    hostile.refuses_unsent("failed").await;
    hostile.metadata(set("dpop_signing_alg_values_supported", json!(["EdDSA", "ES256"])));
    logged_in(&hostile).await;
}

#[tokio::test]
async fn a_proof_for_somebody_elses_request_is_for_that_one_alone() {
    let hostile = binding(&P256).await;
    let (provider, now) = (hostile.provider(), Timestamp::from_secs(NOW));
    let request = |nonce: Option<&str>| ProofRequest {
        method: "PATCH".to_owned(),
        address: "https://api.example/orders?page=2#top".to_owned(),
        nonce: nonce.map(str::to_owned),
    };
    let token = Secret::new("at-CANARY-1");
    for nonce in [None, Some("of the API")] {
        let proof = provider.prove(&request(nonce), &token, now).unwrap();
        let claims = hostile.proven("PATCH", "https://api.example/orders", &proof, &token).unwrap();
        assert_eq!(claims.get("nonce").and_then(|nonce| nonce.as_str()), nonce);
    }
    let bearer = Hostile::start().await;
    assert!(matches!(bearer.provider().prove(&request(None), &token, now), Err(ProviderError::Unsupported(_))));
}

#[test]
fn a_key_that_can_make_no_proofs_is_a_fault_of_the_settings() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let hostile = runtime.block_on(Hostile::start());
    for key in [String::new(), "no key".to_owned(), RSA.pem()] {
        let mut settings = hostile.settings();
        settings.registration.dpop_key = Some(Secret::new(key));
        let faults = settings.faults();
        assert_eq!(faults.iter().map(|fault| fault.key).collect::<Vec<_>>(), ["dpop_key"]);
    }
}
