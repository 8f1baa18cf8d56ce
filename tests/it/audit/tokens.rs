//! Shows what is written down of a session's tokens, and of a client that is let through with a warning. Does not know how
//! tokens are made.

use std::time::Duration;

use gatelodge::authority::provider::ProviderError;
use gatelodge::authority::settings::{AuditSettings, Settings};
use gatelodge::rpc::policy::Role;
use gatelodge::session::fingerprint::FingerprintMode;
use gatelodge_client::v1;
use gatelodge_client::v1::token_service_client::TokenServiceClient;
use gatelodge_client::v1::{AuditAction, AuditOutcome};

use super::{ALL, listed, log_in, named, of, world};
use crate::rpc::serving::{Serving, context, cookies, validation};
use crate::world::{Browser, Kept, on_every_store};

on_every_store! {
    each_token_that_is_given_out_is_written_down_where_that_is_wanted
    a_refresh_is_written_down_where_that_is_wanted
    a_refusal_that_ends_a_session_is_written_down
    a_refusal_beside_a_check_is_written_down_with_that_check
    a_client_that_is_let_through_with_a_warning_is_written_down
}

/// Has a token minted and another one exchanged.
async fn given_out(serving: &Serving, browser: &Browser) {
    let minted = v1::MintTokenRequest {
        cookies: cookies(browser),
        audience: "https://orders.example.com".into(),
        ..Default::default()
    };
    let mut tokens = TokenServiceClient::new(serving.channel().await);
    tokens.mint_token(named("minted", Role::Backend, minted)).await.unwrap();
    let exchanged =
        v1::GetAccessTokenRequest { cookies: cookies(browser), audience: "orders".into(), ..Default::default() };
    serving.sessions().await.get_access_token(named("exchanged", Role::Backend, exchanged)).await.unwrap();
}

async fn each_token_that_is_given_out_is_written_down_where_that_is_wanted(kept: Kept) {
    let given = of(&[AuditAction::TokenMinted, AuditAction::TokenExchanged]);
    for tokens in [true, false] {
        let change = |settings: &mut Settings| settings.audit = Some(AuditSettings { tokens, ..ALL });
        let (world, serving) = world(kept, change).await;
        let (browser, session) = log_in(&world, &serving, "ada").await;
        given_out(&serving, &browser).await;
        if !tokens {
            // What is written down later is there, and they are not.
            log_in(&world, &serving, "bob").await;
            listed(&serving, v1::AuditFilter { request_id: "back-bob".into(), ..Default::default() }, 1).await;
            assert_eq!(listed(&serving, given.clone(), 0).await, []);
            continue;
        }
        let mut entries = listed(&serving, given.clone(), 2).await;
        entries.sort_by_key(|entry| entry.action);
        let [minted, exchanged] = &entries[..] else { panic!("{entries:?}") };
        assert_eq!((minted.action(), exchanged.action()), (AuditAction::TokenMinted, AuditAction::TokenExchanged));
        assert_eq!((minted.request_id.as_str(), exchanged.request_id.as_str()), ("minted", "exchanged"));
        for entry in [minted, exchanged] {
            assert_eq!((entry.caller.as_str(), entry.outcome()), ("backend", AuditOutcome::Done));
            assert_eq!((entry.session_id.as_str(), entry.user_id.as_str()), (session.as_str(), "idp_ada"));
        }
    }
}

