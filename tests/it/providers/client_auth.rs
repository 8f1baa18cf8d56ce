//! Owns the cases of `private_key_jwt` (RFC 7523): an assertion at every endpoint, each for one request and for nobody but the
//! issuer. Does not know certificates.

use gatelodge::authority::access_token::TokenCheck;
use gatelodge::authority::provider::{ExchangeRequest, IdentityProvider as _};
use gatelodge::crypto::Secret;
use gatelodge::providers::credential::{ClientAuth, ClientKey};
use gatelodge::providers::http::HttpSettings;
use gatelodge::providers::oidc::{OidcProvider, OidcSettings, PushedRequests};
use gatelodge::providers::registration::Registration;
use gatelodge::session::time::Timestamp;
use serde_json::{Value, json};

use super::{refresh_of, request, set};
use crate::hostile::client::{Registered, opened};
use crate::hostile::keys::{ED25519, OTHER_RSA, P256, P384, RSA, Signer};
use crate::hostile::{CLIENT_ID, Endpoint, Hostile, NOW, reason_of};
use crate::logins::journey_parameter as parameter;
use crate::logins::log_in_at;

const AT: [Endpoint; 4] = [Endpoint::Pushed, Endpoint::Token, Endpoint::Revoke, Endpoint::Introspect];

/// A provider that knows us by `known`, and settings by which `own` signs for us.
async fn registered(own: &'static Signer, known: &'static Signer) -> Hostile {
    let hostile = Hostile::start().await;
    hostile.knows_client_by(Registered::Key(known)).settings_with(|settings| {
        settings.registration.client_auth = ClientAuth::PrivateKeyJwt;
        settings.registration.client_secret = Secret::default();
        settings.access_tokens.check = TokenCheck::Introspection;
        settings.exchange_audiences = Some(vec!["https://api.example".to_owned()]);
        settings.pushed = PushedRequests::Always;
    });
    hostile.settings_with(move |settings| settings.registration.key = key(own));
    hostile
}

fn key(signer: &Signer) -> ClientKey {
    ClientKey { private: Secret::new(signer.pem()), id: Some(signer.kid.to_owned()), ..ClientKey::default() }
}

/// Header and claims of the last assertion that an endpoint received.
fn assertion_at(hostile: &Hostile, endpoint: Endpoint, signer: &Signer) -> (Value, Value) {
    let call = hostile.received(endpoint).pop().unwrap();
    opened(&parameter(&call.form, "client_assertion").unwrap(), signer).unwrap()
}

// security.md 11: at the token endpoint and each of its siblings, and no secret anywhere.
#[tokio::test]
async fn an_assertion_shows_who_we_are_wherever_we_are_asked() {
    let now = Timestamp::from_secs(NOW);
    for (signer, algorithm) in [(&*RSA, "RS256"), (&*P256, "ES256"), (&*P384, "ES384"), (&*ED25519, "EdDSA")] {
        let hostile = registered(signer, signer).await;
        let provider = hostile.provider();
        provider.authorization_url(&request()).await.unwrap();
        provider.redeem(&hostile.redemption()).await.unwrap();
        provider.refresh(&refresh_of(&hostile)).await.unwrap();
        provider.check_token(&Secret::new("a token"), now).await.unwrap();
        provider.revoke(&Secret::new("refresh-1"), now).await.unwrap();
        let exchange = ExchangeRequest {
            access_token: Secret::new("at-CANARY-1"),
            audience: "https://api.example".to_owned(),
            now,
        };
        provider.exchange(&exchange).await.unwrap();
        assert_eq!(AT.map(|endpoint| hostile.calls(endpoint)), [1, 3, 1, 1], "{algorithm}");
        for endpoint in AT {
            let (header, claims) = assertion_at(&hostile, endpoint, signer);
            assert_eq!(header, json!({ "alg": algorithm, "typ": "JWT", "kid": signer.kid }));
            assert_eq!((&claims["iss"], &claims["sub"]), (&json!(CLIENT_ID), &json!(CLIENT_ID)));
            assert_eq!((&claims["iat"], &claims["exp"]), (&json!(NOW), &json!(NOW + 60)), "good for a minute");
        }
    }
}

