//! Owns the tests of providers without OpenID Connect, against fakes that answer as the real ones do, quirks included.
//! Does not know sessions.

mod discord;
mod github;
mod plain;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use gatelodge::authority::provider::{AuthorizationRequest, Grant, IdentityProvider as _, ProviderError, Redemption};
use gatelodge::authority::trail::Trail;
use gatelodge::crypto::Secret;
use gatelodge::providers::http::HttpSettings;
use gatelodge::providers::oauth2::{OAuth2Provider, OAuth2Settings};
use gatelodge::providers::registration::Registration;
use gatelodge::session::login_wish::LoginHints;
use gatelodge::session::time::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const NOW: u64 = 1_700_000_000;
const CODE: &str = "the-code-CANARY";
const VERIFIER: &str = "a verifier of at least 43 characters, as it happens";
const CALLBACK: &str = "http://localhost:8000/auth/web/callback";
const TOKEN: &str = "gho_the-access-token-CANARY";

/// A fake: what it answers at each path, and what it was asked. It ends with this value.
pub struct Fake {
    origin: String,
    inner: Arc<Mutex<Inner>>,
    server: JoinHandle<()>,
}

#[derive(Default)]
struct Inner {
    answers: HashMap<String, (u16, Value)>,
    asked: Vec<Asked>,
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Fake {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::new(Mutex::new(Inner::default()));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&inner));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { origin, inner, server }
    }

    /// From now on this stands at that path.
    pub fn at(&self, path: &str, status: u16, body: Value) -> &Self {
        self.inner.lock().unwrap().answers.insert(path.to_owned(), (status, body));
        self
    }

    /// What was asked at a path.
    pub fn asked(&self, path: &str) -> Vec<Asked> {
        self.inner.lock().unwrap().asked.iter().filter(|asked| asked.path == path).cloned().collect()
    }

    pub fn registration(&self, name: &str, scopes: &[&str]) -> Registration {
        Registration {
            development: true,
            keep_refresh_token: true,
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            ..Registration::new(name, &self.origin, "the client", Secret::new("the secret-CANARY"))
        }
    }
}

async fn answer(State(inner): State<Arc<Mutex<Inner>>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let (path, body) = (uri.path().to_owned(), String::from_utf8(body.to_vec()).unwrap());
    let mut inner = inner.lock().unwrap();
    inner.asked.push(Asked { path: path.clone(), headers, body });
    let (status, body) = inner.answers.get(&path).cloned().unwrap_or((404, json!({ "message": "Not Found" })));
    let labelled = [("content-type", "application/json; charset=utf-8")];
    (StatusCode::from_u16(status).unwrap(), labelled, body.to_string()).into_response()
}

pub fn provider(settings: OAuth2Settings) -> OAuth2Provider {
    OAuth2Provider::new(settings, HttpSettings::default()).unwrap()
}

pub fn redemption() -> Redemption {
    Redemption {
        code: Secret::new(CODE),
        code_verifier: Secret::new(VERIFIER),
        nonce: "the nonce".to_owned(),
        redirect_uri: CALLBACK.to_owned(),
        response_issuer: None,
        response_user: None,
        authenticated_after: None,
        now: Timestamp::from_secs(NOW),
        within: Duration::from_secs(15),
        trail: Trail::default(),
    }
}

pub fn request() -> AuthorizationRequest {
    AuthorizationRequest {
        state: Secret::new("the state"),
        nonce: "the nonce".to_owned(),
        code_challenge: "the challenge".to_owned(),
        redirect_uri: CALLBACK.to_owned(),
        max_age: None,
        hints: LoginHints::default(),
        now: Timestamp::from_secs(NOW),
    }
}

pub async fn log_in(settings: OAuth2Settings) -> Result<Grant, ProviderError> {
    provider(settings).redeem(&redemption()).await
}

/// The fields of a form that was posted.
pub fn form(asked: &Asked) -> HashMap<String, String> {
    url::form_urlencoded::parse(asked.body.as_bytes()).into_owned().collect()
}
