//! Owns a login that goes well, its refresh and its logout, at a provider that behaves. Does not know any attack.

use bytes::Bytes;
use gatelodge::authority::validate_session::{Outcome, Question};
use gatelodge::authority::{get_access_token, refresh_tokens, start_logout};

use super::journey::{Journey, Query, parameter};
use crate::hostile::{Endpoint, Hostile};
use crate::world::{Kept, World, on_every_store};

on_every_store! {
    a_login_makes_one_session_and_sends_its_code_once
    a_refresh_asks_the_provider_once_and_the_new_token_is_handed_out
    a_logout_revokes_at_the_provider_and_shows_it_the_id_token
}

pub(super) async fn logged_in(hostile: &Hostile, kept: Kept) -> Journey<'_> {
    let mut journey = Journey::to(hostile, kept).await;
    let back = journey.back().await;
    let done = journey.world.callback(&journey.browser, &back.text()).await;
    assert_eq!(done.result.unwrap().standing.identity.user_id, "hostile_user-1");
    journey.browser.keep(&done.answer.set_cookies);
    journey
}

async fn csrf_token(journey: &Journey<'_>) -> Bytes {
    let question =
        Question { presented: journey.browser.fetch("GET", "/auth/me"), issue_csrf_token: true, ..Default::default() };
    let outcome = journey.world.authority.validate_session(&World::call(), question).await.unwrap();
    let Outcome::Active(active) = outcome else { panic!("{outcome:?}") };
    Bytes::copy_from_slice(active.csrf_token.unwrap().expose().as_bytes())
}

async fn a_login_makes_one_session_and_sends_its_code_once(kept: Kept) {
    let hostile = Hostile::start().await;
    let journey = logged_in(&hostile, kept).await;
    assert!(matches!(journey.world.validate(journey.browser.fetch("GET", "/")).await, Outcome::Active(_)));
    assert_eq!((hostile.calls(Endpoint::Token), hostile.canary_calls()), (1, 0));
}

async fn a_refresh_asks_the_provider_once_and_the_new_token_is_handed_out(kept: Kept) {
    let hostile = Hostile::start().await;
    let journey = logged_in(&hostile, kept).await;
    let access = async || {
        let presented = journey.browser.fetch("GET", "/");
        let asked = get_access_token::Question { presented, ..Default::default() };
        match journey.world.authority.get_access_token(&World::call(), &asked).await.unwrap() {
            get_access_token::Outcome::Token(token) => token.value.expose().to_owned(),
            get_access_token::Outcome::Inactive(inactive) => panic!("{inactive:?}"),
        }
    };
    let before = access().await;
    let asked = journey.browser.fetch("GET", "/");
    let outcome = journey.world.authority.refresh_tokens(&World::call(), &asked).await.unwrap();
    assert!(matches!(outcome, refresh_tokens::Outcome::Refreshed { .. }), "{outcome:?}");
    assert_ne!(access().await, before);
    let sent = hostile.received(Endpoint::Token);
    assert_eq!(sent.len(), 2);
    assert_eq!(parameter(&sent[1].form, "refresh_token").as_deref(), Some("refresh-CANARY-1"));
}

// security.md 65: dead here, told to the provider, and the browser sent to the provider's own logout.
async fn a_logout_revokes_at_the_provider_and_shows_it_the_id_token(kept: Kept) {
    let hostile = Hostile::start().await;
    let journey = logged_in(&hostile, kept).await;
    let token = csrf_token(&journey).await;
    let presented = journey.browser.with("POST", "/auth/web/logout", |context| context.csrf_token = Some(token));
    let question = start_logout::Question { presented, ..Default::default() };
    let outcome = journey.world.authority.start_logout(&World::call(), question).await.unwrap();
    assert_eq!(outcome.ended, 1);
    let body: serde_json::Value = serde_json::from_slice(&outcome.answer.body).unwrap();
    let url = url::Url::parse(body["logout_url"].as_str().unwrap()).unwrap();
    assert!(url.as_str().starts_with(&format!("{}/end-session?", hostile.issuer())), "{url}");
    let query = Query(url.query_pairs().into_owned().collect());
    assert_eq!(query.get("id_token_hint").unwrap().split('.').count(), 3);
    assert_eq!(query.get("post_logout_redirect_uri"), Some("https://app.example.com/auth/web/logged-out"));
    assert!(query.get("state").is_some_and(|state| state.len() > 20));
    let began = tokio::time::Instant::now();
    while hostile.calls(Endpoint::Revoke) == 0 {
        assert!(began.elapsed() < std::time::Duration::from_secs(10), "the refresh token was not revoked");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let revoked = hostile.received(Endpoint::Revoke);
    assert_eq!(parameter(&revoked[0].form, "token").as_deref(), Some("refresh-CANARY-1"));
    assert!(matches!(journey.world.validate(journey.browser.fetch("GET", "/")).await, Outcome::Inactive(_)));
}
