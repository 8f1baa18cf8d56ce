//! Owns how a tenant is found: by key, metadata, header, parameter, host, state and credential; and what becomes of names
//! that differ. Does not know what a tenant may do.

use gatelodge::authority::settings::Settings;
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::v1::complete_callback_request::Response;
use gatelodge_client::v1::complete_callback_response::Outcome as Completed;
use gatelodge_client::v1::validate_session_response::Outcome;
use tonic::{Code, Request};

use super::town::{NAMES, OTHERS, Town, base, by, key, naming, tenancy};
use crate::rpc::failed;
use crate::rpc::serving::{self, context, cookies, validation};
use crate::world::{Browser, Kept, World};

const ACME: usize = 1;

/// Globex shares the default tenant's host, with cookies of its own.
fn shared(at: usize, settings: &mut Settings) {
    if at == 2 {
        (settings.public_base_url, settings.places.own) = (base(0), base(0));
        settings.cookies.session = "globex".into();
    }
}

/// What a browser's request says of its tenant.
#[derive(Clone, Copy, Debug, Default)]
struct Says {
    host: Option<&'static str>,
    header: Option<&'static str>,
}

fn seen(says: Says) -> v1::RequestContext {
    v1::RequestContext {
        host: says.host.map(Into::into),
        x_tenant_id: says.header.map(Into::into),
        ..context("GET", "/")
    }
}

async fn tenant_of(
    town: &Town,
    browser: &Browser,
    says: Says,
    sign: impl Fn(v1::ValidateSessionRequest) -> Request<v1::ValidateSessionRequest>,
) -> Option<String> {
    let question = v1::ValidateSessionRequest { context: Some(seen(says)), ..validation(browser) };
    let answer = town.serving.sessions().await.validate_session(sign(question)).await.unwrap().into_inner();
    match answer.outcome.unwrap() {
        Outcome::Active(active) => Some(active.identity.unwrap().tenant),
        Outcome::Inactive(inactive) => {
            // A cookie under another tenant's name is none of this one's.
            let unknown = [v1::InactiveReason::Forged, v1::InactiveReason::None];
            assert!(unknown.contains(&inactive.reason()), "{says:?} {inactive:?}");
            None
        }
        Outcome::Denied(denied) => panic!("{denied:?}"),
    }
}

// contract.md 6: key, metadata, header, host; whatever names a tenant must name the credential's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_is_good_where_everything_that_names_a_tenant_names_its_own() {
    for kept in [Kept::Memory, Kept::Redis] {
        let town = Town::with(kept, shared).await;
        let (acme, _) = town.log_in(ACME, "ada").await;
        let (default, _) = town.log_in(0, "ada").await;
        let (globex, _) = town.log_in(2, "ada").await;
        let (at_acme, at_app) = (Some("acme.example.com"), Some("app.example.com"));
        let none = Says::default();
        let host = |host| Says { host, header: None };
        let header = |header| Says { host: None, header: Some(header) };
        let unbound = |question| by(Role::Edge, None, question);
        let table: [(&Browser, Says, Option<usize>); 19] = [
            // Where nothing names one, the credential does.
            (&acme, none, Some(ACME)),
            (&default, none, Some(0)),
            (&acme, host(at_acme), Some(ACME)),
            (&acme, host(Some("ACME.example.COM")), Some(ACME)),
            (&acme, host(Some("acme.example.com:8443")), Some(ACME)),
            (&default, host(at_acme), None),
            (&acme, host(at_app), None),
            (&acme, host(Some("elsewhere.example")), None),
            (&default, host(Some("elsewhere.example")), Some(0)),
            (&acme, header("acme"), Some(ACME)),
            (&acme, header("2"), None),
            (&acme, header("default"), None),
            (&acme, header("nobody"), None),
            (&acme, header("ACME"), None),
            (&acme, Says { host: at_acme, header: Some("default") }, None),
            (&acme, Says { host: at_app, header: Some("acme") }, None),
            // Two share this host: the credential says which, unless the request does.
            (&default, host(at_app), Some(0)),
            (&globex, host(at_app), Some(2)),
            (&globex, Says { host: at_app, header: Some("default") }, None),
        ];
        for (browser, says, expected) in table {
            let found = tenant_of(&town, browser, says, unbound).await;
            assert_eq!(found.as_deref(), expected.map(|at| NAMES[at]), "{kept:?} {says:?}");
        }
        for name in ["acme", "2"] {
            let named = |question| naming(Role::Edge, None, name, question);
            assert_eq!(tenant_of(&town, &acme, none, named).await.as_deref(), Some("acme"));
            assert_eq!(tenant_of(&town, &acme, host(at_acme), named).await.as_deref(), Some("acme"));
            assert_eq!(tenant_of(&town, &acme, host(at_app), named).await, None);
            assert_eq!(tenant_of(&town, &default, none, named).await, None);
        }
        let bound = |question| by(Role::Edge, ACME, question);
        assert_eq!(tenant_of(&town, &acme, none, bound).await.as_deref(), Some("acme"));
        assert_eq!(tenant_of(&town, &acme, header("default"), bound).await, None);
    }
}

