//! Shows the entries of what browsers, users, admins and thieves do. Does not know the steps of a login.

use std::time::Duration;

use gatelodge::authority::settings::{AuditSettings, ClientAddresses};
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::v1::admin_service_revoke_request::Target;
use gatelodge_client::v1::{AuditAction, AuditOutcome};
use tonic::Code;

use super::{ALL, check, listed, log_in, named, of, stolen, world};
use crate::rpc::serving::{Serving, by, context, cookies, validation};
use crate::rpc::{failed, fields_of};
use crate::world::{Browser, Kept, World, on_every_store, state_of};

on_every_store! {
    a_login_and_its_end_are_written_down_with_who_and_from_where
    what_admins_do_is_written_down_with_their_reason
    keys_that_admins_make_and_revoke_are_written_down
    a_theft_is_written_down_with_the_session_it_ended
    another_client_is_written_down_once_in_a_while
    entries_are_filtered_and_paged
    a_deleted_users_entries_name_nobody
}

async fn a_login_and_its_end_are_written_down_with_who_and_from_where(kept: Kept) {
    let (world, serving) = world(kept, |_| ()).await;
    let (browser, session) = log_in(&world, &serving, "ada").await;
    let entries = listed(&serving, v1::AuditFilter::default(), 2).await;
    let [done, begun] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!((begun.action(), begun.outcome()), (AuditAction::LoginBegun, AuditOutcome::Done));
    assert_eq!((done.action(), done.outcome()), (AuditAction::LoginCompleted, AuditOutcome::Done));
    assert_eq!((begun.request_id.as_str(), done.request_id.as_str()), ("start-ada", "back-ada"));
    for entry in [begun, done] {
        assert_eq!((entry.caller.as_str(), entry.client_address.as_str()), ("edge", "192.0.2.7"));
        assert_eq!((entry.provider.as_str(), entry.reason.as_str()), ("idp", ""));
        assert!(!entry.login_id.is_empty() && entry.login_id == begun.login_id);
        assert_eq!(entry.time.unwrap().seconds, 1_800_000_000);
    }
    assert_eq!((done.session_id.as_str(), done.user_id.as_str()), (session.as_str(), "idp_ada"));
    assert_eq!((begun.session_id.as_str(), begun.user_id.as_str()), ("", ""));

    world.clock.advance(Duration::from_secs(1));
    let question = v1::ValidateSessionRequest { issue_csrf_token: true, ..validation(&browser) };
    let answer = serving.sessions().await.validate_session(by(Role::Edge, question)).await.unwrap().into_inner();
    let Some(v1::validate_session_response::Outcome::Active(active)) = answer.outcome else { panic!("inactive") };
    let seen = v1::RequestContext {
        csrf_token: Some(active.csrf_token.into()),
        sec_fetch_mode: Some("cors".into()),
        ..context("POST", "/auth/web/logout")
    };
    let question = v1::StartLogoutRequest { cookies: cookies(&browser), context: Some(seen), ..Default::default() };
    serving.logins().await.start_logout(named("out", Role::Edge, question)).await.unwrap();
    let out = &listed(&serving, of(&[AuditAction::LoggedOut]), 1).await[0];
    assert_eq!((out.session_id.as_str(), out.user_id.as_str(), out.ended_count), (session.as_str(), "idp_ada", 1));
    assert_eq!((out.request_id.as_str(), out.client_address.as_str()), ("out", "192.0.2.7"));
    // A check is no entry.
    assert_eq!(listed(&serving, v1::AuditFilter::default(), 3).await.len(), 3);
}

