//! Owns what must hold of logins with Apple, at a fake that answers as Apple does: a secret that we sign, an answer that is
//! posted, a name that comes once, an address whose verification is a text. Does not know another provider.

use gatelodge::authority::provider::{IdentityProvider as _, Offer, ProviderError, UserInfoRequest};
use gatelodge::crypto::Secret;
use gatelodge::providers::credential::{ClientAuth, ClientKey};
use gatelodge::providers::http::HttpSettings;
use gatelodge::providers::oidc::{Dialect, OidcProvider};
use gatelodge::session::time::Timestamp;
use serde_json::json;

use super::{refresh_of, request, set, unset};
use crate::hostile::client::{Registered, opened};
use crate::hostile::keys::{P256, RSA};
use crate::hostile::{CLIENT_ID, Endpoint, Hostile, NOW, SUB, reason_of};
use crate::logins::journey_parameter as parameter;

const TEAM: &str = "TEAM456789";

/// Apple: its metadata, its tokens, and how it knows us.
pub async fn apple() -> Hostile {
    let hostile = Hostile::start().await;
    let gone = [
        "userinfo_endpoint",
        "end_session_endpoint",
        "introspection_endpoint",
        "pushed_authorization_request_endpoint",
        "code_challenge_methods_supported",
        "authorization_response_iss_parameter_supported",
    ];
    for name in gone {
        hostile.metadata(unset(name));
    }
    for name in ["name", "picture", "acr", "amr", "sid"] {
        hostile.claims(unset(name));
    }
    hostile
        .metadata(set("response_modes_supported", json!(["query", "fragment", "form_post"])))
        .metadata(set("token_endpoint_auth_methods_supported", json!(["client_secret_post"])))
        .metadata(set("id_token_signing_alg_values_supported", json!(["RS256"])))
        .claims(set("email_verified", "true"))
        .claims(set("is_private_email", "true"))
        .claims(set("nonce_supported", true))
        .claims(set("real_user_status", 2))
        .token_body(unset("scope"))
        .redemption_with(|redemption| redemption.response_issuer = None)
        .knows_client_by(Registered::Team(&P256, TEAM))
        .settings_with(|settings| {
            settings.dialect = Dialect::Apple;
            let own = &mut settings.registration;
            own.scopes = ["openid", "email", "name"].map(str::to_owned).into();
            (own.client_secret, own.client_auth, own.form_post) = (Secret::default(), ClientAuth::SignedSecret, true);
            own.key = ClientKey {
                private: Secret::new(P256.pem()),
                id: Some(P256.kid.to_owned()),
                team: Some(TEAM.to_owned()),
                ..ClientKey::default()
            };
        });
    hostile
}

#[tokio::test]
async fn the_secret_is_signed_anew_and_lives_for_minutes() {
    let hostile = apple().await;
    hostile.log_in().await.unwrap();
    let call = hostile.received(Endpoint::Token).pop().unwrap();
    assert!(call.authorization.is_none());
    let (header, claims) = opened(&parameter(&call.form, "client_secret").unwrap(), &P256).unwrap();
    assert_eq!((&header["alg"], &header["kid"]), (&json!("ES256"), &json!(P256.kid)));
    let expected = json!({ "iss": TEAM, "sub": CLIENT_ID, "aud": hostile.issuer(), "iat": NOW, "exp": NOW + 300 });
    assert_eq!(claims, expected);

    hostile.settings_with(|s| s.registration.key.team = Some("another".to_owned()));
    assert_eq!(reason_of(&hostile.log_in().await), "failed");
}

#[tokio::test]
async fn a_key_that_is_not_apples_is_a_fault() {
    let hostile = apple().await;
    hostile.settings_with(|s| s.registration.key.private = Secret::new(RSA.pem()));
    let settings = hostile.settings();
    let refused = OidcProvider::new(settings, HttpSettings::default()).err().unwrap();
    assert_eq!(refused[0].key, "private_key", "{refused:?}");
}

