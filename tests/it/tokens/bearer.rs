//! Owns the tests of checking bearer tokens through the door: which provider is asked, what is required, what an API
//! answers. What a provider's tokens may look like is shown in `providers`. Does not know minting.

use std::sync::Arc;
use std::time::Duration;

use gatelodge::authority::access_token::TokenCheck;
use gatelodge::providers::Registry;
use gatelodge::providers::http::HttpSettings;
use gatelodge::providers::oidc::OidcSettings;
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::v1::validate_token_response::Outcome;
use serde_json::{Value, json};
use tonic::{Code, Status};

use super::mint::{mint, question, tokens};
use super::{Served, both, fresh_prefix, over, redis_store};
use crate::hostile::keys::{RSA, b64};
use crate::hostile::{Answer, Endpoint, Hostile, NOW, SUB};
use crate::rpc::serving::{Serving, by};
use crate::rpc::{failed, fields_of};
use crate::world::{Browser, World};

pub const API: &str = "https://api.example";

/// A token of a provider.
pub fn jwt(issuer: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut claims = json!({
        "iss": issuer, "sub": SUB, "aud": API, "client_id": "app", "jti": "1", "iat": NOW - 1, "exp": NOW + 60,
        "scope": "read write", "permissions": ["orders:read"], "auth_time": NOW - 100,
    });
    change(&mut claims);
    let header = json!({ "alg": "RS256", "typ": "at+jwt", "kid": "rsa" });
    let input = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
    format!("{input}.{}", b64(RSA.sign("RS256", input.as_bytes())))
}

/// Two worlds, over the embedded store and Redis, that know these providers.
pub async fn worlds(providers: impl Fn() -> Vec<OidcSettings>) -> [Served; 2] {
    let store = redis_store(&fresh_prefix()).await;
    let registry =
        || Arc::new(Registry::new(providers().into_iter().map(Into::into).collect(), HttpSettings::default()).unwrap());
    let embedded = World::built(&["unused"], |_| (), |ports| ports.providers = registry());
    let redis = World::built(
        &["unused"],
        |_| (),
        |ports| {
            over(&store)(ports);
            ports.providers = registry();
        },
    );
    let served = async |world: World| {
        let serving = Serving::of(&world).await;
        Served { world, serving, browser: Browser::default() }
    };
    [served(embedded).await, served(redis).await]
}

pub fn checking(hostile: &Hostile, name: &str, check: TokenCheck) -> OidcSettings {
    let mut settings = hostile.settings();
    name.clone_into(&mut settings.registration.name);
    settings.access_tokens.check = check;
    settings.access_tokens.audiences = vec![API.to_owned()];
    settings
}

pub async fn ask(served: &Served, question: v1::ValidateTokenRequest) -> Result<Outcome, Status> {
    let answer = tokens(served).await.validate_token(by(Role::Edge, question)).await?;
    Ok(answer.into_inner().outcome.unwrap())
}

fn with(token: &str, requirements: v1::TokenRequirements) -> v1::ValidateTokenRequest {
    let (token, requirements) = (token.to_owned().into(), Some(requirements));
    v1::ValidateTokenRequest { token, requirements, ..Default::default() }
}

