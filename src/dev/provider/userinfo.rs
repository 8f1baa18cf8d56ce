//! Owns the userinfo endpoint (OpenID Connect Core, 5.3). Does not know how the token was got.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::desk::Desk;
use super::refusal::json_answer;

/// `GET` or `POST /userinfo`, with the access token in the header only (RFC 6750, 2.1).
pub(super) async fn userinfo(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Response {
    let Some(token) = bearer(&headers) else { return refuse("Bearer") };
    let claims = {
        let ledger = desk.ledger();
        ledger.access(token, desk.now()).map(|(user, scopes)| user.claims(scopes, &desk.issuer))
    };
    match claims {
        Some(claims) => json_answer(StatusCode::OK, &Value::Object(claims)),
        None => refuse("Bearer error=\"invalid_token\""),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

fn refuse(challenge: &'static str) -> Response {
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)]).into_response()
}
