//! Owns the cases of what comes back with the browser: each fails, INV holds, and only what the provider itself said
//! burns the login (security.md 13 to 18). Does not know the ID token.

use std::time::Duration;

use gatelodge::authority::login_answer::LoginFailure::{
    self, AccessDenied, Expired, IdentityRejected, LoginRequired, OtherBrowser, ProviderError, RequestMalformed,
    StateInvalid,
};
use gatelodge::authority::provider::IdentityProvider as _;
use gatelodge::providers::oidc::Userinfo;
use tokio::time::Instant;

use super::journey::{Journey, Query};
use crate::hostile::{Answer, Body, Endpoint, Hostile};
use crate::world::{Kept, on_every_store};

/// A table of cases: the name of each, how the login fails, and what is bent of the query that came back. The code is
/// sent nowhere, whatever keeps the login.
macro_rules! refused {
    ($($name:ident: $failure:expr, $bend:expr;)*) => { $(
        mod $name {
            use super::*;

            async fn a_login(kept: Kept) {
                let bend: fn(&mut Query) = $bend;
                refused_unsent(kept, $failure, bend).await;
            }

            on_every_store! { a_login }
        }
    )* };
}

on_every_store! {
    what_is_not_text_is_malformed
    another_browser_gets_nothing_and_spoils_nothing
    a_login_that_took_too_long_is_gone
    a_code_whose_fate_is_unknown_is_not_sent_again
    a_taken_login_is_never_at_work_when_its_lease_ends
}

async fn refused_unsent(kept: Kept, failure: LoginFailure, bend: fn(&mut Query)) {
    let hostile = Hostile::start().await;
    let mut journey = Journey::to(&hostile, kept).await;
    let good = journey.back().await;
    let mut odd = good.clone();
    bend(&mut odd);
    // A value of the browser's own making comes back nowhere.
    let made_up: Vec<_> = odd.0.iter().filter(|pair| !good.0.contains(pair) && pair.1.len() > 16).collect();
    journey.hide(made_up.iter().map(|(_, value)| value.as_str()));
    journey.fails(&odd.text(), failure).await;
    assert_eq!(hostile.calls(Endpoint::Token), 0, "the code was sent");
    let burnt = matches!(failure, AccessDenied | LoginRequired | ProviderError | IdentityRejected);
    if burnt {
        journey.fails(&good.text(), failure).await;
        assert_eq!(hostile.calls(Endpoint::Token), 0, "the code was sent");
    } else {
        let done = journey.world.callback(&journey.browser, &good.text()).await;
        assert!(done.result.is_ok(), "the attempt spoiled a good login: {done:?}");
    }
}