async fn a_refresh_is_written_down_where_that_is_wanted(kept: Kept) {
    for refreshes in [true, false] {
        let change = |settings: &mut Settings| settings.audit = Some(AuditSettings { refreshes, ..ALL });
        let (world, serving) = world(kept, change).await;
        let (browser, session) = log_in(&world, &serving, "ada").await;
        let refresh = v1::RefreshTokensRequest { cookies: cookies(&browser), ..Default::default() };
        serving.sessions().await.refresh_tokens(named("asked", Role::Backend, refresh)).await.unwrap();
        // The access token lives for five minutes.
        world.clock.advance(Duration::from_secs(299));
        serving.sessions().await.validate_session(named("beside", Role::Edge, validation(&browser))).await.unwrap();
        if !refreshes {
            log_in(&world, &serving, "bob").await;
            listed(&serving, v1::AuditFilter { request_id: "back-bob".into(), ..Default::default() }, 1).await;
            assert_eq!(listed(&serving, of(&[AuditAction::Refreshed]), 0).await, []);
            continue;
        }
        let entries = listed(&serving, of(&[AuditAction::Refreshed]), 2).await;
        let told: Vec<_> = entries.iter().map(|entry| [&entry.request_id, &entry.caller].map(String::as_str)).collect();
        assert_eq!(told, [["beside", "edge"], ["asked", "backend"]]);
        for entry in &entries {
            assert_eq!((entry.session_id.as_str(), entry.user_id.as_str()), (session.as_str(), "idp_ada"));
            assert_eq!((entry.outcome(), entry.provider.as_str()), (AuditOutcome::Done, "idp"));
        }
    }
}

async fn a_refusal_that_ends_a_session_is_written_down(kept: Kept) {
    let (world, serving) = world(kept, |settings| settings.tokens.end_session_when_refused = true).await;
    let (browser, session) = log_in(&world, &serving, "ada").await;
    *world.provider.refusal.lock().unwrap() = Some(|| ProviderError::InvalidGrant("SECRET".into()));
    let refresh = v1::RefreshTokensRequest { cookies: cookies(&browser), ..Default::default() };
    serving.sessions().await.refresh_tokens(named("refreshed", Role::Backend, refresh)).await.unwrap();
    let entries = listed(&serving, of(&[AuditAction::RefreshRefused]), 1).await;
    let [entry] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!((entry.session_id.as_str(), entry.user_id.as_str()), (session.as_str(), "idp_ada"));
    assert_eq!((entry.provider.as_str(), entry.ended_count), ("idp", 1));
    assert_eq!(entry.ended_session_ids, [session]);
    // security.md 111: who asked, in which call, from where.
    assert_eq!((entry.caller.as_str(), entry.request_id.as_str()), ("backend", "refreshed"));
    assert_eq!(entry.client_address, "127.0.0.1");
    assert!(!format!("{entry:?}").contains("SECRET"), "{entry:?}");
}

async fn a_refusal_beside_a_check_is_written_down_with_that_check(kept: Kept) {
    let (world, serving) = world(kept, |settings| settings.tokens.end_session_when_refused = true).await;
    let (browser, session) = log_in(&world, &serving, "ada").await;
    *world.provider.refusal.lock().unwrap() = Some(|| ProviderError::InvalidGrant("SECRET".into()));
    // The access token lives for five minutes.
    world.clock.advance(Duration::from_secs(299));
    serving.sessions().await.validate_session(named("check", Role::Edge, validation(&browser))).await.unwrap();
    let entries = listed(&serving, of(&[AuditAction::RefreshRefused]), 1).await;
    let [entry] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!((entry.session_id.as_str(), entry.user_id.as_str()), (session.as_str(), "idp_ada"));
    assert_eq!((entry.caller.as_str(), entry.request_id.as_str()), ("edge", "check"));
    assert_eq!(entry.client_address, "192.0.2.7");
}

async fn a_client_that_is_let_through_with_a_warning_is_written_down(kept: Kept) {
    let (world, serving) = world(kept, |settings| settings.fingerprint.mode = FingerprintMode::Warn).await;
    let (browser, session) = log_in(&world, &serving, "ada").await;
    let seen = v1::RequestContext { user_agent: Some("Another/2".into()), ..context("GET", "/") };
    let question = v1::ValidateSessionRequest { context: Some(seen), ..validation(&browser) };
    serving.sessions().await.validate_session(named("warned", Role::Edge, question)).await.unwrap();
    let entries = listed(&serving, of(&[AuditAction::OtherClient]), 1).await;
    let [entry] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!((entry.outcome(), entry.reason.as_str()), (AuditOutcome::Done, "fingerprint"));
    assert_eq!((entry.session_id.as_str(), entry.user_id.as_str()), (session.as_str(), "idp_ada"));
    assert_eq!((entry.caller.as_str(), entry.request_id.as_str()), ("edge", "warned"));
    assert_eq!(entry.client_address, "192.0.2.7");
}
