//! Owns the route set `api` of the fake: a session that a front end collects once, and refreshes with a key. Does not know what
//! it has in common with the set `spa`.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::World;
use super::answers::{first, inactive, json_answer, problem, redirect, set_cookie};
use super::front_ends::{Done, Refusal, STATE_INVALID, text, with_code};
use super::logins::values;
use crate::v1::complete_callback_response::Outcome;
use crate::v1::{self, LoginFailure, RouteSet};

const FRONT_END: &str = "frontend_redirect_uri";
const LONGEST_KEY: usize = 255;

impl World {
    /// Where the browser comes back to from the provider.
    pub(super) fn api_callback(&self) -> String {
        let mut known = self.settings.callback_addresses.iter();
        let of_api = known.find(|address| address.route_set() == RouteSet::Api);
        of_api.map(|address| address.url.clone()).unwrap_or_default()
    }

    /// Where a login leads that a front end begins.
    pub(super) fn place_of_front_end(&self, question: &v1::StartLoginRequest) -> Result<String, Refusal> {
        if question.provider != "fake" {
            let remedy = "The one provider is called fake.";
            let unknown = Refusal::new(404, "provider_unknown", "There is no such provider", remedy);
            return Err(unknown.of(LoginFailure::ProviderUnknown));
        }
        let place = values(&question.query, FRONT_END).into_iter().next().unwrap_or_default();
        if place.is_empty() {
            let detail = "The parameter frontend_redirect_uri is missing";
            let remedy = "Say where your front end takes the code.";
            let missing = Refusal::new(400, "frontend_redirect_uri_missing", detail, remedy);
            return Err(missing.of(LoginFailure::RequestMalformed));
        }
        let cors = self.settings.cors.as_ref().map(|cors| cors.allowed_origins.as_slice()).unwrap_or_default();
        let mut origins = cors.iter().map(String::as_str).chain([self.settings.public_base_url.as_str()]);
        let is_path = place.starts_with('/') && !place.starts_with("//") && !place.contains('\\');
        let is_below = |origin: &str| place.strip_prefix(origin).is_some_and(|rest| rest.starts_with('/'));
        if is_path || origins.any(is_below) {
            return Ok(place);
        }
        let remedy = "Use a path of the application, or one at an allowed origin.";
        let elsewhere = Refusal::new(400, "redirect_not_allowed", "This frontend_redirect_uri is not allowed", remedy);
        Err(elsewhere.of(LoginFailure::RedirectNotAllowed))
    }

    /// `GET /v1/auth/oidc/{provider}/callback`: on to the front end.
    pub(super) fn come_back(&mut self, question: &v1::CompleteCallbackRequest, query: &[u8]) -> Done {
        let state = values(query, "state").into_iter().next().unwrap_or_default();
        let is_bound = self.logins.get(&state).is_some_and(|login| self.is_bound(login, &question.cookies));
        let login = self.logins.get_mut(&state).filter(|_| is_bound).ok_or(STATE_INVALID)?;
        login.progress.came_back = true;
        Ok((redirect(302, with_code(&login.return_to, &login.code, &state), Vec::new()), None))
    }

