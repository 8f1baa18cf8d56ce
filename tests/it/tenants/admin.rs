//! Owns the calls of AdminService that one tenant's admin tries on what is another's. Does not know who the two are.

use gatelodge::authority::revoke_as_admin;
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::v1::admin_service_revoke_request::Target;
use gatelodge_client::v1::preview_revoke_request::Target as Previewed;
use tonic::Code;

use super::pairs::{Pair, Tried};
use super::town::{NAMES, Town, by};
use crate::rpc::{failed, fields_of};
use crate::world::log::Log;
use crate::world::{Browser, Kept};

/// The target that one session is.
pub fn one(id: String) -> revoke_as_admin::Target {
    revoke_as_admin::Target::Session(id)
}

pub async fn try_all(pair: Pair<'_>, theirs: &Browser, id: &str) -> Tried {
    seen(pair, id).await;
    ended(pair, id).await;
    people(pair, theirs).await;
    written_down(pair, id).await;
    keys(pair).await;
    vec![
        "AdminService.ListSessions",
        "AdminService.GetSession",
        "AdminService.Revoke",
        "AdminService.PreviewRevoke",
        "AdminService.GetUser",
        "AdminService.ListUsers",
        "AdminService.DisableUser",
        "AdminService.EnableUser",
        "AdminService.DeleteUser",
        "AdminService.ListAudit",
        "AdminService.WatchAudit",
        "AdminService.ExplainLogin",
        "AdminService.CreateCallerKey",
        "AdminService.ListCallerKeys",
        "AdminService.RevokeCallerKey",
    ]
}

async fn list(town: &Town, at: usize, question: v1::ListSessionsRequest) -> Vec<String> {
    let answer = town.serving.admin().await.list_sessions(by(Role::Admin, at, question)).await.unwrap().into_inner();
    answer.sessions.into_iter().map(|session| session.info.unwrap().session_id).collect()
}

async fn seen(Pair { town, a, b }: Pair<'_>, id: &str) {
    let mut admin = town.serving.admin().await;
    let (_, own) = town.log_in(a, "ada").await;
    let all = || v1::ListSessionsRequest { page_size: 200, ..Default::default() };
    for question in [all(), v1::ListSessionsRequest { user_id: "idp_ada".into(), ..all() }] {
        let (ours, them) = (list(town, a, question.clone()).await, list(town, b, question).await);
        assert!(ours.contains(&own) && !ours.iter().any(|id| them.contains(id)), "{ours:?} {them:?}");
        assert!(them.iter().any(|one| one == id), "{them:?}");
    }
    let mut said = Vec::new();
    for id in [id, "sid_AAAAAAAAAAAAAAAAAAAAAAAA"] {
        let question = v1::GetSessionRequest { session_id: id.into() };
        let refused = admin.get_session(by(Role::Admin, a, question)).await;
        said.push(failed(refused, Code::NotFound, "SESSION_NOT_FOUND").message().to_owned());
    }
    assert_eq!(said[0], said[1]);
    // A page of theirs is not gone on with here.
    town.log_in(b, "carol").await;
    let first = v1::ListSessionsRequest { page_size: 1, user_id: "idp_ada".into(), ..Default::default() };
    town.log_in(b, "ada").await;
    let page = admin.list_sessions(by(Role::Admin, b, first.clone())).await.unwrap().into_inner();
    assert!(!page.next_page_token.is_empty());
    let next = v1::ListSessionsRequest { page_token: page.next_page_token, ..first };
    let refused = admin.list_sessions(by(Role::Admin, a, next)).await;
    assert_eq!(fields_of(&failed(refused, Code::InvalidArgument, "INVALID_FIELD")), ["page_token"]);
}

