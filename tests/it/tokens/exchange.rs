//! Owns the tests of access tokens for other audiences (RFC 8693). Does not know a provider's protocol.

use std::sync::atomic::Ordering;
use std::time::Duration;

use gatelodge::authority::provider::{Offer, ProviderError};
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::v1::get_access_token_response::Outcome;
use tonic::{Code, Status};

use super::{Served, Trouble, both};
use crate::rpc::failed;
use crate::rpc::serving::{by, cookies};

async fn access(served: &Served, audience: &str, minimum: Option<i64>) -> Result<v1::AccessToken, Status> {
    let question = v1::GetAccessTokenRequest {
        cookies: cookies(&served.browser),
        audience: audience.into(),
        minimum_lifetime: minimum.map(|seconds| prost_types::Duration { seconds, nanos: 0 }),
        ..Default::default()
    };
    let answer = served.serving.sessions().await.get_access_token(by(Role::Backend, question)).await?;
    match answer.into_inner().outcome.unwrap() {
        Outcome::AccessToken(token) => Ok(token),
        Outcome::Inactive(inactive) => panic!("{inactive:?}"),
    }
}

fn exchanges(served: &Served) -> usize {
    served.world.provider.exchanged.load(Ordering::SeqCst)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_for_another_audience_is_exchanged_once_and_kept_until_it_ends() {
    for served in both(|_| ()).await {
        let orders = access(&served, "orders", None).await.unwrap();
        assert_eq!((orders.value.as_str(), &orders.scopes[..]), ("access-0-for-orders-0", &["read".to_owned()][..]));
        assert_eq!(access(&served, "billing", None).await.unwrap().value, "access-0-for-billing-1");
        assert_eq!(orders.audience, "orders", "who asked an authority that is too old to know audiences can tell");
        assert_eq!(access(&served, "orders", None).await.unwrap(), orders, "it is kept");
        let own = access(&served, "", None).await.unwrap();
        assert_eq!((own.value.as_str(), own.audience.as_str()), ("access-0", ""), "the session's own stays");
        // A refresh keeps them too.
        let question =
            v1::RefreshTokensRequest { cookies: cookies(&served.browser), context: None, ..Default::default() };
        served.serving.sessions().await.refresh_tokens(by(Role::Edge, question)).await.unwrap();
        assert_eq!(access(&served, "orders", None).await.unwrap().value, orders.value);
        assert_eq!(exchanges(&served), 2);
        // Nearly over, or over together with the session's own, which is refreshed first.
        served.world.clock.advance(Duration::from_secs(280));
        assert_eq!(access(&served, "orders", None).await.unwrap().value, "access-100-for-orders-2");
        served.world.clock.advance(Duration::from_secs(400));
        assert_eq!(access(&served, "orders", None).await.unwrap().value, "access-101-for-orders-3");
        failed(access(&served, "orders", Some(3000)).await, Code::FailedPrecondition, "ACCESS_TOKEN_EXPIRED");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_who_want_one_at_once_are_one_exchange() {
    for served in both(|_| ()).await {
        *served.world.provider.slow.lock().unwrap() = Some(Duration::from_millis(200));
        let got = futures::future::join_all((0..50).map(|_| access(&served, "orders", None))).await;
        let tokens: std::collections::HashSet<_> = got.into_iter().map(|token| token.unwrap().value).collect();
        assert_eq!((tokens.len(), exchanges(&served)), (1, 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn why_there_is_none_is_said_clearly() {
    let troubles: [Trouble; 4] = [
        (|| ProviderError::Unsupported(Offer::TokenExchange), Code::FailedPrecondition, "EXCHANGE_UNSUPPORTED"),
        (|| ProviderError::AudienceRefused("target".into()), Code::FailedPrecondition, "AUDIENCE_REFUSED"),
        (|| ProviderError::Unavailable("away".into()), Code::Unavailable, "PROVIDER_UNAVAILABLE"),
        (|| ProviderError::InvalidGrant("revoked".into()), Code::FailedPrecondition, "PROVIDER_REFUSED"),
    ];
    for served in both(|settings| settings.tokens.end_session_when_refused = true).await {
        for (trouble, code, reason) in troubles {
            *served.world.provider.refusal.lock().unwrap() = Some(trouble);
            failed(access(&served, "orders", None).await, code, reason);
        }
        *served.world.provider.refusal.lock().unwrap() = None;
        access(&served, "orders", None).await.unwrap();
    }
}