#[tokio::test]
async fn a_name_that_a_key_may_not_use_is_told_as_one_that_there_is_not() {
    let town = Town::over(Kept::Memory).await;
    let (mut sessions, mut admin) = (town.serving.sessions().await, town.serving.admin().await);
    let mut said = Vec::new();
    for name in ["default", "3", "nobody", "99", "*"] {
        let validate = naming(Role::Edge, ACME, name, v1::ValidateSessionRequest::default());
        let list = naming(Role::Admin, ACME, name, v1::ListSessionsRequest::default());
        let check = naming(Role::Edge, ACME, name, futures::stream::empty());
        let watch = naming(Role::Edge, ACME, name, v1::WatchSessionsRequest::default());
        for refused in [
            sessions.validate_session(validate).await.map(drop),
            admin.list_sessions(list).await.map(drop),
            sessions.check_sessions(check).await.map(drop),
            sessions.watch_sessions(watch).await.map(drop),
        ] {
            said.push(failed(refused, Code::PermissionDenied, "TENANT_UNKNOWN").message().to_owned());
        }
    }
    assert!(said.windows(2).all(|pair| pair[0] == pair[1]), "{said:?}");
    let own = naming(Role::Admin, ACME, "acme", v1::ListSessionsRequest::default());
    admin.list_sessions(own).await.unwrap();
    // An authority of one tenant has a name too, and a client that is set to another learns so.
    let alone = serving::Serving::of(&World::new()).await;
    for (name, known) in [("default", true), ("1", true), ("acme", false)] {
        let mut request = serving::by(Role::Admin, v1::ListSessionsRequest::default());
        request.metadata_mut().insert("x-tenant-id", name.parse().unwrap());
        assert_eq!(alone.admin().await.list_sessions(request).await.is_ok(), known, "{name}");
    }
}

#[tokio::test]
async fn a_caller_of_several_without_the_default_one_names_one_or_brings_a_host() {
    let town = Town::over(Kept::Memory).await;
    let (acme, _) = town.log_in(ACME, "ada").await;
    let (default, _) = town.log_in(0, "ada").await;
    let others = |question| by(Role::Edge, OTHERS, question);
    let at = |host| Says { host: Some(host), header: None };
    for (browser, host, found) in [
        (&acme, "acme.example.com", Some("acme")),
        (&acme, "globex.example.com", None),
        (&acme, "elsewhere.example", None),
        (&default, "app.example.com", None),
    ] {
        assert_eq!(tenant_of(&town, browser, at(host), others).await.as_deref(), found, "{host}");
    }
    let mut sessions = town.serving.sessions().await;
    // A backend brings the credential alone: its number says whose it is, where that is one of the caller's.
    for browser in [&default, &Browser::default()] {
        let bare = v1::ValidateSessionRequest { cookies: cookies(browser), ..Default::default() };
        let refused = sessions.validate_session(others(bare)).await;
        failed(refused, Code::PermissionDenied, "TENANT_UNKNOWN");
    }
    let bare = v1::ValidateSessionRequest { cookies: cookies(&acme), ..Default::default() };
    for request in [others(bare.clone()), naming(Role::Edge, OTHERS, "acme", bare)] {
        let answer = sessions.validate_session(request).await.unwrap().into_inner();
        assert!(matches!(answer.outcome, Some(Outcome::Active(_))), "{answer:?}");
    }
    let everything = v1::admin_service_revoke_request::Target::Everything(v1::Everything {});
    let question = v1::AdminServiceRevokeRequest { target: Some(everything), ..Default::default() };
    let mut admin = town.serving.admin().await;
    let refused = admin.revoke(naming(Role::Admin, OTHERS, "acme", question.clone())).await;
    failed(refused, Code::PermissionDenied, "CALLER_NOT_ALLOWED");
    let refused = admin.revoke(naming(Role::Admin, None, "acme", question.clone())).await;
    failed(refused, Code::PermissionDenied, "CALLER_NOT_ALLOWED");
    assert_eq!((town.living(0).await, town.living(ACME).await), (1, 1), "a call that names one tenant ends no other's");
    // Who is for every tenant may, and is told of all when asking how many that would be.
    let target = Some(v1::preview_revoke_request::Target::Everything(v1::Everything {}));
    let preview = admin.preview_revoke(by(Role::Admin, None, v1::PreviewRevokeRequest { target })).await.unwrap();
    assert_eq!(preview.into_inner().count, 2);
    town.worlds[0].clock.advance(std::time::Duration::from_millis(2));
    admin.revoke(by(Role::Admin, None, question)).await.unwrap();
    assert_eq!((town.living(0).await, town.living(ACME).await), (0, 0));
}

