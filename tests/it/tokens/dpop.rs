//! Owns the tests of access tokens that are bound to our key at the provider (RFC 9449). Does not know a provider's protocol.

use std::sync::atomic::Ordering;

use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::v1::get_access_token_response::Outcome;
use tonic::{Code, Status};

use super::{Served, both};
use crate::rpc::serving::{by, cookies};
use crate::rpc::{failed, fields_of};

fn orders(nonce: &str) -> v1::DpopProofFor {
    let (http_method, http_uri) = ("POST".to_owned(), "https://api.example/orders".to_owned());
    v1::DpopProofFor { http_method, http_uri, nonce: nonce.to_owned() }
}

async fn access(
    served: &Served,
    audience: &str,
    proof_for: Option<v1::DpopProofFor>,
) -> Result<v1::AccessToken, Status> {
    let question = v1::GetAccessTokenRequest {
        cookies: cookies(&served.browser),
        audience: audience.to_owned(),
        dpop_proof_for: proof_for,
        ..Default::default()
    };
    let answer = served.serving.sessions().await.get_access_token(by(Role::Backend, question)).await?;
    match answer.into_inner().outcome.unwrap() {
        Outcome::AccessToken(token) => Ok(token),
        Outcome::Inactive(inactive) => panic!("{inactive:?}"),
    }
}

async fn refreshed(served: &Served) {
    let question = v1::RefreshTokensRequest { cookies: cookies(&served.browser), ..Default::default() };
    served.serving.sessions().await.refresh_tokens(by(Role::Edge, question)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bound_token_comes_with_the_proof_for_the_request_that_was_named() {
    for served in both(|_| ()).await {
        let bearer = access(&served, "", Some(orders(""))).await.unwrap();
        assert_eq!((bearer.r#type.as_str(), bearer.dpop_proof.as_str()), ("Bearer", ""), "it needs none");
        served.world.provider.binds.store(true, Ordering::SeqCst);
        refreshed(&served).await;
        for audience in ["", "orders"] {
            let token = access(&served, audience, Some(orders(""))).await.unwrap();
            assert_eq!(token.r#type, "DPoP", "{audience}");
            assert_eq!(token.dpop_proof, format!("proof of {} for POST https://api.example/orders", token.value));
            let again = access(&served, audience, Some(orders("n-1"))).await.unwrap();
            assert_eq!(again.dpop_proof, format!("{} with n-1", token.dpop_proof), "the kept one is bound as it was");
            let alone = access(&served, audience, None).await.unwrap();
            assert_eq!((alone.r#type.as_str(), alone.dpop_proof.as_str()), ("DPoP", ""));
        }
        // The provider binds no more: the token that is kept is bound all the same, and of no use.
        served.world.provider.binds.store(false, Ordering::SeqCst);
        let refused = access(&served, "", Some(orders(""))).await;
        failed(refused, Code::FailedPrecondition, "ACCESS_TOKEN_EXPIRED");
        refreshed(&served).await;
        assert_eq!(access(&served, "", Some(orders(""))).await.unwrap().r#type, "Bearer");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_none_is_refused_by_the_field_that_is_wrong() {
    for served in both(|_| ()).await {
        for method in ["", "GET /", "A-METHOD-THAT-IS-TOO-LONG", "G\u{e9}T"] {
            let wrong = v1::DpopProofFor { http_method: method.to_owned(), ..orders("") };
            let status = failed(access(&served, "", Some(wrong)).await, Code::InvalidArgument, "INVALID_FIELD");
            assert_eq!(fields_of(&status), ["dpop_proof_for.http_method"], "{method}");
        }
        for uri in ["", "/orders", "api.example/orders", "ftp://api.example/", "https://"] {
            let wrong = v1::DpopProofFor { http_uri: uri.to_owned(), ..orders("") };
            let status = failed(access(&served, "", Some(wrong)).await, Code::InvalidArgument, "INVALID_FIELD");
            assert_eq!(fields_of(&status), ["dpop_proof_for.http_uri"], "{uri}");
        }
        for nonce in ["two words".to_owned(), "n".repeat(513)] {
            let status =
                failed(access(&served, "", Some(orders(&nonce))).await, Code::InvalidArgument, "INVALID_FIELD");
            assert_eq!(fields_of(&status), ["dpop_proof_for.nonce"]);
        }
    }
}
