//! Owns the tests of logging out. Does not know what a provider's logout looks like.

use bytes::Bytes;
use gatelodge::authority::login_answer::LoginFailure;
use gatelodge::authority::validate_session::{Outcome, Question};
use gatelodge::authority::{complete_logout, start_logout};

use crate::world::{Browser, World, state_of};

async fn token(world: &World, browser: &Browser) -> Bytes {
    let question =
        Question { presented: browser.fetch("GET", "/auth/me"), issue_csrf_token: true, ..Default::default() };
    match world.authority.validate_session(&World::call(), question).await.unwrap() {
        Outcome::Active(active) => Bytes::copy_from_slice(active.csrf_token.unwrap().expose().as_bytes()),
        other => panic!("{other:?}"),
    }
}

async fn log_out(
    world: &World,
    browser: &Browser,
    token: Option<Bytes>,
    query: &'static str,
    page: bool,
) -> start_logout::Outcome {
    let presented = browser.with("POST", "/auth/web/logout", |context| {
        context.csrf_token = token;
        context.sec_fetch_mode = page.then(|| Bytes::from_static(b"navigate"));
    });
    let question = start_logout::Question { query: query.into(), presented, ..Default::default() };
    world.authority.start_logout(&World::call(), question).await.unwrap()
}

// security.md 65, 87: dead here first, the cookie deleted with the attributes it was set with, then the provider.
#[tokio::test]
async fn a_logout_ends_the_session_clears_the_cookie_and_names_the_providers_logout() {
    let (world, mut browser) = (World::new(), Browser::default());
    world.log_in(&mut browser, "ada").await;
    let own = token(&world, &browser).await;
    let outcome = log_out(&world, &browser, Some(own), "", false).await;
    let body: serde_json::Value = serde_json::from_slice(&outcome.answer.body).unwrap();
    assert_eq!(body["message"], "Logged out successfully");
    assert!(body["logout_url"].as_str().unwrap().starts_with("https://idp.example/end?state="));
    assert_eq!(outcome.answer.set_cookies, ["__Host-session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"]);
    assert!(matches!(world.validate(browser.fetch("GET", "/")).await, Outcome::Inactive(_)));
    tokio::task::yield_now().await;
    assert_eq!(*world.provider.revoked.lock().unwrap(), ["refresh-0"]);
}

#[tokio::test]
async fn a_logout_without_a_good_token_ends_nothing() {
    let (world, mut browser) = (World::new(), Browser::default());
    world.log_in(&mut browser, "ada").await;
    for token in [None, Some(Bytes::from_static(b"csrf_wrong"))] {
        let outcome = log_out(&world, &browser, token, "", false).await;
        let body: serde_json::Value = serde_json::from_slice(&outcome.answer.body).unwrap();
        assert_eq!((outcome.answer.status, &body["detail"]), (403, &"CSRF token mismatch".into()));
        assert!(outcome.answer.set_cookies.is_empty() && outcome.ended == 0);
    }
    assert!(matches!(world.validate(browser.fetch("GET", "/")).await, Outcome::Active(_)));
}

/// A form that a browser sends by itself: no header of its own, the token in the body.
async fn send_form(world: &World, browser: &Browser, form: String, header: Option<Bytes>) -> start_logout::Outcome {
    let presented = browser.with("POST", "/auth/web/logout", |context| {
        context.sec_fetch_mode = Some("navigate".into());
        context.origin = Some("https://app.example.com".into());
        context.csrf_token = header;
    });
    let question = start_logout::Question { form: form.into(), presented, ..Default::default() };
    world.authority.start_logout(&World::call(), question).await.unwrap()
}

#[tokio::test]
async fn a_form_logs_out_with_the_token_in_its_body() {
    let (world, mut browser) = (World::new(), Browser::default());
    world.log_in(&mut browser, "ada").await;
    let own = String::from_utf8(token(&world, &browser).await.to_vec()).unwrap();
    let refused = [
        (String::new(), 403, "CSRF token mismatch"),
        ("csrf_token=csrf_wrong".into(), 403, "CSRF token mismatch"),
        (format!("token={own}"), 403, "CSRF token mismatch"),
        (format!("csrf_token={own}&csrf_token={own}"), 400, "The parameter csrf_token came more than once"),
        (format!("csrf_token={own}&csrf%5Ftoken=x"), 400, "The parameter csrf_token came more than once"),
        (format!("csrf_token={own}&x={}", "x".repeat(65_536)), 400, "The parameter x is too long"),
        (format!("csrf_token={own}&x=%ff"), 400, "The request can&#39;t be read"),
    ];
    for (form, status, words) in refused {
        let outcome = send_form(&world, &browser, form.clone(), None).await;
        let page = String::from_utf8(outcome.answer.body).unwrap();
        assert_eq!((outcome.answer.status, outcome.ended), (status, 0), "{form}");
        assert!(page.contains(words) && outcome.answer.set_cookies.is_empty(), "{words}: {page}");
    }
    let header = Some("csrf_wrong".into());
    let outcome = send_form(&world, &browser, format!("csrf_token={own}"), header).await;
    assert_eq!((outcome.answer.status, outcome.ended), (403, 0), "the header goes first");

    let outcome = send_form(&world, &browser, format!("a=b&csrf_token={own}"), None).await;
    assert_eq!((outcome.answer.status, outcome.ended), (303, 1));
    assert!(outcome.answer.location.unwrap().starts_with("https://idp.example/end?state="));
    assert!(matches!(world.validate(browser.fetch("GET", "/")).await, Outcome::Inactive(_)));
}