#[tokio::test]
async fn where_there_is_one_tenant_nothing_that_a_browser_sends_can_name_another() {
    let (world, mut browser) = (World::new(), Browser::default());
    world.log_in(&mut browser, "ada").await;
    let serving = serving::Serving::of(&world).await;
    let context = Some(seen(Says { host: Some("elsewhere.example"), header: Some("acme") }));
    let question = v1::ValidateSessionRequest { context: context.clone(), ..validation(&browser) };
    let answer = serving.sessions().await.validate_session(serving::by(Role::Edge, question)).await.unwrap();
    assert!(matches!(answer.into_inner().outcome, Some(Outcome::Active(_))));
    let question = v1::StartLoginRequest { context, query: "tenant=acme".into(), ..Default::default() };
    let answer = serving.logins().await.start_login(serving::by(Role::Edge, question)).await.unwrap();
    assert_eq!(answer.into_inner().failure, None);
}

// A browser on its way can send no header: the start names the tenant, and the state does from then on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tenants_that_share_a_host_are_told_apart_by_parameter_and_state() {
    for kept in [Kept::Memory, Kept::Redis] {
        let town = Town::with(kept, shared).await;
        let mut client = town.serving.logins().await;
        let at_app = seen(Says { host: Some("app.example.com"), header: None });
        for (query, at) in [("tenant=globex", 2), ("", 0), ("tenant=default", 0)] {
            let context = Some(at_app.clone());
            let start = v1::StartLoginRequest { context: context.clone(), query: query.into(), ..Default::default() };
            let answer = client.start_login(by(Role::Edge, None, start)).await.unwrap().into_inner().answer.unwrap();
            let mut browser = Browser::default();
            browser.keep(&answer.set_cookies);
            let state = answer.location.split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
            let code = town.worlds[at].provider.code_for("ada");
            let response = Some(Response::Query(format!("code={code}&state={state}").into()));
            let cookies = cookies(&browser);
            let callback = v1::CompleteCallbackRequest { response, cookies, context, ..Default::default() };
            let done = client.complete_callback(by(Role::Edge, None, callback)).await.unwrap().into_inner();
            let Some(Completed::Completed(login)) = done.outcome else { panic!("{kept:?} {query}: {done:?}") };
            assert_eq!(login.identity.unwrap().tenant, NAMES[at], "{kept:?} {query}");
        }
        for query in ["tenant=acme", "tenant=nobody", "tenant=3", "tenant=", "tenant=%00"] {
            let context = Some(at_app.clone());
            let start = v1::StartLoginRequest { context, query: query.into(), ..Default::default() };
            let answer = client.start_login(by(Role::Edge, None, start)).await.unwrap().into_inner();
            assert_eq!(answer.failure(), v1::LoginFailure::TenantUnknown, "{query}");
        }
    }
}

// An address that leads to an edge and is nobody's is anybody's to try: behind it no name is worth trying.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_learns_of_tenants_by_trying_names_at_a_host_that_is_nobodys() {
    let town = Town::over(Kept::Memory).await;
    let (acme, _) = town.log_in(ACME, "ada").await;
    let mut client = town.serving.logins().await;
    let mut told = Vec::new();
    for name in ["acme", "default", "globex", "nobody", "2"] {
        let header = Says { host: Some("elsewhere.example"), header: Some(name) };
        assert_eq!(tenant_of(&town, &acme, header, |question| by(Role::Edge, None, question)).await, None, "{name}");
        let seen_there = seen(Says { host: Some("elsewhere.example"), header: None });
        for (context, query) in [(seen(header), String::new()), (seen_there, format!("tenant={name}"))] {
            let start = v1::StartLoginRequest { context: Some(context), query: query.into(), ..Default::default() };
            let answer = client.start_login(by(Role::Edge, None, start)).await.unwrap().into_inner();
            assert_eq!(answer.failure(), v1::LoginFailure::TenantUnknown, "{name}");
            told.push(answer.answer.unwrap());
        }
    }
    assert!(told.windows(2).all(|pair| pair[0] == pair[1]), "{told:#?}");
}

