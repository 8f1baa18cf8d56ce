//! Owns what a proxy is told that asks an edge over HTTP who may pass, in the shapes in which nginx, Caddy and Traefik ask.
//! Does not know them: nginx and Caddy are real in tests/proxies.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use gatelodge::authority::settings::RouteSet;
use gatelodge::rpc::policy::Role;
use gatelodge::session::client::TrustedProxies;
use gatelodge_client::{Client, ClientOptions, Edge, EdgeOptions, ROUTE_SETS};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::serving::{Serving, key};
use crate::world::faults::{Fault, FaultyStore};
use crate::world::{Browser, World};

const PROXY: &str = "10.0.0.2:4711";

struct Door {
    edge: Edge,
    store: std::sync::Arc<FaultyStore>,
    cookies: String,
    _world: World,
    _serving: Serving,
}

struct Said {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Said {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    fn claims(&self) -> usize {
        self.headers.keys().filter(|name| name.as_str().starts_with("x-gatelodge-")).count()
    }
}

impl Door {
    /// Before somebody who is logged in.
    async fn of(sets: &[RouteSet]) -> Self {
        let (world, store) = World::with_faults(|settings| {
            settings.cache = None;
            settings.route_sets = sets.to_vec();
            settings.trusted_proxies = TrustedProxies(vec!["10.0.0.0/8".parse().unwrap()]);
        });
        let mut browser = Browser::default();
        world.log_in(&mut browser, "ada").await;
        let serving = Serving::of(&world).await;
        let address = format!("http://{}", serving.address);
        let client = Client::connect(&ClientOptions::new(address, key(Role::Edge))).unwrap();
        let edge = Edge::new(client, EdgeOptions { route_sets: ROUTE_SETS.into(), ..EdgeOptions::default() }).unwrap();
        edge.gate().ready().await;
        let cookies = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
        Self { edge, store, cookies: cookies.join("; "), _world: world, _serving: serving }
    }

    /// Asks as a proxy at `peer` does, about a navigation to /orders; `more` headers take the place of those.
    async fn ask(&self, peer: &str, query: &str, cookies: &str, more: &[(&str, &str)]) -> Said {
        let usual = [
            ("host", "app.example.com"),
            ("user-agent", "Browser/1"),
            ("accept-language", "en"),
            ("sec-fetch-mode", "navigate"),
            ("x-forwarded-for", "192.0.2.7"),
            ("x-forwarded-method", "GET"),
            ("x-forwarded-uri", "/orders?page=2"),
            ("x-forwarded-host", "app.example.com"),
            ("cookie", cookies),
        ];
        let kept = usual.iter().filter(|(name, value)| !value.is_empty() && !more.iter().any(|(own, _)| own == name));
        let request = Request::get(format!("/auth/verify{query}"));
        let headers = kept.chain(more).filter(|(_, value)| !value.is_empty());
        let request = headers.fold(request, |request, (name, value)| request.header(*name, *value));
        self.send(peer, request.body(Body::empty()).unwrap()).await
    }

