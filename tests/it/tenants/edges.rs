//! Owns what an edge of several hosts is told, and that it goes by the host of each request. Does not know the routes'
//! answers.

use axum::body::Body;
use gatelodge::authority::settings::Settings;
use gatelodge::rpc::policy::Role;
use gatelodge::session::origin::Origin;
use gatelodge_client::v1;
use gatelodge_client::{Client, ClientOptions, Edge, EdgeOptions};
use http::{Request, Response, StatusCode, header};
use tower::ServiceExt as _;

use super::town::{NAMES, Town, base, by, key, naming, tenancy};
use crate::world::Kept;

/// Each has a cookie and a front end of its own.
fn apart(at: usize, settings: &mut Settings) {
    settings.cookies.session = format!("{}_session", NAMES[at]);
    settings.csrf.allowed_origins = vec![Origin::new(&format!("https://spa.{}.example", NAMES[at])).unwrap()];
}

async fn told(town: &Town, question: tonic::Request<v1::GetEdgeSettingsRequest>) -> v1::GetEdgeSettingsResponse {
    town.serving.logins().await.get_edge_settings(question).await.unwrap().into_inner()
}

#[tokio::test]
async fn an_edge_of_all_hosts_is_told_of_each_and_one_of_one_of_that_alone() {
    let town = Town::with(Kept::Memory, apart).await;
    let ask = |host: &'static str| v1::GetEdgeSettingsRequest { host: host.into() };
    let all = told(&town, by(Role::Edge, None, ask(""))).await;
    let settings: Vec<_> = all.settings.iter().chain(&all.others).collect();
    assert_eq!(settings.iter().map(|one| one.tenant.as_str()).collect::<Vec<_>>(), NAMES);
    for (at, one) in settings.iter().enumerate() {
        let host = base(at).as_str().trim_start_matches("https://").to_owned();
        assert_eq!((&one.hosts, &one.public_base_url), (&vec![host], &base(at).as_str().to_owned()));
        assert_eq!(one.session_cookie_names, [format!("__Host-{}_session", NAMES[at]), "old_session".into()]);
        assert_eq!(one.version, settings[0].version, "one version for all that an edge holds");
    }
    let of_host = told(&town, by(Role::Edge, None, ask("acme.example.com"))).await;
    assert_eq!((of_host.settings.unwrap().tenant.as_str(), of_host.others.len()), ("acme", 0));
    let named = told(&town, naming(Role::Edge, None, "globex", ask("acme.example.com"))).await;
    assert_eq!((named.settings.unwrap().tenant.as_str(), named.others.len()), ("globex", 0));

    // The version that answers name is the one that the edge holds: of all, or of its own tenant alone.
    let version = async |question: tonic::Request<v1::LoginServiceListProvidersRequest>| {
        town.serving.logins().await.list_providers(question).await.unwrap().into_inner().settings_version
    };
    let question = v1::LoginServiceListProvidersRequest::default;
    let own = told(&town, by(Role::Edge, 1, ask(""))).await.settings.unwrap().version;
    assert_eq!(version(by(Role::Edge, None, question())).await, settings[0].version);
    assert_eq!(version(by(Role::Edge, 1, question())).await, own);

    // A change of globex is news to an edge of all, and none to an edge of acme.
    let changed = Town::with(Kept::Memory, |at, settings| {
        apart(at, settings);
        if at == 2 {
            settings.csrf.header = "x-other".into();
        }
    });
    town.tenants.replace(tenancy(&changed.await.worlds));
    assert_ne!(version(by(Role::Edge, None, question())).await, settings[0].version);
    assert_eq!(version(by(Role::Edge, 1, question())).await, own);
}

#[tokio::test]
async fn tenants_that_share_a_host_tell_an_edge_of_each_others_cookies() {
    let town = Town::with(Kept::Memory, |at, settings| {
        apart(at, settings);
        if at == 2 {
            settings.public_base_url = base(0);
        }
    })
    .await;
    let told = told(&town, by(Role::Edge, None, v1::GetEdgeSettingsRequest::default())).await;
    let names = &told.settings.unwrap().session_cookie_names;
    assert_eq!(names[0], "__Host-default_session");
    assert!(names.contains(&"__Host-globex_session".to_owned()) && names.len() == 3, "{names:?}");
    assert!(!told.others[0].session_cookie_names.contains(&"__Host-globex_session".to_owned()));
}

async fn get(edge: &Edge, host: &str, path: &str, cookies: &str) -> Response<Body> {
    let request = Request::get(path).header(header::HOST, host).header(header::COOKIE, cookies);
    let request = request.header(header::ORIGIN, "https://spa.acme.example").body(Body::empty()).unwrap();
    edge.router::<()>().oneshot(request).await.unwrap()
}

// The edge inside the process is the same: one key for all, and the host of each request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_edge_serves_every_host_as_its_tenant() {
    for kept in [Kept::Memory, Kept::Redis] {
        let town = Town::with(kept, apart).await;
        let address = format!("http://{}", town.serving.address);
        let client = Client::connect(&ClientOptions::new(address, key(Role::Edge, None))).unwrap();
        let edge = Edge::new(client, EdgeOptions::default()).unwrap();
        edge.gate().ready().await;
        let hosts = ["app.example.com", "acme.example.com", "globex.example.com"];
        for (at, host) in hosts.into_iter().enumerate() {
            let started = get(&edge, host, "/auth/web/login", "").await;
            assert_eq!(started.status(), StatusCode::FOUND, "{kept:?} {host}");
            let location = started.headers()[header::LOCATION].to_str().unwrap().to_owned();
            let pairs = |response: &Response<Body>| {
                let all = response.headers().get_all(header::SET_COOKIE).iter();
                all.map(|line| line.to_str().unwrap().split(';').next().unwrap().to_owned())
                    .collect::<Vec<_>>()
                    .join("; ")
            };
            let state = location.split("state=").nth(1).unwrap().split('&').next().unwrap();
            let code = town.worlds[at].provider.code_for("ada");
            let path = format!("/auth/web/callback?code={code}&state={state}");
            let done = get(&edge, host, &path, &pairs(&started)).await;
            let cookie = pairs(&done);
            assert!(cookie.starts_with(&format!("__Host-{}_session=", NAMES[at])), "{kept:?} {host}: {cookie}");
            for other in hosts {
                let me = get(&edge, other, "/auth/me", &cookie).await;
                let allowed = me.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN);
                assert_eq!(allowed, other == "acme.example.com", "its front end alone");
                let expected = if other == host { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
                assert_eq!(me.status(), expected, "{kept:?} {host} at {other}");
            }
        }
    }
}
