//! Owns what other origins are told: the settings' word, exactly (contract.md 4, security.md 72).
//! Does not know sessions.

use gatelodge_client::v1::validate_session_response::Outcome;
use http::{Request, StatusCode};

use crate::authority::{Authority, active, outcome};
use crate::browser::{edge, send};

const ALLOWED: &str = "http://localhost:5173";

#[tokio::test]
async fn a_preflight_is_answered_from_the_settings_alone() {
    let authority = Authority::start().await;
    let edge = edge(&authority).await;
    let preflight = |origin: &str| {
        let request = Request::options("/auth/web/logout").header("origin", origin);
        request.header("access-control-request-method", "POST").header("cookie", "session=s")
    };
    let got = send(edge.router(), preflight(ALLOWED)).await;
    assert_eq!(got.status, StatusCode::NO_CONTENT);
    assert_eq!(got.header("access-control-allow-origin"), Some(ALLOWED));
    assert_eq!(got.header("access-control-allow-credentials"), Some("true"));
    assert_eq!(got.header("access-control-allow-methods"), Some("GET, POST"));
    assert_eq!(got.header("access-control-allow-headers"), Some("content-type, x-csrf-token"));
    assert_eq!(got.header("access-control-max-age"), Some("600"));
    assert!(got.headers.get_all("vary").iter().any(|name| name == "Origin"));
    assert_eq!(got.header("cache-control"), Some("no-store"), "as on every answer");

    for refused in ["http://localhost:5174", "http://localhost:5173/", "HTTP://localhost:5173", "null", "http://evil"] {
        let got = send(edge.router(), preflight(refused)).await;
        let shared = got.headers.keys().filter(|name| name.as_str().starts_with("access-control-")).count();
        let varies = got.headers.get_all("vary").iter().any(|name| name == "Origin");
        assert_eq!((shared, varies), (0, true), "{refused}");
    }
    assert_eq!(authority.logout.count(), 0);
}

#[tokio::test]
async fn an_allowed_origin_may_read_the_answer_and_no_other() {
    let authority = Authority::start().await;
    authority.validate.say([outcome(Outcome::Active(active()))]);
    let edge = edge(&authority).await;
    let got = send(edge.router(), Request::get("/auth/me").header("origin", ALLOWED)).await;
    assert_eq!(got.header("access-control-allow-origin"), Some(ALLOWED));
    assert_eq!(got.header("access-control-expose-headers"), Some("x-csrf-token"));
    assert_eq!(got.header("access-control-allow-methods"), None, "that is for preflights");

    let twice = Request::get("/auth/me").header("origin", ALLOWED).header("origin", "http://evil");
    for request in [Request::get("/auth/me").header("origin", "http://evil"), Request::get("/auth/me"), twice] {
        let got = send(edge.router(), request).await;
        assert!(!got.headers.contains_key("access-control-allow-origin"), "{got:?}");
    }
}

#[tokio::test]
async fn trouble_can_be_read_by_an_allowed_origin_too() {
    let authority = Authority::start().await;
    authority.validate.say([Err(tonic::Status::internal("no"))]);
    let edge = edge(&authority).await;
    let got = send(edge.router(), Request::get("/auth/me").header("origin", ALLOWED)).await;
    got.assert_could_not_say();
    assert_eq!(got.header("access-control-allow-origin"), Some(ALLOWED));
}
