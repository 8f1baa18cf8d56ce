//! Shows that what ends sessions is written down with the sessions, users and tenants that it touched, as far as they are known.
//! Does not know how sessions end.

use std::time::Duration;

use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::v1::admin_service_revoke_request::Target;
use gatelodge_client::v1::session_service_revoke_request::Target as Own;
use gatelodge_client::v1::{AuditAction, AuditOutcome};

use super::{listed, log_in, named, of, world};
use crate::hostile::{Hostile, SUB};
use crate::logins::log_in_to;
use crate::rpc::serving::{Serving, context, cookies};
use crate::tenants::town::{self, Town};
use crate::world::{Browser, Kept, World, on_every_store};

on_every_store! {
    what_a_user_ended_is_named_beside_the_session_they_did_it_with
    the_sessions_of_a_user_whom_an_admin_ended_are_named
    what_a_provider_ended_is_named_where_it_names_its_own_session_alone
    an_end_of_everything_is_written_down_at_every_tenant
}

fn about(session: &str) -> v1::AuditFilter {
    v1::AuditFilter { session_id: session.into(), actions: of(&ENDS).actions, ..Default::default() }
}

const ENDS: [AuditAction; 4] = [
    AuditAction::RevokedByUser,
    AuditAction::RevokedByAdmin,
    AuditAction::BackchannelLogout,
    AuditAction::FrontchannelLogout,
];

async fn end(serving: &Serving, browser: &Browser, target: Own) {
    let request =
        v1::SessionServiceRevokeRequest { cookies: cookies(browser), target: Some(target), ..Default::default() };
    serving.sessions().await.revoke(named("ended", Role::Backend, request)).await.unwrap();
}

async fn what_a_user_ended_is_named_beside_the_session_they_did_it_with(kept: Kept) {
    let (world, serving) = world(kept, |_| ()).await;
    let (browser, own) = log_in(&world, &serving, "ada").await;
    let (_, other) = log_in(&world, &serving, "ada").await;
    end(&serving, &browser, Own::SessionId(other.clone())).await;
    let entries = listed(&serving, about(&other), 1).await;
    let [entry] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!((entry.session_id.as_str(), entry.user_id.as_str(), entry.ended_count), (own.as_str(), "idp_ada", 1));
    assert_eq!(entry.ended_session_ids, [other]);
    let mut others = Vec::new();
    for _ in 0..20 {
        others.push(log_in(&world, &serving, "ada").await.1);
    }
    end(&serving, &browser, Own::AllOthers(v1::AllOtherSessions {})).await;
    let entries = listed(&serving, about(&own), 2).await;
    let [entry, _] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!((entry.ended_count, entry.ended_session_ids.len()), (20, 16), "bounded");
    assert!(entry.ended_session_ids.iter().all(|id| others.contains(id)));
    // One's own is ended by itself; nothing is named that was dead before.
    end(&serving, &browser, Own::AllOthers(v1::AllOtherSessions {})).await;
    let entries = listed(&serving, about(&own), 3).await;
    assert!(entries.iter().any(|entry| entry.ended_count == 0 && entry.ended_session_ids.is_empty()), "{entries:?}");
}

async fn the_sessions_of_a_user_whom_an_admin_ended_are_named(kept: Kept) {
    let (world, serving) = world(kept, |_| ()).await;
    let mut sessions = [log_in(&world, &serving, "ada").await.1, log_in(&world, &serving, "ada").await.1];
    sessions.sort_unstable();
    let target = Some(Target::UserId("idp_ada".into()));
    let question = v1::AdminServiceRevokeRequest { target, ..Default::default() };
    serving.admin().await.revoke(named("revoked", Role::Admin, question)).await.unwrap();
    for session in &sessions {
        let entries = listed(&serving, about(session), 1).await;
        let [entry] = &entries[..] else { panic!("{entries:?}") };
        let mut ended = entry.ended_session_ids.clone();
        ended.sort_unstable();
        assert_eq!((entry.user_id.as_str(), ended.as_slice()), ("idp_ada", sessions.as_slice()));
    }
}