async fn what_admins_do_is_written_down_with_their_reason(kept: Kept) {
    let (world, serving) = world(kept, |_| ()).await;
    let mut admin = serving.admin().await;
    let (_, session) = log_in(&world, &serving, "ada").await;
    let (reason, user_id) = (String::from("a lost\nlaptop"), String::from("idp_ada"));
    let question = v1::AdminServiceRevokeRequest {
        target: Some(Target::SessionId(session.clone())),
        reason: reason.clone(),
        ..Default::default()
    };
    admin.revoke(named("revoked", Role::Admin, question)).await.unwrap();
    let question = v1::DisableUserRequest { user_id: user_id.clone(), reason: reason.clone(), ..Default::default() };
    admin.disable_user(named("disabled", Role::Admin, question)).await.unwrap();
    let question = v1::EnableUserRequest { user_id: user_id.clone(), reason: reason.clone(), ..Default::default() };
    admin.enable_user(named("enabled", Role::Admin, question)).await.unwrap();
    let expected = [
        ("revoked", AuditAction::RevokedByAdmin, 1, "", session.as_str()),
        ("disabled", AuditAction::UserDisabled, 0, "idp_ada", ""),
        ("enabled", AuditAction::UserEnabled, 0, "idp_ada", ""),
    ];
    for (request_id, action, ended, user, session) in expected {
        let filter = v1::AuditFilter { request_id: request_id.into(), ..Default::default() };
        let entries = listed(&serving, filter, 1).await;
        let [entry] = &entries[..] else { panic!("{entries:?}") };
        assert_eq!((entry.action(), entry.outcome()), (action, AuditOutcome::Done));
        assert_eq!((entry.caller.as_str(), entry.note.as_str()), ("admin", "a lostlaptop"));
        // security.md 111: from where; no browser's request came along.
        assert_eq!(entry.client_address, "127.0.0.1");
        assert_eq!((entry.user_id.as_str(), entry.session_id.as_str()), (user, session), "{request_id}");
        assert_eq!(entry.ended_count, ended, "{request_id}");
    }
}

async fn keys_that_admins_make_and_revoke_are_written_down(kept: Kept) {
    let (_world, serving) = world(kept, |_| ()).await;
    let mut admin = serving.admin().await;
    let reason = String::from("a new job");
    let question = v1::CreateCallerKeyRequest {
        name: "ci".into(),
        role: v1::CallerRole::Backend.into(),
        reason: reason.clone(),
        ..Default::default()
    };
    let made = admin.create_caller_key(named("made", Role::Admin, question)).await.unwrap().into_inner();
    let key = made.key.unwrap();
    let question =
        || v1::RevokeCallerKeyRequest { key_id: key.key_id.clone(), reason: reason.clone(), ..Default::default() };
    for _ in 0..2 {
        admin.revoke_caller_key(named("revoked", Role::Admin, question())).await.unwrap();
    }
    let mut entries = listed(&serving, v1::AuditFilter::default(), 2).await;
    // Both are of one moment.
    entries.sort_by_key(|entry| entry.action);
    let [entry, revoked] = &entries[..] else { panic!("there is one of each: {entries:?}") };
    assert_eq!((entry.action(), revoked.action()), (AuditAction::CallerKeyMade, AuditAction::CallerKeyRevoked));
    // security.md 111: an id alone would say nothing once the key is gone.
    let named = format!("{} of {}, role backend", key.key_id, key.caller);
    assert_eq!((&entry.detail, &revoked.detail, revoked.request_id.as_str()), (&named, &named, "revoked"));
    for entry in [entry, revoked] {
        assert_eq!((entry.caller.as_str(), entry.note.as_str()), ("admin", "a new job"));
        assert!(!format!("{entry:?}").contains(&made.api_key));
    }
}

async fn a_theft_is_written_down_with_the_session_it_ended(kept: Kept) {
    let (world, serving) = world(kept, |settings| {
        settings.rotation.after = Some(Duration::from_mins(5));
    })
    .await;
    let (mut stolen, session) = stolen(&world, &serving).await;
    check(&serving, &mut stolen, "check").await.unwrap();
    let theft = &listed(&serving, of(&[AuditAction::Theft]), 1).await[0];
    assert_eq!((theft.session_id.as_str(), theft.user_id.as_str()), (session.as_str(), "idp_ada"));
    assert_eq!((theft.caller.as_str(), theft.request_id.as_str()), ("edge", "check"));
    assert_eq!(theft.client_address, "192.0.2.7");
    let rotated = &listed(&serving, of(&[AuditAction::Rotated]), 1).await[0];
    assert_eq!((rotated.session_id.as_str(), rotated.user_id.as_str()), (session.as_str(), "idp_ada"));
    assert_eq!((rotated.caller.as_str(), rotated.request_id.as_str()), ("edge", "check"));
    assert_eq!(rotated.client_address, "192.0.2.7");
}