async fn ended(Pair { town, a, b }: Pair<'_>, id: &str) {
    let mut admin = town.serving.admin().await;
    let their = town.living(b).await;
    let targets = [
        (Target::SessionId(id.into()), Previewed::SessionId(id.into())),
        (Target::UserId("idp_ada".into()), Previewed::UserId("idp_ada".into())),
        (Target::Provider("idp".into()), Previewed::Provider("idp".into())),
        (Target::Tenant(v1::WholeTenant {}), Previewed::Tenant(v1::WholeTenant {})),
    ];
    for (target, previewed) in targets {
        let ours = town.living(a).await as u64;
        let question = v1::PreviewRevokeRequest { target: Some(previewed) };
        let preview = admin.preview_revoke(by(Role::Admin, a, question)).await.unwrap().into_inner();
        assert!(preview.count <= ours, "{target:?}: {preview:?}");
        // Marks are of the clock's moment.
        town.worlds[a].clock.advance(std::time::Duration::from_millis(2));
        let question = v1::AdminServiceRevokeRequest { target: Some(target.clone()), ..Default::default() };
        let answer = admin.revoke(by(Role::Admin, a, question)).await.unwrap().into_inner();
        assert!(answer.revoked_count <= ours && (target != Target::SessionId(id.into()) || answer.revoked_count == 0));
        assert_eq!(town.living(b).await, their, "{target:?}");
    }
    assert_eq!(town.living(a).await, 0, "one's own are gone");
    let everything = Some(Target::Everything(v1::Everything {}));
    let question = v1::AdminServiceRevokeRequest { target: everything, ..Default::default() };
    failed(admin.revoke(by(Role::Admin, a, question)).await, Code::PermissionDenied, "CALLER_NOT_ALLOWED");
    let question = v1::PreviewRevokeRequest { target: Some(Previewed::Everything(v1::Everything {})) };
    failed(admin.preview_revoke(by(Role::Admin, a, question)).await, Code::PermissionDenied, "CALLER_NOT_ALLOWED");
    assert_eq!(town.living(b).await, their);
}

/// Whoever is known to them alone is nobody here, and what is done to one's own user of the same id is not done to theirs.
async fn people(Pair { town, a, b }: Pair<'_>, theirs: &Browser) {
    let mut admin = town.serving.admin().await;
    let only_there = format!("only-{b}");
    town.log_in(b, &only_there).await;
    let user_id = format!("idp_{only_there}");
    let question = v1::GetUserRequest { user_id: user_id.clone() };
    failed(admin.get_user(by(Role::Admin, a, question)).await, Code::NotFound, "USER_NOT_FOUND");
    let question = v1::ListUsersRequest { page_size: 200, ..Default::default() };
    let listed = admin.list_users(by(Role::Admin, a, question)).await.unwrap().into_inner().users;
    assert!(listed.iter().all(|user| user.user_id != user_id), "{listed:?}");
    town.log_in(a, "ada").await;
    let (user_id, reason) = (String::from("idp_ada"), String::new());
    let question = v1::DisableUserRequest { user_id: user_id.clone(), reason: reason.clone(), ..Default::default() };
    admin.disable_user(by(Role::Admin, a, question)).await.unwrap();
    town.log_in(b, "ada").await;
    let state = async |at: usize| {
        let mut admin = town.serving.admin().await;
        let question = v1::GetUserRequest { user_id: "idp_ada".into() };
        admin.get_user(by(Role::Admin, at, question)).await.unwrap().into_inner().user.unwrap().state()
    };
    assert_eq!((state(a).await, state(b).await), (v1::UserState::Disabled, v1::UserState::Active), "{theirs:?}");
    let question = v1::EnableUserRequest { user_id: user_id.clone(), reason: reason.clone(), ..Default::default() };
    admin.enable_user(by(Role::Admin, a, question)).await.unwrap();
    let question = v1::DeleteUserRequest { user_id, reason, ..Default::default() };
    admin.delete_user(by(Role::Admin, a, question)).await.unwrap();
    assert_eq!((state(a).await, state(b).await), (v1::UserState::Deleted, v1::UserState::Active));
}

