//! Owns how answers about bearer tokens are read. Does not know sessions.

use gatelodge_client::TokenVerdict;
use gatelodge_client::v1::validate_token_response::Outcome;
use gatelodge_client::v1::{self, TokenRequirements};
use tonic::Code;

use crate::authority::Authority;

fn answer(outcome: impl Into<Option<Outcome>>) -> v1::ValidateTokenResponse {
    v1::ValidateTokenResponse { outcome: outcome.into() }
}

fn active(judged: TokenRequirements) -> Outcome {
    Outcome::Active(v1::ActiveToken { judged: Some(judged), ..Default::default() })
}

fn scopes(scopes: &[&str]) -> TokenRequirements {
    TokenRequirements { scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(), ..Default::default() }
}

// contract.md, 3: an older authority ignores fields that it does not know, and must not thereby say yes.
#[tokio::test]
async fn a_requirement_that_was_not_judged_is_no_yes() {
    let authority = Authority::start().await;
    let age = Some(prost_types::Duration { seconds: 5, nanos: 0 });
    let cases = [
        (scopes(&["read"]), scopes(&["read"]), true),
        (scopes(&[]), scopes(&[]), true),
        (scopes(&["read", "write"]), scopes(&["read"]), false),
        (TokenRequirements { permissions: vec!["p".into()], ..Default::default() }, scopes(&[]), false),
        (TokenRequirements { audience: "api".into(), ..Default::default() }, scopes(&[]), false),
        (TokenRequirements { max_login_age: age, ..Default::default() }, scopes(&[]), false),
    ];
    for (asked, judged, yes) in cases {
        authority.validate_token.say([Ok(answer(active(judged)))]);
        let question = v1::ValidateTokenRequest { requirements: Some(asked), ..Default::default() };
        match authority.client().tokens().check(question).await {
            Ok(TokenVerdict::Active(_)) => assert!(yes),
            Ok(other) => panic!("{other:?}"),
            Err(error) => assert!(!yes && error.code() == Code::Unknown, "{error}"),
        }
    }
}

#[tokio::test]
async fn an_outcome_that_is_not_known_is_neither_yes_nor_no() {
    let authority = Authority::start().await;
    authority.validate_token.say([Ok(answer(None))]);
    let error = authority.client().tokens().check(v1::ValidateTokenRequest::default()).await.unwrap_err();
    assert_eq!(error.code(), Code::Unknown);
    authority.validate_token.say([Ok(answer(Outcome::Inactive(v1::InactiveToken::default())))]);
    let verdict = authority.client().tokens().check(v1::ValidateTokenRequest::default()).await.unwrap();
    assert!(matches!(verdict, TokenVerdict::Inactive(_)));
}
