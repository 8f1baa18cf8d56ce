//! Owns the tests of starting and completing logins. Does not know how a provider is spoken to.

use std::sync::atomic::Ordering;
use std::time::Duration;

use gatelodge::authority::complete_callback::Unfinished;
use gatelodge::authority::login_answer::LoginFailure;
use gatelodge::authority::provider::ProviderError;
use gatelodge::authority::settings::{CallbackAnswer, LoginSet};
use gatelodge::authority::validate_session::Outcome;
use gatelodge::session::admission::InactiveReason;

use crate::world::{Browser, World, state_of};

#[tokio::test]
async fn a_login_makes_a_session_that_validates() {
    let (world, mut browser) = (World::new(), Browser::default());
    let outcome = world.log_in(&mut browser, "ada").await;
    assert_eq!((outcome.answer.status, outcome.answer.location.as_deref()), (302, Some("/home")));
    let cookie = &outcome.answer.set_cookies[0];
    assert!(cookie.starts_with("__Host-session=sess_"), "{cookie}");
    assert!(cookie.ends_with("; Path=/; Max-Age=28800; HttpOnly; Secure; SameSite=Lax"), "{cookie}");
    let Outcome::Active(active) = world.validate(browser.fetch("GET", "/")).await else { panic!("inactive") };
    assert_eq!(active.session.standing.identity.user_id, "idp_ada");
}

// security.md 2, 3: state and binding are fresh each time; one binding serves all logins of a browser.
#[tokio::test]
async fn two_tabs_log_in_at_once() {
    let (world, mut browser) = (World::new(), Browser::default());
    let first = world.start(&browser, "redirect_uri=/one").await;
    browser.keep(&first.answer.set_cookies);
    let binding = browser.cookie("__Host-login").unwrap().to_owned();
    let second = world.start(&browser, "redirect_uri=/two").await;
    browser.keep(&second.answer.set_cookies);
    assert_eq!(browser.cookie("__Host-login"), Some(binding.as_str()));
    for (started, place) in [(second, "/two"), (first, "/one")] {
        let code = world.provider.code_for("ada");
        let done = world.callback(&browser, &format!("code={code}&state={}", state_of(&started.answer))).await;
        browser.keep(&done.answer.set_cookies);
        assert_eq!(done.answer.location.as_deref(), Some(place));
    }
    assert!(matches!(world.validate(browser.fetch("GET", "/")).await, Outcome::Active(_)));
}

// contract.md 5: a callback delivered twice answers twice the same, and the code is sent once (security.md 18).
#[tokio::test]
async fn a_callback_delivered_twice_answers_twice_the_same() {
    let (world, mut browser) = (World::new(), Browser::default());
    let started = world.start(&browser, "").await;
    browser.keep(&started.answer.set_cookies);
    let query = format!("code={}&state={}", world.provider.code_for("ada"), state_of(&started.answer));
    let first = world.callback(&browser, &query).await;
    let second = world.callback(&browser, &query).await;
    assert_eq!(first.answer, second.answer);
    assert_eq!(world.provider.redeemed.load(Ordering::SeqCst), 1);

    let other_code = world.callback(&browser, &query.replace("code-0", "code-9")).await;
    assert_eq!(other_code.failure().unwrap(), LoginFailure::AlreadyComplete);
    assert!(other_code.answer.set_cookies.is_empty());
}

// contract.md 5: so does one that failed, return place and request id included: the log has the cause under the first.
#[tokio::test]
async fn a_failed_callback_delivered_twice_answers_twice_the_same() {
    for wish in ["", "redirect_uri=https://spa.example.com/x"] {
        let (world, mut browser) = (World::new(), Browser::default());
        let started = world.start(&browser, wish).await;
        browser.keep(&started.answer.set_cookies);
        *world.provider.refusal.lock().unwrap() = Some(|| ProviderError::Rejected("id_token.aud"));
        let query = format!("code={}&state={}", world.provider.code_for("ada"), state_of(&started.answer));
        let first = world.callback(&browser, &query).await;
        assert_eq!(first.answer.location.is_some(), !wish.is_empty(), "{:?}", first.answer);
        *world.provider.refusal.lock().unwrap() = None;
        let response = gatelodge::authority::complete_callback::Response::Query(query.clone().into());
        let presented = browser.get("/auth/web/callback");
        let question = gatelodge::authority::complete_callback::Question {
            set: LoginSet::Web,
            provider: bytes::Bytes::new(),
            response,
            presented,
        };
        let call = gatelodge::authority::Call { request_id: "another".into(), ..World::call() };
        let second = world.authority.complete_callback(&call, question).await.unwrap();
        assert_eq!((first.failure(), first.answer), (second.failure(), second.answer));
        assert!(matches!(first.result, Err(Unfinished::Failed(_))));
        assert_eq!(world.provider.redeemed.load(Ordering::SeqCst), 1, "the code is sent once");
        let stranger = world.callback(&Browser::default(), &query).await;
        assert_eq!(stranger.failure().unwrap(), LoginFailure::OtherBrowser);
        assert_eq!(stranger.answer.location, None, "the place is the browser's own");
    }
}