async fn another_client_is_written_down_once_in_a_while(kept: Kept) {
    let (world, serving) = world(kept, |_| ()).await;
    let (browser, session) = log_in(&world, &serving, "ada").await;
    for _ in 0..3 {
        let seen = v1::RequestContext { user_agent: Some("Another/2".into()), ..context("GET", "/") };
        let question = v1::ValidateSessionRequest { context: Some(seen), ..validation(&browser) };
        serving.sessions().await.validate_session(named("refused", Role::Edge, question)).await.unwrap();
    }
    log_in(&world, &serving, "bob").await;
    listed(&serving, v1::AuditFilter { user_id: "idp_bob".into(), ..Default::default() }, 1).await;
    let entries = listed(&serving, of(&[AuditAction::OtherClient]), 1).await;
    let [entry] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!((entry.session_id.as_str(), entry.outcome()), (session.as_str(), AuditOutcome::Failed));
    assert_eq!((entry.reason.as_str(), entry.user_id.as_str()), ("fingerprint", "idp_ada"));
    assert_eq!((entry.caller.as_str(), entry.request_id.as_str()), ("edge", "refused"));
    assert_eq!(entry.client_address, "192.0.2.7");
}

async fn entries_are_filtered_and_paged(kept: Kept) {
    let (world, serving) = world(kept, |_| ()).await;
    let mut sessions = Vec::new();
    for sub in ["ada", "bob", "cleo"] {
        sessions.push(log_in(&world, &serving, sub).await.1);
        world.clock.advance(Duration::from_mins(40));
    }
    let all = listed(&serving, v1::AuditFilter::default(), 6).await;
    assert_eq!(all.len(), 6);
    let none = v1::AuditFilter::default;
    let later = Some(prost_types::Timestamp { seconds: 1_800_000_000 + 1, nanos: 0 });
    let table = [
        (v1::AuditFilter { user_id: "idp_bob".into(), ..none() }, 1),
        (v1::AuditFilter { session_id: sessions[2].clone(), ..none() }, 1),
        (v1::AuditFilter { session_id: sessions[2].clone(), user_id: "idp_bob".into(), ..none() }, 0),
        (v1::AuditFilter { request_id: "start-ada".into(), ..none() }, 1),
        (v1::AuditFilter { caller: "edge".into(), ..none() }, 6),
        (v1::AuditFilter { caller: "admin".into(), ..none() }, 0),
        (of(&[AuditAction::LoginBegun]), 3),
        (v1::AuditFilter { only_failures: true, ..none() }, 0),
        (v1::AuditFilter { after_time: later, ..none() }, 4),
        (v1::AuditFilter { before_time: later, ..none() }, 2),
    ];
    for (filter, count) in table {
        assert_eq!(listed(&serving, filter.clone(), count).await.len(), count, "{filter:?}");
    }
    let mut admin = serving.admin().await;
    let (mut found, mut question) = (Vec::new(), v1::ListAuditRequest { page_size: 1, ..Default::default() });
    loop {
        let page = admin.list_audit(by(Role::Admin, question.clone())).await.unwrap().into_inner();
        assert!(page.entries.len() <= 1);
        found.extend(page.entries);
        question.page_token = page.next_page_token;
        if question.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(found, all);
    let carried_over = v1::ListAuditRequest {
        filter: Some(of(&[AuditAction::Theft])),
        page_token: {
            let first = v1::ListAuditRequest { page_size: 1, ..Default::default() };
            admin.list_audit(by(Role::Admin, first)).await.unwrap().into_inner().next_page_token
        },
        ..Default::default()
    };
    let refused = admin.list_audit(by(Role::Admin, carried_over)).await;
    assert_eq!(fields_of(&failed(refused, Code::InvalidArgument, "INVALID_FIELD")), ["page_token"]);
    let unknown = v1::AuditFilter { actions: vec![99], ..none() };
    let refused =
        admin.list_audit(by(Role::Admin, v1::ListAuditRequest { filter: Some(unknown), ..Default::default() }));
    assert_eq!(fields_of(&failed(refused.await, Code::InvalidArgument, "INVALID_FIELD")), ["filter.actions"]);
    // What is older than the time that is kept is nobody's to see, whether the store has it or not.
    world.clock.advance(Duration::from_hours(23));
    assert_eq!(listed(&serving, none(), 0).await.len(), 2, "the last login");
}

async fn a_deleted_users_entries_name_nobody(kept: Kept) {
    let (world, serving) = world(kept, |_| ()).await;
    log_in(&world, &serving, "ada").await;
    listed(&serving, v1::AuditFilter { user_id: "idp_ada".into(), ..Default::default() }, 1).await;
    let question = v1::DeleteUserRequest { user_id: "idp_ada".into(), ..Default::default() };
    serving.admin().await.delete_user(named("deleted", Role::Admin, question)).await.unwrap();
    let entries = listed(&serving, v1::AuditFilter::default(), 3).await;
    assert!(entries.iter().all(|entry| entry.user_id.is_empty()), "{entries:?}");
    assert!(!format!("{entries:?}").contains("idp_ada"));
    // Whoever knows the id may ask what happened.
    let theirs = listed(&serving, v1::AuditFilter { user_id: "idp_ada".into(), ..Default::default() }, 2).await;
    assert_eq!(
        theirs.iter().map(v1::AuditEntry::action).collect::<Vec<_>>(),
        [AuditAction::UserDeleted, AuditAction::LoginCompleted]
    );
}

#[tokio::test]
async fn where_nothing_is_kept_that_is_said() {
    let world = World::with(|settings| settings.audit = None);
    let (serving, mut browser) = (Serving::of(&world).await, Browser::default());
    world.log_in(&mut browser, "ada").await.result.unwrap();
    let mut admin = serving.admin().await;
    let listed = admin.list_audit(by(Role::Admin, v1::ListAuditRequest::default())).await;
    failed(listed, Code::FailedPrecondition, "AUDIT_OFF");
    let watched = admin.watch_audit(by(Role::Admin, v1::WatchAuditRequest::default())).await;
    failed(watched, Code::FailedPrecondition, "AUDIT_OFF");
    let question = v1::ExplainLoginRequest { request_id: "test".into() };
    failed(admin.explain_login(by(Role::Admin, question)).await, Code::FailedPrecondition, "AUDIT_OFF");
}

#[tokio::test]
async fn a_clients_address_is_kept_as_far_as_the_configuration_says() {
    for (client_addresses, expected) in
        [(ClientAddresses::Whole, "192.0.2.7"), (ClientAddresses::Network, "192.0.2.0"), (ClientAddresses::None, "")]
    {
        let audit = Some(AuditSettings { client_addresses, ..ALL });
        let (world, serving) = world(Kept::Memory, |settings| settings.audit = audit).await;
        log_in(&world, &serving, "ada").await;
        let entries = listed(&serving, v1::AuditFilter::default(), 2).await;
        assert!(entries.iter().all(|entry| entry.client_address == expected), "{entries:?}");
    }
}

// The state of a login is half of what opens its kept answer: nothing of it is in what is listed.
#[tokio::test]
async fn no_state_code_or_credential_is_listed() {
    let (world, serving) = world(Kept::Memory, |_| ()).await;
    let mut browser = Browser::default();
    let started = world.start(&browser, "").await;
    browser.keep(&started.answer.set_cookies);
    let (state, code) = (state_of(&started.answer), world.provider.code_for("ada"));
    let query = format!("code={code}&state={state}");
    let done = world.callback(&browser, &query).await;
    browser.keep(&done.answer.set_cookies);
    world.callback(&browser, &query).await;
    world.callback(&Browser::default(), &query).await;
    let listed = format!("{:?}", listed(&serving, v1::AuditFilter::default(), 4).await);
    for (_, value) in &browser.cookies {
        assert!(!listed.contains(value), "{listed}");
    }
    assert!(!listed.contains(&state) && !listed.contains(&code), "{listed}");
}
