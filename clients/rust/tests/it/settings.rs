//! Owns how an edge comes by its settings and keeps them (contract.md 4).
//! Does not know what a route does with them.

use std::time::Duration;

use axum::Router;
use gatelodge_client::v1::validate_session_response::Outcome;
use gatelodge_client::{Edge, EdgeOptions, v1};
use http::{Request, StatusCode};
use tonic::Status;

use crate::authority::{Authority, active, outcome, settings};
use crate::browser::{edge, get, send};

/// Waits until it holds; the test fails after ten seconds.
async fn until(mut holds: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never held");
}

#[tokio::test]
async fn until_there_are_settings_every_route_is_503_and_then_it_recovers() {
    let authority = Authority::without_settings().await;
    authority.settings.say([Err(Status::internal("not yet"))]);
    let edge = Edge::new(authority.client(), EdgeOptions::default()).unwrap();
    for path in ["/auth/web/login", "/auth/web/callback", "/auth/me", "/auth/web/logged-out"] {
        get(&edge, path).await.assert_could_not_say();
    }
    assert_eq!(get(&edge, "/elsewhere").await.status, StatusCode::NOT_FOUND, "no other path is touched");

    authority.settings.say([Ok(settings("v1"))]);
    authority.validate.say([outcome(Outcome::Active(active()))]);
    tokio::time::timeout(Duration::from_secs(5), edge.gate().ready()).await.unwrap();
    assert_eq!(get(&edge, "/auth/me").await.status, StatusCode::OK);
}