#[tokio::test]
async fn a_repeated_callback_gets_no_cookie_once_its_session_is_gone() {
    let (world, mut browser) = (World::new(), Browser::default());
    let started = world.start(&browser, "").await;
    browser.keep(&started.answer.set_cookies);
    let query = format!("code={}&state={}", world.provider.code_for("ada"), state_of(&started.answer));
    let first = world.callback(&browser, &query).await;
    browser.keep(&first.answer.set_cookies);
    assert_eq!(world.revoke(&browser).await, 1);
    let again = world.callback(&browser, &query).await;
    assert_eq!(again.failure().unwrap(), LoginFailure::AlreadyComplete);
}

// security.md 5: of 100 racing completions one redeems the code, and the others get its answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_racing_callbacks_one_redeems_and_all_answer_the_same() {
    let (world, mut browser) = (std::sync::Arc::new(World::new()), Browser::default());
    *world.provider.slow.lock().unwrap() = Some(Duration::from_millis(50));
    let started = world.start(&browser, "").await;
    browser.keep(&started.answer.set_cookies);
    let query = format!("code={}&state={}", world.provider.code_for("ada"), state_of(&started.answer));
    let racing = (0..100).map(|_| {
        let (world, browser, query) = (world.clone(), browser.clone(), query.clone());
        tokio::spawn(async move { world.callback(&browser, &query).await.answer })
    });
    let answers = futures::future::join_all(racing).await;
    let cookies: std::collections::HashSet<_> = answers.into_iter().map(|answer| answer.unwrap().set_cookies).collect();
    assert_eq!(cookies.len(), 1);
    assert_eq!(cookies.into_iter().next().unwrap().len(), 1);
    assert_eq!(world.provider.redeemed.load(Ordering::SeqCst), 1);
}

// security.md 3, 12: an attacker's state and code in a victim's browser lead nowhere, and the code is not spent.
#[tokio::test]
async fn a_login_begun_in_another_browser_is_refused() {
    let world = World::new();
    let (mut attacker, mut victim) = (Browser::default(), Browser::default());
    let begun = world.start(&attacker, "").await;
    attacker.keep(&begun.answer.set_cookies);
    let query = format!("code={}&state={}", world.provider.code_for("mallory"), state_of(&begun.answer));
    assert_eq!(world.callback(&victim, &query).await.failure().unwrap(), LoginFailure::OtherBrowser);
    let own = world.start(&victim, "").await;
    victim.keep(&own.answer.set_cookies);
    let refused = world.callback(&victim, &query).await;
    assert_eq!(refused.failure().unwrap(), LoginFailure::OtherBrowser);
    assert!(refused.answer.set_cookies.is_empty());
    assert_eq!(world.provider.redeemed.load(Ordering::SeqCst), 0);
    assert!(
        world.callback(&attacker, &query).await.result.is_ok(),
        "the attempt has not spoiled the attacker's own login"
    );
}

#[tokio::test]
async fn an_error_from_the_provider_is_a_fixed_word_and_burns_the_login() {
    let (world, mut browser) = (World::new(), Browser::default());
    let started = world.start(&browser, "redirect_uri=https://spa.example.com/x%23y").await;
    browser.keep(&started.answer.set_cookies);
    let state = state_of(&started.answer);
    let evil = "<script>%0d%0aSet-Cookie:x";
    let query = format!("error=access_denied&error_description={evil}&state={state}");
    let outcome = world.callback(&browser, &query).await;
    assert_eq!(outcome.failure().unwrap(), LoginFailure::AccessDenied);
    let location = outcome.answer.location.unwrap();
    assert_eq!(location, "https://spa.example.com/x?error=access_denied&request_id=test#y");
    let retry = format!("code={}&state={state}", world.provider.code_for("ada"));
    assert_eq!(world.callback(&browser, &retry).await.failure().unwrap(), LoginFailure::AccessDenied);
}

#[tokio::test]
async fn trouble_at_the_provider_fails_that_login_alone() {
    let (world, mut browser) = (World::new(), Browser::default());
    world.log_in(&mut browser, "ada").await;
    let refusals: [(fn() -> ProviderError, LoginFailure); 3] = [
        (|| ProviderError::Unavailable("away".into()), LoginFailure::ProviderUnavailable),
        (|| ProviderError::Rejected("id_token.aud"), LoginFailure::IdentityRejected),
        (|| ProviderError::Failed("500".into()), LoginFailure::ProviderError),
    ];
    for (refusal, failure) in refusals {
        let started = world.start(&browser, "").await;
        browser.keep(&started.answer.set_cookies);
        *world.provider.refusal.lock().unwrap() = Some(refusal);
        let query = format!("code={}&state={}", world.provider.code_for("ada"), state_of(&started.answer));
        let outcome = world.callback(&browser, &query).await;
        *world.provider.refusal.lock().unwrap() = None;
        assert_eq!(outcome.failure().unwrap(), failure);
        assert!(outcome.answer.set_cookies.is_empty());
        let page = String::from_utf8(outcome.answer.body).unwrap();
        assert!(page.contains("/auth/web/login?provider=idp"), "a way to try again: {page}");
        assert!(matches!(world.validate(browser.fetch("GET", "/")).await, Outcome::Active(_)));
    }
}

