//! Shows that what has ended, and too few replicas of the store had it in time, is written down as that: the caller got an
//! error, and the session is dead all the same. Does not know how replicas are asked.

use std::time::Duration;

use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::v1::admin_service_revoke_request::Target;
use gatelodge_client::v1::session_service_revoke_request::Target as Own;
use gatelodge_client::v1::{AuditAction, AuditOutcome};
use tonic::{Code, Status};

use super::watched::{with_faults, with_faults_and};
use super::{check, listed, log_in, of, stolen};
use crate::rpc::failed;
use crate::rpc::serving::{Serving, by, context, cookies};
use crate::world::faults::Fault;
use crate::world::{Browser, Kept, on_every_store, settings};

on_every_store! {
    an_end_by_an_admin_is_written_down_as_unreplicated
    an_end_by_its_user_is_written_down_as_unreplicated
    the_end_of_a_key_is_written_down_as_unreplicated
    a_theft_is_written_down_as_unreplicated
}

const ENDS: Fault = Fault::LacksReplicasAt(&["end", "end_user", "raise", "disable_user", "delete_user"]);

async fn end(serving: &Serving, target: Target) -> Result<(), Status> {
    let request = v1::AdminServiceRevokeRequest { target: Some(target), reason: "a test".into(), ..Default::default() };
    serving.admin().await.revoke(by(Role::Admin, request)).await.map(drop)
}

fn unreplicated<T: std::fmt::Debug>(asked: Result<T, Status>) {
    let status = failed(asked, Code::Unavailable, "STORE_UNAVAILABLE");
    assert!(status.message().contains("too few replicas"), "{status:?}");
}

/// The newest entry of this action, which says that it may be undone.
async fn the_entry(serving: &Serving, action: AuditAction, count: usize) -> v1::AuditEntry {
    let entry = listed(serving, of(&[action]), count).await.remove(0);
    assert_eq!(entry.outcome(), AuditOutcome::Unreplicated, "{entry:?}");
    let failures = v1::AuditFilter { only_failures: true, ..of(&[action]) };
    assert_eq!(listed(serving, failures, count).await[0], entry, "whoever looks for trouble finds it");
    entry
}

async fn an_end_by_an_admin_is_written_down_as_unreplicated(kept: Kept) {
    let (world, serving, store) = with_faults(kept).await;
    let (_, one) = log_in(&world, &serving, "ada").await;
    store.set(Some(ENDS));
    unreplicated(end(&serving, Target::SessionId(one.clone())).await);
    let entry = the_entry(&serving, AuditAction::RevokedByAdmin, 1).await;
    assert_eq!((&entry.session_id, &entry.ended_session_ids, entry.ended_count), (&one, &vec![one.clone()], 1));
    assert_eq!(entry.note, "a test");
    store.set(None);
    world.clock.advance(Duration::from_secs(1));
    let (_, other) = log_in(&world, &serving, "ada").await;
    store.set(Some(ENDS));
    unreplicated(end(&serving, Target::UserId("idp_ada".into())).await);
    let entry = the_entry(&serving, AuditAction::RevokedByAdmin, 2).await;
    assert_eq!((entry.user_id.as_str(), &entry.ended_session_ids), ("idp_ada", &vec![other]));
    unreplicated(end(&serving, Target::Tenant(v1::WholeTenant {})).await);
    assert_eq!(the_entry(&serving, AuditAction::RevokedByAdmin, 3).await.detail, "tenant");
    let mut admin = serving.admin().await;
    let disable = v1::DisableUserRequest { user_id: "idp_ada".into(), ..Default::default() };
    unreplicated(admin.disable_user(by(Role::Admin, disable)).await);
    the_entry(&serving, AuditAction::UserDisabled, 1).await;
    let delete = v1::DeleteUserRequest { user_id: "idp_ada".into(), ..Default::default() };
    unreplicated(admin.delete_user(by(Role::Admin, delete)).await);
    the_entry(&serving, AuditAction::UserDeleted, 1).await;
}

async fn an_end_by_its_user_is_written_down_as_unreplicated(kept: Kept) {
    let (world, serving, store) = with_faults(kept).await;
    let mut all = Vec::new();
    for _ in 0..4 {
        all.push(log_in(&world, &serving, "ada").await);
    }
    let revoke = async |browser: &Browser, target: Own| {
        let request =
            v1::SessionServiceRevokeRequest { cookies: cookies(browser), target: Some(target), ..Default::default() };
        unreplicated(serving.sessions().await.revoke(by(Role::Backend, request)).await);
    };
    store.set(Some(ENDS));
    let (own, id) = &all[0];
    revoke(own, Own::SessionId(all[1].1.clone())).await;
    let entry = the_entry(&serving, AuditAction::RevokedByUser, 1).await;
    assert_eq!((&entry.session_id, &entry.ended_session_ids), (id, &vec![all[1].1.clone()]));
    revoke(own, Own::PresentedSession(v1::PresentedSession {})).await;
    let entry = the_entry(&serving, AuditAction::RevokedByUser, 2).await;
    assert_eq!((&entry.session_id, &entry.ended_session_ids), (id, &vec![id.clone()]));
    // And by a logout, whose form brings the session's token.
    let (browser, id) = &all[2];
    store.set(None);
    let question = v1::ValidateSessionRequest {
        cookies: cookies(browser),
        context: Some(context("GET", "/")),
        issue_csrf_token: true,
        ..Default::default()
    };
    let asked = serving.sessions().await.validate_session(by(Role::Edge, question)).await.unwrap().into_inner();
    let Some(v1::validate_session_response::Outcome::Active(active)) = asked.outcome else { panic!("{asked:?}") };
    store.set(Some(ENDS));
    let form = v1::RequestContext {
        csrf_token: Some(active.csrf_token.into()),
        origin: Some(settings().public_base_url.as_str().to_owned().into()),
        ..context("POST", "/auth/web/logout")
    };
    let logout = v1::StartLogoutRequest { cookies: cookies(browser), context: Some(form), ..Default::default() };
    unreplicated(serving.logins().await.start_logout(by(Role::Edge, logout)).await);
    let entry = the_entry(&serving, AuditAction::LoggedOut, 1).await;
    assert_eq!((&entry.session_id, entry.user_id.as_str(), entry.ended_count), (id, "idp_ada", 1));
}

async fn the_end_of_a_key_is_written_down_as_unreplicated(kept: Kept) {
    let (_world, serving, store) = with_faults(kept).await;
    let (key, _) = crate::callers::made(&serving, "shop").await;
    store.set(Some(Fault::LacksReplicasAt(&["remove_caller_key"])));
    let request = v1::RevokeCallerKeyRequest { key_id: key.key_id.clone(), ..Default::default() };
    unreplicated(serving.admin().await.revoke_caller_key(by(Role::Admin, request)).await);
    let detail = the_entry(&serving, AuditAction::CallerKeyRevoked, 1).await.detail;
    assert_eq!(detail, format!("{} of {}, role backend", key.key_id, key.caller));
}

async fn a_theft_is_written_down_as_unreplicated(kept: Kept) {
    let (world, serving, store) = with_faults_and(kept, |settings| {
        settings.rotation.after = Some(Duration::from_mins(5));
    })
    .await;
    let (mut stolen, session) = stolen(&world, &serving).await;
    store.set(Some(ENDS));
    unreplicated(check(&serving, &mut stolen, "check").await);
    let entry = the_entry(&serving, AuditAction::Theft, 1).await;
    assert_eq!((&entry.session_id, &entry.ended_session_ids), (&session, &vec![session.clone()]));
}