pub fn reason(outcome: &Outcome) -> v1::TokenInactiveReason {
    match outcome {
        Outcome::Inactive(inactive) => inactive.reason(),
        other => panic!("{other:?}"),
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_without_cookies_has_the_same_requirements_as_one_with_them() {
    let hostile = Hostile::start().await;
    for served in worlds(|| vec![checking(&hostile, "idp", TokenCheck::Jwt)]).await {
        let token = jwt(&hostile.issuer(), |_| ());
        let all = v1::TokenRequirements {
            scopes: texts(&["read"]),
            permissions: texts(&["orders:read"]),
            audience: API.into(),
            max_login_age: Some(prost_types::Duration { seconds: 100, nanos: 0 }),
            any_scopes: texts(&["write", "read"]),
            any_permissions: texts(&["x", "orders:read"]),
            ..Default::default()
        };
        let Outcome::Active(active) = ask(&served, with(&token, all.clone())).await.unwrap() else {
            panic!("not active")
        };
        assert_eq!(active.judged, Some(all), "what was judged is repeated");
        assert_eq!((active.kind(), active.identity.unwrap().user_id.as_str()), (v1::TokenKind::Jwt, "idp_user-1"));

        let needed = v1::TokenRequirements::default;
        let lacking = [
            (
                v1::TokenRequirements { scopes: texts(&["read", "admin"]), ..needed() },
                v1::TokenDeniedReason::ScopeMissing,
                403,
                "Bearer error=\"insufficient_scope\", scope=\"admin\"",
            ),
            (
                v1::TokenRequirements { permissions: texts(&["orders:delete"]), ..needed() },
                v1::TokenDeniedReason::PermissionMissing,
                403,
                "Bearer error=\"insufficient_scope\"",
            ),
            (
                v1::TokenRequirements {
                    max_login_age: Some(prost_types::Duration { seconds: 99, nanos: 0 }),
                    ..needed()
                },
                v1::TokenDeniedReason::LoginTooOld,
                401,
                "Bearer error=\"insufficient_user_authentication\", max_age=\"99\"",
            ),
            (
                v1::TokenRequirements { acr_values: texts(&["3", "2"]), ..needed() },
                v1::TokenDeniedReason::AcrMissing,
                401,
                "Bearer error=\"insufficient_user_authentication\", acr_values=\"3 2\"",
            ),
            (
                v1::TokenRequirements { amr_values: texts(&["hwk"]), ..needed() },
                v1::TokenDeniedReason::AmrMissing,
                401,
                "Bearer error=\"insufficient_user_authentication\"",
            ),
            (
                v1::TokenRequirements { roles: texts(&["admin"]), ..needed() },
                v1::TokenDeniedReason::RoleMissing,
                403,
                "Bearer error=\"insufficient_scope\"",
            ),
            (
                v1::TokenRequirements { email_verified: true, ..needed() },
                v1::TokenDeniedReason::EmailNotVerified,
                403,
                "Bearer error=\"insufficient_scope\"",
            ),
            (
                v1::TokenRequirements { any_permissions: texts(&["a", "b"]), ..needed() },
                v1::TokenDeniedReason::PermissionMissing,
                403,
                "Bearer error=\"insufficient_scope\"",
            ),
        ];
        for (requirements, expected, status, challenge) in lacking {
            let Outcome::Denied(denied) = ask(&served, with(&token, requirements)).await.unwrap() else {
                panic!("not denied")
            };
            let (reason, answer) = (denied.reason(), denied.answer.unwrap());
            assert_eq!((reason, answer.status), (expected, status));
            assert!(answer.headers.iter().any(|header| header.name == "www-authenticate" && header.value == challenge));
        }
        let elsewhere = v1::TokenRequirements { audience: "https://other".into(), ..needed() };
        assert_eq!(
            reason(&ask(&served, with(&token, elsewhere)).await.unwrap()),
            v1::TokenInactiveReason::OtherAudience
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_no_token_is_an_answer_and_no_error() {
    let hostile = Hostile::start().await;
    for served in worlds(|| vec![checking(&hostile, "idp", TokenCheck::Jwt)]).await {
        use v1::TokenInactiveReason::{Expired, Forged, None, UnknownIssuer};
        let cases: [(Vec<u8>, v1::TokenInactiveReason); 7] = [
            (Vec::new(), None),
            (b"garbage".to_vec(), Forged),
            (vec![0xff, 0xfe, b'.', b'.'], Forged),
            (vec![b'a'; 100_000], Forged),
            (b"with space".to_vec(), Forged),
            (jwt("https://unknown.example", |_| ()).into_bytes(), UnknownIssuer),
            (jwt(&hostile.issuer(), |claims| claims["exp"] = json!(NOW - 100)).into_bytes(), Expired),
        ];
        for (token, expected) in cases {
            let outcome = ask(&served, v1::ValidateTokenRequest { token: token.into(), ..Default::default() });
            let Outcome::Inactive(inactive) = outcome.await.unwrap() else { panic!("not inactive") };
            let (reason, answer) = (inactive.reason(), inactive.answer.unwrap());
            assert_eq!((reason, answer.status), (expected, 401));
            let body = String::from_utf8(answer.body.to_vec()).unwrap();
            assert!(body.contains("Could not validate credentials"), "{body}");
        }
    }
}

// A token is shown to nobody but its issuer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_opaque_token_goes_to_the_provider_that_is_named_and_to_no_other() {
    let (one, other) = (Hostile::start().await, Hostile::start().await);
    let active = json!({"active": true, "sub": SUB, "aud": API, "scope": "read", "exp": NOW + 60});
    one.answers(Endpoint::Introspect, Answer::json(200, active));
    let providers =
        || vec![checking(&one, "one", TokenCheck::Introspection), checking(&other, "other", TokenCheck::Introspection)];
    for served in worlds(providers).await {
        let opaque = |provider: &str| v1::ValidateTokenRequest {
            token: "opaque-token".into(),
            provider: provider.into(),
            ..Default::default()
        };
        let before = one.calls(Endpoint::Introspect);
        let status = failed(ask(&served, opaque("")).await, Code::InvalidArgument, "INVALID_FIELD");
        assert_eq!(fields_of(&status), ["provider"]);
        failed(ask(&served, opaque("nobody")).await, Code::InvalidArgument, "INVALID_FIELD");
        assert_eq!(one.calls(Endpoint::Introspect), before, "a token was shown before it was clear whose it is");
        let Outcome::Active(found) = ask(&served, opaque("one")).await.unwrap() else { panic!("not active") };
        assert_eq!(found.kind(), v1::TokenKind::Introspected);
        assert_eq!(other.calls(Endpoint::Introspect), 0);
        // A JWT of the one is not shown to the other either, whoever is named.
        let jwt = v1::ValidateTokenRequest { token: jwt(&one.issuer(), |_| ()).into(), ..opaque("other") };
        assert_eq!(reason(&ask(&served, jwt).await.unwrap()), v1::TokenInactiveReason::UnknownIssuer);
        assert_eq!(other.calls(Endpoint::Introspect), 0);
        one.answers(Endpoint::Introspect, Answer::json(503, "{}"));
        let unknown = v1::ValidateTokenRequest { token: "another".into(), ..opaque("one") };
        failed(ask(&served, unknown).await, Code::Unavailable, "PROVIDER_UNAVAILABLE");
        one.behave();
        let active = json!({"active": true, "sub": SUB, "aud": API, "scope": "read", "exp": NOW + 60});
        one.answers(Endpoint::Introspect, Answer::json(200, active));
    }
}

// Ours and theirs are never taken for each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_of_our_own_passes_for_nothing_else() {
    for served in both(|_| ()).await {
        let minted = mint(&served, question(&served)).await.unwrap().value;
        let [header, payload, signature] = minted.split('.').collect::<Vec<_>>()[..] else { panic!("{minted}") };
        let decoded = |part: &str| -> Value {
            use base64::Engine as _;
            serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
        };
        let bent = |name: &str, value: Value| {
            let mut claims = decoded(payload);
            claims[name] = value;
            format!("{header}.{}.{signature}", b64(claims.to_string()))
        };
        let relabelled = |change: fn(&mut Value)| {
            let mut own = decoded(header);
            change(&mut own);
            format!("{}.{payload}.{signature}", b64(own.to_string()))
        };
        for token in [
            bent("exp", json!(NOW + 9_999)),
            bent("sub", json!("idp_root")),
            bent("aud", json!("https://billing.example.com")),
            relabelled(|header| header["alg"] = json!("none")),
            relabelled(|header| header["alg"] = json!("HS256")),
            relabelled(|header| header["kid"] = json!("unknown")),
            relabelled(|header| header["typ"] = json!("JWT")),
            format!("{header}.{payload}."),
            format!("{minted}="),
        ] {
            let outcome = ask(&served, with(&token, v1::TokenRequirements::default())).await.unwrap();
            assert_eq!(reason(&outcome), v1::TokenInactiveReason::Forged, "{token}");
        }
        // Of another tenant's keys, or an audience that is no longer configured.
        assert!(matches!(ask(&served, with(&minted, v1::TokenRequirements::default())).await, Ok(Outcome::Active(_))));
        let age = Some(prost_types::Duration { seconds: 1, nanos: 0 });
        served.world.clock.advance(Duration::from_secs(2));
        let old = v1::TokenRequirements { max_login_age: age, ..Default::default() };
        assert!(matches!(ask(&served, with(&minted, old)).await, Ok(Outcome::Denied(_))));
    }
}
