//! Owns the calls of AdminService that one tenant's admin tries on what is another's. Does not know who the two are.

use gatelodge::authority::revoke_as_admin;
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::v1::admin_service_revoke_request::Target;
use gatelodge_client::v1::preview_revoke_request::Target as Previewed;
use tonic::{Code, Response, Status};

use super::alike::{NOBODYS_ID, alike, garbled};
use super::pairs::{Pair, Tried};
use super::town::{NAMES, Town, by};
use crate::rpc::serving::context;
use crate::rpc::{failed, fields_of};
use crate::world::log::Log;
use crate::world::{Browser, Kept};

/// A user whom nobody knows.
const NOBODY: &str = "idp_nobody";

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
    let admin = town.serving.admin().await;
    let (_, own) = town.log_in(a, "ada").await;
    let all = || v1::ListSessionsRequest { page_size: 200, ..Default::default() };
    for question in [all(), v1::ListSessionsRequest { user_id: "idp_ada".into(), ..all() }] {
        let (ours, them) = (list(town, a, question.clone()).await, list(town, b, question).await);
        assert!(ours.contains(&own) && !ours.iter().any(|id| them.contains(id)), "{ours:?} {them:?}");
        assert!(them.iter().any(|one| one == id), "{them:?}");
    }
    alike(town, "AdminService.GetSession", [id, NOBODYS_ID], async |id| {
        let question = v1::GetSessionRequest { session_id: (*id).to_owned() };
        let refused = admin.clone().get_session(by(Role::Admin, a, question)).await;
        Err::<Response<()>, _>(failed(refused, Code::NotFound, "SESSION_NOT_FOUND"))
    })
    .await;
    let only_there = only_there(town, b).await;
    let sid = format!("sid at {b}");
    *town.worlds[b].provider.sid.lock().unwrap() = Some(sid.clone());
    town.log_in(b, "carol").await;
    *town.worlds[b].provider.sid.lock().unwrap() = None;
    let of_user = |user_id: &str| v1::ListSessionsRequest { user_id: user_id.to_owned(), ..all() };
    let of_providers =
        |sid: &str| v1::ListSessionsRequest { provider: "idp".into(), provider_session_id: sid.to_owned(), ..all() };
    for questions in [[of_user(&only_there), of_user(NOBODY)], [of_providers(&sid), of_providers("nobody")]] {
        alike(town, "AdminService.ListSessions", questions, async |question| {
            let mut listed = admin.clone().list_sessions(by(Role::Admin, a, question.clone())).await?;
            assert!(listed.get_ref().sessions.is_empty(), "{listed:?}");
            // What was asked for comes back.
            listed.get_mut().applied_filter = None;
            Ok(listed)
        })
        .await;
    }
    // A page of theirs is not gone on with here.
    let first = v1::ListSessionsRequest { page_size: 1, user_id: "idp_ada".into(), ..Default::default() };
    town.log_in(b, "ada").await;
    let page = admin.clone().list_sessions(by(Role::Admin, b, first.clone())).await.unwrap().into_inner();
    alike(town, "AdminService.ListSessions", pages(page.next_page_token), async |page| {
        let next = v1::ListSessionsRequest { page_token: page.clone(), ..first.clone() };
        let refused = admin.clone().list_sessions(by(Role::Admin, a, next)).await;
        let refused = failed(refused, Code::InvalidArgument, "INVALID_FIELD");
        assert_eq!(fields_of(&refused), ["page_token"]);
        Err::<Response<()>, _>(refused)
    })
    .await;
}

/// The token of a page of theirs, and one that nobody gave out.
fn pages(token: String) -> [String; 2] {
    assert!(!token.is_empty());
    let nobodys = garbled(&token);
    [token, nobodys]
}

/// The id of a user whom one tenant alone knows.
async fn only_there(town: &Town, b: usize) -> String {
    let sub = format!("only-{b}");
    town.log_in(b, &sub).await;
    format!("idp_{sub}")
}

