//! Owns the tests of refreshing in one authority, through its door. Does not know replicas.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gatelodge::authority::provider::ProviderError;
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::v1::refresh_tokens_response::Outcome;
use gatelodge_client::v1::validate_session_response::Outcome as Validated;
use tonic::{Code, Status};

use super::{Served, answer_in, both, fresh_prefix, over, redis_store};
use crate::rpc::failed;
use crate::rpc::serving::{by, context, cookies, validation};
use crate::world::{Crowded, World};

async fn validate(served: &Served) -> Validated {
    let asked = by(Role::Edge, validation(&served.browser));
    served.serving.sessions().await.validate_session(asked).await.unwrap().into_inner().outcome.unwrap()
}

async fn refresh(served: &Served, context: Option<v1::RequestContext>) -> Result<v1::RefreshTokensResponse, Status> {
    let question = v1::RefreshTokensRequest { cookies: cookies(&served.browser), context, ..Default::default() };
    let answer = served.serving.sessions().await.refresh_tokens(by(Role::Edge, question)).await?;
    Ok(answer.into_inner())
}

async fn access(served: &Served) -> Result<String, Status> {
    access_for(served, None).await
}

/// One that lives at least so many seconds.
async fn access_for(served: &Served, seconds: Option<i64>) -> Result<String, Status> {
    let minimum_lifetime = seconds.map(|seconds| prost_types::Duration { seconds, nanos: 0 });
    let question =
        v1::GetAccessTokenRequest { cookies: cookies(&served.browser), minimum_lifetime, ..Default::default() };
    let answer = served.serving.sessions().await.get_access_token(by(Role::Backend, question)).await?;
    match answer.into_inner().outcome.unwrap() {
        v1::get_access_token_response::Outcome::AccessToken(token) => Ok(token.value),
        v1::get_access_token_response::Outcome::Inactive(inactive) => panic!("{inactive:?}"),
    }
}

