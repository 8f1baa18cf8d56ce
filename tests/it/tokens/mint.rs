//! Owns the tests of tokens of our own: what is in them, and who checks them. Does not know rotation.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatelodge::crypto::SignatureAlgorithm;
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::v1::token_service_client::TokenServiceClient;
use serde_json::Value;
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::{Served, both};
use crate::rpc::serving::{by, context, cookies};
use crate::rpc::{failed, fields_of};

const ORDERS: &str = "https://orders.example.com";

pub async fn tokens(served: &Served) -> TokenServiceClient<Channel> {
    TokenServiceClient::new(served.serving.channel().await)
}

pub fn question(served: &Served) -> v1::MintTokenRequest {
    v1::MintTokenRequest { cookies: cookies(&served.browser), audience: ORDERS.into(), ..Default::default() }
}

pub async fn mint(served: &Served, question: v1::MintTokenRequest) -> Result<v1::MintedToken, Status> {
    let answer = tokens(served).await.mint_token(by(Role::Backend, question)).await?;
    match answer.into_inner().outcome.unwrap() {
        v1::mint_token_response::Outcome::Minted(minted) => Ok(minted),
        other => panic!("{other:?}"),
    }
}

pub async fn check(served: &Served, token: &str) -> v1::validate_token_response::Outcome {
    let question = v1::ValidateTokenRequest { token: token.to_owned().into(), ..Default::default() };
    let answer = tokens(served).await.validate_token(by(Role::Backend, question)).await.unwrap();
    answer.into_inner().outcome.unwrap()
}

fn part(token: &str, number: usize) -> Value {
    let segment = token.split('.').nth(number).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(segment).unwrap()).unwrap()
}

/// An application's claims.
fn application(json: &Value) -> prost_types::Struct {
    let Value::Object(map) = json else { panic!("not an object") };
    prost_types::Struct { fields: map.iter().map(|(name, json)| (name.clone(), value(json))).collect() }
}

fn value(json: &Value) -> prost_types::Value {
    use prost_types::value::Kind;
    let kind = match json {
        Value::Null => Kind::NullValue(0),
        Value::Bool(yes) => Kind::BoolValue(*yes),
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap()),
        Value::String(text) => Kind::StringValue(text.clone()),
        Value::Array(items) => Kind::ListValue(prost_types::ListValue { values: items.iter().map(value).collect() }),
        Value::Object(_) => Kind::StructValue(application(json)),
    };
    prost_types::Value { kind: Some(kind) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_minted_token_says_what_was_chosen_and_any_jwt_library_checks_it() {
    for algorithm in [SignatureAlgorithm::Es256, SignatureAlgorithm::EdDsa] {
        for served in both(|settings| settings.mint.as_mut().unwrap().algorithm = algorithm).await {
            let own = serde_json::json!({"user": 42, "ratio": 0.5, "roles": ["admin"], "permissions": ["orders:read"]});
            let asked = v1::MintTokenRequest {
                claims: ["email", "scope", "no_such_claim"].map(str::to_owned).into(),
                application_claims: Some(application(&own)),
                ..question(&served)
            };
            let minted = mint(&served, asked).await.unwrap();
            let (header, claims) = (part(&minted.value, 0), part(&minted.value, 1));
            assert_eq!((header["typ"].as_str(), header["alg"].as_str()), (Some("at+jwt"), Some(algorithm.name())));
            for (name, expected) in [
                ("iss", "https://app.example.com".into()),
                ("sub", "idp_ada".into()),
                ("aud", ORDERS.into()),
                ("iat", 1_800_000_000.into()),
                ("exp", 1_800_000_300.into()),
                ("email", "ada@example.com".into()),
                ("scope", "openid email".into()),
                ("tenant", "default".into()),
                ("sid", Value::from(minted.session.clone().unwrap().session_id)),
                ("user", Value::from(42)),
                ("ratio", Value::from(0.5)),
            ] {
                assert_eq!(claims[name], expected, "{name}");
            }
            assert!(claims.get("no_such_claim").is_none() && claims.get("name").is_none());

            // Somebody else's library, with nothing but the published keys.
            let jwks = tokens(&served).await.get_jwks(by(Role::Backend, v1::GetJwksRequest {})).await.unwrap();
            assert!(verifies(&minted.value, &jwks.into_inner().jwks));

            let v1::validate_token_response::Outcome::Active(active) = check(&served, &minted.value).await else {
                panic!("not active")
            };
            let identity = active.identity.clone().unwrap();
            assert_eq!((active.kind(), identity.user_id.as_str()), (v1::TokenKind::Minted, "idp_ada"));
            assert_eq!((active.permissions.as_slice(), identity.scopes.len()), (&["orders:read".to_owned()][..], 2));
            assert_eq!(active.claims.unwrap().fields["user"], value(&Value::from(42)));
        }
    }
}

/// Verifies as a stranger would: by the key of that name in the set, with `ring`'s sister and nothing of ours.
fn verifies(token: &str, jwks: &str) -> bool {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey};
    let set: Value = serde_json::from_str(jwks).unwrap();
    let kid = part(token, 0)["kid"].clone();
    let key = set["keys"].as_array().unwrap().iter().find(|key| key["kid"] == kid).unwrap();
    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    assert!(key.get("d").is_none());
    if key["kty"] == "EC" {
        let point = [vec![4], bytes("x"), bytes("y")].concat();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed.as_bytes(), &signature).is_ok()
    } else {
        UnparsedPublicKey::new(&ED25519, bytes("x")).verify(signed.as_bytes(), &signature).is_ok()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_minted_token_dies_with_its_session_where_we_are_asked() {
    for served in both(|_| ()).await {
        let minted = mint(&served, question(&served)).await.unwrap();
        let reason = async || match check(&served, &minted.value).await {
            v1::validate_token_response::Outcome::Active(_) => None,
            v1::validate_token_response::Outcome::Inactive(inactive) => Some(inactive.reason()),
            v1::validate_token_response::Outcome::Denied(denied) => panic!("{denied:?}"),
        };
        assert_eq!(reason().await, None);
        served.world.clock.advance(Duration::from_mins(5));
        assert_eq!(reason().await, Some(v1::TokenInactiveReason::Expired));
        let minted = mint(&served, question(&served)).await.unwrap();
        assert_eq!(served.world.revoke(&served.browser).await, 1);
        let v1::validate_token_response::Outcome::Inactive(inactive) = check(&served, &minted.value).await else {
            panic!("it outlives its session")
        };
        assert_eq!(inactive.reason(), v1::TokenInactiveReason::Ended);
        let answer = inactive.answer.unwrap();
        let challenge = answer.headers.iter().find(|header| header.name == "www-authenticate").unwrap();
        assert_eq!((answer.status, challenge.value.as_str()), (401, "Bearer error=\"invalid_token\""));
    }
}

// security.md 34: a token of ours says no more of the login than its provider has said.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_minted_token_says_no_time_of_login_that_nobody_stated_and_is_never_fresh() {
    for mut served in both(|_| ()).await {
        for no_age in [false, true] {
            served.world.provider.says.lock().unwrap().no_age = no_age;
            served.world.log_in(&mut served.browser, "ada").await;
            let asked = v1::MintTokenRequest { claims: vec!["auth_time".into()], ..question(&served) };
            let token = mint(&served, asked).await.unwrap().value;
            assert_eq!(part(&token, 1).get("auth_time").is_none(), no_age);
            let max_login_age = Some(prost_types::Duration { seconds: 3600, nanos: 0 });
            let requirements = Some(v1::TokenRequirements { max_login_age, ..Default::default() });
            let question = v1::ValidateTokenRequest { token: token.into(), requirements, ..Default::default() };
            let answer = tokens(&served).await.validate_token(by(Role::Backend, question)).await.unwrap();
            let is_denied =
                matches!(answer.into_inner().outcome, Some(v1::validate_token_response::Outcome::Denied(_)));
            assert_eq!(is_denied, no_age);
        }
    }
}

