//! Owns logins whose answer comes as a form that the browser posts from the provider (security.md 21; contract.md 5): bound to
//! the browser by a cookie of their own. Does not know what a provider signs.

use bytes::Bytes;
use gatelodge::authority::complete_callback::{Outcome, Question, Response};
use gatelodge::authority::login_answer::LoginFailure::{AccessDenied, OtherBrowser, ProviderError};
use gatelodge::authority::settings::LoginSet;

use super::journey::Journey;
use crate::hostile::{Endpoint, Hostile};
use crate::providers::apple;
use crate::world::{Browser, Kept, World, on_every_store};

on_every_store! {
    a_posted_answer_completes_the_login_that_its_own_cookie_belongs_to
    an_answer_in_the_address_is_refused_where_a_form_was_asked_for
    apple_names_a_user_once_and_the_name_is_remembered
    an_error_that_is_posted_ends_the_login
}

const COOKIE: &str = "__Host-login_form";

async fn posting() -> Hostile {
    let hostile = Hostile::start().await;
    hostile.settings_with(|settings| settings.registration.form_post = true);
    hostile
}

/// Begins a login, and logs in at the provider: the form that comes back, and what the browser was given.
async fn begun(journey: &mut Journey<'_>) -> (String, Vec<String>) {
    let started = journey.world.start(&journey.browser, "").await;
    assert_eq!(started.failure, None);
    journey.browser.keep(&started.answer.set_cookies);
    let form = journey.hostile.visit_for_a_form(&started.answer.location.unwrap()).unwrap();
    (form, started.answer.set_cookies)
}

/// What a browser posts when another site's page has it do so: no cookie comes along but the one for this.
async fn post(journey: &Journey<'_>, browser: &Browser, form: &str) -> Outcome {
    let mut others = browser.clone();
    others.cookies.retain(|(name, _)| name == COOKIE);
    let presented = others.with("POST", "/auth/web/callback", |context| {
        context.origin = Some(Bytes::from_static(b"https://appleid.apple.com"));
        context.sec_fetch_site = Some(Bytes::from_static(b"cross-site"));
        context.sec_fetch_mode = Some(Bytes::from_static(b"navigate"));
    });
    let response = Response::Form(Bytes::copy_from_slice(form.as_bytes()));
    let question = Question { set: LoginSet::Web, provider: Bytes::new(), response, presented };
    journey.world.authority.complete_callback(&World::call(), question).await.unwrap()
}

async fn a_posted_answer_completes_the_login_that_its_own_cookie_belongs_to(kept: Kept) {
    let hostile = posting().await;
    let mut journey = Journey::to(&hostile, kept).await;
    let names = journey.world.authority.get_edge_settings().binding_cookie_names;
    assert_eq!(names, ["__Host-login", COOKIE], "edges hand both on");

    let (form, set_cookies) = begun(&mut journey).await;
    assert_eq!(set_cookies.len(), 1, "{set_cookies:?}");
    assert!(set_cookies[0].starts_with(&format!("{COOKIE}=")), "{set_cookies:?}");
    assert!(set_cookies[0].ends_with("; HttpOnly; Secure; SameSite=None"), "{set_cookies:?}");

    let stranger = post(&journey, &Browser::default(), &form).await;
    assert_eq!(stranger.failure(), Some(OtherBrowser));
    assert_eq!(hostile.calls(Endpoint::Token), 0);

    let done = post(&journey, &journey.browser, &form).await;
    assert!(done.result.is_ok(), "{:?}", done.result);
    assert_eq!(done.answer.status, 303, "what was posted is not posted on");
    let again = post(&journey, &journey.browser, &form).await;
    assert_eq!(again.answer.set_cookies, done.answer.set_cookies, "delivered twice, it gets the same answer");
    assert_eq!(hostile.calls(Endpoint::Token), 1);
}

async fn an_answer_in_the_address_is_refused_where_a_form_was_asked_for(kept: Kept) {
    let hostile = posting().await;
    let mut journey = Journey::to(&hostile, kept).await;
    let (form, _) = begun(&mut journey).await;
    journey.fails(&form, ProviderError).await;
    journey.fails(&form, ProviderError).await;
    assert_eq!(post(&journey, &journey.browser, &form).await.failure(), Some(ProviderError), "it is burnt");
    assert_eq!(hostile.calls(Endpoint::Token), 0);
}

// Apple's word for somebody who has given it up is its own; nothing of it is shown.
async fn an_error_that_is_posted_ends_the_login(kept: Kept) {
    for (error, failure) in
        [("access_denied", AccessDenied), ("user_cancelled_authorize", AccessDenied), ("x", ProviderError)]
    {
        let hostile = apple::apple().await;
        let mut journey = Journey::to(&hostile, kept).await;
        let (form, _) = begun(&mut journey).await;
        let state = super::journey::parameter(&form, "state").unwrap();
        let posted = post(&journey, &journey.browser, &format!("error={error}&state={state}")).await;
        assert_eq!(posted.failure(), Some(failure), "{error}");
        assert!(!String::from_utf8_lossy(&posted.answer.body).contains("user_cancelled"));
    }
}

async fn apple_names_a_user_once_and_the_name_is_remembered(kept: Kept) {
    let hostile = apple::apple().await;
    let mut journey = Journey::to(&hostile, kept).await;
    let user = r#"{"name":{"firstName":"Ann","lastName":"Example"},"email":"ann@example.com"}"#;
    let user = url::form_urlencoded::Serializer::new(String::new()).append_pair("user", user).finish();
    for more in [format!("&{user}"), String::new(), String::new()] {
        let (form, _) = begun(&mut journey).await;
        // Apple does not name itself there.
        let form = form.split('&').filter(|pair| !pair.starts_with("iss=")).collect::<Vec<_>>().join("&");
        let done = post(&journey, &journey.browser, &format!("{form}{more}")).await;
        let view = done.result.unwrap();
        let identity = &view.standing.identity;
        assert_eq!(identity.name.as_deref(), Some("Ann Example"), "{more}");
        assert_eq!((identity.email.as_deref(), identity.email_verified), (Some("alice@example.com"), true));
    }
}
