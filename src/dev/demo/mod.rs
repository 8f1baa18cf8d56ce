//! Owns the demo page and the two routes that its scripts ask. Does not know gRPC, nor how a session was validated.
//!
//! The page itself is static and open to anyone ([`pages`]). What needs a session is apart ([`behind_session`]), to be
//! put behind a layer that validates, and that then hands over the facts as a request extension ([`DemoSession`]); `run`
//! joins the two.
//!
//! That layer answers 401 where there is no session, 403 to a POST without a good CSRF token, and 503 where the
//! authority could not say; the page tells these apart.

use axum::extract::{Extension, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, response};
use serde::Serialize;
use serde_json::json;

use super::icon;

/// What the page has to know of the set-up. Served to anybody, so nothing here is secret.
#[derive(Clone, Debug, Serialize)]
pub struct DemoOptions {
    /// The providers to offer, in this order.
    pub providers: Vec<DemoProvider>,
    /// Where the authority listens, for the command to copy: `127.0.0.1:50051`.
    pub authority: String,
    /// The session cookie's whole name.
    pub session_cookie: String,
    /// The header that carries the CSRF token.
    pub csrf_header: String,
    /// How many seconds a person is remembered who asks for it; `None` where nobody is.
    pub remember_seconds: Option<u64>,
    /// Test users to name beside the buttons; none where real people log in.
    pub test_users: Vec<String>,
    /// Their password.
    pub test_password: Option<String>,
}

/// A provider to offer.
#[derive(Clone, Debug, Serialize)]
pub struct DemoProvider {
    /// Its name in the configuration.
    pub name: String,
    /// What to write on its button.
    pub display_name: String,
}

/// Who is logged in, and the facts of the session. Times are milliseconds since the Unix epoch.
#[derive(Clone, Debug, Serialize)]
pub struct DemoSession {
    /// `<provider>_<sub>`.
    pub user_id: String,
    /// The display name; may be empty.
    pub name: String,
    /// The email address; may be empty.
    pub email: String,
    /// The address of a picture; may be empty.
    pub picture: String,
    /// The provider's name.
    pub provider: String,
    /// The public session id.
    pub session_id: String,
    /// When it began.
    pub created: u64,
    /// When it was last used, as far as it was written down.
    pub last_active: u64,
    /// When it ends if it is not used again.
    pub idle_end: u64,
    /// When it ends whatever happens.
    pub absolute_end: u64,
    /// Whether its user asked to be remembered.
    pub remembered: bool,
}

// Pictures are wherever the provider keeps them; all else is here.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src 'self' http: https: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
];

/// The page at `/`, with its style and script, and `GET /demo/options`. Open to anyone.
pub fn pages(options: &DemoOptions) -> Router {
    let options = json!(options).to_string();
    Router::new()
        .route("/", get(async || Html(include_str!("index.html"))))
        .route("/demo.css", get(async || typed("text/css; charset=utf-8", include_str!("demo.css"))))
        .route("/demo.js", get(async || typed("text/javascript; charset=utf-8", include_str!("demo.js"))))
        .merge(icon::routes())
        .route("/demo/options", get(async move || typed("application/json", &options)))
        .layer(from_fn(with_headers))
}

/// `GET /demo/session` and `POST /demo/action`: to be put behind a layer that validates, see above.
/// Without the [`DemoSession`] of such a layer both answer 500, never as if somebody were logged in.
pub fn behind_session() -> Router {
    Router::new().route("/demo/session", get(session)).route("/demo/action", post(action)).layer(from_fn(with_headers))
}

/// `GET /demo/strong`: likewise, behind a layer that lets only sessions of a strong login through.
pub fn behind_strong_login() -> Router {
    Router::new().route("/demo/strong", get(strong)).layer(from_fn(with_headers))
}

async fn strong(session: Option<Extension<DemoSession>>) -> Response {
    session.map_or_else(no_layer, |Extension(session)| {
        let text = format!(
            "This page is for logins with a one-time code (acr 2).\n\nYou are {}, in the same session as before: {}.\n",
            session.user_id, session.session_id
        );
        typed("text/plain; charset=utf-8", &text)
    })
}

async fn session(session: Option<Extension<DemoSession>>) -> Response {
    session.map_or_else(no_layer, |Extension(session)| typed("application/json", &json!(session).to_string()))
}

async fn action(session: Option<Extension<DemoSession>>) -> Response {
    session.map_or_else(no_layer, |Extension(session)| {
        let who = if session.name.is_empty() { &session.user_id } else { &session.name };
        let message = format!("Done, {who}. The request carried this session's CSRF token.");
        typed("application/json", &json!({ "message": message }).to_string())
    })
}

fn no_layer() -> Response {
    let body =
        json!({ "detail": "The demo is not behind a layer that validates sessions.", "reason": "DEMO_UNGUARDED" });
    (StatusCode::INTERNAL_SERVER_ERROR, typed("application/json", &body.to_string())).into_response()
}

fn typed(kind: &'static str, body: &str) -> Response {
    ([(header::CONTENT_TYPE, kind)], body.to_owned()).into_response()
}

async fn with_headers(request: Request, next: Next) -> response::Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(value);
    }
    response
}
