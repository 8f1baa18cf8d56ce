//! Owns the hostile provider's HTTP side: a real authorization code flow with PKCE, one endpoint after another.
//! Does not know what is bent, beyond asking.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aws_lc_rs::digest;
use axum::body::{Body as HttpBody, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::HeaderValue;
use axum::response::Response;
use futures::StreamExt as _;
use serde_json::{Value, json};

use super::keys::b64;
use super::proofs::Presented;
use super::switches::{Answer, Body, Endpoint, bent};
use super::{CLIENT_ID, Code, Inner, REDIRECT_URI, client, proofs, tokens};

/// The header in which a test finds the form that a browser would post.
pub(super) const POSTED: &str = "x-posted";

pub(super) async fn answer(State(provider): State<Arc<Inner>>, request: Request) -> Response {
    let closes = provider.closes.load(Ordering::SeqCst);
    let mut response = answer_of(provider, request).await;
    if closes {
        response.headers_mut().insert("connection", HeaderValue::from_static("close"));
    }
    response
}

async fn answer_of(provider: Arc<Inner>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // Under /mtls stand the addresses for those who show a certificate (RFC 8705, 5).
    let path = parts.uri.path();
    let endpoint = match path.strip_prefix("/mtls").unwrap_or(path) {
        // Under whatever issuer: one may have a path.
        metadata if metadata.ends_with("/.well-known/openid-configuration") => Endpoint::Metadata,
        "/jwks" => Endpoint::Jwks,
        "/authorize" => Endpoint::Authorize,
        "/par" => Endpoint::Pushed,
        "/token" => Endpoint::Token,
        "/userinfo" => Endpoint::Userinfo,
        "/revoke" => Endpoint::Revoke,
        "/introspect" => Endpoint::Introspect,
        "/end-session" => Endpoint::EndSession,
        _ => return render(Answer::json(404, "{}")).await,
    };
    let form = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let authorization = parts.headers.get("authorization").and_then(|value| value.to_str().ok()).map(str::to_owned);
    provider.note(endpoint, path, &form, &parts.headers);
    let port = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|from| from.0.port());
    let certificate = port.and_then(|port| provider.certificates.lock().unwrap().get(&port).cloned());
    let switches = provider.switches();
    if let Some(answer) = switches.answers.get(&endpoint) {
        return render(answer.clone()).await;
    }
    let issuer = &provider.issuer;
    let ok = |value: super::Object| Answer::json(200, Value::from(value));
    let is_client = || client::is_known(&provider, &form, authorization.as_deref(), certificate.as_deref());
    let is_for_clients = match switches.client {
        client::Registered::Secret => matches!(endpoint, Endpoint::Token | Endpoint::Pushed),
        _ => matches!(endpoint, Endpoint::Token | Endpoint::Pushed | Endpoint::Revoke | Endpoint::Introspect),
    };
    let scheme = if switches.bound_to.is_some() { "DPoP" } else { "Bearer" };
    let presented = authorization.as_deref().and_then(|value| value.strip_prefix(scheme)?.strip_prefix(' '));
    let unproven = || {
        let (signer, method) = (switches.bound_to?, parts.method.as_str());
        let proof = parts.headers.get("dpop").and_then(|value| value.to_str().ok());
        let token = presented.filter(|_| endpoint == Endpoint::Userinfo);
        proofs::refusal(&provider, signer, &Presented { method, address: &format!("{issuer}{path}"), proof, token })
    };
    let is_proven = matches!(endpoint, Endpoint::Token | Endpoint::Userinfo);
    if let Some(refusal) = is_proven.then(unproven).flatten() {
        return render(refusal).await;
    }
    let answer = match endpoint {
        _ if is_for_clients && !is_client() => Answer::json(401, json!({ "error": "invalid_client" })),
        Endpoint::Metadata => ok(tokens::metadata(issuer, &switches)),
        Endpoint::Jwks => ok(tokens::jwks(&switches)),
        Endpoint::Authorize => authorize(&provider, parts.uri.query().unwrap_or_default()),
        Endpoint::Pushed => pushed(&provider, &form),
        Endpoint::Token => token(&provider, &form),
        Endpoint::Userinfo if presented.is_some_and(|token| token.starts_with("at-")) => match switches.signed_userinfo
        {
            Some(typ) => Answer::text(200, "application/jwt", tokens::signed_userinfo(issuer, typ, &switches)),
            None => ok(tokens::userinfo(&switches)),
        },
        Endpoint::Userinfo => Answer::json(401, "{}"),
        Endpoint::Introspect => Answer::json(200, json!({ "active": false })),
        Endpoint::Revoke | Endpoint::EndSession => Answer::text(200, "text/plain", ""),
    };
    render(answer).await
}