    /// `POST /v1/auth/oidc/session`: the session, once; under the same key and with the same body the same once more.
    pub(super) fn collect(&mut self, question: &v1::CompleteCallbackRequest, body: &Bytes) -> Done {
        let key = &question.idempotency_header;
        let remedy = "Send the header Idempotency-Key, text of at most 255 characters.";
        match key.len() {
            1..=LONGEST_KEY => {}
            0 => {
                let detail = "The header Idempotency-Key is missing";
                return Err(Refusal::new(400, "idempotency_key_missing", detail, remedy));
            }
            _ => {
                let detail = "The header Idempotency-Key is too long";
                return Err(Refusal::new(400, "idempotency_key_invalid", detail, remedy));
            }
        }
        let state = self.ended_by(question, body)?;
        let progress = self.logins.get(&state).map(|login| &login.progress).ok_or(STATE_INVALID)?;
        if let Some((by, with, answer)) = &progress.collected {
            return match (by == key, with == body) {
                (true, true) => Ok((v1::HttpAnswer { status: 200, ..answer.clone() }, None)),
                (true, false) => {
                    let detail = "This Idempotency-Key came with another request before";
                    Err(Refusal::new(409, "idempotency_key_reused", detail, "Send a key of its own with each."))
                }
                (false, _) => {
                    let remedy = "Use the session that was collected, or begin a login again.";
                    let collected = Refusal::new(409, "already_complete", "This session was collected", remedy);
                    Err(collected.of(LoginFailure::AlreadyComplete))
                }
            };
        }
        if !progress.came_back {
            let remedy = "Let the browser come back from the provider first.";
            let early = Refusal::new(400, "login_expired", "There is no session to collect", remedy);
            return Err(early.of(LoginFailure::Expired));
        }
        let made = self.session_of(&state);
        let kept = self.by_id(&made.info.session_id);
        let csrf_token = kept.map(|kept| kept.csrf_token.clone()).unwrap_or_default();
        let mut session = times(&made.info);
        session.insert("session_id".to_owned(), json!(made.info.session_id));
        let told = json!({
            "tenant": "default", "user": who(&made.identity), "session": session, "csrf_token": csrf_token,
        });
        let mut answer = json_answer(201, &told);
        let name = first(&self.settings.session_cookie_names);
        answer.set_cookies.push(set_cookie(&self.settings, name, &made.cookie, 86_400));
        if let Some(login) = self.logins.get_mut(&state) {
            login.progress.collected = Some((key.clone(), body.clone(), answer.clone()));
        }
        let (identity, session) = (Some(made.identity), Some(made.info));
        let completed = v1::CompletedLogin { identity, session, ..Default::default() };
        Ok((answer, Some(Outcome::Completed(completed))))
    }

    /// `POST /v1/refresh`: any key is a good one, and stands for the caller, so that no CSRF token is asked for.
    pub(super) fn refresh_by_key(&self, question: &v1::RefreshTokensRequest, id: &str) -> v1::RefreshTokensResponse {
        use v1::refresh_tokens_response::Outcome as Refreshing;
        if question.api_key.as_ref().is_none_or(Bytes::is_empty) {
            let remedy = "Send the API key of a caller with the role backend.";
            let answer = Some(problem(401, "api_key_missing", "The header X-API-Key is missing", remedy, id));
            return v1::RefreshTokensResponse { answer, outcome: None };
        }
        match self.presented(&question.cookies) {
            Ok(one) => {
                let told = json!({"message": "Tokens refreshed", "expires_at": null, "session": times(&one.info)});
                let refreshed = v1::RefreshedTokens { session: Some(one.info.clone()), ..Default::default() };
                let (answer, outcome) = (Some(json_answer(200, &told)), Some(Refreshing::Refreshed(refreshed)));
                v1::RefreshTokensResponse { answer, outcome }
            }
            Err(reason) => {
                let inactive = inactive(reason, question.context.as_ref(), true, id);
                v1::RefreshTokensResponse {
                    answer: inactive.answer.clone(),
                    outcome: Some(Refreshing::Inactive(inactive)),
                }
            }
        }
    }
}

fn who(identity: &v1::Identity) -> Value {
    let v1::Identity { user_id, email, name, provider, .. } = identity;
    json!({"user_id": user_id, "email": text(email), "name": text(name), "provider": provider})
}

/// The session's times, in seconds since 1970.
fn times(info: &v1::SessionInfo) -> Map<String, Value> {
    let told = [
        ("created_at", info.create_time),
        ("last_active_at", info.last_active_time),
        ("idle_expires_at", info.idle_expire_time),
        ("expires_at", info.absolute_expire_time),
    ];
    told.into_iter().map(|(name, time)| (name.to_owned(), json!(time.map(|time| time.seconds)))).collect()
}