fn refusing(served: &Served, refusal: impl Into<Option<fn() -> ProviderError>>) {
    *served.world.provider.refusal.lock().unwrap() = refusal.into();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_that_are_due_are_refreshed_beside_the_answer_and_never_before_it() {
    for served in both(|_| ()).await {
        assert!(matches!(validate(&served).await, Validated::Active(_)));
        assert_eq!(served.refreshed(), 0, "they are not due");
        // A provider that takes its time: the answer is there long before.
        *served.world.provider.slow.lock().unwrap() = Some(Duration::from_secs(3));
        served.world.clock.advance(Duration::from_secs(275));
        let begun = tokio::time::Instant::now();
        for _ in 0..20 {
            assert!(matches!(validate(&served).await, Validated::Active(_)));
        }
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
        served.until(|served| served.refreshed() == 1).await;
        *served.world.provider.slow.lock().unwrap() = None;
        assert_eq!(access(&served).await.unwrap(), "access-100");
        assert!(matches!(validate(&served).await, Validated::Active(_)));
        assert_eq!(served.refreshed(), 1, "one call for all who were answered meanwhile");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn switched_off_nothing_is_refreshed() {
    for served in both(|settings| settings.tokens.refresh = false).await {
        served.world.clock.advance(Duration::from_secs(299));
        validate(&served).await;
        let refused = refresh(&served, None).await;
        assert_eq!(answer_in(refused.as_ref().unwrap_err()).unwrap().status, 409);
        failed(refused, Code::FailedPrecondition, "NO_REFRESH_TOKEN");
        assert_eq!(served.refreshed(), 0);
    }
}

// Trouble is met by resting, not by asking again with every request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_in_trouble_is_asked_beside_an_answer_once_in_a_while() {
    for served in both(|settings| settings.tokens.end_session_when_refused = true).await {
        refusing(&served, (|| ProviderError::Unavailable("away".into())) as fn() -> ProviderError);
        served.world.clock.advance(Duration::from_secs(299));
        for _ in 0..10 {
            assert!(matches!(validate(&served).await, Validated::Active(_)), "trouble ends no session");
        }
        served.until(|served| served.refreshed() == 1).await;
        served.world.clock.advance(Duration::from_secs(31));
        assert!(matches!(validate(&served).await, Validated::Active(_)));
        served.until(|served| served.refreshed() == 2).await;
        assert_eq!(served.refreshed(), 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_ends_the_session_where_that_is_configured_and_there_alone() {
    let refusal: fn() -> ProviderError = || ProviderError::InvalidGrant("spent".into());
    for ends in [false, true] {
        for served in both(|settings| settings.tokens.end_session_when_refused = ends).await {
            refusing(&served, refusal);
            if ends {
                let answer = refresh(&served, None).await.unwrap();
                let Some(Outcome::Inactive(inactive)) = answer.outcome else { panic!("{answer:?}") };
                assert_eq!(inactive.reason(), v1::InactiveReason::Revoked);
                assert!(matches!(validate(&served).await, Validated::Inactive(_)));
            } else {
                failed(refresh(&served, None).await, Code::FailedPrecondition, "PROVIDER_REFUSED");
                assert!(matches!(validate(&served).await, Validated::Active(_)));
            }
        }
    }
}

// security.md 82: everything but a definite refusal is trouble.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trouble_of_any_kind_ends_no_session() {
    let troubles: [fn() -> ProviderError; 4] = [
        || ProviderError::Unavailable("away".into()),
        || ProviderError::Lost("cut".into()),
        || ProviderError::Failed("500".into()),
        || ProviderError::Rejected("id_token.sub"),
    ];
    for served in both(|settings| settings.tokens.end_session_when_refused = true).await {
        for trouble in troubles {
            refusing(&served, trouble);
            assert!(refresh(&served, None).await.is_err());
            assert!(matches!(validate(&served).await, Validated::Active(_)));
        }
        refusing(&served, None);
        assert!(matches!(refresh(&served, None).await.unwrap().outcome, Some(Outcome::Refreshed(_))));
    }
}

// security.md 81: the same token, once more, at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_is_asked_for_once_more_with_the_same_token() {
    for served in both(|settings| settings.tokens.end_session_when_refused = true).await {
        served.world.provider.lose_answers.store(1, Ordering::SeqCst);
        assert!(matches!(refresh(&served, None).await.unwrap().outcome, Some(Outcome::Refreshed(_))));
        assert_eq!(*served.world.provider.presented.lock().unwrap(), ["refresh-0", "refresh-0"]);
        served.world.provider.lose_answers.store(2, Ordering::SeqCst);
        failed(refresh(&served, None).await, Code::Unavailable, "PROVIDER_UNAVAILABLE");
        assert_eq!(served.world.provider.presented.lock().unwrap().len(), 4, "and never a third time");
        // A refusal of the second is of our own making: the first may have spent the token.
        served.world.provider.lose_answers.store(1, Ordering::SeqCst);
        refusing(&served, (|| ProviderError::InvalidGrant("spent".into())) as fn() -> ProviderError);
        failed(refresh(&served, None).await, Code::FailedPrecondition, "PROVIDER_REFUSED");
        assert!(matches!(validate(&served).await, Validated::Active(_)));
    }
}

// security.md 82: what was sent and never answered may be spent, so that its refusal says nothing of the user.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_after_an_answer_that_never_came_ends_no_session() {
    let troubles: [fn() -> ProviderError; 3] = [
        || ProviderError::Unavailable("no answer in time".into()),
        || ProviderError::Failed("cut short".into()),
        || ProviderError::Rejected("token_response"),
    ];
    let refusal: fn() -> ProviderError = || ProviderError::InvalidGrant("spent".into());
    for mut served in both(|settings| settings.tokens.end_session_when_refused = true).await {
        for trouble in troubles {
            refusing(&served, None);
            served.world.log_in(&mut served.browser, "ada").await;
            refusing(&served, trouble);
            assert!(refresh(&served, None).await.is_err());
            refusing(&served, refusal);
            for _ in 0..2 {
                failed(refresh(&served, None).await, Code::FailedPrecondition, "PROVIDER_REFUSED");
                assert!(matches!(validate(&served).await, Validated::Active(_)));
            }
            // After a login, and after a refresh that has succeeded, nothing is left of it.
            refusing(&served, None);
            served.world.log_in(&mut served.browser, "ada").await;
            refusing(&served, trouble);
            assert!(refresh(&served, None).await.is_err());
            refusing(&served, None);
            assert!(matches!(refresh(&served, None).await.unwrap().outcome, Some(Outcome::Refreshed(_))));
            refusing(&served, refusal);
            assert!(matches!(refresh(&served, None).await.unwrap().outcome, Some(Outcome::Inactive(_))));
        }
    }
}

// ISSUE: a context with an unsafe method is judged as by ValidateSession.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browsers_refresh_needs_its_csrf_token_and_origin_and_gets_a_finished_answer() {
    for served in both(|_| ()).await {
        let post = context("POST", "/auth/web/refresh");
        let denied = |answer: v1::RefreshTokensResponse| {
            let Some(Outcome::Denied(denied)) = answer.outcome else { panic!("{:?}", answer.outcome) };
            assert_eq!(answer.answer.unwrap().status, 403);
            denied.reason()
        };
        let bare = refresh(&served, Some(post.clone())).await.unwrap();
        assert_eq!(denied(bare), v1::DeniedReason::CsrfMissing);
        let question = v1::ValidateSessionRequest { issue_csrf_token: true, ..validation(&served.browser) };
        let answer = served.serving.sessions().await.validate_session(by(Role::Edge, question)).await.unwrap();
        let Some(Validated::Active(active)) = answer.into_inner().outcome else { panic!("not active") };
        let with_token = v1::RequestContext { csrf_token: Some(active.csrf_token.into()), ..post };
        let foreign = v1::RequestContext { origin: Some("https://evil.example".into()), ..with_token.clone() };
        assert_eq!(denied(refresh(&served, Some(foreign)).await.unwrap()), v1::DeniedReason::OriginRefused);
        assert_eq!(served.refreshed(), 0);

        let answer = refresh(&served, Some(with_token)).await.unwrap();
        assert!(matches!(answer.outcome, Some(Outcome::Refreshed(_))));
        let http = answer.answer.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&http.body).unwrap();
        assert_eq!((http.status, body["expires_at"].as_u64()), (200, Some(1_800_000_300)));
        assert_eq!(body["session"]["created_at"].as_u64(), Some(1_800_000_000));
        assert!(refresh(&served, None).await.unwrap().answer.is_none(), "no context, no answer");
    }
}