async fn what_a_provider_ended_is_named_where_it_names_its_own_session_alone(kept: Kept) {
    let hostile = Hostile::start().await;
    hostile.settings_with(|settings| settings.logout.channels.front = true);
    let put = kept.ready().await;
    let world = World::built(
        &["unused"],
        |settings| settings.audit = Some(super::ALL),
        |ports| {
            put(ports);
            ports.providers = std::sync::Arc::new(hostile.registry());
        },
    );
    let serving = Serving::of(&world).await;
    let user = format!("hostile_{SUB}");
    for channel in [AuditAction::BackchannelLogout, AuditAction::FrontchannelLogout] {
        // An end counts for every login that began no later.
        world.clock.advance(Duration::from_millis(2));
        tokio::time::sleep(Duration::from_millis(2)).await;
        let session = log_in_to(&world, &hostile).await;
        let mut logins = serving.logins().await;
        if channel == AuditAction::BackchannelLogout {
            hostile.claims(|claims| drop(claims.remove("sub")));
            let form = format!("logout_token={}", hostile.logout_token());
            hostile.behave();
            let seen = Some(context("POST", "/auth/web/backchannel-logout"));
            let question =
                v1::HandleBackchannelLogoutRequest { form: form.into(), context: seen, ..Default::default() };
            logins.handle_backchannel_logout(named("told", Role::Edge, question.clone())).await.unwrap();
            logins.handle_backchannel_logout(named("told-again", Role::Edge, question)).await.unwrap();
            let [again, told] = &listed(&serving, of(&[channel]), 2).await[..] else { panic!("not both") };
            assert_eq!((again.request_id.as_str(), again.outcome()), ("told-again", AuditOutcome::Repeated));
            assert_eq!((told.request_id.as_str(), told.outcome()), ("told", AuditOutcome::Done));
            assert_eq!((again.ended_count, &again.ended_session_ids), (0, &Vec::new()));
        } else {
            let query = format!("iss={}&sid=op-session", hostile.issuer());
            let seen = Some(context("GET", "/auth/web/frontchannel-logout"));
            let question =
                v1::HandleFrontchannelLogoutRequest { query: query.into(), context: seen, ..Default::default() };
            logins.handle_frontchannel_logout(named("framed", Role::Edge, question)).await.unwrap();
        }
        let entries = listed(&serving, about(&session), 1).await;
        let [entry] = &entries[..] else { panic!("{entries:?}") };
        assert_eq!((entry.action(), entry.ended_count), (channel, 1));
        assert_eq!((entry.session_id.as_str(), entry.user_id.as_str()), (session.as_str(), user.as_str()));
        assert_eq!((&entry.ended_session_ids, entry.provider.as_str()), (&vec![session], "hostile"));
    }
}

async fn an_end_of_everything_is_written_down_at_every_tenant(kept: Kept) {
    let town = Town::over(kept).await;
    let everything = Some(Target::Everything(v1::Everything {}));
    let question = v1::AdminServiceRevokeRequest { target: everything, reason: "a leak".into(), ..Default::default() };
    town.serving.admin().await.revoke(town::by(Role::Admin, None, question)).await.unwrap();
    for at in 0..3 {
        let question = || v1::ListAuditRequest { filter: Some(of(&ENDS)), ..Default::default() };
        let mut admin = town.serving.admin().await;
        let entries = loop {
            let asked = admin.list_audit(town::by(Role::Admin, at, question())).await.unwrap().into_inner().entries;
            if !asked.is_empty() {
                break asked;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        let [entry] = &entries[..] else { panic!("{at}: {entries:?}") };
        assert_eq!((entry.detail.as_str(), entry.note.as_str()), ("everything", "a leak"));
        assert_eq!((entry.caller.as_str(), entry.request_id.as_str()), ("unbound", "one-for-all"));
    }
}
