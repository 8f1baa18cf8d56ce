//! Owns what must hold of the demo page's routes. Does not know what its scripts do with them: a browser test does.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn};
use gatelodge::dev::demo::{self, DemoOptions, DemoProvider, DemoSession};
use serde_json::{Value, json};
use tower::ServiceExt as _;

fn options() -> DemoOptions {
    DemoOptions {
        providers: vec![DemoProvider { name: "dev".to_owned(), display_name: "Development".to_owned() }],
        authority: "127.0.0.1:50051".to_owned(),
        session_cookie: "session".to_owned(),
        csrf_header: "x-csrf-token".to_owned(),
        remember_seconds: None,
        test_users: vec!["testuser1@example.com".to_owned()],
        test_password: Some("password123".to_owned()),
    }
}

fn session() -> DemoSession {
    DemoSession {
        user_id: "dev_testuser1".to_owned(),
        name: "Tessa Usher".to_owned(),
        email: "testuser1@example.com".to_owned(),
        picture: String::new(),
        provider: "dev".to_owned(),
        session_id: "sid_AAAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        created: 1,
        last_active: 2,
        idle_end: 3,
        absolute_end: 4,
        remembered: false,
    }
}

async fn call(router: Router, method: Method, path: &str) -> (StatusCode, String, String) {
    let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    let response = router.oneshot(request).await.unwrap();
    let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
    let (status, body) = (response.status(), to_bytes(response.into_body(), 1 << 20).await.unwrap());
    (status, policy, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn the_page_needs_nothing_from_elsewhere_and_has_what_browser_tests_look_for() {
    let page = call(demo::pages(&options()), Method::GET, "/").await.2;
    let script = call(demo::pages(&options()), Method::GET, "/demo.js").await.2;
    let style = call(demo::pages(&options()), Method::GET, "/demo.css").await.2;
    for id in [
        "user-name",
        "user-email",
        "session-id",
        "csrf-action",
        "csrf-action-without",
        "csrf-result",
        "logout",
        "signed-out",
        "signed-in",
        "error",
    ] {
        assert!(page.contains(&format!(r#"id="{id}""#)), "{id}");
    }
    assert!(script.contains("`login-${name}`"));
    for loads in [r#"src="http"#, r#"href="http"#, "@import", "url(http", "onclick=", "style=\""] {
        assert!(!page.contains(loads) && !style.contains(loads), "{loads}");
    }
    // Every element that the script names is there.
    for id in script.split("at('").skip(1).map(|rest| rest.split('\'').next().unwrap()) {
        assert!(page.contains(&format!(r#"id="{id}""#)), "the script looks for {id}");
    }
}

#[tokio::test]
async fn its_policy_lets_no_foreign_or_inline_script_run() {
    let (status, policy, body) = call(demo::pages(&options()), Method::GET, "/demo/options").await;
    assert_eq!((status, serde_json::from_str::<Value>(&body).unwrap()), (StatusCode::OK, json!(options())));
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self';"), "{policy}");
}

#[tokio::test]
async fn facts_and_action_answer_only_behind_a_layer_that_validates() {
    for (method, path) in [(Method::GET, "/demo/session"), (Method::POST, "/demo/action")] {
        let (status, _, body) = call(demo::behind_session(), method.clone(), path).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        assert!(body.contains("DEMO_UNGUARDED"));

        let hand_over = from_fn(async |mut request: Request, next: Next| {
            request.extensions_mut().insert(session());
            next.run(request).await
        });
        let (status, _, body) = call(demo::behind_session().layer(hand_over), method, path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert!(body.contains("Tessa Usher"), "{body}");
    }
}

#[tokio::test]
async fn the_icon_is_there_wherever_a_browser_asks_for_one() {
    assert!(call(demo::pages(&options()), Method::GET, "/").await.2.contains(r#"<link rel="icon" href="/icon.svg">"#));
    for path in ["/icon.svg", "/favicon.ico"] {
        let (status, _, icon) = call(demo::pages(&options()), Method::GET, path).await;
        assert!(status == StatusCode::OK && icon.starts_with("<svg"), "{path}");
    }
}
