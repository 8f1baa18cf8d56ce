//! Owns the tests of asking a provider again who the user of a bearer token is (ValidateToken with `refresh`). Does not know
//! how the token is checked.

use std::time::Duration;

use gatelodge::authority::access_token::TokenCheck;
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::v1::validate_token_response::Outcome;
use serde_json::{Value, json};
use tonic::{Code, Status};

use super::bearer::{API, ask, checking, jwt, reason, worlds};
use super::mint::{mint, question};
use super::{Served, both};
use crate::hostile::{Answer, Body, Endpoint, Hostile, NOW, SUB};
use crate::rpc::failed;
use crate::rpc::serving::{by, cookies};

fn refreshing(token: &str) -> v1::ValidateTokenRequest {
    v1::ValidateTokenRequest { token: token.to_owned().into(), refresh: true, ..Default::default() }
}

fn says(hostile: &Hostile, claims: &Value) {
    hostile.answers(Endpoint::Userinfo, Answer::json(200, claims));
}

async fn active(served: &Served, question: v1::ValidateTokenRequest) -> v1::ActiveToken {
    match ask(served, question).await.unwrap() {
        Outcome::Active(active) => active,
        other => panic!("{other:?}"),
    }
}

fn told(asked: Result<Outcome, Status>) -> v1::TokenInactiveReason {
    reason(&asked.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_it_is_comes_from_userinfo_and_what_the_token_permits_from_the_token() {
    let hostile = Hostile::start().await;
    let said = json!({
        "sub": SUB, "name": "New Name", "email": "new@example.com", "email_verified": true, "acr": "9",
        "permissions": ["orders:delete"],
    });
    says(&hostile, &said);
    for served in worlds(|| vec![checking(&hostile, "idp", TokenCheck::Jwt)]).await {
        let token = jwt(&hostile.issuer(), |_| ());
        let before = hostile.calls(Endpoint::Userinfo);
        let known = active(&served, v1::ValidateTokenRequest { refresh: false, ..refreshing(&token) }).await;
        assert!(known.refresh_time.is_none() && hostile.calls(Endpoint::Userinfo) == before);

        let found = active(&served, refreshing(&token)).await;
        let identity = found.identity.unwrap();
        assert_eq!((identity.name.as_str(), identity.email.as_str()), ("New Name", "new@example.com"));
        assert_eq!((identity.user_id.as_str(), identity.acr.as_str()), ("idp_user-1", ""));
        assert_eq!((found.permissions, identity.scopes.len()), (vec!["orders:read".to_owned()], 2));
        assert!(found.refresh_time.is_some());
        let calls = hostile.received(Endpoint::Userinfo);
        assert_eq!(
            (calls.len(), calls.last().unwrap().authorization.clone()),
            (before + 1, Some(format!("Bearer {token}")))
        );
        // What is required is judged by what is known then.
        let requirements = Some(v1::TokenRequirements { email_verified: true, ..Default::default() });
        let verified = v1::ValidateTokenRequest { requirements: requirements.clone(), ..refreshing(&token) };
        active(&served, verified).await;
        let unasked = v1::ValidateTokenRequest { requirements, refresh: false, ..refreshing(&token) };
        assert!(matches!(ask(&served, unasked).await.unwrap(), Outcome::Denied(_)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_opaque_token_is_asked_about_and_then_shown_at_userinfo() {
    let hostile = Hostile::start().await;
    let introspected = json!({"active": true, "sub": SUB, "aud": API, "scope": "read", "exp": NOW + 60});
    hostile.answers(Endpoint::Introspect, Answer::json(200, introspected));
    says(&hostile, &json!({"sub": SUB, "name": "New Name"}));
    for served in worlds(|| vec![checking(&hostile, "idp", TokenCheck::Introspection)]).await {
        let found = active(&served, refreshing("opaque")).await;
        assert_eq!((found.kind(), found.identity.unwrap().name.as_str()), (v1::TokenKind::Introspected, "New Name"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_who_ask_about_one_token_are_one_question_to_the_provider() {
    let hostile = Hostile::start().await;
    for served in worlds(|| vec![checking(&hostile, "idp", TokenCheck::Jwt)]).await {
        let (one, other) =
            (jwt(&hostile.issuer(), |_| ()), jwt(&hostile.issuer(), |claims| claims["jti"] = json!("2")));
        says(&hostile, &json!({"sub": SUB}));
        // Its keys are known, so that all come to userinfo together.
        active(&served, v1::ValidateTokenRequest { refresh: false, ..refreshing(&one) }).await;
        let before = hostile.calls(Endpoint::Userinfo);
        // Longer than all take to arrive; then there is no answer for anybody.
        hostile.answers(Endpoint::Userinfo, Answer::body(Body::After(Duration::from_secs(3))));
        let asked = futures::future::join_all((0..50).map(|_| ask(&served, refreshing(&one)))).await;
        assert_eq!(hostile.calls(Endpoint::Userinfo), before + 1);
        drop(asked);
        // Another token is another question, and nothing is kept.
        says(&hostile, &json!({"sub": SUB}));
        active(&served, refreshing(&other)).await;
        active(&served, refreshing(&one)).await;
        assert_eq!(hostile.calls(Endpoint::Userinfo), before + 3);
    }
}

// security.md 48: userinfo of another user is never used; trouble there says nothing against the token.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trouble_at_userinfo_is_no_verdict_and_the_token_stays_good() {
    let hostile = Hostile::start().await;
    for served in worlds(|| vec![checking(&hostile, "idp", TokenCheck::Jwt)]).await {
        let token = jwt(&hostile.issuer(), |_| ());
        let troubles = [
            (
                Answer::json(200, json!({"sub": "user-2", "name": "Mallory"})),
                Code::FailedPrecondition,
                "PROVIDER_REFUSED",
            ),
            (Answer::json(200, json!({"name": "Mallory"})), Code::FailedPrecondition, "PROVIDER_REFUSED"),
            (Answer::json(403, "{}"), Code::FailedPrecondition, "PROVIDER_REFUSED"),
            (Answer::json(503, "{}"), Code::Unavailable, "PROVIDER_UNAVAILABLE"),
            (Answer::json(200, "no json"), Code::Unavailable, "PROVIDER_UNAVAILABLE"),
            (Answer::body(Body::Broken), Code::Unavailable, "PROVIDER_UNAVAILABLE"),
        ];
        for (answer, code, expected) in troubles {
            hostile.answers(Endpoint::Userinfo, answer);
            let status = failed(ask(&served, refreshing(&token)).await, code, expected);
            assert!(!status.message().contains(&token));
            active(&served, v1::ValidateTokenRequest { refresh: false, ..refreshing(&token) }).await;
        }
        // Its issuer says that it is over.
        hostile.answers(Endpoint::Userinfo, Answer::json(401, "{}"));
        assert_eq!(told(ask(&served, refreshing(&token)).await), v1::TokenInactiveReason::Ended);
    }
}

// RFC 9449, 7.2; RFC 8705, 3: nor is one that is bound to a key shown to anybody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_not_good_or_is_for_another_is_not_sent_to_userinfo() {
    use v1::TokenInactiveReason::{Expired, Forged, OtherAudience, UnknownIssuer};
    let hostile = Hostile::start().await;
    says(&hostile, &json!({"sub": SUB}));
    for served in worlds(|| vec![checking(&hostile, "idp", TokenCheck::Jwt)]).await {
        let own = |change: fn(&mut Value)| jwt(&hostile.issuer(), change);
        let bad = [
            (own(|claims| claims["exp"] = json!(NOW - 100)), Expired),
            (own(|claims| claims["aud"] = json!("https://other")), OtherAudience),
            (own(|claims| claims["cnf"] = json!({"jkt": "x"})), Forged),
            (format!("{}x", own(|_| ())), Forged),
            (jwt("https://unknown.example", |_| ()), UnknownIssuer),
        ];
        for (token, expected) in bad {
            assert_eq!(told(ask(&served, refreshing(&token)).await), expected, "{token}");
        }
        let requirements = Some(v1::TokenRequirements { audience: "https://other".into(), ..Default::default() });
        let elsewhere = v1::ValidateTokenRequest { requirements, ..refreshing(&own(|_| ())) };
        assert_eq!(told(ask(&served, elsewhere).await), OtherAudience);
        assert_eq!(hostile.calls(Endpoint::Userinfo), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_user_of_a_token_of_our_own_is_who_the_session_says_and_its_provider_gets_nothing() {
    for served in both(|_| ()).await {
        let token = mint(&served, question(&served)).await.unwrap().value;
        *served.world.provider.name.lock().unwrap() = "New Name".into();
        served.world.clock.advance(Duration::from_secs(5));
        let found = active(&served, refreshing(&token)).await;
        assert_eq!(found.identity.unwrap().name, "Some One");
        assert_eq!(found.refresh_time.unwrap().seconds, 1_800_000_000, "as of the login");
        assert!(served.world.provider.asked.lock().unwrap().is_empty());

        served.world.clock.advance(Duration::from_secs(10));
        let of_session =
            v1::GetUserInfoRequest { cookies: cookies(&served.browser), refresh: true, ..Default::default() };
        served.serving.sessions().await.get_user_info(by(Role::Backend, of_session)).await.unwrap();
        let found = active(&served, refreshing(&token)).await;
        assert_eq!(found.identity.unwrap().name, "New Name");
        assert_eq!(found.refresh_time.unwrap().seconds, 1_800_000_015);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_has_no_user_to_ask_about() {
    let hostile = Hostile::start().await;
    let introspected = json!({"active": true, "aud": API, "client_id": "robot", "exp": NOW + 60});
    hostile.answers(Endpoint::Introspect, Answer::json(200, introspected));
    for served in worlds(|| vec![checking(&hostile, "idp", TokenCheck::Introspection)]).await {
        let found = active(&served, refreshing("opaque")).await;
        assert_eq!((found.identity.unwrap().user_id.as_str(), found.refresh_time), ("", None));
        assert_eq!(hostile.calls(Endpoint::Userinfo), 0);
    }
}
