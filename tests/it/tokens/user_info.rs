//! Owns the tests of asking who a session's user is. Does not know a provider's protocol.

use std::sync::atomic::Ordering;
use std::time::Duration;

use gatelodge::authority::provider::ProviderError;
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::v1::get_user_info_response::Outcome;
use tonic::{Code, Status};

use super::{Served, Trouble, answer_in, both};
use crate::rpc::failed;
use crate::rpc::serving::{by, context, cookies, validation};

async fn ask(served: &Served, refresh: bool) -> Result<v1::UserInfo, Status> {
    let question =
        v1::GetUserInfoRequest { cookies: cookies(&served.browser), context: None, refresh, ..Default::default() };
    let answer = served.serving.sessions().await.get_user_info(by(Role::Backend, question)).await?;
    match answer.into_inner().outcome.unwrap() {
        Outcome::UserInfo(found) => Ok(found),
        other => panic!("{other:?}"),
    }
}

fn name(found: &v1::UserInfo) -> &str {
    &found.identity.as_ref().unwrap().name
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_answered_from_the_session_until_the_provider_is_asked_again() {
    for served in both(|_| ()).await {
        *served.world.provider.name.lock().unwrap() = "New Name".into();
        served.world.clock.advance(Duration::from_secs(100));
        let known = ask(&served, false).await.unwrap();
        assert_eq!((name(&known), known.refresh_time.unwrap().seconds), ("Some One", 1_800_000_000));
        assert!(served.world.provider.asked.lock().unwrap().is_empty());

        let asked = ask(&served, true).await.unwrap();
        assert_eq!((name(&asked), asked.refresh_time.unwrap().seconds), ("New Name", 1_800_000_100));
        assert_eq!(*served.world.provider.asked.lock().unwrap(), ["access-0"]);
        // security.md 48: what has changed is seen by the next ValidateSession.
        let question = by(Role::Edge, validation(&served.browser));
        let answer = served.serving.sessions().await.validate_session(question).await.unwrap();
        let Some(v1::validate_session_response::Outcome::Active(active)) = answer.into_inner().outcome else {
            panic!("not active")
        };
        assert_eq!(active.identity.unwrap().name, "New Name");
        assert_eq!(name(&ask(&served, false).await.unwrap()), "New Name");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_who_ask_at_once_are_one_question_to_the_provider() {
    for served in both(|_| ()).await {
        // Longer than fifty calls take to arrive, also on a machine that is busy.
        *served.world.provider.slow.lock().unwrap() = Some(Duration::from_secs(2));
        let found = futures::future::join_all((0..50).map(|_| ask(&served, true))).await;
        assert!(found.into_iter().all(|found| found.is_ok()));
        assert_eq!(served.world.provider.asked.lock().unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roles_that_userinfo_does_not_speak_of_are_those_that_a_refresh_has_brought_meanwhile() {
    for served in both(|_| ()).await {
        let provider = &served.world.provider;
        *provider.slow.lock().unwrap() = Some(Duration::from_millis(500));
        let refresh = async {
            while provider.asked.lock().unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
            *provider.slow.lock().unwrap() = None;
            provider.says.lock().unwrap().roles = vec!["auditor".into()];
            let question =
                v1::RefreshTokensRequest { cookies: cookies(&served.browser), context: None, ..Default::default() };
            served.serving.sessions().await.refresh_tokens(by(Role::Backend, question)).await.unwrap();
        };
        let (asked, ()) = futures::future::join(ask(&served, true), refresh).await;
        assert!(asked.is_ok());
        // Whichever of the two was done last.
        assert_eq!(ask(&served, false).await.unwrap().identity.unwrap().roles, ["auditor"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_access_token_that_has_lapsed_is_refreshed_first() {
    for served in both(|_| ()).await {
        served.world.clock.advance(Duration::from_secs(400));
        ask(&served, true).await.unwrap();
        assert_eq!(*served.world.provider.asked.lock().unwrap(), ["access-100"]);
        assert_eq!(served.world.provider.refreshed.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trouble_is_an_error_with_its_reason_and_the_session_stays_as_it_is() {
    let troubles: [Trouble; 4] = [
        (|| ProviderError::Unavailable("away".into()), Code::Unavailable, "PROVIDER_UNAVAILABLE"),
        (|| ProviderError::Rejected("userinfo.sub"), Code::FailedPrecondition, "PROVIDER_REFUSED"),
        (|| ProviderError::InvalidGrant("401".into()), Code::FailedPrecondition, "PROVIDER_REFUSED"),
        (
            || ProviderError::Unsupported(gatelodge::authority::provider::Offer::UserInfo),
            Code::FailedPrecondition,
            "USER_INFO_UNSUPPORTED",
        ),
    ];
    for served in both(|settings| settings.tokens.end_session_when_refused = true).await {
        for (trouble, code, reason) in troubles {
            *served.world.provider.refusal.lock().unwrap() = Some(trouble);
            failed(ask(&served, true).await, code, reason);
            assert_eq!(name(&ask(&served, false).await.unwrap()), "Some One");
        }
    }
}

// contract.md 3: what a provider caused has words for a browser, beside the reason that is the caller's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trouble_carries_a_finished_answer_for_a_browser() {
    type Cause = fn() -> ProviderError;
    let troubles: [(Cause, u32, &str); 3] = [
        (|| ProviderError::Unavailable("canary".into()), 503, "provider_unavailable"),
        (|| ProviderError::InvalidGrant("canary".into()), 409, "provider_refused"),
        (|| ProviderError::Unsupported(gatelodge::authority::provider::Offer::UserInfo), 409, "user_info_unsupported"),
    ];
    for served in both(|_| ()).await {
        for (trouble, status, reason) in troubles {
            *served.world.provider.refusal.lock().unwrap() = Some(trouble);
            let answer = answer_in(&ask(&served, true).await.unwrap_err()).unwrap();
            let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!((answer.status, body["reason"].as_str()), (status, Some(reason)));
            assert!(!body.to_string().contains("canary") && body["request_id"].is_string(), "{body}");
            let again = answer.headers.iter().any(|header| header.name == "retry-after");
            assert_eq!(again, status == 503, "only the first may go by itself");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_gets_a_finished_answer() {
    for served in both(|_| ()).await {
        let ask = async |cookies, context| {
            let question =
                v1::GetUserInfoRequest { cookies, context: Some(context), refresh: false, ..Default::default() };
            let answer = served.serving.sessions().await.get_user_info(by(Role::Edge, question)).await.unwrap();
            answer.into_inner().answer.unwrap()
        };
        let get = || context("GET", "/auth/web/userinfo");
        let found = ask(cookies(&served.browser), get()).await;
        let body: serde_json::Value = serde_json::from_slice(&found.body).unwrap();
        assert_eq!((found.status, body["user_id"].as_str()), (200, Some("idp_ada")));
        assert_eq!(ask(Vec::new(), get()).await.status, 401);
        assert_eq!(ask(cookies(&served.browser), context("POST", "/")).await.status, 403);
    }
}