// At one host a browser may hold the cookies of several tenants, and none of them goes because another's session has ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_session_of_one_tenant_hides_no_living_one_of_another_at_its_host() {
    for kept in [Kept::Memory, Kept::Redis] {
        let town = Town::with(kept, shared).await;
        let (default, of_default) = town.log_in(0, "ada").await;
        let (globex, of_globex) = town.log_in(2, "ada").await;
        let (globex_again, _) = town.log_in(2, "bob").await;
        let both = |one: &Browser, other: &Browser| [cookies(one), cookies(other)].concat();
        let context = |host| Some(seen(Says { host, header: None }));
        let whose = async |cookies: Vec<v1::Cookie>, host| {
            let question =
                v1::ValidateSessionRequest { cookies: cookies.clone(), context: context(host), ..Default::default() };
            let answer = town.serving.sessions().await.validate_session(by(Role::Edge, None, question)).await.unwrap();
            let question = v1::ListUserSessionsRequest { cookies, context: context(host), ..Default::default() };
            let listed =
                town.serving.sessions().await.list_user_sessions(by(Role::Edge, None, question)).await.unwrap();
            let lists =
                !matches!(listed.into_inner().outcome, Some(v1::list_user_sessions_response::Outcome::Inactive(_)));
            match answer.into_inner().outcome.unwrap() {
                Outcome::Active(active) => Some(active.identity.unwrap().tenant).filter(|_| lists),
                _ => None,
            }
        };
        // By their host, and with no host at all.
        for host in [Some("app.example.com"), None] {
            assert_eq!(whose(both(&globex, &default), host).await.as_deref(), Some("default"), "{kept:?}");
        }
        town.worlds[0].authority.revoke_as_admin(&World::call(), &super::admin::one(of_default), "").await.unwrap();
        for host in [Some("app.example.com"), None] {
            assert_eq!(whose(both(&default, &globex), host).await.as_deref(), Some("globex"), "{kept:?}");
        }
        town.worlds[2].authority.revoke_as_admin(&World::call(), &super::admin::one(of_globex), "").await.unwrap();
        assert_eq!(whose(both(&default, &globex), Some("app.example.com")).await, None, "{kept:?}");
        let (default, _) = town.log_in(0, "ada").await;
        assert_eq!(whose(both(&globex, &default), Some("app.example.com")).await.as_deref(), Some("default"));
        assert_eq!(whose(both(&default, &globex_again), Some("app.example.com")).await.as_deref(), Some("default"));
    }
}

// What an operator changes later is there for the next call, whatever is kept in memory.
#[tokio::test]
async fn tenants_can_be_replaced_all_at_once() {
    let town = Town::over(Kept::Memory).await;
    let (acme, _) = town.log_in(ACME, "ada").await;
    let at_acme = Says { host: Some("acme.example.com"), header: None };
    let unbound = |question| by(Role::Edge, None, question);
    assert_eq!(tenant_of(&town, &acme, at_acme, unbound).await.as_deref(), Some("acme"));
    let before = town.tenants.now().authorities().count();
    let default = town.worlds[0].authority.clone();
    town.tenants.replace(gatelodge::authority::tenants::Tenancy::new(default, [], []));
    assert_eq!(tenant_of(&town, &acme, at_acme, unbound).await, None);
    let mut sessions = town.serving.sessions().await;
    let bound = sessions.validate_session(by(Role::Edge, ACME, validation(&acme))).await;
    failed(bound, Code::PermissionDenied, "TENANT_UNKNOWN");
    town.tenants.replace(tenancy(&town.worlds));
    assert_eq!(town.tenants.now().authorities().count(), before);
    assert_eq!(tenant_of(&town, &acme, at_acme, unbound).await.as_deref(), Some("acme"));
    assert_ne!(key(Role::Edge, Some(ACME)), key(Role::Edge, None));
}
