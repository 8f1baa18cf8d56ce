//! Owns the logins of the fake whose end a front end sends: what the route sets `spa` and `api` have in common, and `spa`. There
//! is no provider, so that the address of a login is where the browser comes back to, with code and state. Does not know how a
//! request is judged.

use std::collections::HashMap;

use bytes::Bytes;
use serde_json::{Value, json};

use super::answers::{first, json_answer, problem, redirect, set_cookie};
use super::people::{Kept, Made};
use super::tokens::token_of;
use super::{LoginUnderWay, World, unguessable};
use crate::v1::complete_callback_response::Outcome;
use crate::v1::{self, LoginFailure, RouteSet};

/// Whom the token of a front end is for.
const AUDIENCE: &str = "front-end";

/// How a login of a front end has gone on.
#[derive(Default)]
pub(super) struct Progress {
    /// Whether the browser has come back from the provider, which the set `api` waits for.
    pub(super) came_back: bool,
    /// The session that it made.
    session_id: Option<String>,
    /// By what its session was collected, and what that was answered with.
    pub(super) collected: Option<(Bytes, Bytes, v1::HttpAnswer)>,
}

/// Why what a front end sent is no end of a login.
pub(super) struct Refusal {
    status: u32,
    reason: &'static str,
    detail: &'static str,
    remedy: &'static str,
    failure: Option<LoginFailure>,
}

const BEGIN_AGAIN: &str = "Begin the login again, in this browser.";
const SEND: &str = "Send {\"code\": \"...\", \"state\": \"...\"} as your page got them, as application/json.";

impl Refusal {
    pub(super) const fn new(status: u32, reason: &'static str, detail: &'static str, remedy: &'static str) -> Self {
        Self { status, reason, detail, remedy, failure: None }
    }

    pub(super) const fn of(self, failure: LoginFailure) -> Self {
        Self { failure: Some(failure), ..self }
    }

    fn answer(&self, request_id: &str) -> v1::HttpAnswer {
        problem(self.status, self.reason, self.detail, self.remedy, request_id)
    }
}

const UNREADABLE: Refusal = Refusal::new(400, "request_malformed", "The body is no JSON object of texts", SEND);
const FOREIGN: Refusal = Refusal::new(
    403,
    "origin_refused",
    "Requests from this origin are not allowed",
    "Send the request from the site itself, or add the origin to app.cors.allowed_origins.",
);

impl World {
    /// Begins a login of the set `spa` or `api`.
    pub(super) fn start_for_front_end(&mut self, question: &v1::StartLoginRequest, id: &str) -> v1::StartLoginResponse {
        let settings_version = self.settings.version.clone();
        let is_spa = question.route_set() == RouteSet::Spa;
        let place = if is_spa { Ok(self.page()) } else { self.place_of_front_end(question) };
        let return_to = match place {
            Ok(place) => place,
            Err(refusal) => {
                let (answer, failure) = (Some(refusal.answer(id)), refusal.failure.map(Into::into));
                return v1::StartLoginResponse { answer, failure, settings_version };
            }
        };
        let (state, binding, code) = (unguessable(), unguessable(), unguessable());
        let way =
            if is_spa { with_code(&return_to, &code, &state) } else { with_code(&self.api_callback(), &code, &state) };
        let is_json = |context: &v1::RequestContext| {
            context.accept.as_ref().is_some_and(|accept| String::from_utf8_lossy(accept).contains("application/json"))
        };
        let mut answer = if is_spa || question.context.as_ref().is_some_and(is_json) {
            json_answer(200, &json!({"url": way}))
        } else {
            redirect(302, way, Vec::new())
        };
        let name = first(&self.settings.binding_cookie_names);
        answer.set_cookies.push(set_cookie(&self.settings, name, &binding, 600));
        let who = self.next.clone();
        self.logins.insert(state, LoginUnderWay { binding, return_to, who, code, progress: Progress::default() });
        v1::StartLoginResponse { answer: Some(answer), failure: None, settings_version }
    }

    /// The page of a front end that forwards the code.
    fn page(&self) -> String {
        format!("{}/auth/fake", self.settings.public_base_url)
    }

    /// The end of a login of the set `spa` or `api`, whichever request it is.
    pub(super) fn complete_for_front_end(
        &mut self,
        question: &v1::CompleteCallbackRequest,
        id: &str,
    ) -> v1::CompleteCallbackResponse {
        use v1::complete_callback_request::Response as Came;
        let done = match (question.route_set(), &question.response) {
            (RouteSet::Spa, Some(Came::Json(body))) => self.authorize(question, body),
            (RouteSet::Spa, _) | (_, None) => Err(UNREADABLE),
            (_, Some(Came::Json(body) | Came::Form(body))) => self.collect(question, body),
            (_, Some(Came::Query(query))) => self.come_back(question, query),
        };
        let settings_version = self.settings.version.clone();
        match done {
            Ok((answer, outcome)) => v1::CompleteCallbackResponse { answer: Some(answer), outcome, settings_version },
            Err(refusal) => {
                let outcome = refusal.failure.map(|failure| Outcome::Failure(failure.into()));
                v1::CompleteCallbackResponse { answer: Some(refusal.answer(id)), outcome, settings_version }
            }
        }
    }