#[tokio::test]
async fn a_logout_without_a_session_clears_the_cookie_all_the_same() {
    let (world, mut browser) = (World::new(), Browser::default());
    browser.cookies.push(("old_session".into(), "junk".into()));
    let outcome = log_out(&world, &browser, None, "", false).await;
    assert_eq!((outcome.answer.status, outcome.ended), (200, 0));
    assert!(outcome.answer.set_cookies[0].starts_with("old_session=; "));
}

// security.md 73: the state is checked on the way back, and leads only where the logout asked to go.
#[tokio::test]
async fn the_way_back_leads_where_the_logout_asked() {
    let (world, mut browser) = (World::new(), Browser::default());
    world.log_in(&mut browser, "ada").await;
    let own = token(&world, &browser).await;
    let outcome = log_out(&world, &browser, Some(own), "redirect_uri=/after", true).await;
    assert_eq!(outcome.answer.status, 303);
    let state = state_of(&outcome.answer);
    let back = |query: String| {
        let question =
            complete_logout::Question { query: query.into(), presented: browser.get("/auth/web/logged-out") };
        world.authority.complete_logout(&World::call(), &question)
    };
    let good = back(format!("state={state}"));
    assert_eq!((good.status, good.location.as_deref()), (302, Some("/after")));
    for bad in [String::new(), format!("state={state}A"), format!("state={state}&state={state}"), "state=x".into()] {
        assert_eq!((back(bad.clone()).status, back(bad).location), (400, None));
    }
    world.clock.advance(std::time::Duration::from_secs(3601));
    assert_eq!(back(format!("state={state}")).status, 400);
}

#[tokio::test]
async fn a_place_that_is_not_allowed_is_refused_and_ends_nothing() {
    let (world, mut browser) = (World::new(), Browser::default());
    world.log_in(&mut browser, "ada").await;
    let own = token(&world, &browser).await;
    let outcome = log_out(&world, &browser, Some(own), "redirect_uri=//evil.example", false).await;
    assert_eq!(outcome.answer.status, 400);
    assert!(matches!(world.validate(browser.fetch("GET", "/")).await, Outcome::Active(_)));
}

// security.md 70: a form on another site comes without the cookie, and must not have it cleared either.
#[tokio::test]
async fn a_logout_from_another_site_clears_nothing() {
    let (world, browser) = (World::new(), Browser::default());
    let presented = browser.with("POST", "/auth/web/logout", |context| {
        context.sec_fetch_mode = Some("navigate".into());
        context.origin = Some("https://evil.example".into());
    });
    let question = start_logout::Question { presented, ..Default::default() };
    let outcome = world.authority.start_logout(&World::call(), question).await.unwrap();
    assert_eq!((outcome.answer.status, outcome.answer.set_cookies.len()), (403, 0));
}

#[tokio::test]
async fn a_changed_client_can_still_log_out() {
    let (world, mut browser) = (World::new(), Browser::default());
    world.log_in(&mut browser, "ada").await;
    let own = token(&world, &browser).await;
    let mut changed = browser.clone();
    changed.user_agent = "Browser/2".into();
    assert_eq!(log_out(&world, &changed, Some(own), "", false).await.ended, 1);
    assert!(matches!(world.validate(browser.fetch("GET", "/")).await, Outcome::Inactive(_)));
}

// One step for all: whoever holds another session of the same user is out, and so is a login that is under way.
#[tokio::test]
async fn a_logout_everywhere_ends_all_sessions_of_its_user() {
    let world = World::new();
    let (mut browser, mut other, mut bob, mut under_way) =
        (Browser::default(), Browser::default(), Browser::default(), Browser::default());
    world.log_in(&mut browser, "ada").await;
    world.log_in(&mut other, "ada").await;
    world.log_in(&mut bob, "bob").await;
    let started = world.start(&under_way, "").await;
    under_way.keep(&started.answer.set_cookies);
    let own = token(&world, &browser).await;
    for (token, query, status) in [(None, "everywhere=true", 403), (Some(own.clone()), "everywhere=perhaps", 400)] {
        let refused = log_out(&world, &browser, token, query, false).await;
        assert_eq!((refused.answer.status, refused.ended), (status, 0), "{query}");
    }
    let outcome = log_out(&world, &browser, Some(own), "everywhere=true&redirect_uri=/after", false).await;
    let body: serde_json::Value = serde_json::from_slice(&outcome.answer.body).unwrap();
    assert_eq!((outcome.answer.status, outcome.ended, outcome.answer.set_cookies.len()), (200, 2, 1));
    assert!(body["logout_url"].as_str().unwrap().starts_with("https://idp.example/end?state="));
    for (browser, lives) in [(&browser, false), (&other, false), (&bob, true)] {
        assert_eq!(matches!(world.validate(browser.fetch("GET", "/")).await, Outcome::Active(_)), lives);
    }
    let code = world.provider.code_for("ada");
    let late = world.callback(&under_way, &format!("code={code}&state={}", state_of(&started.answer))).await;
    assert_eq!(late.failure(), Some(LoginFailure::RevokedMeanwhile));
}