/// Logs everybody in as the same user, without asking, and sends them back with a code.
pub(super) fn authorize(provider: &Inner, query: &str) -> Answer {
    let handed_over =
        field(query.as_bytes(), "request_uri").map(|name| provider.requests.lock().unwrap().remove(&name));
    let query = match handed_over {
        // RFC 9126, 4: good once, for the client that handed it over.
        Some(Some(request)) if field(query.as_bytes(), "client_id").as_deref() == Some(CLIENT_ID) => request,
        Some(_) => return Answer::json(400, json!({ "error": "invalid_request_uri" })),
        None if takes_no_plain_request(provider) => {
            return Answer::json(400, json!({ "error": "invalid_request" }));
        }
        None => query.to_owned(),
    };
    let field = |name: &str| field(query.as_bytes(), name);
    let proper = field("client_id").as_deref() == Some(CLIENT_ID)
        && field("response_type").as_deref() == Some("code")
        && field("code_challenge_method").as_deref() == Some("S256");
    let (Some(place), Some(state), true) = (field("redirect_uri"), field("state"), proper) else {
        return Answer::json(400, json!({ "error": "invalid_request" }));
    };
    let challenge = field("code_challenge");
    let code = provider.issue(Code { nonce: field("nonce").unwrap_or_default(), challenge, place: place.clone() });
    if field("response_mode").as_deref() == Some("form_post") {
        let pairs = [("code", code.as_str()), ("state", &state), ("iss", &provider.issuer)];
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        return Answer::text(200, "text/html", "<form method=post>").with(POSTED, form);
    }
    let mut back = url::Url::parse(&place).unwrap();
    back.query_pairs_mut().append_pair("code", &code).append_pair("state", &state).append_pair("iss", &provider.issuer);
    Answer::redirect(302, back)
}

fn takes_no_plain_request(provider: &Inner) -> bool {
    let metadata = tokens::metadata(&provider.issuer, &provider.switches());
    metadata.get("require_pushed_authorization_requests") == Some(&Value::Bool(true))
}

/// Takes a request, to be named by the browser (RFC 9126, 2.2).
fn pushed(provider: &Inner, form: &[u8]) -> Answer {
    let request = String::from_utf8(form.to_vec()).unwrap();
    if field(form, "client_id").as_deref() != Some(CLIENT_ID) || field(form, "request_uri").is_some() {
        return Answer::json(400, json!({ "error": "invalid_request" }));
    }
    let name = format!("urn:ietf:params:oauth:request_uri:{}", provider.next());
    let answer = Answer::json(201, json!({ "request_uri": name, "expires_in": 60 }));
    provider.requests.lock().unwrap().insert(name, request);
    answer
}

fn token(provider: &Inner, form: &[u8]) -> Answer {
    let field = |name: &str| field(form, name);
    let refused = |error: &str| Answer::json(400, json!({ "error": error }));
    let nonce = match field("grant_type").as_deref() {
        Some("authorization_code") => {
            let Some(code) = provider.spend(&field("code").unwrap_or_default()) else {
                return refused("invalid_grant");
            };
            let verifier = field("code_verifier").unwrap_or_default();
            let challenge = b64(digest::digest(&digest::SHA256, verifier.as_bytes()));
            if code.challenge.is_some_and(|own| own != challenge) || field("redirect_uri") != Some(code.place) {
                return refused("invalid_grant");
            }
            Some(code.nonce)
        }
        Some("urn:ietf:params:oauth:grant-type:token-exchange") => {
            let kind = "urn:ietf:params:oauth:token-type:access_token";
            let known = field("subject_token").is_some_and(|token| token.starts_with("at-CANARY"));
            if !known || field("subject_token_type").as_deref() != Some(kind) {
                return refused("invalid_request");
            }
            let body = json!({
                "access_token": format!("at-for-{}", field("audience").unwrap_or_default()), "token_type": tokens::token_type(&provider.switches()),
                "issued_token_type": kind, "expires_in": 120, "scope": "orders:read",
            });
            let Value::Object(body) = body else { unreachable!() };
            return Answer::json(200, Value::from(bent(body, &provider.switches().exchanged)));
        }
        Some("refresh_token") if field("refresh_token").is_some_and(|token| token.starts_with("refresh-")) => None,
        Some("refresh_token") => return refused("invalid_grant"),
        _ => return refused("unsupported_grant_type"),
    };
    let switches = provider.switches();
    let access_token = provider.next_access_token();
    let id_token = tokens::id_token(&provider.issuer, nonce.as_deref(), &access_token, &switches);
    Answer::json(200, Value::from(tokens::token_body(&id_token, &access_token, &switches)))
}

impl Code {
    /// A code for a login whose challenge is not looked at.
    pub(super) fn unchallenged(nonce: &str) -> Self {
        Self { nonce: nonce.to_owned(), challenge: None, place: REDIRECT_URI.to_owned() }
    }
}

fn field(form: &[u8], name: &str) -> Option<String> {
    url::form_urlencoded::parse(form).find(|(own, _)| own == name).map(|(_, value)| value.into_owned())
}

async fn render(answer: Answer) -> Response {
    let endless =
        |chunk: Vec<u8>| futures::stream::repeat_with(move || Ok::<_, Infallible>(Bytes::from(chunk.clone())));
    let body = match answer.body {
        Body::Text(text) => HttpBody::from(text),
        Body::Endless => HttpBody::from_stream(endless(vec![b' '; 1 << 16])),
        Body::Drip => HttpBody::from_stream(endless(vec![b' ']).then(|byte| async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            byte
        })),
        Body::Broken => HttpBody::from_stream(futures::stream::iter([
            Ok(Bytes::from_static(b"{\"access_token\":")),
            Err(std::io::Error::other("broken on purpose")),
        ])),
        Body::After(pause) => {
            tokio::time::sleep(pause).await;
            HttpBody::empty()
        }
    };
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response.body(body).unwrap()
}
