//! Owns the login page's form: showing it again, and judging what was typed. Does not know the protocol around it.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use url::form_urlencoded;

use super::authorize;
use super::cookies;
use super::desk::Desk;
use super::ledger::{Login, Request, Strength};
use super::pages;
use super::parameters::Parameters;
use super::refusal::PageRefusal;
use super::users;
use crate::crypto::equal;

const ENDED: PageRefusal = PageRefusal(
    "This login page has ended, or was opened in another browser. Go back to the application and log in again.",
);
const WRONG: &str = "Wrong email address or password. Both test users have the password shown below.";
const WRONG_CODE: &str = "Wrong one-time code. It is shown below.";

/// `GET /login?form=...&username=...`: the page again, with a name filled in; with `wrong`, after a password that was.
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, PageRefusal> {
    let parameters = Parameters::read(query.unwrap_or_default().as_bytes()).map_err(|_| ENDED)?;
    let (form, request) = shown(&desk, &headers, &parameters).ok_or(ENDED)?;
    let username = parameters.get("username").unwrap_or_default();
    let wrong = parameters.get("wrong").map(|what| if what == "code" { WRONG_CODE } else { WRONG });
    Ok(pages::login(&desk, &request, &form, username, wrong).into_response())
}

/// `POST /login`. The form counts only from the browser that it was shown to, so that no other page can log a browser
/// in here as somebody else.
pub(super) async fn submit(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, PageRefusal> {
    let typed = Parameters::of_form(&headers, &body).map_err(|_| ENDED)?;
    let (form, request) = shown(&desk, &headers, &typed).ok_or(ENDED)?;
    let username = typed.get("username").unwrap_or_default();
    let again = |wrong| {
        // A redirect, so that whoever reloads the page does not send the password again.
        let mut query = form_urlencoded::Serializer::new(String::from("/login?"));
        query.append_pair("form", &form).append_pair("username", username).append_pair("wrong", wrong);
        Ok(Redirect::to(&query.finish()).into_response())
    };
    let Some(user) = users::find(username, typed.get("password").unwrap_or_default()) else {
        return again("password");
    };
    let is_strong = match typed.get("code") {
        Some(code) if equal(code.trim().as_bytes(), users::CODE.as_bytes()) => true,
        None if request.strength != Strength::PasswordAndCode => false,
        _ => return again("code"),
    };
    let now = desk.now();
    let login = Login { user, sid: desk.chance(), auth_time: now, is_strong };
    let cookie = desk.chance();
    {
        let mut ledger = desk.ledger();
        if let Some(former) = cookies::read(&headers, cookies::LOGIN) {
            ledger.forget_login(former, now);
        }
        ledger.log_in(&cookie, login.clone(), now);
    }
    let back = authorize::grant(&desk, request, login);
    Ok((AppendHeaders([cookies::set(cookies::LOGIN, &cookie)]), back).into_response())
}

fn shown(desk: &Desk, headers: &HeaderMap, parameters: &Parameters) -> Option<(String, Request)> {
    let form = parameters.get("form")?;
    let browser = cookies::read(headers, cookies::BROWSER)?;
    let request = desk.ledger().form(form, browser, desk.now())?.clone();
    Some((form.to_owned(), request))
}
