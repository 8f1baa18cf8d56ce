//! Owns the authorization endpoint: the code flow with PKCE (OpenID Connect Core, 3.1.2; RFC 7636; RFC 9207).
//! Does not know passwords.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use url::Url;

use super::cookies;
use super::desk::Desk;
use super::ledger::{Login, Request, Strength};
use super::pages;
use super::parameters::Parameters;
use super::refusal::PageRefusal;

/// The authentication context classes: by the password, and by the password and the one-time code.
pub(super) const ACR_VALUES: [&str; 2] = ["1", STRONG];
const STRONG: &str = "2";

/// `GET /authorize`.
pub(super) async fn by_query(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, PageRefusal> {
    let parameters = Parameters::read(query.unwrap_or_default().as_bytes()).map_err(|_| DOUBLED)?;
    authorize(&desk, &headers, &parameters)
}

/// `POST /authorize`.
pub(super) async fn by_form(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, PageRefusal> {
    let parameters = Parameters::of_form(&headers, &body).map_err(|_| DOUBLED)?;
    authorize(&desk, &headers, &parameters)
}

const DOUBLED: PageRefusal = PageRefusal("A parameter of the authorization request was given twice, or is no form.");
const OTHER_CLIENT: PageRefusal = PageRefusal("The application's client_id is not known here.");
const OTHER_PLACE: PageRefusal =
    PageRefusal("The application's redirect_uri is not one of those that were registered for it.");

/// An error that goes back to the client.
struct Refused(&'static str, &'static str);

/// What a client asked for, and of whom.
struct Asked {
    request: Request,
    silently: bool,
    freshly: bool,
    max_age: Option<Duration>,
}

impl Asked {
    fn is_met_by(&self, login: &Login) -> bool {
        !self.freshly && login.is_as_strong_as(self.request.strength)
    }
}

fn authorize(desk: &Desk, headers: &HeaderMap, parameters: &Parameters) -> Result<Response, PageRefusal> {
    if parameters.get("client_id") != Some(desk.client.id.as_str()) {
        return Err(OTHER_CLIENT);
    }
    let place = parameters.get("redirect_uri").unwrap_or_default();
    if !desk.client.redirect_uris.iter().any(|registered| registered == place) {
        return Err(OTHER_PLACE);
    }
    let state = parameters.get("state");
    let asked = match read(place, parameters) {
        Ok(asked) => asked,
        Err(refused) => return Ok(refuse(desk, place, state, &refused)),
    };
    let now = desk.now();
    let login = cookies::read(headers, cookies::LOGIN).and_then(|cookie| desk.ledger().login(cookie, now).cloned());
    let too_old = |login: &Login| asked.max_age.is_some_and(|limit| now.since(login.auth_time) >= limit);
    match login {
        Some(login) if asked.is_met_by(&login) && !too_old(&login) => Ok(grant(desk, asked.request, login)),
        _ if asked.silently => {
            let refused = Refused("login_required", "nobody is logged in here, or not recently or strongly enough");
            Ok(refuse(desk, place, state, &refused))
        }
        login => Ok(ask_for_login(desk, headers, asked.request, login.as_ref())),
    }
}

fn read(place: &str, parameters: &Parameters) -> Result<Asked, Refused> {
    let invalid = |why| Err(Refused("invalid_request", why));
    if parameters.get("request").is_some() {
        return Err(Refused("request_not_supported", "request objects are not supported"));
    }
    if parameters.get("request_uri").is_some() {
        return Err(Refused("request_uri_not_supported", "request objects are not supported"));
    }
    if parameters.get("response_type") != Some("code") {
        return Err(Refused("unsupported_response_type", "response_type must be code"));
    }
    if parameters.get("response_mode").is_some_and(|mode| mode != "query") {
        return invalid("response_mode must be query");
    }
    let scopes = parameters.words("scope");
    if !scopes.iter().any(|scope| scope == "openid") {
        return Err(Refused("invalid_scope", "scope must contain openid"));
    }
    let challenge = match (parameters.get("code_challenge"), parameters.get("code_challenge_method")) {
        (Some(challenge), Some("S256")) if is_s256(challenge) => challenge.to_owned(),
        _ => return invalid("PKCE is required: code_challenge, with code_challenge_method S256"),
    };
    let prompts = parameters.words("prompt");
    let silently = prompts.iter().any(|prompt| prompt == "none");
    if silently && prompts.len() > 1 {
        return invalid("prompt none stands alone");
    }
    let max_age = match parameters.get("max_age").map(str::parse::<u64>) {
        None => None,
        Some(Ok(seconds)) => Some(Duration::from_secs(seconds)),
        Some(Err(_)) => return invalid("max_age must be a number of seconds"),
    };
    let owned = |name| parameters.get(name).map(str::to_owned);
    let freshly = prompts.iter().any(|prompt| prompt == "login" || prompt == "select_account");
    // The first that is known here; others are passed over (OpenID Connect Core, 3.1.2.1).
    let wanted = parameters.words("acr_values").into_iter().find(|value| ACR_VALUES.contains(&value.as_str()));
    let strength = match wanted.as_deref() {
        Some(STRONG) => Strength::PasswordAndCode,
        _ if freshly => Strength::PasswordAndPerhapsCode,
        _ => Strength::Password,
    };
    let request = Request {
        strength,
        redirect_uri: place.to_owned(),
        state: owned("state"),
        nonce: owned("nonce"),
        scopes,
        code_challenge: challenge,
        login_hint: owned("login_hint"),
    };
    Ok(Asked { request, silently, freshly, max_age })
}

// base64url of 32 bytes, no padding (RFC 7636, 4.2).
fn is_s256(challenge: &str) -> bool {
    challenge.len() == 43 && challenge.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn ask_for_login(desk: &Desk, headers: &HeaderMap, request: Request, former: Option<&Login>) -> Response {
    let browser = cookies::read(headers, cookies::BROWSER).map_or_else(|| desk.chance(), str::to_owned);
    let form = desk.chance();
    let username = request.login_hint.clone().or_else(|| former.map(|login| login.user.email.to_owned()));
    let page = pages::login(desk, &request, &form, &username.unwrap_or_default(), None);
    desk.ledger().show_form(&form, &browser, request, desk.now());
    ([cookies::set(cookies::BROWSER, &browser)], page).into_response()
}

/// Sends the browser back with a new code.
pub(super) fn grant(desk: &Desk, request: Request, login: Login) -> Response {
    let code = desk.chance();
    let response = answer(desk, &request.redirect_uri, request.state.as_deref(), &[("code", &code)]);
    desk.ledger().issue_code(&code, request, login, desk.now());
    response
}

fn refuse(desk: &Desk, place: &str, state: Option<&str>, Refused(error, description): &Refused) -> Response {
    answer(desk, place, state, &[("error", error), ("error_description", description)])
}

/// Sends the browser back with `parameters`, the state that came, and our issuer (RFC 9207, 2).
fn answer(desk: &Desk, place: &str, state: Option<&str>, parameters: &[(&str, &str)]) -> Response {
    let Ok(mut place) = Url::parse(place) else { return OTHER_PLACE.into_response() };
    place
        .query_pairs_mut()
        .extend_pairs(parameters)
        .extend_pairs(state.map(|state| ("state", state)))
        .append_pair("iss", &desk.issuer);
    Redirect::to(place.as_str()).into_response()
}
