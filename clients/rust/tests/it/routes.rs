//! Owns what each route passes on and copies back.
//! Does not know what the authority decides.

use axum::body::{Body, Bytes};
use gatelodge_client::v1::validate_session_response::Outcome;
use gatelodge_client::{Edge, EdgeOptions, v1};
use http::{Request, StatusCode};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::authority::{Authority, active, http, outcome};
use crate::browser::{edge, get, send, send_body, send_raw};

fn redirect() -> v1::HttpAnswer {
    v1::HttpAnswer {
        status: 302,
        location: "https://idp.example/authorize?state=a%20b".into(),
        set_cookies: vec!["__Host-login=x; Path=/; Secure".into(), "other=\"y\"; Path=/".into()],
        headers: vec![v1::HttpHeader { name: "referrer-policy".into(), value: "same-origin".into() }],
        ..Default::default()
    }
}

#[tokio::test]
async fn login_passes_on_the_query_and_copies_the_whole_answer() {
    let authority = Authority::start().await;
    authority.login.say([Ok(v1::StartLoginResponse { answer: Some(redirect()), ..Default::default() })]);
    let edge = edge(&authority).await;
    let request = Request::get("/auth/web/login?provider=google&redirect_uri=%2Fa&x=%ff")
        .header("host", "app.example.com")
        .header("cookie", "session=s; __Host-login=b; theme=dark")
        .header("accept", "text/html")
        .header("accept", "*/*")
        .header("x-forwarded-for", "198.51.100.1")
        .header("x-forwarded-for", "198.51.100.2")
        .header("x-request-id", "req-1");
    let got = send(edge.router(), request).await;

    assert_eq!(got.status, StatusCode::FOUND);
    assert_eq!(got.header("location"), Some("https://idp.example/authorize?state=a%20b"));
    let cookies: Vec<_> = got.headers.get_all("set-cookie").iter().map(|c| c.to_str().unwrap()).collect();
    assert_eq!(cookies, redirect().set_cookies);
    assert_eq!(got.header("referrer-policy"), Some("same-origin"), "the authority's own word stands");
    assert_eq!(got.header("cache-control"), Some("no-store"), "security.md 66");
    assert_eq!(got.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(got.header("strict-transport-security"), Some("max-age=31536000"));

    let asked = authority.login.last();
    assert_eq!(asked.query, "provider=google&redirect_uri=%2Fa&x=%ff");
    assert_eq!(asked.route_set(), v1::RouteSet::Web);
    let cookies: Vec<_> = asked.cookies.iter().map(|c| (c.name.as_str(), c.value.as_ref())).collect();
    assert_eq!(cookies, [("session", b"s".as_ref()), ("__Host-login", b"b".as_ref())]);
    let context = asked.context.unwrap();
    assert_eq!(context.method, "GET");
    assert_eq!(context.target, "/auth/web/login?provider=google&redirect_uri=%2Fa&x=%ff");
    assert_eq!(context.host.unwrap(), "app.example.com");
    assert_eq!(context.accept.unwrap(), "text/html, */*", "several lines are joined");
    assert_eq!(context.x_forwarded_for, ["198.51.100.1", "198.51.100.2"], "but these are kept apart");
    assert_eq!(context.peer_address.unwrap(), "192.0.2.7", "the peer, whatever is said to be forwarded");
    assert_eq!(context.user_agent, None, "what did not come is absent");
    assert_eq!(authority.login.metadata("x-request-id").as_deref(), Some("req-1"));
}

#[tokio::test]
async fn callback_logout_and_logged_out_ask_their_own_call() {
    let authority = Authority::start().await;
    let (ok, version) = (Some(http(200, "{}")), String::new());
    authority.callback.say([Ok(v1::CompleteCallbackResponse { answer: ok.clone(), ..Default::default() })]);
    authority.logout.say([Ok(v1::StartLogoutResponse { answer: ok.clone(), ..Default::default() })]);
    authority.logged_out.say([Ok(v1::CompleteLogoutResponse { answer: ok, settings_version: version })]);
    let edge = edge(&authority).await;

    assert_eq!(get(&edge, "/auth/web/callback?code=c&state=s").await.body, "{}");
    let query = v1::complete_callback_request::Response::Query("code=c&state=s".into());
    assert_eq!(authority.callback.last().response, Some(query));

    let request = Request::post("/auth/web/logout?redirect_uri=%2F").header("X-CSRF-Token", "csrf_t");
    let got = send(edge.router(), request.header("cookie", "session=s")).await;
    assert_eq!(got.header("cache-control"), Some("no-store, private"));
    let asked = authority.logout.last();
    assert_eq!((asked.query.as_ref(), asked.cookies.len()), (b"redirect_uri=%2F".as_ref(), 1));
    assert_eq!(asked.context.unwrap().csrf_token.unwrap(), "csrf_t");

    assert_eq!(get(&edge, "/auth/web/logged-out?state=s").await.status, StatusCode::OK);
    assert_eq!(authority.logged_out.last().query, "state=s");
    assert_eq!(authority.validate.count(), 0);
}

// What a provider tells needs no cookie and no token, and is copied as everything else: its own word on frames too.
#[tokio::test]
async fn what_a_provider_tells_of_its_logouts_is_passed_on() {
    let authority = Authority::start().await;
    let policy = "default-src 'none'; frame-ancestors https://idp.example";
    let header = v1::HttpHeader { name: "content-security-policy".into(), value: policy.into() };
    let answer = || Some(v1::HttpAnswer { headers: vec![header.clone()], ..http(200, "{}") });
    let by_server = v1::HandleBackchannelLogoutResponse { answer: answer(), ..Default::default() };
    authority.told_by_server.say([Ok(by_server)]);
    authority.told_by_page.say([Ok(v1::HandleFrontchannelLogoutResponse { answer: answer(), ..Default::default() })]);
    let edge = edge(&authority).await;

    let kind = "Application/X-WWW-Form-Urlencoded; charset=utf-8";
    let request = Request::post("/auth/web/backchannel-logout").header("content-type", kind);
    let got = send_body(edge.router(), request.header("cookie", "session=s"), "logout_token=a.b.c&x=%ff").await;
    assert_eq!((got.status, got.body.as_ref()), (StatusCode::OK, b"{}".as_ref()));
    let asked = authority.told_by_server.last();
    assert_eq!((asked.form.as_ref(), asked.route_set()), (b"logout_token=a.b.c&x=%ff".as_ref(), v1::RouteSet::Web));
    assert_eq!(asked.context.unwrap().method, "POST");

    let got = get(&edge, "/auth/web/frontchannel-logout?iss=https%3A%2F%2Fidp.example&sid=s&x=%ff").await;
    assert_eq!((got.status, got.header("content-security-policy")), (StatusCode::OK, Some(policy)));
    let asked = authority.told_by_page.last();
    assert_eq!(asked.query, "iss=https%3A%2F%2Fidp.example&sid=s&x=%ff");
    assert_eq!(asked.context.unwrap().method, "GET");
    assert_eq!(authority.validate.count(), 0);
}

#[tokio::test]
async fn the_form_of_a_logout_is_passed_on_unread() {
    let authority = Authority::start().await;
    authority.logout.say([Ok(v1::StartLogoutResponse { answer: Some(http(200, "{}")), ..Default::default() })]);
    let edge = edge(&authority).await;
    let long = "x".repeat(5000);
    let table = [
        ("application/x-www-form-urlencoded", "csrf_token=a&csrf_token=%ff", "csrf_token=a&csrf_token=%ff"),
        ("Application/X-WWW-Form-Urlencoded; charset=utf-8", "a", "a"),
        ("application/x-www-form-urlencoded", long.as_str(), &long[..1001]),
        ("application/json", "{}", ""),
        ("multipart/form-data; boundary=x", "csrf_token=a", ""),
        ("", "csrf_token=a", ""),
    ];
    for (kind, body, passed) in table {
        let request = Request::post("/auth/web/logout").header("content-type", kind);
        send_body(edge.router(), request, body.to_owned()).await;
        assert_eq!(authority.logout.last().form, passed, "{kind}");
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_calls_nothing() {
    let authority = Authority::start().await;
    let edge = edge(&authority).await;
    tokio::time::pause();
    let request = || Request::post("/auth/web/logout").header("content-type", "application/x-www-form-urlencoded");
    let never = Body::from_stream(tokio_stream::pending::<Result<Bytes, std::io::Error>>());
    let broken = Body::from_stream(tokio_stream::iter([Err::<Bytes, _>(std::io::Error::other("broken"))]));
    for (body, status) in [(never, StatusCode::REQUEST_TIMEOUT), (broken, StatusCode::BAD_REQUEST)] {
        let got = send_body(edge.router(), request(), body).await;
        assert_eq!(got.status, status);
        assert!(got.json()["detail"].is_string() && !got.headers.contains_key("set-cookie"));
    }
    assert_eq!(authority.logout.count(), 0);
}

#[tokio::test]
async fn me_says_who_with_a_fresh_csrf_token() {
    let authority = Authority::start().await;
    let session =
        v1::ActiveSession { csrf_token: "csrf_t".into(), set_cookies: vec!["session=new".into()], ..active() };
    authority.validate.say([outcome(Outcome::Active(session))]);
    let edge = edge(&authority).await;
    let got = get(&edge, "/auth/me").await;
    let expected = serde_json::json!({
        "user_id": "google_1", "email": "ada@example.com", "name": null, "provider": "google", "csrf_token": "csrf_t",
    });
    assert_eq!((got.status, got.json()), (StatusCode::OK, expected));
    assert_eq!(got.header("x-csrf-token"), Some("csrf_t"));
    assert_eq!(got.header("set-cookie"), Some("session=new"));
    assert_eq!(got.header("cache-control"), Some("no-store"));
    let vary: Vec<_> = got.headers.get_all("vary").iter().collect();
    assert_eq!(vary, ["Cookie", "Origin"]);
    let asked = authority.validate.last();
    assert!(asked.issue_csrf_token && asked.can_set_cookies);

    let head = send(edge.router(), Request::head("/auth/me")).await;
    assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
    assert_eq!(head.header("content-length"), Some(got.body.len().to_string().as_str()));
    assert_eq!(authority.validate.last().context.unwrap().method, "HEAD");
}

#[tokio::test]
async fn me_without_a_session_is_the_authoritys_answer() {
    let authority = Authority::start().await;
    let edge = edge(&authority).await;
    let (answer, reason) = (Some(http(401, "{\"detail\":\"Not signed in\"}")), 99);
    authority.validate.say([outcome(Outcome::Inactive(v1::InactiveSession { reason, answer }))]);
    let got = get(&edge, "/auth/me").await;
    assert_eq!((got.status, got.json()["detail"].as_str()), (StatusCode::UNAUTHORIZED, Some("Not signed in")));

    let denied = v1::DeniedSession { reason: 99, ..Default::default() };
    authority.validate.say([outcome(Outcome::Denied(denied))]);
    assert_eq!(get(&edge, "/auth/me").await.status, StatusCode::FORBIDDEN, "an unknown reason is 403");
}

// contract.md 4: HEAD spends no login; nothing but the table's methods calls anything.
#[tokio::test]
async fn other_methods_are_405_and_call_nothing() {
    let authority = Authority::start().await;
    let edge = edge(&authority).await;
    for (path, allow) in [
        ("/auth/web/login", "GET, OPTIONS"),
        ("/auth/web/callback", "GET, POST, OPTIONS"),
        ("/auth/web/logged-out", "GET, OPTIONS"),
        ("/auth/web/backchannel-logout", "POST, OPTIONS"),
        ("/auth/web/frontchannel-logout", "GET, OPTIONS"),
        ("/auth/me", "GET, HEAD, OPTIONS"),
        ("/auth/web/logout", "POST, OPTIONS"),
        ("/auth/web/refresh", "POST, OPTIONS"),
        ("/auth/web/userinfo", "GET, HEAD, POST, OPTIONS"),
        ("/auth/web/sessions", "GET, HEAD, OPTIONS"),
        ("/auth/web/sessions/revoke", "POST, OPTIONS"),
    ] {
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "BREW"] {
            if allow.split(", ").any(|allowed| allowed == method) {
                continue;
            }
            let got = send(edge.router(), Request::builder().method(method).uri(path)).await;
            assert_eq!((got.status, got.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, Some(allow)), "{method}");
            assert_eq!(got.body.is_empty(), method == "HEAD");
        }
    }
    let asked = authority.login.count() + authority.callback.count() + authority.logout.count();
    let told = authority.told_by_server.count() + authority.told_by_page.count();
    assert_eq!(asked + told + authority.logged_out.count() + authority.validate.count(), 0);
}

#[tokio::test]
async fn a_mount_prefix_moves_the_routes_and_is_part_of_the_target() {
    let authority = Authority::start().await;
    authority.login.say([Ok(v1::StartLoginResponse { answer: Some(redirect()), ..Default::default() })]);
    let options = EdgeOptions { mount_prefix: "/app".into(), ..Default::default() };
    let edge = Edge::new(authority.client(), options).unwrap();
    edge.gate().ready().await;
    assert_eq!(get(&edge, "/app/auth/web/login").await.status, StatusCode::FOUND);
    assert_eq!(get(&edge, "/auth/web/login").await.status, StatusCode::NOT_FOUND);

    let nested = axum::Router::new().nest("/outer", edge.router::<()>());
    assert_eq!(send(nested, Request::get("/outer/app/auth/web/login?a")).await.status, StatusCode::FOUND);
    assert_eq!(authority.login.last().context.unwrap().target, "/outer/app/auth/web/login?a");
}

#[tokio::test]
async fn cookies_arrive_byte_for_byte_over_a_socket() {
    let authority = Authority::start().await;
    authority.validate.say([outcome(Outcome::Active(active()))]);
    let edge = edge(&authority).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async { drop(stopped.await) };
    let serving = tokio::spawn(async move { edge.serve(axum::Router::new(), listener, stopped).await });

    let mut request =
        b"GET /auth/me?q=%00 HTTP/1.1\r\nHost: a\r\nConnection: close\r\nUser-Agent: \xfe\xff\r\n".to_vec();
    request
        .extend_from_slice(b"Cookie: a=1; session=\xff\x80=\"q%20;session= two ;Session=no; xsession=no; session\r\n");
    request.extend_from_slice(b"Cookie: __Host-session=");
    request.extend(std::iter::repeat_n(b'x', 10_000));
    request.extend_from_slice(b"; session=fourth\r\n\r\n");
    let answer = send_raw(address, &request).await;
    assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));

    let asked = authority.validate.last();
    let cookies: Vec<_> = asked.cookies.iter().map(|c| (c.name.as_str(), c.value.as_ref())).collect();
    let long = [b'x'; 4097];
    let first = [("session", b"\xff\x80=\"q%20".as_ref()), ("session", b" two"), ("__Host-session", &long)];
    assert_eq!(cookies, first, "the first three; an oversized one is cut to one byte more than the limit");
    let context = asked.context.unwrap();
    assert_eq!(context.user_agent.unwrap().as_ref(), b"\xfe\xff");
    assert_eq!(context.peer_address.unwrap(), "127.0.0.1");

    stop.send(()).unwrap();
    serving.await.unwrap();
}

#[tokio::test]
async fn what_is_too_long_is_cut() {
    let authority = Authority::start().await;
    authority.login.say([Ok(v1::StartLoginResponse { answer: Some(redirect()), ..Default::default() })]);
    let edge = edge(&authority).await;
    let long = "a".repeat(300);
    let request = Request::get(format!("/auth/web/login?{long}")).header("user-agent", &long);
    send(edge.router(), request).await;
    let asked = authority.login.last();
    assert_eq!((asked.query.len(), asked.context.unwrap().user_agent.unwrap().len()), (201, 100));
}
