//! Owns what is kept of calls with an idempotency key, for whom, and for how long; and what is not kept. Does not know how it
//! is sealed.

use std::sync::atomic::Ordering;
use std::time::Duration;

use gatelodge::authority::settings::Settings;
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1::complete_callback_response::Outcome as Completed;
use gatelodge_client::v1::update_attributes_response::Outcome as Updated;
use gatelodge_client::v1::validate_session_response::Outcome as Validated;
use gatelodge_client::v1::{self, LoginFailure, session_service_revoke_request};
use tonic::{Code, Status};

use super::once::{KEY, Pair, is_repeated, repeated, update};
use super::serving::{Serving, by, context, cookies, validation};
use super::{failed, fields_of};
use crate::tenants::town::{self, Town};
use crate::world::faults::Fault;
use crate::world::{Browser, Kept, on_every_store};

const COOKIE: &str = "__Host-session";
const A_WHILE: Duration = Duration::from_mins(5);

on_every_store! { in several threads:
    a_login_is_collected_again_long_after_its_callback
    a_dead_or_older_session_is_given_to_nobody_again
    an_answer_about_a_session_is_repeated_while_it_lives
    what_was_only_refused_is_judged_anew
    a_final_failure_is_repeated_and_trouble_is_not
    the_same_key_of_somebody_else_is_another_one
    an_answer_is_kept_for_its_time
    a_key_that_is_not_looked_at_changes_nothing
}

// Without a key the same callback is repeated for a minute.
async fn a_login_is_collected_again_long_after_its_callback(kept: Kept) {
    let pair = Pair::over(kept).await;
    let (mut browser, callback) = pair.arriving("ada").await;
    let complete = async |serving: &Serving, key: &str| {
        let callback = v1::CompleteCallbackRequest { idempotency_key: key.into(), ..callback.clone() };
        serving.logins().await.complete_callback(by(Role::Edge, callback)).await.unwrap()
    };
    let first = complete(&pair.one, KEY).await.into_inner();
    pair.advance(A_WHILE).await;
    let again = complete(&pair.two, KEY).await;
    assert!(is_repeated(&again));
    let again = again.into_inner();
    assert_eq!(first, again);
    browser.keep(&again.answer.unwrap().set_cookies);
    assert!(pair.lives(&browser).await);
    let without = complete(&pair.two, "").await.into_inner();
    assert_eq!(without.outcome, Some(Completed::Failure(LoginFailure::AlreadyComplete.into())));
}

/// Whether an answer hands out a session cookie.
fn gives_a_session(answer: &v1::CompleteCallbackResponse) -> bool {
    answer.answer.iter().flat_map(|http| &http.set_cookies).any(|cookie| cookie.starts_with(COOKIE))
}

async fn a_dead_or_older_session_is_given_to_nobody_again(kept: Kept) {
    let rotating = |settings: &mut Settings| settings.rotation.after = Some(Duration::from_secs(1));
    let pair = Pair::with(kept, rotating).await;
    for is_rotated in [false, true] {
        let (mut browser, callback) = pair.arriving("ada").await;
        let complete = async |serving: &Serving| {
            serving.logins().await.complete_callback(by(Role::Edge, callback.clone())).await.unwrap()
        };
        let first = complete(&pair.one).await.into_inner();
        assert!(gives_a_session(&first));
        browser.keep(&first.answer.unwrap().set_cookies);
        if is_rotated {
            pair.ask(&browser).await;
            pair.advance(Duration::from_secs(2)).await;
            let question = v1::ValidateSessionRequest { can_set_cookies: true, ..validation(&browser) };
            let mut sessions = pair.two.sessions().await;
            let answer = sessions.validate_session(by(Role::Edge, question)).await.unwrap().into_inner();
            let Some(Validated::Active(active)) = answer.outcome else { panic!("{answer:?}") };
            browser.keep(&active.set_cookies);
            assert!(pair.lives(&browser).await, "the successor is in force");
        } else {
            let target = session_service_revoke_request::Target::PresentedSession(v1::PresentedSession {});
            let revoke = v1::SessionServiceRevokeRequest {
                cookies: cookies(&browser),
                target: Some(target),
                ..Default::default()
            };
            pair.two.sessions().await.revoke(by(Role::Edge, revoke)).await.unwrap();
        }
        let again = complete(&pair.one).await;
        assert!(!is_repeated(&again) && !gives_a_session(again.get_ref()), "rotated: {is_rotated}");
        let outcome = again.into_inner().outcome;
        assert_eq!(outcome, Some(Completed::Failure(LoginFailure::AlreadyComplete.into())), "rotated: {is_rotated}");
    }
    assert_eq!(pair.replicas.one.provider.redeemed.load(Ordering::SeqCst), 2, "no code was sent twice");
}

async fn an_answer_about_a_session_is_repeated_while_it_lives(kept: Kept) {
    let pair = Pair::over(kept).await;
    let browser = pair.log_in("ada").await;
    repeated!(pair, sessions.update_attributes by Backend: update(&browser, b"17"));
    pair.replicas.two.revoke(&browser).await;
    let again = pair.one.sessions().await.update_attributes(by(Role::Backend, update(&browser, b"17"))).await.unwrap();
    assert!(!is_repeated(&again));
    assert!(matches!(again.into_inner().outcome, Some(Updated::Inactive(_))));
}