// security.md 15.
refused! {
    state_missing: StateInvalid, |q| q.unset("state");
    state_empty: StateInvalid, |q| q.set("state", "");
    state_unknown: StateInvalid, |q| q.set("state", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    state_with_something_behind: StateInvalid, |q| q.change("state", |own| own.to_owned() + "A");
    state_cut_short: StateInvalid, |q| q.change("state", |own| own[..own.len() - 1].to_owned());
    state_in_other_case: StateInvalid, |q| q.change("state", str::to_uppercase);
    state_padded: StateInvalid, |q| q.change("state", |own| own.to_owned() + "=");
    state_with_a_space: StateInvalid, |q| q.change("state", |own| format!(" {own}"));
    state_encoded_once_more: StateInvalid, |q| q.change("state", |own| own.replace('A', "%41") + "%20");
    state_with_nul: StateInvalid, |q| q.change("state", |own| own.to_owned() + "\0");
    state_oversized: RequestMalformed, |q| q.set("state", "x".repeat(100_000));
    nothing_at_all: StateInvalid, |q| q.0.clear();
}

// security.md 16.
refused! {
    state_twice: RequestMalformed, |q| q.again("state");
    code_twice: RequestMalformed, |q| q.add("code", "another-code-of-mine");
    code_twice_the_same: RequestMalformed, |q| q.again("code");
    code_missing: RequestMalformed, |q| q.unset("code");
    code_and_error: RequestMalformed, |q| q.add("error", "access_denied");
    error_twice: RequestMalformed, |q| {
        q.unset("code");
        q.add("error", "access_denied");
        q.add("error", "access_denied");
    };
    iss_twice: RequestMalformed, |q| q.again("iss");
    iss_twice_and_different: RequestMalformed, |q| q.add("iss", "https://evil.example");
    too_many_parameters: RequestMalformed, |q| (0..100).for_each(|n| q.add(&format!("p{n}"), ""));
    something_else_twice: RequestMalformed, |q| { q.add("session_state", "a"); q.add("session_state", "b") };
}

// security.md 13, 14, 17: only the provider's own words count, and nothing of them is shown.
refused! {
    iss_another: IdentityRejected, |q| q.set("iss", "https://evil.example");
    iss_with_a_slash: IdentityRejected, |q| q.change("iss", |own| own.to_owned() + "/");
    iss_missing: IdentityRejected, |q| q.unset("iss");
    iss_empty: IdentityRejected, |q| q.set("iss", "");
    error_access_denied: AccessDenied, |q| { q.unset("code"); q.add("error", "access_denied") };
    error_login_required: LoginRequired, |q| { q.unset("code"); q.add("error", "login_required") };
    error_server_error: ProviderError, |q| { q.unset("code"); q.add("error", "server_error") };
    error_unknown: ProviderError, |q| { q.unset("code"); q.add("error", "<script>alert(document.domain)</script>") };
    error_with_a_long_description: AccessDenied, |q| {
        q.unset("code");
        q.add("error", "access_denied");
        q.add("error_description", "<img src=x onerror=alert(1)>\r\nSet-Cookie: session=mine");
        q.add("error_uri", "javascript:alert(document.cookie)");
    };
    error_with_a_description_without_end: RequestMalformed, |q| {
        q.unset("code");
        q.add("error", "access_denied");
        q.add("error_description", "x".repeat(1 << 20));
    };
}

// security.md 13, 17 (RFC 9207, 2.4): an error counts only when it comes from the provider that was asked.
refused! {
    error_of_another_provider: IdentityRejected, |q| {
        q.unset("code");
        q.set("iss", "https://evil.example");
        q.add("error", "access_denied");
    };
    error_of_nobody_though_the_provider_names_itself: IdentityRejected, |q| {
        q.unset("code");
        q.unset("iss");
        q.add("error", "access_denied");
    };
}

async fn what_is_not_text_is_malformed(kept: Kept) {
    let hostile = Hostile::start().await;
    let mut journey = Journey::to(&hostile, kept).await;
    let good = journey.back().await.text();
    for odd in ["%ff", "%c3%28", "%ed%a0%80"] {
        journey.fails(&format!("{good}&x={odd}"), RequestMalformed).await;
    }
    assert_eq!(hostile.calls(Endpoint::Token), 0);
    assert!(journey.world.callback(&journey.browser, &good).await.result.is_ok());
}

// security.md 3, 12: state and code without the browser that began, or with another one's binding.
async fn another_browser_gets_nothing_and_spoils_nothing(kept: Kept) {
    let hostile = Hostile::start().await;
    let mut journey = Journey::to(&hostile, kept).await;
    let good = journey.back().await.text();
    let own = std::mem::take(&mut journey.browser.cookies);
    journey.fails(&good, OtherBrowser).await;
    for value in ["", "x", &own[0].1[1..], &own[0].1.to_uppercase()] {
        journey.browser.cookies = vec![(own[0].0.clone(), value.to_owned())];
        journey.fails(&good, OtherBrowser).await;
    }
    journey.browser.cookies.clear();
    journey.back().await;
    assert_ne!(journey.browser.cookies, own);
    journey.fails(&good, OtherBrowser).await;
    assert_eq!(hostile.calls(Endpoint::Token), 0);
    journey.browser.cookies = own;
    assert!(journey.world.callback(&journey.browser, &good).await.result.is_ok());
}

// security.md 5: a login that took too long is gone, and its code stays unsent.
async fn a_login_that_took_too_long_is_gone(kept: Kept) {
    let hostile = Hostile::start().await;
    let ttl = Duration::from_secs(1);
    let mut journey = Journey::with(&hostile, kept, |settings| settings.logins.ttl = ttl).await;
    let good = journey.back().await.text();
    journey.pass(ttl + Duration::from_millis(10)).await;
    journey.fails(&good, Expired).await;
    assert_eq!(hostile.calls(Endpoint::Token), 0);
}

// security.md 18: the connection breaks after the code was sent; nobody sends it again, whoever asks.
async fn a_code_whose_fate_is_unknown_is_not_sent_again(kept: Kept) {
    for body in [Body::Broken, Body::Endless] {
        let hostile = Hostile::start().await;
        hostile.answers(Endpoint::Token, Answer::body(body));
        let mut journey = Journey::to(&hostile, kept).await;
        let good = journey.back().await.text();
        let outcome = journey.world.callback(&journey.browser, &good).await;
        let failure = outcome.failure().unwrap();
        assert!(matches!(failure, LoginFailure::ProviderUnavailable | ProviderError), "{failure:?}");
        hostile.behave();
        journey.fails(&good, failure).await;
        assert_eq!(hostile.calls(Endpoint::Token), 1);
    }
}

// store.md, 8: whoever waits for a taken login waits at most its lease; so its work ends sooner, however slow each of
// the provider's answers is.
async fn a_taken_login_is_never_at_work_when_its_lease_ends(kept: Kept) {
    const LEASE: Duration = Duration::from_secs(1);
    let slow = Answer::body(Body::After(Duration::from_mins(1)));
    for endpoint in [Endpoint::Token, Endpoint::Jwks, Endpoint::Userinfo] {
        let hostile = Hostile::start().await;
        hostile.answers(endpoint, slow.clone()).settings_with(|settings| settings.userinfo = Userinfo::Always);
        let mut journey = Journey::with(&hostile, kept, |settings| settings.logins.lease = LEASE).await;
        let query = journey.back().await.text();
        let begun = Instant::now();
        journey.fails(&query, LoginFailure::ProviderUnavailable).await;
        assert!(begun.elapsed() < LEASE, "{endpoint:?}: {:?}", begun.elapsed());
    }
    let hostile = Hostile::start().await;
    hostile.answers(Endpoint::Metadata, slow);
    let provider = hostile.provider();
    let begun = Instant::now();
    let checked = provider.check_issuer(Some(&hostile.issuer()), LEASE / 2).await;
    assert_eq!(crate::hostile::reason_of(&checked), "unavailable");
    assert!(begun.elapsed() < LEASE);
}