#[tokio::test]
async fn the_answer_is_asked_for_as_a_form() {
    let hostile = apple().await;
    let url = url::Url::parse(&hostile.provider().authorization_url(&request()).await.unwrap()).unwrap();
    let parameter = |name: &str| url.query_pairs().find(|(own, _)| own == name).unwrap().1.into_owned();
    assert_eq!((parameter("response_mode").as_str(), parameter("scope").as_str()), ("form_post", "openid email name"));
    assert!(hostile.visit_for_a_form(url.as_str()).unwrap().contains("code=code-CANARY"));
}

#[tokio::test]
async fn a_text_says_whether_an_address_is_verified_and_beside_the_code_stands_a_name_alone() {
    let user = |text: &str| Some(Secret::new(text));
    let named = r#"{"name":{"firstName":"Ann","lastName":"Example"},"email":"ceo@example.com"}"#;
    let table = [
        (user(named), Some("Ann Example")),
        (None, None),
        (user("<script>"), None),
        (user(r#"{"name":{"firstName":"An\u0007n"}}"#), None),
    ];
    for (brought, name) in table {
        let hostile = apple().await;
        let says = brought.clone();
        hostile.redemption_with(move |redemption| redemption.response_user = says.clone());
        let who = hostile.log_in().await.unwrap().identity;
        assert_eq!((who.user_id.as_str(), who.sub.as_str()), ("hostile_user-1", SUB));
        assert_eq!((who.email.as_deref(), who.email_verified), (Some("alice@example.com"), true), "never the form's");
        assert_eq!(who.name.as_deref(), name);
    }
    for (said, verified) in [(json!("false"), false), (json!(false), false), (json!(true), true)] {
        let hostile = apple().await;
        hostile.claims(set("email_verified", said));
        assert_eq!(hostile.log_in().await.unwrap().identity.email_verified, verified);
    }
    let plain = Hostile::start().await;
    plain.claims(set("email_verified", "true"));
    assert!(!plain.log_in().await.unwrap().identity.email_verified, "elsewhere a text says nothing");
    plain.claims(unset("name")).redemption_with(move |redemption| redemption.response_user = Some(Secret::new(named)));
    plain.metadata(unset("userinfo_endpoint"));
    assert_eq!(plain.log_in().await.unwrap().identity.name, None, "nor does a form");
}

// Apple has neither userinfo nor a logout page, and its refreshes bring no new refresh token.
#[tokio::test]
async fn what_apple_has_not_is_not_asked_for() {
    let hostile = apple().await;
    hostile.token_body(unset("refresh_token"));
    let provider = hostile.provider();
    let grant = provider.redeem(&hostile.redemption()).await.unwrap();
    let renewed = provider.refresh(&refresh_of(&hostile)).await.unwrap();
    assert!(renewed.tokens.access.is_some() && renewed.tokens.refresh.is_none());
    let access = grant.tokens.access.unwrap();
    let now = Timestamp::from_secs(NOW);
    let asked =
        UserInfoRequest { access_token: &access, is_bound: false, id_token: None, identity: &grant.identity, now };
    let refused = provider.user_info(&asked).await;
    assert!(matches!(refused, Err(ProviderError::Unsupported(Offer::UserInfo))), "{refused:?}");
    assert_eq!(hostile.calls(Endpoint::Userinfo), 0);
}

#[tokio::test]
async fn a_code_that_was_spent_is_refused_as_apple_refuses() {
    let hostile = apple().await;
    let said =
        json!({ "error": "invalid_grant", "error_description": "The code has expired or has been revoked. CANARY" });
    hostile.answers(Endpoint::Token, crate::hostile::Answer::json(400, said));
    let outcome = hostile.log_in().await;
    assert_eq!(reason_of(&outcome), "invalid_grant");
    assert!(!format!("{outcome:?}").contains("CANARY"), "{outcome:?}");
}