async fn what_was_only_refused_is_judged_anew(kept: Kept) {
    let pair = Pair::over(kept).await;
    let browser = pair.log_in("ada").await;
    let logout = |context| v1::StartLogoutRequest {
        cookies: cookies(&browser),
        context,
        idempotency_key: KEY.into(),
        ..Default::default()
    };
    let start_logout =
        async |context| pair.one.logins().await.start_logout(by(Role::Edge, logout(context))).await.unwrap();
    for _ in 0..2 {
        let denied = start_logout(Some(context("POST", "/auth/web/logout"))).await;
        assert!(!is_repeated(&denied));
        assert_eq!(denied.into_inner().answer.unwrap().status, 403);
    }
    let seen = pair.changing(&browser, "/auth/web/logout").await;
    let ended = start_logout(seen).await;
    assert!(!is_repeated(&ended));
    assert_eq!(ended.into_inner().revoked_count, 1);
    // Whose credential nobody signed leaves nothing behind, whatever key comes with it.
    let asked = pair.replicas.store.count("claim_call");
    let forged = Browser { cookies: vec![(COOKIE.into(), "sess_forged".into())], ..Browser::default() };
    for _ in 0..2 {
        let answer = pair.two.sessions().await.update_attributes(by(Role::Backend, update(&forged, b"17"))).await;
        assert!(!is_repeated(&answer.unwrap()));
    }
    assert_eq!(pair.replicas.store.count("claim_call"), asked);
}

async fn a_final_failure_is_repeated_and_trouble_is_not(kept: Kept) {
    let pair = Pair::over(kept).await;
    let disable =
        || v1::DisableUserRequest { user_id: "idp_ada".into(), reason: String::new(), idempotency_key: KEY.into() };
    let disabled = async |serving: &Serving| serving.admin().await.disable_user(by(Role::Admin, disable())).await;
    failed(disabled(&pair.one).await, Code::NotFound, "USER_NOT_FOUND");
    let browser = pair.log_in("ada").await;
    failed(disabled(&pair.two).await, Code::NotFound, "USER_NOT_FOUND");
    assert!(pair.lives(&browser).await);

    let updated = async |request| pair.two.sessions().await.update_attributes(by(Role::Backend, request)).await;
    pair.replicas.store.set(Fault::LosesAnswerOf("attributes"));
    failed(updated(update(&browser, b"17")).await, Code::Unavailable, "STORE_UNAVAILABLE");
    pair.replicas.store.set(None);
    let answer = updated(update(&browser, b"17")).await.unwrap();
    assert!(!is_repeated(&answer), "it was not done, and is done now");
    let late = |key: &str| v1::UpdateAttributesRequest { idempotency_key: key.into(), ..update(&browser, b"18") };
    for _ in 0..2 {
        failed(updated(late("late")).await, Code::Aborted, "VERSION_CONFLICT");
    }

    let long = "\u{e4}".repeat(256);
    let status = failed(updated(late(&long)).await, Code::InvalidArgument, "INVALID_FIELD");
    assert_eq!(fields_of(&status), ["idempotency_key"]);
    updated(v1::UpdateAttributesRequest { expected_version: 1, ..late(&long[..510]) }).await.unwrap();
}

async fn the_same_key_of_somebody_else_is_another_one(kept: Kept) {
    let pair = Pair::over(kept).await;
    let (ada, bob) = (pair.log_in("ada").await, pair.log_in("bob").await);
    let refresh = async |role, browser: &Browser| -> Result<_, Status> {
        let request =
            v1::RefreshTokensRequest { cookies: cookies(browser), idempotency_key: KEY.into(), ..Default::default() };
        pair.one.sessions().await.refresh_tokens(by(role, request)).await
    };
    for (role, browser) in [(Role::Edge, &ada), (Role::Backend, &ada), (Role::Edge, &bob)] {
        assert!(!is_repeated(&refresh(role, browser).await.unwrap()), "another caller, or another session");
        assert!(is_repeated(&refresh(role, browser).await.unwrap()));
    }
    assert_eq!(pair.replicas.one.provider.refreshed.load(Ordering::SeqCst), 3);

    let town = Town::over(kept).await;
    let begun = futures::future::join_all((0..3).map(|at| {
        let start = v1::StartLoginRequest {
            context: Some(context("GET", "/auth/web/login")),
            idempotency_key: KEY.into(),
            ..Default::default()
        };
        let asked = town::naming(Role::Edge, None, town::NAMES[at], start);
        let serving = &town.serving;
        async move { serving.logins().await.start_login(asked).await.unwrap() }
    }));
    let begun = begun.await;
    assert!(begun.iter().all(|answer| !is_repeated(answer)), "another tenant");
}

async fn an_answer_is_kept_for_its_time(kept: Kept) {
    let time = Duration::from_secs(4);
    let pair = Pair::with(kept, |settings| settings.keep_answers_for = Some(time)).await;
    let browser = pair.log_in("ada").await;
    let updated =
        async || pair.two.sessions().await.update_attributes(by(Role::Backend, update(&browser, b"17"))).await;
    assert!(!is_repeated(&updated().await.unwrap()));
    assert!(is_repeated(&updated().await.unwrap()));
    if kept == Kept::Redis {
        tokio::time::sleep(time).await;
    }
    pair.advance(time).await;
    failed(updated().await, Code::Aborted, "VERSION_CONFLICT");
}

async fn a_key_that_is_not_looked_at_changes_nothing(kept: Kept) {
    let pair = Pair::with(kept, |settings| settings.keep_answers_for = None).await;
    let browser = pair.log_in("ada").await;
    let updated =
        async || pair.two.sessions().await.update_attributes(by(Role::Backend, update(&browser, b"17"))).await;
    updated().await.unwrap();
    failed(updated().await, Code::Aborted, "VERSION_CONFLICT");
    assert_eq!(pair.replicas.store.count("claim_call"), 0);
}