// However many requests wait: the authority is asked with growing pauses.
#[tokio::test]
async fn no_request_shortens_the_pause_after_a_failure() {
    let authority = Authority::without_settings().await;
    authority.settings.say([Err(Status::internal("not yet"))]);
    let edge = Edge::new(authority.client(), EdgeOptions::default()).unwrap();
    let begun = tokio::time::Instant::now();
    while begun.elapsed() < Duration::from_secs(6) {
        get(&edge, "/auth/me").await.assert_could_not_say();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let asked = authority.settings.count();
    assert!((3..=5).contains(&asked), "asked {asked} times");
}

#[tokio::test]
async fn a_set_that_is_off_is_an_unknown_path() {
    let authority = Authority::without_settings().await;
    let mut off = settings("v1");
    off.settings.as_mut().unwrap().route_sets.clear();
    authority.settings.say([Ok(off)]);
    let edge = edge(&authority).await;
    assert_eq!(get(&edge, "/auth/me").await.status, StatusCode::NOT_FOUND);
    let application = Router::new().fallback(async || (StatusCode::NOT_FOUND, "no such page here"));
    let got = send(application.layer(edge.layer()), Request::get("/auth/me")).await;
    assert_eq!((got.status, got.body.as_ref()), (StatusCode::NOT_FOUND, b"no such page here".as_ref()));
    assert_eq!(authority.validate.count(), 0);
}

#[tokio::test]
async fn before_an_application_the_layer_answers_the_edges_routes_alone() {
    let authority = Authority::start().await;
    authority.validate.say([outcome(Outcome::Active(active()))]);
    let application = Router::new().fallback(async || "mine").layer(edge(&authority).await.layer());
    assert_eq!(send(application.clone(), Request::get("/auth/me?x")).await.json()["user_id"], "google_1");
    assert_eq!(send(application.clone(), Request::put("/auth/me")).await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(send(application, Request::get("/auth/me/")).await.body, "mine");
}

#[tokio::test]
async fn another_version_in_an_answer_brings_new_settings() {
    let authority = Authority::start().await;
    let edge = edge(&authority).await;
    let newer = v1::ValidateSessionResponse { outcome: Some(Outcome::Active(active())), settings_version: "v2".into() };
    authority.validate.say([Ok(newer)]);
    let mut renamed = settings("v2");
    renamed.settings.as_mut().unwrap().csrf_header = "x-other".into();
    authority.settings.say([Ok(renamed)]);
    assert_eq!(authority.settings.count(), 1);
    get(&edge, "/auth/me").await;
    until(|| authority.settings.count() == 2).await;
}

#[tokio::test]
async fn a_failure_and_unusable_settings_leave_the_last_good_ones() {
    let authority = Authority::start().await;
    let edge = edge(&authority).await;
    let mut broken = settings("v3");
    broken.settings.as_mut().unwrap().csrf_header = "no header\r\n".into();
    authority.settings.say([Err(Status::unavailable("away")), Ok(broken)]);
    let changed =
        v1::ValidateSessionResponse { outcome: Some(Outcome::Active(active())), settings_version: "v3".into() };
    authority.validate.say([Ok(changed)]);
    get(&edge, "/auth/me").await;
    until(|| authority.settings.count() >= 3).await;
    assert_eq!(get(&edge, "/auth/me").await.status, StatusCode::OK);
}

/// Settings of a tenant at these hosts, with a cookie of its own.
fn at(hosts: &[&str], cookie: &str) -> v1::EdgeSettings {
    let mut one = settings("v1").settings.unwrap();
    one.hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
    one.session_cookie_names = vec![cookie.to_owned()];
    one
}

#[tokio::test]
async fn an_edge_of_several_hosts_goes_by_the_host_of_each_request() {
    let authority = Authority::without_settings().await;
    let off = v1::EdgeSettings { route_sets: Vec::new(), ..at(&["off.example.com"], "off") };
    let told = v1::GetEdgeSettingsResponse {
        settings: Some(at(&["app.example.com"], "app")),
        others: vec![at(&["acme.example.com", "[::1]"], "acme"), at(&["app.example.com:8443"], "other"), off],
    };
    authority.settings.say([Ok(told)]);
    authority.validate.say([outcome(Outcome::Active(active()))]);
    let edge = edge(&authority).await;
    let table = [
        ("app.example.com", "app"),
        ("acme.example.com", "acme"),
        ("ACME.example.com:8000", "acme"),
        ("[::1]:8000", "acme"),
        ("[::1]", "acme"),
        ("app.example.com:8443", "other"),
        ("app.example.com:9000", "app"),
        ("elsewhere.example", "app"),
        ("", "app"),
    ];
    // One that a framework mounts goes by it too: where a tenant has the set off, the path is the application's own.
    for (host, status) in [("app.example.com", StatusCode::OK), ("off.example.com", StatusCode::NOT_FOUND)] {
        let request = http::Request::get("/auth/me").header("host", host);
        let mounted = axum::Router::new().layer(edge.layer());
        assert_eq!(send(mounted, request.header("cookie", "app=1")).await.status, status, "{host}");
    }
    for (host, cookie) in table {
        let request = http::Request::get("/auth/me").header("host", host);
        send(edge.router(), request.header("cookie", "app=1; acme=1; other=1")).await;
        let names: Vec<_> = authority.validate.last().cookies.into_iter().map(|cookie| cookie.name).collect();
        assert_eq!(names, [cookie], "{host}");
    }
}

#[tokio::test]
async fn a_client_names_its_tenant_with_every_call() {
    let authority = Authority::start().await;
    authority.validate.say([outcome(Outcome::Active(active()))]);
    let question = v1::ValidateSessionRequest::default();
    let ask = async |client: &gatelodge_client::Client| {
        client.sessions().validate_session(question.clone()).await.unwrap();
        authority.validate.metadata("x-tenant-id")
    };
    let client = authority.client();
    assert_eq!(ask(&client).await, None);
    assert_eq!(ask(&client.for_tenant("acme")).await.as_deref(), Some("acme"));
    assert_eq!(ask(&client.for_tenant("acme").for_tenant("2")).await.as_deref(), Some("2"));
    let variables = |name: &str| match name {
        "GATELODGE_ADDRESS" => Some(format!("http://{}", authority.address)),
        "GATELODGE_API_KEY" => Some("key".to_owned()),
        "GATELODGE_TENANT" => Some("globex".to_owned()),
        _ => None,
    };
    let options = gatelodge_client::ClientOptions::from_variables(variables).unwrap();
    let client = gatelodge_client::Client::connect(&options).unwrap();
    assert_eq!(ask(&client).await.as_deref(), Some("globex"));
    let line_end = gatelodge_client::ClientOptions::new("http://127.0.0.1:1", "k").tenant("a\nb");
    let fault = gatelodge_client::Client::connect(&line_end).unwrap_err().to_string();
    assert!(fault.contains("GATELODGE_TENANT"), "{fault}");
}