// security.md 11 (CVE-2020-15222): the provider takes no id for a second time.
#[tokio::test]
async fn no_assertion_is_like_another() {
    let hostile = registered(&P256, &P256).await;
    let (provider, token, now) = (hostile.provider(), Secret::new("refresh-1"), Timestamp::from_secs(NOW));
    for _ in 0..500 {
        provider.revoke(&token, now).await.unwrap();
    }
}

#[tokio::test]
async fn a_whole_login_goes_by_a_key() {
    log_in_at(&registered(&P256, &P256).await).await;
}

// Who is asked is what metadata says; for whom an assertion is, is not: else a provider that names another one's endpoint
// would get one that is good there.
#[tokio::test]
async fn an_assertion_is_for_the_issuer_wherever_it_goes() {
    let hostile = registered(&P256, &P256).await;
    hostile.metadata(|metadata| {
        let address = format!("{}?at=another", metadata["token_endpoint"].as_str().unwrap());
        metadata["token_endpoint"] = address.into();
    });
    hostile.log_in().await.unwrap();
    assert_eq!(assertion_at(&hostile, Endpoint::Token, &P256).1["aud"], json!(hostile.issuer()), "a text, not a list");

    hostile.settings_with(|s| s.registration.key.audience = Some("https://sso.example/token".to_owned()));
    assert_eq!(reason_of(&hostile.log_in().await), "failed", "another name is not this provider");
    assert_eq!(assertion_at(&hostile, Endpoint::Token, &P256).1["aud"], json!("https://sso.example/token"));
}

#[tokio::test]
async fn another_key_is_refused_and_only_that_login_fails() {
    let hostile = registered(&OTHER_RSA, &RSA).await;
    assert_eq!(reason_of(&hostile.provider().authorization_url(&request()).await), "request_refused");
    hostile.refuses("failed").await;
}

#[tokio::test]
async fn the_algorithm_is_one_that_the_provider_takes() {
    let taken = "token_endpoint_auth_signing_alg_values_supported";
    for (listed, algorithm) in [(json!(["RS256", "PS256"]), "RS256"), (json!(["PS256", "ES256"]), "PS256")] {
        let hostile = registered(&RSA, &RSA).await;
        hostile.metadata(set(taken, listed));
        hostile.log_in().await.unwrap();
        assert_eq!(assertion_at(&hostile, Endpoint::Token, &RSA).0["alg"], json!(algorithm));
    }
    let hostile = registered(&RSA, &RSA).await;
    hostile.metadata(set(taken, json!(["ES256"])));
    hostile.refuses_unsent("failed").await;
}

#[test]
fn a_key_that_cant_sign_is_a_fault() {
    let own = |auth, private: &str| {
        let settings = OidcSettings::new(Registration {
            client_auth: auth,
            key: ClientKey { private: Secret::new(private), ..ClientKey::default() },
            ..Registration::new("sso", "https://sso.example", "client", Secret::default())
        });
        let faults = OidcProvider::new(settings, HttpSettings::default()).err().unwrap_or_default();
        faults.into_iter().map(|fault| fault.key).collect::<Vec<_>>()
    };
    let encrypted = P256.pem().replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    for text in ["", "no key", &encrypted] {
        assert_eq!(own(ClientAuth::PrivateKeyJwt, text), ["private_key"]);
    }
    assert_eq!(own(ClientAuth::PrivateKeyJwt, &P256.pem()), [""; 0]);
    assert_eq!(own(ClientAuth::Auto, &P256.pem()), ["client_secret"], "a key stands for no secret");
    assert_eq!(own(ClientAuth::SignedSecret, &RSA.pem()), ["private_key", "key_id"], "Apple's are of one kind");
}