async fn ended(Pair { town, a, b }: Pair<'_>, id: &str) {
    let only_there = only_there(town, b).await;
    let mut admin = town.serving.admin().await;
    let their = town.living(b).await;
    let user = |user_id: &str| (Target::UserId(user_id.into()), Previewed::UserId(user_id.into()));
    let session = |id: &str| (Target::SessionId(id.into()), Previewed::SessionId(id.into()));
    for targets in [[session(id), session(NOBODYS_ID)], [user(&only_there), user(NOBODY)]] {
        alike(town, "AdminService.PreviewRevoke", targets.clone(), async |(_, target)| {
            let question = v1::PreviewRevokeRequest { target: Some(target.clone()) };
            admin.clone().preview_revoke(by(Role::Admin, a, question)).await
        })
        .await;
        alike(town, "AdminService.Revoke", targets, async |(target, _)| {
            let question = v1::AdminServiceRevokeRequest { target: Some(target.clone()), ..Default::default() };
            let mut answer = admin.clone().revoke(by(Role::Admin, a, question)).await?;
            assert_eq!(answer.get_ref().revoked_count, 0);
            answer.get_mut().event_position.clear();
            Ok(answer)
        })
        .await;
        assert_eq!(town.living(b).await, their);
    }
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
    let user_id = only_there(town, b).await;
    let ids = || [user_id.as_str(), NOBODY];
    let nobody = |answer: Result<(), Status>| Err::<Response<()>, _>(failed(answer, Code::NotFound, "USER_NOT_FOUND"));
    alike(town, "AdminService.GetUser", ids(), async |id| {
        let question = v1::GetUserRequest { user_id: (*id).to_owned() };
        nobody(admin.clone().get_user(by(Role::Admin, a, question)).await.map(drop))
    })
    .await;
    alike(town, "AdminService.DisableUser", ids(), async |id| {
        let question = v1::DisableUserRequest { user_id: (*id).to_owned(), ..Default::default() };
        nobody(admin.clone().disable_user(by(Role::Admin, a, question)).await.map(drop))
    })
    .await;
    alike(town, "AdminService.EnableUser", ids(), async |id| {
        let question = v1::EnableUserRequest { user_id: (*id).to_owned(), ..Default::default() };
        nobody(admin.clone().enable_user(by(Role::Admin, a, question)).await.map(drop))
    })
    .await;
    alike(town, "AdminService.DeleteUser", ids(), async |id| {
        let question = v1::DeleteUserRequest { user_id: (*id).to_owned(), ..Default::default() };
        nobody(admin.clone().delete_user(by(Role::Admin, a, question)).await.map(drop))
    })
    .await;
    let question = v1::ListUsersRequest { page_size: 1, ..Default::default() };
    let page = admin.list_users(by(Role::Admin, b, question)).await.unwrap().into_inner();
    alike(town, "AdminService.ListUsers", pages(page.next_page_token), async |page| {
        let question = v1::ListUsersRequest { page_token: page.clone(), ..Default::default() };
        let refused = admin.clone().list_users(by(Role::Admin, a, question)).await;
        Err::<Response<()>, _>(failed(refused, Code::InvalidArgument, "INVALID_FIELD"))
    })
    .await;
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
async fn written_down(pair: Pair<'_>, id: &str) {
    let Pair { town, a, b } = pair;
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
    unheard(pair).await;
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

/// Whatever names an entry of theirs alone is a name of nothing here.
async fn unheard(Pair { town, a, b }: Pair<'_>) {
    let admin = town.serving.admin().await;
    let sub = format!("unheard-{a}-{b}");
    let (_, session) = town.log_in(b, &sub).await;
    let request_id = format!("only-at-{b}");
    let context = Some(context("GET", "/"));
    let question = v1::StartLoginRequest { query: "provider=nobody".into(), context, ..Default::default() };
    let mut question = by(Role::Edge, b, question);
    question.metadata_mut().insert("x-request-id", request_id.parse().unwrap());
    town.serving.logins().await.start_login(question).await.unwrap();
    let explain = async |at: usize, request_id: &str| {
        let question = v1::ExplainLoginRequest { request_id: request_id.to_owned() };
        admin.clone().explain_login(by(Role::Admin, at, question)).await
    };
    while explain(b, &request_id).await.unwrap().get_ref().entries.is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let ids = || [request_id.as_str(), "only-with-nobody"];
    alike(town, "AdminService.ExplainLogin", ids(), async |id| explain(a, id).await).await;
    let of_session = |id: &str| v1::AuditFilter { session_id: id.to_owned(), ..Default::default() };
    let of_user = |id: &str| v1::AuditFilter { user_id: id.to_owned(), ..Default::default() };
    let of_request = |id: &str| v1::AuditFilter { request_id: id.to_owned(), ..Default::default() };
    let sessions = [of_session(&session), of_session(&garbled(&session))];
    let users = [of_user(&format!("idp_{sub}")), of_user("idp_unheard")];
    for filters in [sessions, users, ids().map(of_request)] {
        alike(town, "AdminService.ListAudit", filters.clone(), async |filter| {
            let question = v1::ListAuditRequest { filter: Some(filter.clone()), ..Default::default() };
            admin.clone().list_audit(by(Role::Admin, a, question)).await
        })
        .await;
        alike(town, "AdminService.WatchAudit", filters, async |filter| {
            let question = v1::WatchAuditRequest { filter: Some(filter.clone()) };
            let watch = admin.clone().watch_audit(by(Role::Admin, a, question)).await?;
            Ok(Response::new(watch.into_inner().message().await?.unwrap()))
        })
        .await;
    }
}

/// A key of theirs is not seen, guessed or revoked from here, its name is free here, and none is made for them.
async fn keys(Pair { town, a, b }: Pair<'_>) {
    let mut admin = town.serving.admin().await;
    let wanted =
        |name: String| v1::CreateCallerKeyRequest { name, role: v1::CallerRole::Backend.into(), ..Default::default() };
    let name = format!("key-{a}-{b}");
    let theirs = admin.create_caller_key(by(Role::Admin, b, wanted(name.clone()))).await.unwrap().into_inner();
    let names = [name.clone(), format!("nobodys-{a}-{b}")];
    alike(town, "AdminService.CreateCallerKey", names, async |name| {
        let made = admin.clone().create_caller_key(by(Role::Admin, a, wanted(name.clone()))).await?;
        let key_id = made.get_ref().key.as_ref().unwrap().key_id.clone();
        let question = v1::RevokeCallerKeyRequest { key_id, ..Default::default() };
        admin.clone().revoke_caller_key(by(Role::Admin, a, question)).await
    })
    .await;
    let ours = admin.create_caller_key(by(Role::Admin, a, wanted(name))).await.unwrap().into_inner();
    let (theirs, ours) = (theirs.key.unwrap(), ours.key.unwrap());
    let list = async |at: usize| {
        let question = by(Role::Admin, at, v1::ListCallerKeysRequest {});
        town.serving.admin().await.list_caller_keys(question).await.unwrap().into_inner().keys
    };
    let listed = list(a).await;
    assert!(listed.iter().all(|key| key.key_id != theirs.key_id) && listed.iter().any(|key| key.key_id == ours.key_id));
    let revoke = |key_id: String| v1::RevokeCallerKeyRequest { key_id, ..Default::default() };
    let ids = [theirs.key_id.clone(), garbled(&theirs.key_id)];
    alike(town, "AdminService.RevokeCallerKey", ids, async |id| {
        let answer = admin.clone().revoke_caller_key(by(Role::Admin, a, revoke(id.clone()))).await?;
        assert!(!answer.get_ref().revoked, "as of one that is not there");
        Ok(answer)
    })
    .await;
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