// security.md 52: a new session at every login, and the old one dies, in the same partition or another.
#[tokio::test]
async fn a_new_login_ends_the_session_that_the_browser_had() {
    for second in ["ada", "bob"] {
        let (world, mut browser) = (World::new(), Browser::default());
        world.log_in(&mut browser, "ada").await;
        let before = browser.clone();
        world.log_in(&mut browser, second).await;
        assert_ne!(before.cookie("__Host-session"), browser.cookie("__Host-session"));
        let Outcome::Inactive(old) = world.validate(before.fetch("GET", "/")).await else { panic!("alive") };
        assert_eq!(old.reason, InactiveReason::Revoked);
        assert!(matches!(world.validate(browser.fetch("GET", "/")).await, Outcome::Active(_)));
    }
}

#[tokio::test]
async fn a_login_that_takes_too_long_begins_again() {
    let (world, mut browser) = (World::new(), Browser::default());
    let started = world.start(&browser, "").await;
    browser.keep(&started.answer.set_cookies);
    world.clock.advance(Duration::from_secs(601));
    let query = format!("code={}&state={}", world.provider.code_for("ada"), state_of(&started.answer));
    assert_eq!(world.callback(&browser, &query).await.failure().unwrap(), LoginFailure::Expired);
}

// security.md 95: revoking a user wins against a login that is under way.
#[tokio::test]
async fn a_user_revoked_during_a_login_is_not_logged_in() {
    let (world, mut browser) = (World::new(), Browser::default());
    let started = world.start(&browser, "").await;
    browser.keep(&started.answer.set_cookies);
    world.clock.advance(Duration::from_secs(1));
    let target = gatelodge::authority::revoke_as_admin::Target::User("idp_ada".into());
    world.authority.revoke_as_admin(&World::call(), &target, "left").await.unwrap();
    let query = format!("code={}&state={}", world.provider.code_for("ada"), state_of(&started.answer));
    assert_eq!(world.callback(&browser, &query).await.failure().unwrap(), LoginFailure::RevokedMeanwhile);
    world.clock.advance(Duration::from_secs(1));
    assert!(world.log_in(&mut browser, "ada").await.result.is_ok(), "a later login is not stopped");
}

#[tokio::test]
async fn a_session_that_nobody_held_goes_with_its_login() {
    let (world, mut browser) = (World::new(), Browser::default());
    world.log_in(&mut browser, "ada").await;
    world.clock.advance(Duration::from_secs(599));
    assert!(matches!(world.validate(browser.fetch("GET", "/")).await, Outcome::Active(_)));
    world.clock.advance(Duration::from_mins(50));
    assert!(
        matches!(world.validate(browser.fetch("GET", "/")).await, Outcome::Active(_)),
        "held, so it lives its own life"
    );

    let mut other = Browser::default();
    world.log_in(&mut other, "bob").await;
    world.clock.advance(Duration::from_secs(601));
    let Outcome::Inactive(gone) = world.validate(other.fetch("GET", "/")).await else { panic!("alive") };
    assert_eq!(gone.reason, InactiveReason::Ended);
}

#[tokio::test]
async fn only_the_exact_place_gets_user_and_token() {
    let (world, mut browser) = (World::new(), Browser::default());
    for (place, gets) in [("https://spa.example.com/auth-callback", true), ("https://spa.example.com/other", false)] {
        let started = world.start(&browser, &format!("redirect_uri={place}")).await;
        browser.keep(&started.answer.set_cookies);
        let query = format!("code={}&state={}", world.provider.code_for("ada"), state_of(&started.answer));
        let location = world.callback(&browser, &query).await.answer.location.unwrap();
        assert_eq!(location.contains("csrf_token=csrf_") && location.contains("idp_ada"), gets, "{location}");
    }
}

#[tokio::test]
async fn a_callback_answers_json_where_that_is_configured() {
    let (world, mut browser) = (World::with(|s| s.callback_answer = CallbackAnswer::Json), Browser::default());
    let outcome = world.log_in(&mut browser, "ada").await;
    let body: serde_json::Value = serde_json::from_slice(&outcome.answer.body).unwrap();
    let user =
        serde_json::json!({"user_id": "idp_ada", "email": "ada@example.com", "name": "Some One", "provider": "idp"});
    assert_eq!(body["user"], user);
    assert!(body["csrf_token"].as_str().unwrap().starts_with("csrf_"));
}

#[tokio::test]
async fn a_user_has_no_more_sessions_than_allowed() {
    let world = World::with(|settings| settings.sessions_per_user = 2);
    for expected in [true, true, false] {
        assert_eq!(world.log_in(&mut Browser::default(), "ada").await.result.is_ok(), expected);
    }
    assert!(world.log_in(&mut Browser::default(), "bob").await.result.is_ok());
}