// What the provider gave is not thrown away because the store stumbles.
#[tokio::test]
async fn tokens_outlive_a_store_that_is_away_for_a_moment() {
    use crate::world::Browser;
    use crate::world::faults::Fault;
    let (world, store) = World::with_faults(|_| ());
    let mut browser = Browser::default();
    world.log_in(&mut browser, "ada").await;
    *world.provider.slow.lock().unwrap() = Some(Duration::from_millis(50));
    let authority = world.authority.clone();
    let asked = browser.fetch("GET", "/");
    let refreshing = tokio::spawn(async move { authority.refresh_tokens(&World::call(), &asked).await });
    super::until(|| world.provider.refreshed.load(Ordering::SeqCst) == 1).await;
    store.set(Fault::Away);
    tokio::time::sleep(Duration::from_millis(400)).await;
    store.set(None);
    refreshing.await.unwrap().unwrap();
    assert!(world.provider.revoked.lock().unwrap().is_empty(), "a token of the same grant lives on");
}

// Moved on by its callers alone, a refresh would stand still when they leave, with a refresh token spent.
#[tokio::test]
async fn a_refresh_that_nobody_could_finish_does_not_begin() {
    let store = redis_store(&fresh_prefix()).await;
    for kept in [None, Some(&store)] {
        let beside = Arc::new(Crowded::default());
        let world = World::built(
            &["idp"],
            |_| (),
            |ports| {
                ports.beside = beside.clone();
                if let Some(store) = kept {
                    over(store)(ports);
                }
            },
        );
        let served = Served::of(world).await;
        beside.set_room(false);
        failed(refresh(&served, None).await, Code::Unavailable, "PROVIDER_UNAVAILABLE");
        served.world.clock.advance(Duration::from_secs(290));
        assert!(matches!(validate(&served).await, Validated::Active(_)));
        assert_eq!(served.refreshed(), 0, "the provider was not asked");
        beside.set_room(true);
        assert!(matches!(refresh(&served, None).await.unwrap().outcome, Some(Outcome::Refreshed(_))));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_lives_shorter_than_is_needed_is_refreshed_first() {
    for served in both(|_| ()).await {
        assert_eq!(access_for(&served, Some(299)).await.unwrap(), "access-0");
        served.world.clock.advance(Duration::from_secs(100));
        assert_eq!(access_for(&served, Some(199)).await.unwrap(), "access-0");
        assert_eq!(served.refreshed(), 0);
        assert_eq!(access_for(&served, Some(201)).await.unwrap(), "access-100");
        assert_eq!((access_for(&served, Some(299)).await.unwrap().as_str(), served.refreshed()), ("access-100", 1));
        failed(access_for(&served, Some(301)).await, Code::FailedPrecondition, "ACCESS_TOKEN_EXPIRED");
    }
}

// security.md 85: a refresh that races the end of its session brings nothing back, and its token is revoked at the provider.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_that_comes_too_late_is_revoked_at_the_provider() {
    for served in both(|_| ()).await {
        *served.world.provider.slow.lock().unwrap() = Some(Duration::from_millis(300));
        let ends = async {
            served.until(|served| served.refreshed() == 1).await;
            assert_eq!(served.world.revoke(&served.browser).await, 1);
        };
        let (outcome, ()) = tokio::join!(refresh(&served, None), ends);
        assert!(matches!(outcome.unwrap().outcome, Some(Outcome::Inactive(_))));
        served.until(|served| served.world.provider.revoked.lock().unwrap().contains(&"refresh-100".to_owned())).await;
        assert!(matches!(validate(&served).await, Validated::Inactive(_)));
    }
}
