//! Owns the token endpoint: codes and refresh tokens become tokens (RFC 6749, OpenID Connect Core, RFC 9068).
//! Does not know how a user logged in.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::desk::Desk;
use super::keys::at_hash;
use super::ledger::{Grant, Issued, Proof, TOKEN_LIFE};
use super::parameters::Parameters;
use super::refusal::{ClientRefusal, json_answer};
use super::users::entry;

/// `POST /token`.
pub(super) async fn token(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ClientRefusal> {
    let form = Parameters::of_form(&headers, &body)?;
    desk.client.authenticate(&headers, &form)?;
    match form.get("grant_type") {
        Some("authorization_code") => redeem(&desk, &form),
        Some("refresh_token") => refresh(&desk, &form),
        Some(_) => {
            let description = "grant_type must be authorization_code or refresh_token";
            Err(ClientRefusal { error: "unsupported_grant_type", description })
        }
        None => Err(ClientRefusal::invalid_request("grant_type is missing")),
    }
}

fn redeem(desk: &Desk, form: &Parameters) -> Result<Response, ClientRefusal> {
    let code = form.get("code").ok_or(ClientRefusal::invalid_request("code is missing"))?;
    let code_verifier = form.get("code_verifier").unwrap_or_default();
    if !is_verifier(code_verifier) {
        return Err(ClientRefusal::invalid_request("code_verifier is missing or malformed"));
    }
    let proof = Proof { redirect_uri: form.get("redirect_uri").unwrap_or_default(), code_verifier };
    let grant = desk.ledger().redeem(code, &proof, &desk.chance(), desk.now());
    let grant = grant.ok_or(ClientRefusal::invalid_grant("the code is unknown, spent, too old or not proven"))?;
    let nonce = grant.nonce.clone();
    issue(desk, &grant, &grant.scopes, nonce)
}

fn refresh(desk: &Desk, form: &Parameters) -> Result<Response, ClientRefusal> {
    let presented =
        form.get("refresh_token").ok_or(ClientRefusal::invalid_request("refresh_token is missing"))?.to_owned();
    let grant = desk.ledger().refresh(&presented, desk.now());
    let grant = grant.ok_or(ClientRefusal::invalid_grant("the refresh token is unknown, spent or revoked"))?;
    let asked = form.words("scope");
    let scopes = if asked.is_empty() { grant.scopes.clone() } else { asked };
    if !scopes.iter().all(|scope| grant.scopes.contains(scope)) {
        return Err(ClientRefusal { error: "invalid_scope", description: "the scope exceeds what was granted" });
    }
    // A refreshed ID token carries no nonce (OpenID Connect Core, 12.2).
    issue(desk, &grant, &scopes, None)
}

// 43 to 128 unreserved characters (RFC 7636, 4.1).
fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
}

fn issue(desk: &Desk, grant: &Grant, scopes: &[String], nonce: Option<String>) -> Result<Response, ClientRefusal> {
    let now = desk.now();
    let signed = |typ, claims: &_| desk.key.sign(typ, claims).ok_or(ClientRefusal::server_error());
    let access_token = signed("at+jwt", &access_claims(desk, grant, scopes))?;
    let id_token = signed("JWT", &id_claims(desk, grant, scopes, nonce, &access_token))?;
    let refresh_token = desk.chance();
    let issued = Issued { access_token: &access_token, refresh_token: &refresh_token, scopes };
    desk.ledger().issue_tokens(&grant.id, &issued, now);
    let answer = json!({
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": TOKEN_LIFE.as_secs(),
        "refresh_token": refresh_token,
        "id_token": id_token,
        "scope": scopes.join(" "),
    });
    Ok(json_answer(StatusCode::OK, &answer))
}

// RFC 9068, 2.2, with who the user is (2.2.2). The audience is this issuer, whose userinfo is the one resource that the
// provider knows.
fn access_claims(desk: &Desk, grant: &Grant, scopes: &[String]) -> Map<String, Value> {
    let now = desk.now();
    let mut claims = grant.login.user.claims(scopes, &desk.issuer);
    claims.extend([
        entry("iss", desk.issuer.as_str()),
        entry("aud", desk.issuer.as_str()),
        entry("client_id", desk.client.id.as_str()),
        entry("iat", now.as_secs()),
        entry("exp", (now + TOKEN_LIFE).as_secs()),
        entry("auth_time", grant.login.auth_time.as_secs()),
        entry("jti", desk.chance()),
        entry("sid", grant.login.sid.as_str()),
        entry("scope", scopes.join(" ")),
        entry("acr", grant.login.acr()),
    ]);
    claims
}

fn id_claims(
    desk: &Desk,
    grant: &Grant,
    scopes: &[String],
    nonce: Option<String>,
    access_token: &str,
) -> Map<String, Value> {
    let now = desk.now();
    let mut claims = grant.login.user.claims(scopes, &desk.issuer);
    claims.extend([
        entry("iss", desk.issuer.as_str()),
        entry("aud", desk.client.id.as_str()),
        entry("iat", now.as_secs()),
        entry("exp", (now + TOKEN_LIFE).as_secs()),
        entry("auth_time", grant.login.auth_time.as_secs()),
        entry("acr", grant.login.acr()),
        entry("amr", grant.login.amr()),
        entry("sid", grant.login.sid.as_str()),
        entry("at_hash", at_hash(access_token)),
    ]);
    claims.extend(nonce.map(|nonce| entry("nonce", nonce)));
    claims
}
