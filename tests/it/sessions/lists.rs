//! Shows how admins find sessions and end those of one of the provider's own: by user, provider, its session, time.
//! Does not know how a list is walked.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::join_all;
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::v1::admin_service_revoke_request::Target;

use super::door::{Door, inactive};
use crate::rpc::serving::{by, context, cookies};
use crate::world::replicas::until;
use crate::world::{Browser, Kept, on_every_store, state_of};

on_every_store! {
    a_filter_lets_through_what_it_names_and_is_repeated
    a_filtered_list_is_read_page_by_page_under_its_own_filter
    a_providers_session_ends_with_all_that_belong_to_it
    a_providers_session_ends_with_the_logins_under_way
    a_filter_that_is_none_is_refused
}

async fn page(door: &Door, request: v1::ListSessionsRequest) -> v1::ListSessionsResponse {
    door.serving.admin().await.list_sessions(by(Role::Admin, request)).await.unwrap().into_inner()
}

async fn ids(door: &Door, request: v1::ListSessionsRequest) -> Vec<String> {
    let (mut found, mut page_token) = (Vec::new(), String::new());
    loop {
        let answer = page(door, v1::ListSessionsRequest { page_token, page_size: 2, ..request.clone() }).await;
        found.extend(answer.sessions.into_iter().map(|session| session.info.unwrap().session_id));
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            found.sort();
            return found;
        }
    }
}

/// Logs somebody in within a session of the provider's own.
async fn log_in(door: &Door, sub: &str, sid: &str) -> (Browser, String) {
    *door.world.provider.sid.lock().unwrap() = Some(sid.to_owned());
    let mut browser = Browser::default();
    let made = door.world.log_in(&mut browser, sub).await.result.unwrap();
    door.world.clock.advance(Duration::from_secs(10));
    (browser, made.key.public())
}

fn of(provider_session_id: &str) -> v1::ListSessionsRequest {
    let provider_session_id = provider_session_id.to_owned();
    v1::ListSessionsRequest { provider: "idp".into(), provider_session_id, ..Default::default() }
}

async fn a_filter_lets_through_what_it_names_and_is_repeated(kept: Kept) {
    let door = Door::closed(kept, |_| ()).await;
    let (_, first) = log_in(&door, "ada", "s1").await;
    let (_, second) = log_in(&door, "ada", "s2").await;
    let (_, third) = log_in(&door, "bob", "s1").await;
    let sorted = |mut ids: Vec<&String>| {
        ids.sort();
        ids.into_iter().cloned().collect::<Vec<_>>()
    };
    let all = v1::ListSessionsRequest::default;
    let time = |seconds: i64| Some(prost_types::Timestamp { seconds: 1_800_000_000 + seconds, nanos: 0 });
    let table = [
        (all(), sorted(vec![&first, &second, &third])),
        (v1::ListSessionsRequest { user_id: "idp_ada".into(), ..all() }, sorted(vec![&first, &second])),
        (v1::ListSessionsRequest { provider: "idp".into(), ..all() }, sorted(vec![&first, &second, &third])),
        (v1::ListSessionsRequest { provider: "other".into(), ..all() }, vec![]),
        (of("s1"), sorted(vec![&first, &third])),
        (v1::ListSessionsRequest { user_id: "idp_bob".into(), ..of("s1") }, vec![third.clone()]),
        (of("s9"), vec![]),
        (v1::ListSessionsRequest { created_after: time(10), ..all() }, sorted(vec![&second, &third])),
        (v1::ListSessionsRequest { created_before: time(10), ..all() }, vec![first.clone()]),
        (v1::ListSessionsRequest { created_after: time(5), created_before: time(20), ..all() }, vec![second.clone()]),
    ];
    for (request, expected) in table {
        assert_eq!(ids(&door, request.clone()).await, expected, "{request:?}");
        let filter = page(&door, request.clone()).await.applied_filter.unwrap();
        assert_eq!(
            (filter.user_id, filter.provider, filter.provider_session_id, filter.created_after, filter.created_before),
            (
                request.user_id,
                request.provider,
                request.provider_session_id,
                request.created_after,
                request.created_before
            )
        );
    }
}

async fn a_filtered_list_is_read_page_by_page_under_its_own_filter(kept: Kept) {
    let door = Door::closed(kept, |_| ()).await;
    for _ in 0..3 {
        log_in(&door, "ada", "s1").await;
    }
    assert_eq!(ids(&door, of("s1")).await.len(), 3);
    let first = page(&door, v1::ListSessionsRequest { page_size: 1, ..of("s1") }).await;
    assert!(!first.next_page_token.is_empty());
    let carried = v1::ListSessionsRequest { page_token: first.next_page_token, ..of("s2") };
    let refused = door.serving.admin().await.list_sessions(by(Role::Admin, carried)).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::InvalidArgument);
}

