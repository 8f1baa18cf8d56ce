//! Shows that what one tenant's clients have taken is missing to no other's (security.md 108). Does not know how it is
//! counted.

use std::time::Duration;

use gatelodge::rpc::policy::Role;
use gatelodge::session::rate::{Allowance, Rate};
use gatelodge_client::v1;
use tonic::{Code, Status};

use super::town::{Town, by};
use crate::rpc::failed;
use crate::rpc::serving::{context, cookies, validation};
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
