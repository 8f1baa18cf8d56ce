//! Owns the end of a login here (OpenID Connect RP-Initiated Logout). Does not know what the client ended of its own.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use serde_json::Value;
use url::Url;

use super::desk::Desk;
use super::keys::encode;
use super::pages;
use super::parameters::Parameters;
use super::refusal::PageRefusal;
use super::{backchannel, cookies};
use crate::crypto::{digest, equal};

const UNREADABLE: PageRefusal = PageRefusal("A parameter of the logout request was given twice, or is no form.");
const OTHER_TOKEN: PageRefusal = PageRefusal("The id_token_hint of the logout request was not issued here.");
const OTHER_CLIENT: PageRefusal = PageRefusal("The logout request's client_id is not the ID token's.");
const OTHER_PLACE: PageRefusal =
    PageRefusal("The post_logout_redirect_uri of the logout request is not one of those that were registered.");
const OTHER_BROWSER: PageRefusal = PageRefusal("This logout page was opened in another browser.");

/// `GET /logout`.
pub(super) async fn by_query(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, PageRefusal> {
    let parameters = Parameters::read(query.unwrap_or_default().as_bytes()).map_err(|_| UNREADABLE)?;
    end_session(&desk, &headers, &parameters).await
}

/// `POST /logout`.
pub(super) async fn by_form(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, PageRefusal> {
    let parameters = Parameters::of_form(&headers, &body).map_err(|_| UNREADABLE)?;
    end_session(&desk, &headers, &parameters).await
}

/// `POST /logout/confirm`: the answer of a person who was asked.
pub(super) async fn confirm(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, PageRefusal> {
    let form = Parameters::of_form(&headers, &body).map_err(|_| OTHER_BROWSER)?;
    let browser = cookies::read(&headers, cookies::BROWSER).ok_or(OTHER_BROWSER)?;
    if !equal(proof_of(browser).as_bytes(), form.get("proof").unwrap_or_default().as_bytes()) {
        return Err(OTHER_BROWSER);
    }
    end_own_login(&desk, &headers).await;
    Ok((AppendHeaders([cookies::clear(cookies::LOGIN)]), pages::logged_out()).into_response())
}

// An ID token of ours as a hint says that the client speaks for its user, so nobody is asked. Without one anybody's
// link could have led here, so the person is.
async fn end_session(desk: &Desk, headers: &HeaderMap, parameters: &Parameters) -> Result<Response, PageRefusal> {
    let Some(hint) = parameters.get("id_token_hint") else { return Ok(ask(desk, headers)) };
    let claims = desk.key.open("JWT", hint).ok_or(OTHER_TOKEN)?;
    if parameters.get("client_id").is_some_and(|id| id != desk.client.id) {
        return Err(OTHER_CLIENT);
    }
    let place = match parameters.get("post_logout_redirect_uri") {
        Some(place) if desk.client.post_logout_redirect_uris.iter().any(|own| own == place) => Some(place),
        Some(_) => return Err(OTHER_PLACE),
        None => None,
    };
    let claim = |name| claims.get(name).and_then(Value::as_str);
    if let (Some(sub), Some(sid)) = (claim("sub"), claim("sid")) {
        desk.ledger().log_out(sid);
        backchannel::tell(desk, sub, sid).await;
    }
    let Some(place) = place else { return Ok(pages::logged_out().into_response()) };
    let mut place = Url::parse(place).map_err(|_| OTHER_PLACE)?;
    if let Some(state) = parameters.get("state") {
        place.query_pairs_mut().append_pair("state", state);
    }
    Ok(Redirect::to(place.as_str()).into_response())
}

fn ask(desk: &Desk, headers: &HeaderMap) -> Response {
    let browser = cookies::read(headers, cookies::BROWSER).map_or_else(|| desk.chance(), str::to_owned);
    let page = pages::confirm_logout(&proof_of(&browser));
    (AppendHeaders([cookies::set(cookies::BROWSER, &browser)]), page).into_response()
}

fn proof_of(browser: &str) -> String {
    encode(&digest("gatelodge development provider logout", &[browser.as_bytes()]))
}

async fn end_own_login(desk: &Desk, headers: &HeaderMap) {
    let Some(cookie) = cookies::read(headers, cookies::LOGIN) else { return };
    let login = desk.ledger().login(cookie, desk.now()).cloned();
    if let Some(login) = login {
        desk.ledger().log_out(&login.sid);
        backchannel::tell(desk, login.user.sub, &login.sid).await;
    }
}
