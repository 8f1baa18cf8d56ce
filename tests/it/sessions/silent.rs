//! Shows logins that show nothing, and what a login request may ask of the provider. Does not know providers.

use gatelodge::rpc::policy::Role;
use gatelodge::session::login_wish::Prompt;
use gatelodge_client::v1;
use gatelodge_client::v1::complete_callback_response::Outcome as Completed;

use super::door::{COOKIE, Door};
use crate::rpc::serving::{by, context, cookies};
use crate::world::{Browser, Kept, on_every_store};

on_every_store! {
    a_silent_login_that_needs_the_user_says_so_and_is_no_trouble
    hints_are_passed_on_and_nothing_else_is
}

async fn start(door: &Door, browser: &Browser, query: &str) -> v1::StartLoginResponse {
    let question = v1::StartLoginRequest {
        query: query.to_owned().into(),
        cookies: cookies(browser),
        context: Some(context("GET", "/auth/web/login")),
        ..Default::default()
    };
    door.serving.logins().await.start_login(by(Role::Edge, question)).await.unwrap().into_inner()
}

/// What the provider answers, brought back by a page's way or by a script's fetch.
async fn come_back(door: &Door, query: &str, error: &str, mode: &'static str) -> v1::CompleteCallbackResponse {
    let mut browser = Browser::default();
    let answer = start(door, &browser, query).await.answer.unwrap();
    browser.keep(&answer.set_cookies);
    let location = url::Url::parse(&answer.location).unwrap();
    let state = location.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let query = format!("error={error}&error_description=CANARY&state={state}");
    let mut context = context("GET", "/auth/web/callback");
    context.sec_fetch_mode = Some(mode.into());
    context.accept = Some(if mode == "cors" { "application/json" } else { "text/html" }.into());
    let question = v1::CompleteCallbackRequest {
        response: Some(v1::complete_callback_request::Response::Query(query.into())),
        cookies: cookies(&browser),
        context: Some(context),
        ..Default::default()
    };
    door.serving.logins().await.complete_callback(by(Role::Edge, question)).await.unwrap().into_inner()
}

async fn a_silent_login_that_needs_the_user_says_so_and_is_no_trouble(kept: Kept) {
    let door = Door::closed(kept, |_| ()).await;
    let table = [
        ("login_required", v1::LoginFailure::LoginRequired),
        ("interaction_required", v1::LoginFailure::InteractionRequired),
        ("consent_required", v1::LoginFailure::ConsentRequired),
        ("account_selection_required", v1::LoginFailure::AccountSelectionRequired),
        ("unmet_authentication_requirements", v1::LoginFailure::AuthenticationUnmet),
        ("server_error", v1::LoginFailure::ProviderError),
    ];
    for (error, expected) in table {
        let query = "prompt=none&redirect_uri=/home?x=1";
        let page = come_back(&door, query, error, "navigate").await;
        assert_eq!(page.outcome, Some(Completed::Failure(expected.into())), "{error}");
        let answer = page.answer.unwrap();
        let reason = match error {
            "server_error" => "provider_error",
            "unmet_authentication_requirements" => "authentication_unmet",
            other => other,
        };
        assert_eq!(answer.status, 302);
        assert!(answer.location.starts_with(&format!("/home?x=1&error={reason}&request_id=")), "{}", answer.location);
        let fetch = come_back(&door, query, error, "cors").await.answer.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&fetch.body).unwrap();
        assert_eq!(body["reason"].as_str(), Some(reason));
        assert!(!String::from_utf8_lossy(&fetch.body).contains("CANARY"));
    }
}

async fn hints_are_passed_on_and_nothing_else_is(kept: Kept) {
    let door = Door::closed(kept, |_| ()).await;
    let browser = Browser::default();
    let query = "prompt=login%20consent&login_hint=ada%40example.com&ui_locales=de%20en&acr_values=2%201\
                 &kc_idp_hint=github&utm_source=mail&scope=admin&nonce=n&kc_action=delete";
    let answer = start(&door, &browser, query).await;
    assert_eq!(answer.failure, None);
    let wish = door.world.provider.wishes.lock().unwrap().pop().unwrap();
    assert_eq!(wish.hints.prompt, Some(Prompt::Pages("login consent".into())));
    assert_eq!(wish.hints.login_hint.as_deref(), Some("ada@example.com"));
    assert_eq!(wish.hints.ui_locales.as_deref(), Some("de en"));
    assert_eq!(wish.hints.acr_values, ["2", "1"]);
    assert_eq!(wish.hints.extra, [("kc_idp_hint".to_owned(), "github".to_owned())], "the one that is allowed");
    assert_ne!(wish.nonce, "n");

    let long = format!("login_hint={}", "a".repeat(600));
    for (query, names) in [
        ("prompt=none%20login", "prompt"),
        ("prompt=everything", "prompt"),
        ("prompt=login&prompt=login", "prompt"),
        ("acr_values=1%0a2", "acr_values"),
        ("acr_values=1+2+3+4+5+6+7+8+9+10+11", "acr_values"),
        ("ui_locales=de%00", "ui_locales"),
        ("kc_idp_hint=a%0d%0ab", "kc_idp_hint"),
        ("max_age=soon", "max_age"),
        ("step_up=AAAA", "step_up"),
        (&long, "login_hint"),
    ] {
        let refused = start(&door, &browser, query).await;
        assert_eq!(refused.failure(), v1::LoginFailure::RequestMalformed, "{query}");
        let page = String::from_utf8(refused.answer.unwrap().body.to_vec()).unwrap();
        assert!(page.contains(&format!("parameter {names}")), "{query}: {page}");
    }
    assert!(browser.cookie(COOKIE).is_none() && door.world.provider.wishes.lock().unwrap().is_empty());
}