    /// `POST /authorize`: a token that speaks for the session.
    fn authorize(&mut self, question: &v1::CompleteCallbackRequest, body: &[u8]) -> Done {
        let state = self.ended_by(question, body)?;
        let made = self.session_of(&state);
        let identity = made.identity.clone();
        let value = token_of(&made.info.session_id, AUDIENCE);
        let answer =
            json_answer(200, &json!({"access_token": value, "token_type": "bearer", "user": user(&made.identity)}));
        let token = Some(v1::MintedToken { value, r#type: "Bearer".into(), ..Default::default() });
        let is_theirs = |kept: &&Kept| kept.identity.user_id == identity.user_id;
        let new_user = self.sessions.iter().filter(is_theirs).count() == 1;
        let (identity, session) = (Some(made.identity), Some(made.info));
        let completed = v1::CompletedLogin { identity, session, new_user, token };
        Ok((answer, Some(Outcome::Completed(completed))))
    }

    /// The state of the login that a front end ends: its own browser's, with the provider's yes.
    pub(super) fn ended_by(&self, question: &v1::CompleteCallbackRequest, body: &[u8]) -> Result<String, Refusal> {
        let is_api = question.route_set() == RouteSet::Api;
        if self.is_foreign(question.context.as_ref()) {
            return Err(FOREIGN);
        }
        let mut sent: HashMap<String, String> = serde_json::from_slice(body).map_err(|_| UNREADABLE)?;
        let state = sent.remove("state").unwrap_or_default();
        let login = self.logins.get(&state).ok_or(STATE_INVALID)?;
        if !self.is_bound(login, &question.cookies) {
            let (status, detail) = (if is_api { 401 } else { 400 }, "This login was begun in another browser");
            return Err(Refusal::new(status, "other_browser", detail, BEGIN_AGAIN).of(LoginFailure::OtherBrowser));
        }
        if sent.contains_key("error") {
            let (status, detail) = (if is_api { 401 } else { 403 }, "The login was refused at the provider");
            return Err(Refusal::new(status, "access_denied", detail, BEGIN_AGAIN).of(LoginFailure::AccessDenied));
        }
        match sent.get("code").map_or("", String::as_str) {
            "" => Err(Refusal::new(400, "request_malformed", "The member code is missing", SEND)),
            code if code == login.code => Ok(state),
            _ => {
                let detail = "The provider did not take the code";
                Err(Refusal::new(401, "code_refused", detail, BEGIN_AGAIN).of(LoginFailure::CodeRefused))
            }
        }
    }

    /// The session that a login has made, or makes now.
    pub(super) fn session_of(&mut self, state: &str) -> Made {
        let made_before = self.logins.get(state).and_then(|login| login.progress.session_id.clone());
        if let Some(kept) = made_before.as_deref().and_then(|session_id| self.by_id(session_id)) {
            return Made { cookie: kept.cookie.clone(), identity: kept.identity.clone(), info: kept.info.clone() };
        }
        let who = self.logins.get(state).map(|login| login.who.clone()).unwrap_or_default();
        let made = self.remember(who);
        if let Some(login) = self.logins.get_mut(state) {
            login.progress.session_id = Some(made.info.session_id.clone());
        }
        made
    }
}

/// An answer, and what it tells an edge beside.
pub(super) type Done = Result<(v1::HttpAnswer, Option<Outcome>), Refusal>;

pub(super) const STATE_INVALID: Refusal =
    Refusal::new(400, "state_invalid", "Invalid state parameter", BEGIN_AGAIN).of(LoginFailure::StateInvalid);

/// A place, with what the provider sends there.
pub(super) fn with_code(place: &str, code: &str, state: &str) -> String {
    let mark = if place.contains('?') { '&' } else { '?' };
    format!("{place}{mark}code={code}&state={state}")
}

/// Null for what is not known.
pub(super) fn text(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { json!(text) }
}

/// The user as front ends of the set `spa` know one.
pub(super) fn user(identity: &v1::Identity) -> Value {
    let claim = |name: &str| match identity.claims.as_ref().and_then(|claims| claims.fields.get(name)) {
        Some(prost_types::Value { kind: Some(prost_types::value::Kind::StringValue(value)) }) => json!(value),
        _ => Value::Null,
    };
    json!({
        "id": identity.user_id,
        "login": claim("login"),
        "name": text(&identity.name),
        "company": claim("company"),
        "location": claim("location"),
        "email": text(&identity.email),
        "picture": text(&identity.picture),
    })
}
