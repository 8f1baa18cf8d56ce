//! Owns the tests of what is refused in words: starts and callbacks that can't be read, places that are not allowed.
//! Does not know how a provider is spoken to.

use std::sync::atomic::Ordering;

use gatelodge::authority::login_answer::LoginFailure;

use crate::world::{Browser, Listed, World, state_of};

// security.md 15, 16, 17: whatever is not exactly one good answer of the provider makes no session and no IO.
#[tokio::test]
async fn a_malformed_callback_is_refused_in_words() {
    let (world, mut browser) = (World::new(), Browser::default());
    let started = world.start(&browser, "").await;
    browser.keep(&started.answer.set_cookies);
    let state = state_of(&started.answer);
    let table = [
        (String::new(), LoginFailure::StateInvalid),
        ("code=x".into(), LoginFailure::StateInvalid),
        ("code=x&state=".into(), LoginFailure::StateInvalid),
        (format!("code=x&state={state}A"), LoginFailure::StateInvalid),
        (format!("code=x&state={}", state.to_uppercase()), LoginFailure::StateInvalid),
        (format!("code=x&state={state}&state={state}"), LoginFailure::RequestMalformed),
        (format!("code=x&code=y&state={state}"), LoginFailure::RequestMalformed),
        (format!("code=x&iss=a&iss=b&state={state}"), LoginFailure::RequestMalformed),
        (format!("code=x&error=y&state={state}"), LoginFailure::RequestMalformed),
        (format!("state={state}"), LoginFailure::RequestMalformed),
        (format!("code=%ff&state={state}"), LoginFailure::RequestMalformed),
        (format!("code={}&state={state}", "x".repeat(9000)), LoginFailure::RequestMalformed),
    ];
    for (query, failure) in table {
        let outcome = world.callback(&browser, &query).await;
        assert_eq!(outcome.failure().unwrap(), failure, "{query}");
        assert!(outcome.answer.status == 400 && outcome.answer.set_cookies.is_empty());
    }
    let named = [
        (format!("code=x&state={state}&state={state}"), "The parameter state came more than once"),
        (format!("code={}&state={state}", "x".repeat(9000)), "The parameter code is too long"),
        (format!("code=x&error=y&state={state}"), "The parameters code and error came both"),
        (format!("state={state}"), "Neither of the parameters code and error came"),
    ];
    for (query, words) in named {
        let page = String::from_utf8(world.callback(&browser, &query).await.answer.body).unwrap();
        assert!(page.contains(words), "{words}: {page}");
    }
    assert_eq!(world.provider.redeemed.load(Ordering::SeqCst), 0);
}

// security.md 71: what is not allowed is refused at the start, in words that name what is.
#[tokio::test]
async fn a_return_place_that_is_not_allowed_is_refused_with_those_that_are() {
    let world = World::new();
    let outcome = world.start(&Browser::default(), "redirect_uri=https://evil.example/").await;
    assert_eq!((outcome.failure, outcome.answer.status), (Some(LoginFailure::RedirectNotAllowed), 400));
    let page = String::from_utf8(outcome.answer.body).unwrap();
    assert!(page.contains("https://spa.example.com/*") && !page.contains("evil"), "{page}");
    assert!(outcome.answer.set_cookies.is_empty() && outcome.answer.location.is_none());
}

#[tokio::test]
async fn a_start_that_cant_be_read_names_the_parameter() {
    let table = [
        ("redirect_uri=%2F&redirect_uri=%2F".to_owned(), "The parameter redirect_uri came more than once"),
        (format!("redirect_uri=%2F&login_hint={}", "x".repeat(9000)), "The parameter login_hint is too long"),
        ("max_age=soon".to_owned(), "The parameter max_age is no number of seconds"),
    ];
    for (query, words) in table {
        let outcome = World::new().start(&Browser::default(), &query).await;
        assert_eq!((outcome.failure, outcome.answer.status), (Some(LoginFailure::RequestMalformed), 400));
        let page = String::from_utf8(outcome.answer.body).unwrap();
        assert!(page.contains(words) && !page.contains("xxxx") && !page.contains("soon"), "{words}: {page}");
    }
}

#[tokio::test]
async fn a_return_place_that_is_not_percent_encoded_is_told_to_be() {
    for (place, told) in [("/a%20b", true), ("/caf%C3%A9", true), ("/a%2520b", false), ("https://evil.example/", false)]
    {
        let outcome = World::new().start(&Browser::default(), &format!("redirect_uri={place}")).await;
        let page = String::from_utf8(outcome.answer.body).unwrap();
        assert_eq!(page.contains("percent-encode it"), told, "{place}: {page}");
    }
}

#[tokio::test]
async fn one_provider_is_the_default_and_several_are_listed() {
    let several = World::with_providers(&["idp", "other"], |_| ());
    for query in ["", "provider=nope", "provider=idp&provider=other", "provider=IDP"] {
        let outcome = several.start(&Browser::default(), query).await;
        assert!(outcome.failure.is_some() && outcome.answer.status == 400, "{query}");
    }
    let nobody = World::built(&["idp"], |_| (), |ports| ports.providers = std::sync::Arc::new(Listed(Vec::new())));
    let page = String::from_utf8(nobody.start(&Browser::default(), "").await.answer.body).unwrap();
    assert!(page.contains("No provider is configured") && !page.contains("Known providers"), "{page}");
    let page = String::from_utf8(several.start(&Browser::default(), "").await.answer.body).unwrap();
    assert!(page.contains("Known providers: idp, other.") && page.contains("provider=other"), "{page}");
    assert_eq!(several.start(&Browser::default(), "provider=other").await.answer.status, 302);
    assert_eq!(World::new().start(&Browser::default(), "").await.answer.status, 302);
}