/// What ValidateToken says of a token that is asked for these permissions and roles.
async fn permitted(served: &Served, token: &str, permissions: &[&str], roles: &[&str]) -> Option<Vec<String>> {
    use v1::validate_token_response::Outcome;
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let requirements =
        v1::TokenRequirements { permissions: names(permissions), roles: names(roles), ..Default::default() };
    let (token, requirements) = (token.to_owned().into(), Some(requirements));
    let question = v1::ValidateTokenRequest { token, requirements, ..Default::default() };
    let answer = tokens(served).await.validate_token(by(Role::Backend, question)).await.unwrap();
    match answer.into_inner().outcome.unwrap() {
        Outcome::Active(active) => Some(active.permissions),
        Outcome::Denied(denied) => {
            let reason = denied.reason();
            assert_eq!(reason, v1::TokenDeniedReason::PermissionMissing, "{denied:?}");
            None
        }
        Outcome::Inactive(inactive) => panic!("{inactive:?}"),
    }
}

// What ValidateSession lets a user do, their token lets them do; and no longer than the session may.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_permits_what_its_session_does_and_what_the_application_says() {
    for mut served in both(|_| ()).await {
        let says = |permissions: &[&str]| {
            let mut says = served.world.provider.says.lock().unwrap();
            says.roles = vec!["clerk".into()];
            says.permissions = permissions.iter().map(|name| (*name).to_owned()).collect();
        };
        says(&["orders:read", "orders:write"]);
        served.world.log_in(&mut served.browser, "ada").await;
        let own = |json: &Value| Some(application(json));
        let extra = serde_json::json!({"permissions": ["orders:write", "tills:open"], "roles": ["admin"]});
        let chosen = vec!["roles".to_owned(), "permissions".to_owned()];
        let plain = mint(&served, question(&served)).await.unwrap().value;
        let more = v1::MintTokenRequest { application_claims: own(&extra), ..question(&served) };
        let more = mint(&served, more).await.unwrap().value;
        let carried = v1::MintTokenRequest { claims: chosen.clone(), ..question(&served) };
        let carried = mint(&served, carried).await.unwrap().value;

        assert!(part(&plain, 1).get("permissions").is_none() && part(&plain, 1).get("of_session").is_none());
        let claims = part(&carried, 1);
        assert_eq!(claims["permissions"], serde_json::json!(["orders:read", "orders:write"]));
        assert_eq!((&claims["roles"][0], &claims["of_session"]), (&"clerk".into(), &serde_json::json!(chosen)));
        let both = ["orders:read", "orders:write"];
        assert_eq!(permitted(&served, &plain, &both, &["clerk"]).await.unwrap(), both);
        assert_eq!(permitted(&served, &carried, &both, &["clerk"]).await.unwrap(), both);
        assert_eq!(permitted(&served, &more, &["tills:open"], &["clerk"]).await.unwrap().len(), 3, "each once");
        assert!(permitted(&served, &plain, &["tills:open"], &[]).await.is_none());

        // What is taken from the session is taken from its tokens, and what the application has said stays.
        says(&["orders:read"]);
        let refresh =
            v1::RefreshTokensRequest { cookies: cookies(&served.browser), context: None, ..Default::default() };
        served.serving.sessions().await.refresh_tokens(by(Role::Backend, refresh)).await.unwrap();
        for token in [&plain, &carried] {
            assert!(permitted(&served, token, &["orders:write"], &[]).await.is_none());
            assert_eq!(permitted(&served, token, &[], &[]).await.unwrap(), ["orders:read"]);
        }
        assert_eq!(permitted(&served, &more, &["orders:write"], &[]).await.unwrap().len(), 3);

        for name in ["roles", "permissions", "of_session"] {
            let twice = serde_json::json!({ name: ["orders:read"] });
            let asked =
                v1::MintTokenRequest { claims: chosen.clone(), application_claims: own(&twice), ..question(&served) };
            let status = failed(mint(&served, asked).await, Code::InvalidArgument, "INVALID_FIELD");
            assert_eq!(fields_of(&status), ["application_claims"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_never_outlives_the_longest_life_of_its_session() {
    for served in both(|settings| settings.lifetimes.absolute = Duration::from_mins(1)).await {
        let minted = mint(&served, question(&served)).await.unwrap();
        assert_eq!(minted.expire_time.unwrap().seconds, 1_800_000_060);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_beyond_bounds_is_refused_by_field() {
    for served in both(|_| ()).await {
        let lifetime = |seconds| Some(prost_types::Duration { seconds, nanos: 0 });
        let claims = |json: Value| Some(application(&json));
        let base = || question(&served);
        let cases = [
            (v1::MintTokenRequest { lifetime: lifetime(3601), ..base() }, "lifetime"),
            (v1::MintTokenRequest { lifetime: lifetime(0), ..base() }, "lifetime"),
            (v1::MintTokenRequest { audience: String::new(), ..base() }, "audience"),
            (v1::MintTokenRequest { claims: vec!["c".into(); 51], ..base() }, "claims"),
            (
                v1::MintTokenRequest { application_claims: claims(serde_json::json!({"sub": "root"})), ..base() },
                "application_claims",
            ),
            (
                v1::MintTokenRequest {
                    application_claims: claims(serde_json::json!({"a": "x".repeat(5000)})),
                    ..base()
                },
                "application_claims",
            ),
        ];
        for (asked, field) in cases {
            let status = failed(mint(&served, asked).await, Code::InvalidArgument, "INVALID_FIELD");
            assert_eq!(fields_of(&status), [field]);
        }
        let elsewhere = v1::MintTokenRequest { audience: "https://evil.example".into(), ..base() };
        failed(mint(&served, elsewhere).await, Code::FailedPrecondition, "AUDIENCE_REFUSED");

        // A browser's POST needs its CSRF token here too, and nobody's session mints nothing.
        let post = v1::MintTokenRequest { context: Some(context("POST", "/")), ..base() };
        let answer = tokens(&served).await.mint_token(by(Role::Backend, post)).await.unwrap().into_inner();
        assert!(matches!(answer.outcome, Some(v1::mint_token_response::Outcome::Denied(_))));
        let nobody = v1::MintTokenRequest { cookies: Vec::new(), ..base() };
        let answer = tokens(&served).await.mint_token(by(Role::Backend, nobody)).await.unwrap().into_inner();
        assert!(matches!(answer.outcome, Some(v1::mint_token_response::Outcome::Inactive(_))));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn switched_off_nothing_is_minted_published_or_checked() {
    for served in both(|settings| settings.mint = None).await {
        let off = Code::FailedPrecondition;
        failed(mint(&served, question(&served)).await, off, "MINTING_OFF");
        let mut client = tokens(&served).await;
        failed(client.get_jwks(by(Role::Edge, v1::GetJwksRequest {})).await, off, "MINTING_OFF");
        let any = v1::ValidateTokenRequest { token: "a.b.c".into(), ..Default::default() };
        failed(client.validate_token(by(Role::Edge, any)).await, off, "TOKEN_CHECK_OFF");
    }
}
