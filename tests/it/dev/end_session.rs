//! Owns what must hold of logout at the development provider. Does not know tokens beyond that they end.

use std::time::Duration;

use gatelodge::authority::logout_notice::WhatEnded;
use gatelodge::authority::provider::IdentityProvider as _;
use gatelodge::crypto::Secret;
use gatelodge::dev::provider::Told;
use gatelodge::providers::http::HttpSettings;
use gatelodge::providers::oidc::{OidcProvider, OidcSettings};
use gatelodge::providers::registration::Registration;
use gatelodge::session::time::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::world::{CLIENT, LOGGED_OUT, World, claims};

fn logout_url(world: &World, parameters: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("{}/logout?{query}", world.issuer)
}

#[tokio::test]
async fn a_hint_ends_login_and_grants_and_leads_back_with_the_state() {
    let world = World::start().await;
    let mut browser = world.browser();
    let code = browser.log_in(&world, &[]).await;
    let tokens = world.redeem(&code).await.json();
    let pending = browser.get(&world.authorize_url(&[])).await.returned("code");
    world.pass(3600);
    let hint = ("id_token_hint", tokens["id_token"].as_str().unwrap());
    let url = logout_url(&world, &[hint, ("post_logout_redirect_uri", LOGGED_OUT), ("state", "a&b")]);
    let back = browser.get(&url).await;
    assert_eq!((back.status, back.location.as_deref()), (303, Some(format!("{LOGGED_OUT}?state=a%26b").as_str())));
    assert_eq!(browser.get(&world.authorize_url(&[("prompt", "none")])).await.returned("error"), "login_required");
    assert_eq!(world.refresh(tokens["refresh_token"].as_str().unwrap()).await.status, 400);
    assert_eq!(world.redeem(&pending).await.status, 400);
}

#[tokio::test]
async fn a_place_that_is_not_registered_is_refused_and_nothing_ends() {
    let world = World::start().await;
    let mut browser = world.browser();
    let code = browser.log_in(&world, &[]).await;
    let tokens = world.redeem(&code).await.json();
    let (id, access) = (tokens["id_token"].as_str().unwrap(), tokens["access_token"].as_str().unwrap());
    let slash = format!("{LOGGED_OUT}/");
    for parameters in [
        [("id_token_hint", id), ("post_logout_redirect_uri", slash.as_str())],
        [("id_token_hint", id), ("post_logout_redirect_uri", "http://evil.example/")],
        [("id_token_hint", access), ("post_logout_redirect_uri", LOGGED_OUT)],
        [("id_token_hint", "garbage"), ("post_logout_redirect_uri", LOGGED_OUT)],
        [("id_token_hint", id), ("client_id", "other")],
    ] {
        let refused = browser.get(&logout_url(&world, &parameters)).await;
        assert_eq!((refused.status, refused.location), (400, None), "{parameters:?}");
    }
    assert_ne!(browser.get(&world.authorize_url(&[("prompt", "none")])).await.returned("code"), "");
}

#[tokio::test]
async fn without_a_hint_the_person_is_asked_and_nobody_else_can_answer() {
    let world = World::start().await;
    let mut browser = world.browser();
    browser.log_in(&world, &[]).await;
    let page = browser.get(&logout_url(&world, &[("post_logout_redirect_uri", LOGGED_OUT)])).await;
    assert_eq!((page.status, page.location.as_ref()), (200, None));
    let confirm = format!("{}/logout/confirm", world.issuer);
    assert_eq!(browser.post(&confirm, &[("proof", "guessed")]).await.status, 400);
    assert_ne!(browser.get(&world.authorize_url(&[("prompt", "none")])).await.returned("code"), "");
    assert_eq!(browser.post(&confirm, &[("proof", &page.hidden("proof"))]).await.status, 200);
    assert_eq!(browser.get(&world.authorize_url(&[("prompt", "none")])).await.returned("error"), "login_required");
}

/// A client that listens, and what it is told.
async fn listening() -> (Told, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let addresses = ["none", "told"].map(|path| format!("http://acme.localhost:{}/{path}", at.port()));
    let (told, heard) = mpsc::unbounded_channel();
    let note = move |headers: axum::http::HeaderMap, body: String| async move {
        assert!(headers["host"].to_str().unwrap().starts_with("acme.localhost:"));
        told.send(body).unwrap();
    };
    let router = axum::Router::new().route("/told", axum::routing::post(note));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (Told { at, addresses: addresses.into() }, heard)
}

// An address where nobody listens keeps nobody logged in; who listens can verify what comes.
#[tokio::test]
async fn the_client_is_told_of_every_logout() {
    let (told, mut heard) = listening().await;
    let world = World::telling(Some(told)).await;
    let own =
        Registration { development: true, ..Registration::new("dev", &world.issuer, CLIENT.0, Secret::new(CLIENT.1)) };
    let client = OidcProvider::new(OidcSettings::new(own), HttpSettings::default()).unwrap();
    let now = Timestamp::from_secs(1_700_000_000);
    let mut ids = Vec::new();
    for by_hint in [true, false] {
        let mut browser = world.browser();
        let code = browser.log_in(&world, &[]).await;
        let tokens = world.redeem(&code).await.json();
        if by_hint {
            let hint = ("id_token_hint", tokens["id_token"].as_str().unwrap());
            browser.get(&logout_url(&world, &[hint, ("post_logout_redirect_uri", LOGGED_OUT)])).await;
        } else {
            let page = browser.get(&logout_url(&world, &[])).await;
            let proof = page.hidden("proof");
            browser.post(&format!("{}/logout/confirm", world.issuer), &[("proof", &proof)]).await;
        }
        let form = tokio::time::timeout(Duration::from_secs(5), heard.recv()).await.unwrap().unwrap();
        let token = Secret::new(form.strip_prefix("logout_token=").unwrap());
        let notice = client.read_logout_token(&token, now).await.unwrap();
        let sid = claims(&tokens["id_token"])["sid"].as_str().unwrap().to_owned();
        assert_eq!(notice.ended, WhatEnded::Session(sid, Some("testuser1".into())));
        ids.push(notice.id);
    }
    assert_ne!(ids[0], ids[1]);
}