/// What was written down of one is shown to nobody else, whatever is asked for: not by session, user, request or caller.
async fn written_down(Pair { town, a, b }: Pair<'_>, id: &str) {
    let mut admin = town.serving.admin().await;
    let list = async |at: usize, filter: v1::AuditFilter| {
        let question = v1::ListAuditRequest { filter: Some(filter), page_size: 200, ..Default::default() };
        let mut admin = town.serving.admin().await;
        admin.list_audit(by(Role::Admin, at, question)).await.unwrap().into_inner().entries
    };
    let about = || v1::AuditFilter { session_id: id.into(), ..Default::default() };
    while list(b, about()).await.is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let theirs: Vec<_> = list(b, v1::AuditFilter::default()).await.into_iter().map(|entry| entry.entry_id).collect();
    for filter in [
        about(),
        v1::AuditFilter::default(),
        v1::AuditFilter { user_id: "idp_ada".into(), ..Default::default() },
        v1::AuditFilter { request_id: "test".into(), ..Default::default() },
        v1::AuditFilter { caller: "bound".into(), ..Default::default() },
    ] {
        let ours = list(a, filter.clone()).await;
        assert!(ours.iter().all(|entry| !theirs.contains(&entry.entry_id)), "{filter:?}");
    }
    let question = v1::ExplainLoginRequest { request_id: "test".into() };
    let explained = admin.explain_login(by(Role::Admin, a, question)).await.unwrap().into_inner().entries;
    assert!(explained.iter().all(|entry| !theirs.contains(&entry.entry_id)));
    // What comes next of theirs is told to them alone.
    let question = v1::WatchAuditRequest::default;
    let mut ours = admin.watch_audit(by(Role::Admin, a, question())).await.unwrap().into_inner();
    let mut told = admin.watch_audit(by(Role::Admin, b, question())).await.unwrap().into_inner();
    assert_eq!(
        (ours.message().await.unwrap().unwrap().entries, told.message().await.unwrap().unwrap().entries),
        (vec![], vec![])
    );
    let (_, new) = town.log_in(b, "ada").await;
    let mut seen = Vec::new();
    while !seen.contains(&new) {
        seen.extend(told.message().await.unwrap().unwrap().entries.into_iter().map(|entry| entry.session_id));
    }
    let heard = tokio::time::timeout(std::time::Duration::from_millis(100), ours.message()).await;
    let heard = heard.map(|message| message.unwrap().unwrap().entries).unwrap_or_default();
    assert!(heard.iter().all(|entry| !seen.contains(&entry.session_id) || entry.session_id.is_empty()), "{heard:?}");
}

/// A key of theirs is not seen, guessed or revoked from here, its name is free here, and none is made for them.
async fn keys(Pair { town, a, b }: Pair<'_>) {
    let mut admin = town.serving.admin().await;
    let wanted =
        |name: String| v1::CreateCallerKeyRequest { name, role: v1::CallerRole::Backend.into(), ..Default::default() };
    let name = format!("key-{a}-{b}");
    let theirs = admin.create_caller_key(by(Role::Admin, b, wanted(name.clone()))).await.unwrap().into_inner();
    let ours = admin.create_caller_key(by(Role::Admin, a, wanted(name))).await.unwrap().into_inner();
    let (theirs, ours) = (theirs.key.unwrap(), ours.key.unwrap());
    let list = async |at: usize| {
        let question = by(Role::Admin, at, v1::ListCallerKeysRequest {});
        town.serving.admin().await.list_caller_keys(question).await.unwrap().into_inner().keys
    };
    let listed = list(a).await;
    assert!(listed.iter().all(|key| key.key_id != theirs.key_id) && listed.iter().any(|key| key.key_id == ours.key_id));
    let revoke = |key_id: String| v1::RevokeCallerKeyRequest { key_id, ..Default::default() };
    let unknown = format!("{}{}", &theirs.key_id[..theirs.key_id.len() - 4], "AAAA");
    for id in [theirs.key_id.clone(), unknown] {
        let answer = admin.revoke_caller_key(by(Role::Admin, a, revoke(id))).await.unwrap().into_inner();
        assert!(!answer.revoked, "as of one that is not there");
    }
    assert!(list(b).await.iter().any(|key| key.key_id == theirs.key_id));
    let for_them = v1::CreateCallerKeyRequest { tenants: vec![NAMES[b].into()], ..wanted("wide".into()) };
    failed(admin.create_caller_key(by(Role::Admin, a, for_them)).await, Code::PermissionDenied, "CALLER_NOT_ALLOWED");
    for (at, key) in [(a, ours), (b, theirs)] {
        assert!(admin.revoke_caller_key(by(Role::Admin, at, revoke(key.key_id))).await.unwrap().into_inner().revoked);
    }
}

// security.md 111.
#[tokio::test]
async fn what_is_logged_of_a_call_says_whose_it_is_and_who_called() {
    let log = Log::default();
    let _listening = log.listen();
    let town = Town::over(Kept::Memory).await;
    let (_, id) = town.log_in(1, "ada").await;
    let target = Some(Target::SessionId(id));
    let question = v1::AdminServiceRevokeRequest { target, ..Default::default() };
    town.serving.admin().await.revoke(by(Role::Admin, 1, question)).await.unwrap();
    let text = log.text();
    let line = text.lines().find(|line| line.contains("an admin ended sessions")).unwrap();
    assert!(line.contains(r#"tenant="acme""#) && line.contains(r#"caller="bound""#), "{line}");
}
