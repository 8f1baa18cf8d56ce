//! Owns the provider's metadata (OpenID Connect Discovery, RFC 8414) and key set. Does not know who reads them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::authorize::ACR_VALUES;
use super::desk::Desk;
use super::keys::ALGORITHM;
use super::refusal::json_answer;

/// The scopes that mean something here; others are granted without effect.
pub(super) const SCOPES: [&str; 4] = ["openid", "email", "profile", "offline_access"];

/// `GET /.well-known/openid-configuration`.
pub(super) async fn metadata(State(desk): State<Arc<Desk>>) -> Response {
    let client_authentication = ["client_secret_basic", "client_secret_post"];
    let metadata = json!({
        "issuer": desk.issuer,
        "authorization_endpoint": desk.address("/authorize"),
        "token_endpoint": desk.address("/token"),
        "userinfo_endpoint": desk.address("/userinfo"),
        "jwks_uri": desk.address("/jwks"),
        "revocation_endpoint": desk.address("/revoke"),
        "end_session_endpoint": desk.address("/logout"),
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "token_endpoint_auth_methods_supported": client_authentication,
        "revocation_endpoint_auth_methods_supported": client_authentication,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "prompt_values_supported": ["none", "login"],
        "acr_values_supported": ACR_VALUES,
        "scopes_supported": SCOPES,
        "claims_supported": [
            "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "sid", "acr", "amr", "roles", "permissions",
            "email", "email_verified",
            "name", "given_name", "family_name", "preferred_username", "picture", "locale",
        ],
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
    });
    json_answer(StatusCode::OK, &metadata)
}

/// `GET /jwks`.
pub(super) async fn jwks(State(desk): State<Arc<Desk>>) -> Response {
    json_answer(StatusCode::OK, &desk.key.jwks())
}