    async fn send(&self, peer: &str, mut request: Request<Body>) -> Said {
        request.extensions_mut().insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
        let (parts, body) = self.edge.router::<()>().oneshot(request).await.unwrap().into_parts();
        let body = String::from_utf8(body.collect().await.unwrap().to_bytes().into()).unwrap();
        Said { status: parts.status, headers: parts.headers, body }
    }
}

const BOTH: &[RouteSet] = &[RouteSet::Web, RouteSet::Proxy];

#[tokio::test]
async fn a_proxy_is_told_who_it_is_and_which_cookies_go_on() {
    let door = Door::of(BOTH).await;
    let mixed = format!("a=1; {}; theme=dark", door.cookies);
    let said = door.ask(PROXY, "", &mixed, &[("x-gatelodge-roles", "mallory")]).await;
    assert_eq!(said.status, StatusCode::OK, "{}", said.body);
    assert_eq!((said.header("x-gatelodge-user-id"), said.header("cookie")), (Some("idp_ada"), Some("a=1; theme=dark")));
    assert_eq!((said.header("cache-control"), said.header("x-gatelodge-roles")), (Some("no-store"), None));
    assert_eq!(door.ask(PROXY, "", &door.cookies, &[]).await.header("cookie"), None);
    // nginx passes on whatever its configuration does not name: what it can't take away goes no further.
    for (claim, status) in [("x-gatelodge-new", 403), ("x-gatelodge-user-id", 200)] {
        let said = door.ask(PROXY, "?answer=status", &door.cookies, &[(claim, "mallory")]).await;
        assert_eq!((said.status.as_u16(), said.header("x-gatelodge-new")), (status, None), "{claim}");
    }
    let nobody = door.ask(PROXY, "?session=optional", "a=1", &[("x-gatelodge-sub", "mallory")]).await;
    assert_eq!((nobody.status, nobody.claims(), nobody.header("cookie")), (StatusCode::OK, 0, Some("a=1")));
}

#[tokio::test]
async fn each_proxy_gets_a_refusal_as_it_can_take_it() {
    let door = Door::of(BOTH).await;
    let login = Some("/auth/web/login?redirect_uri=%2Forders%3Fpage%3D2");
    for (query, status) in [("", 302), ("?answer=copied", 302), ("?answer=status", 401), ("?answer=refusal", 302)] {
        let said = door.ask(PROXY, query, "", &[]).await;
        assert_eq!((said.status.as_u16(), said.header("location"), said.claims()), (status, login, 0), "{query}");
    }
    for query in ["", "?answer=status", "?answer=refusal"] {
        let fetch = door.ask(PROXY, query, "", &[("sec-fetch-mode", "cors")]).await;
        assert_eq!(fetch.status, StatusCode::UNAUTHORIZED);
        assert!(fetch.body.contains("not_signed_in"), "{}", fetch.body);
        let join = if query.is_empty() { "?" } else { "&" };
        let denied = door.ask(PROXY, &format!("{query}{join}roles=admin"), &door.cookies, &[]).await;
        assert_eq!(denied.status, StatusCode::FORBIDDEN);
        assert!(denied.body.contains("role_missing"), "{}", denied.body);
    }
    // It was refused by the proxy itself: it is not let in here.
    let passes = door.ask(PROXY, "?answer=refusal", &door.cookies, &[]).await;
    assert_eq!((passes.status, passes.claims()), (StatusCode::FORBIDDEN, 0));
}

// security.md 69; CVE-2026-40575.
#[tokio::test]
async fn what_a_request_was_is_believed_of_a_proxy_alone_and_only_when_it_wrote_it() {
    let door = Door::of(BOTH).await;
    let stranger = door.ask("192.0.2.9:1", "", &door.cookies, &[]).await;
    assert_eq!((stranger.status, stranger.claims()), (StatusCode::SERVICE_UNAVAILABLE, 0));
    let unwritten: &[&[(&str, &str)]] = &[
        &[("x-forwarded-method", "")],
        &[("x-forwarded-uri", "")],
        &[("x-forwarded-method", "GET"), ("x-forwarded-method", "POST")],
        &[("x-forwarded-uri", "/a"), ("x-forwarded-uri", "/b")],
        &[("x-forwarded-host", "app.example.com"), ("x-forwarded-host", "other.example.com")],
    ];
    for more in unwritten {
        let said = door.ask(PROXY, "", &door.cookies, more).await;
        assert_eq!((said.status, said.claims()), (StatusCode::SERVICE_UNAVAILABLE, 0), "{more:?}");
    }
    let post = door.ask(PROXY, "", &door.cookies, &[("x-forwarded-method", "POST")]).await;
    assert_eq!(post.status, StatusCode::FORBIDDEN);
    assert!(post.body.contains("csrf") || post.body.contains("origin"), "{}", post.body);
}

#[tokio::test]
async fn a_handshake_is_known_though_its_upgrade_ends_at_the_proxy() {
    let door = Door::of(BOTH).await;
    let opens = |origin| {
        [("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="), ("sec-fetch-mode", "websocket"), ("origin", origin)]
    };
    let refused = door.ask(PROXY, "", &door.cookies, &opens("https://evil.example")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.body.contains("origin_refused"), "{}", refused.body);
    assert_eq!(door.ask(PROXY, "", &door.cookies, &opens("https://app.example.com")).await.status, StatusCode::OK);
}

// security.md 113
#[tokio::test]
async fn whatever_is_no_answer_is_neither_a_pass_nor_a_logout() {
    let door = Door::of(BOTH).await;
    for query in ["?roles=a&roles=b", "?request=this", "?answer=maybe"] {
        let said = door.ask(PROXY, query, &door.cookies, &[]).await;
        assert_eq!((said.status, said.claims()), (StatusCode::BAD_REQUEST, 0), "{query}");
    }
    let misspelt = door.ask(PROXY, "?rolls=admin", &door.cookies, &[]).await;
    assert_eq!((misspelt.status, misspelt.claims()), (StatusCode::SERVICE_UNAVAILABLE, 0));
    // A proxy that preserves the method must not take the answer to a preflight for a yes.
    for method in [Method::OPTIONS, Method::HEAD, Method::POST] {
        let request =
            Request::builder().method(&method).uri("/auth/verify").header("origin", "https://spa.example.com");
        let said = door.send(PROXY, request.body(Body::empty()).unwrap()).await;
        assert_eq!(said.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
    }
    door.store.set(Fault::Away);
    for query in ["", "?session=optional", "?answer=status", "?answer=refusal"] {
        let said = door.ask(PROXY, query, &door.cookies, &[]).await;
        assert_eq!(said.status, StatusCode::SERVICE_UNAVAILABLE, "{query}");
        assert_eq!((said.header("set-cookie"), said.header("retry-after")), (None, Some("1")));
    }
}

#[tokio::test]
async fn the_door_is_shut_unless_the_authority_opens_it() {
    let door = Door::of(&[RouteSet::Web]).await;
    assert_eq!(door.ask(PROXY, "", &door.cookies, &[]).await.status, StatusCode::NOT_FOUND);
    // Nor does a page that an application has for every path open it.
    let application = axum::Router::new().fallback(|| async { "a page" }).layer(door.edge.layer());
    let mut request = Request::get("/auth/verify").body(Body::empty()).unwrap();
    request.extensions_mut().insert(ConnectInfo(PROXY.parse::<SocketAddr>().unwrap()));
    assert_eq!(application.oneshot(request).await.unwrap().status(), StatusCode::NOT_FOUND);
}
