//! Shows that what one tenant's clients have taken is missing to no other's (security.md 108). Does not know how it is
//! counted.

use std::time::Duration;

use gatelodge::rpc::policy::Role;
use gatelodge::session::rate::{Allowance, Rate};
use gatelodge_client::v1;
use tonic::{Code, Status};

use super::town::{Town, by, key};
use crate::rpc::failed;
use crate::rpc::serving::{context, cookies, validation};
use crate::world::log::Log;
use crate::world::{Browser, Kept};

#[tokio::test]
async fn a_client_counts_for_each_tenant_by_itself_in_memory() {
    a_client_counts_for_each_tenant_by_itself(Kept::Memory).await;
}

#[tokio::test]
async fn a_client_counts_for_each_tenant_by_itself_in_redis() {
    a_client_counts_for_each_tenant_by_itself(Kept::Redis).await;
}

async fn a_client_counts_for_each_tenant_by_itself(kept: Kept) {
    let town = Town::with(kept, |_, settings| {
        let once = Some(Allowance { most: 1, within: Duration::from_hours(1) });
        let rate = Rate { client: once, tenant: once };
        (settings.rates.logins, settings.rates.bad_credentials) = (rate, rate);
    })
    .await;
    let start = async |at: usize| {
        let question = v1::StartLoginRequest { context: Some(context("GET", "/")), ..Default::default() };
        town.serving.logins().await.start_login(by(Role::Edge, at, question)).await
    };
    let guess = async |at: usize| {
        let forged =
            Browser { cookies: vec![("__Host-session".to_owned(), "sess_forged".to_owned())], ..Browser::default() };
        assert_eq!(cookies(&forged).len(), 1);
        town.serving.sessions().await.validate_session(by(Role::Edge, at, validation(&forged))).await
    };
    for at in [0, 1, 2] {
        assert!(start(at).await.unwrap().into_inner().failure.is_none(), "{at}");
        guess(at).await.unwrap();
        let limited = |status: Result<(), Status>| drop(failed(status, Code::ResourceExhausted, "RATE_LIMITED"));
        limited(start(at).await.map(drop));
        limited(guess(at).await.map(drop));
    }
}

// An X-API-Key is a credential as every other: who guesses is told to wait, and the operator that somebody does.
#[tokio::test]
async fn an_api_key_that_is_nobodys_counts_as_forged_and_is_told_to_the_operator() {
    let town = Town::with(Kept::Memory, |_, settings| {
        settings.rates.bad_credentials.client = Some(Allowance { most: 1, within: Duration::from_hours(1) });
    })
    .await;
    let log = Log::default();
    let _listening = log.listen();
    let refresh = async |at: usize, api_key: &str| {
        let question = v1::RefreshTokensRequest {
            context: Some(context("POST", "/v1/refresh")),
            api_key: Some(api_key.to_owned().into()),
            ..Default::default()
        };
        let answer = town.serving.sessions().await.refresh_tokens(by(Role::Edge, at, question)).await?;
        Ok::<_, Status>(answer.into_inner().answer.unwrap().status)
    };
    for _ in 0..3 {
        // What is missing, or may not, is no guess.
        assert_eq!(refresh(1, "").await.unwrap(), 401);
        assert_eq!(refresh(1, &key(Role::Admin, Some(1))).await.unwrap(), 401);
    }
    let said = "the X-API-Key of a request is nobody's";
    assert!(!log.text().contains(said));
    assert_eq!(refresh(1, "made up").await.unwrap(), 401);
    failed(refresh(1, "made up again").await, Code::ResourceExhausted, "RATE_LIMITED");
    assert_eq!(refresh(2, "made up").await.unwrap(), 401, "another tenant's count");
    // A good key passes all the same; there is no session here.
    assert_eq!(refresh(1, &key(Role::Backend, Some(1))).await.unwrap(), 401);
    let text = log.text();
    let lines: Vec<_> = text.lines().filter(|line| line.contains(said)).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("acme") && lines[0].contains("192.0.2.7") && !text.contains("made up"), "{lines:?}");
}
