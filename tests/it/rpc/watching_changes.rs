//! Owns what those who watch sessions are told of sessions that live on, of users and of keys. Does not know what they
//! do with it.

use std::time::Duration;

use gatelodge::rpc::policy::Role;
use gatelodge_client::v1::validate_session_response::Outcome;
use gatelodge_client::v1::{self, SessionEventKind as Kind};

use super::serving::{Serving, by, cookies, validation};
use super::watching::{log_in, next, of, until, watch};
use crate::world::replicas::Replicas;
use crate::world::{Browser, Kept};

const AFTER: Duration = Duration::from_hours(1);

async fn ask(serving: &Serving, browser: &mut Browser) {
    let question = v1::ValidateSessionRequest { can_set_cookies: true, ..validation(browser) };
    let answer = serving.sessions().await.validate_session(by(Role::Edge, question)).await.unwrap().into_inner();
    match answer.outcome {
        Some(Outcome::Active(active)) => browser.keep(&active.set_cookies),
        other => panic!("{other:?}"),
    }
}

// Everything that can happen to a session and does not end it, at one authority, as another one tells it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_changes_at_one_authority_is_told_by_another() {
    for kept in [Kept::Memory, Kept::Redis] {
        let replicas = Replicas::with(kept, |settings| {
            settings.rotation.after = Some(AFTER);
            settings.lifetimes.idle = Duration::from_hours(12);
            // The session of this test outlives its access token: nothing is refreshed but when it is asked for.
            settings.tokens.margin = Duration::ZERO;
        })
        .await;
        let (here, there) = (Serving::of(&replicas.one).await, Serving::of(&replicas.two).await);
        let (mut browser, session) = log_in(&replicas.one, "ada").await;
        ask(&here, &mut browser).await;
        let mut all = watch(&there, of(&[])).await;
        next(&mut all).await;
        let about_it = |(events, _): (Vec<v1::SessionEvent>, _), kind| {
            let event = events.iter().find(|event| event.kind() == kind).unwrap();
            assert_eq!(event.session_id, session, "{kept:?} {kind:?}");
        };

        let refresh = v1::RefreshTokensRequest { cookies: cookies(&browser), context: None, ..Default::default() };
        here.sessions().await.refresh_tokens(by(Role::Edge, refresh)).await.unwrap();
        about_it(until(&mut all, Kind::Refreshed).await, Kind::Refreshed);

        let info = v1::GetUserInfoRequest { cookies: cookies(&browser), refresh: true, ..Default::default() };
        here.sessions().await.get_user_info(by(Role::Edge, info)).await.unwrap();
        about_it(until(&mut all, Kind::Changed).await, Kind::Changed);

        // The successor is issued, which changes nothing for anybody, and then presented.
        let mut rotated = watch(&there, of(&[Kind::Rotated])).await;
        replicas.one.clock.advance(AFTER);
        replicas.hear().await;
        let before = browser.clone();
        ask(&here, &mut browser).await;
        assert_ne!(browser.cookies, before.cookies, "{kept:?}: a successor");
        ask(&here, &mut browser).await;
        about_it(until(&mut rotated, Kind::Rotated).await, Kind::Rotated);

        let mint = v1::MintTokenRequest {
            cookies: cookies(&browser),
            audience: "https://orders.example.com".into(),
            ..Default::default()
        };
        let mut tokens = v1::token_service_client::TokenServiceClient::new(here.channel().await);
        let mut keys = watch(&there, of(&[Kind::KeysRotated])).await;
        tokens.mint_token(by(Role::Backend, mint)).await.unwrap();
        let (events, _) = until(&mut keys, Kind::KeysRotated).await;
        assert!(events[0].session_id.is_empty(), "{kept:?}: it is about no session");

        let mut users = watch(&there, of(&[Kind::UserDisabled])).await;
        let mut ends = watch(&there, of(&[Kind::Revoked])).await;
        let disable = v1::DisableUserRequest { user_id: "idp_ada".into(), reason: "left".into(), ..Default::default() };
        here.admin().await.disable_user(by(Role::Admin, disable)).await.unwrap();
        let (events, _) = until(&mut users, Kind::UserDisabled).await;
        assert!(events.len() == 1 && events[0].session_id.is_empty(), "{kept:?}: {events:?}");
        about_it(until(&mut ends, Kind::Revoked).await, Kind::Revoked);
    }
}