async fn a_providers_session_ends_with_all_that_belong_to_it(kept: Kept) {
    let mut door = Door::closed(kept, |_| ()).await;
    let (first, _) = log_in(&door, "ada", "s1").await;
    let (second, id) = log_in(&door, "ada", "s1").await;
    let (other, _) = log_in(&door, "ada", "s2").await;
    let own = || v1::ProviderSession { provider: "idp".into(), provider_session_id: "s1".into() };
    let mut admin = door.serving.admin().await;
    let target = Some(v1::preview_revoke_request::Target::ProviderSession(own()));
    let preview =
        admin.preview_revoke(by(Role::Admin, v1::PreviewRevokeRequest { target })).await.unwrap().into_inner();
    assert_eq!((preview.count, preview.exact), (2, true));
    door.world
        .authority
        .revoke_as_admin(&crate::world::World::call(), &gatelodge::authority::revoke_as_admin::Target::Session(id), "")
        .await
        .unwrap();
    for count in [1, 0] {
        let request = v1::AdminServiceRevokeRequest {
            target: Some(Target::ProviderSession(own())),
            reason: "x".into(),
            ..Default::default()
        };
        let revoked = admin.revoke(by(Role::Admin, request)).await.unwrap().into_inner();
        assert_eq!(revoked.revoked_count, count);
    }
    for browser in [&first, &second] {
        assert_eq!(inactive(door.ask(browser, |_| ()).await), v1::InactiveReason::Revoked);
    }
    super::door::active(door.ask(&other, |_| ()).await);
    assert!(ids(&door, of("s1")).await.is_empty());
    // A later login in the same session of the provider is one of it again.
    door.world.clock.advance(Duration::from_secs(1));
    let (_, again) = log_in(&door, "ada", "s1").await;
    assert_eq!(ids(&door, of("s1")).await, [again]);
}

/// Begins a login, and answers what finishes it over gRPC.
async fn begun(door: &Door, sub: String) -> (Browser, impl Future<Output = v1::CompleteCallbackResponse> + use<>) {
    let mut browser = Browser::default();
    let started = door.world.start(&browser, "").await;
    browser.keep(&started.answer.set_cookies);
    let query = format!("code={}&state={}", door.world.provider.code_for(&sub), state_of(&started.answer));
    let request = v1::CompleteCallbackRequest {
        response: Some(v1::complete_callback_request::Response::Query(query.into())),
        cookies: cookies(&browser),
        context: Some(context("GET", "/auth/web/callback")),
        ..Default::default()
    };
    let mut logins = door.serving.logins().await;
    (browser, async move { logins.complete_callback(by(Role::Edge, request)).await.unwrap().into_inner() })
}

// A logout at the provider can't slip past a login whose code is being redeemed: its ID token speaks of a session that is
// over.
async fn a_providers_session_ends_with_the_logins_under_way(kept: Kept) {
    use gatelodge_client::v1::complete_callback_response::Outcome;
    let mut door = Door::closed(kept, |_| ()).await;
    let own = v1::ProviderSession { provider: "idp".into(), provider_session_id: "s1".into() };
    let mut admin = door.serving.admin().await;
    let revoke = v1::AdminServiceRevokeRequest {
        target: Some(Target::ProviderSession(own)),
        reason: "x".into(),
        ..Default::default()
    };
    *door.world.provider.sid.lock().unwrap() = Some("s1".to_owned());
    *door.world.provider.slow.lock().unwrap() = Some(Duration::from_millis(300));
    let (_, completing) = begun(&door, "ada".to_owned()).await;
    let completing = tokio::spawn(completing);
    until(|| door.world.provider.redeemed.load(Ordering::SeqCst) == 1).await;
    admin.revoke(by(Role::Admin, revoke.clone())).await.unwrap();
    let failed = completing.await.unwrap().outcome;
    assert_eq!(failed, Some(Outcome::Failure(v1::LoginFailure::RevokedMeanwhile.into())));
    assert_eq!(door.world.provider.revoked.lock().unwrap().len(), 1, "its refresh token is for nobody");

    // At any moment of many logins.
    for round in 0..10 {
        *door.world.provider.slow.lock().unwrap() = Some(Duration::from_millis(round % 4));
        let logins = join_all((0..10).map(|number| begun(&door, format!("user{number}")))).await;
        let (browsers, completing): (Vec<_>, Vec<_>) = logins.into_iter().unzip();
        let (answers, ended) = tokio::join!(join_all(completing), async {
            tokio::time::sleep(Duration::from_millis(round)).await;
            admin.revoke(by(Role::Admin, revoke.clone())).await
        });
        ended.unwrap();
        for (mut browser, answer) in browsers.into_iter().zip(answers) {
            browser.keep(&answer.answer.unwrap().set_cookies);
            let seen = door.ask(&browser, |_| ()).await;
            assert!(matches!(seen, v1::validate_session_response::Outcome::Inactive(_)), "{round} {seen:?}");
        }
        assert!(ids(&door, of("s1")).await.is_empty(), "{round}");
    }
    door.world.clock.advance(Duration::from_secs(1));
    let (back, _) = log_in(&door, "ada", "s1").await;
    super::door::active(door.ask(&back, |_| ()).await);
}

async fn a_filter_that_is_none_is_refused(kept: Kept) {
    let door = Door::closed(kept, |_| ()).await;
    let mut admin = door.serving.admin().await;
    let wrong = [
        v1::ListSessionsRequest { provider: String::new(), ..of("s1") },
        v1::ListSessionsRequest { provider: "unknown".into(), ..of("s1") },
        v1::ListSessionsRequest {
            created_after: Some(prost_types::Timestamp { seconds: -1, nanos: 0 }),
            ..Default::default()
        },
    ];
    for request in wrong {
        let refused = admin.list_sessions(by(Role::Admin, request)).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::InvalidArgument);
    }
    let own = v1::ProviderSession { provider: "idp".into(), ..Default::default() };
    let request = v1::AdminServiceRevokeRequest {
        target: Some(Target::ProviderSession(own)),
        reason: String::new(),
        ..Default::default()
    };
    assert_eq!(admin.revoke(by(Role::Admin, request)).await.unwrap_err().code(), tonic::Code::InvalidArgument);
}
