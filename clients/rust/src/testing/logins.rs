//! Owns how the fake logs people in and out. There is no provider. Does not know what else a session is for.

use serde_json::json;
use tonic::{Request, Response, Status};

use super::answers::{denied, first, json_answer, malformed, problem, redirect, request_id, set_cookie};
use super::front_ends::{Progress, with_code};
use super::judge::is_navigation;
use super::{FakeAuthority, LoginUnderWay, World, unguessable};
use crate::v1::login_service_server::LoginService;
use crate::v1::{self, CsrfRequirement, DeniedReason, LoginFailure, RouteSet};

/// The values of a field, decoded.
pub(super) fn values(form: &[u8], name: &str) -> Vec<String> {
    form_urlencoded::parse(form).filter(|(key, _)| key == name).map(|(_, value)| value.into_owned()).collect()
}

/// Reads redirect_uri, which has to be a path of the application's own.
fn return_place(query: &[u8], usual: &str) -> Option<String> {
    let place = values(query, "redirect_uri").into_iter().next().unwrap_or_default();
    if place.is_empty() {
        return Some(usual.to_owned());
    }
    let is_own = place.starts_with('/') && !place.starts_with("//") && !place.contains(['\\', '\r', '\n', '\t']);
    is_own.then_some(place)
}

fn not_allowed(request_id: &str) -> v1::HttpAnswer {
    let remedy = "Use a path of the application.";
    problem(400, "redirect_not_allowed", "This redirect_uri is not allowed", remedy, request_id)
}

fn state_invalid(remedy: &str, request_id: &str) -> v1::HttpAnswer {
    problem(400, "state_invalid", "Invalid state parameter", remedy, request_id)
}

#[tonic::async_trait]
impl LoginService for FakeAuthority {
    async fn get_edge_settings(
        &self,
        _: Request<v1::GetEdgeSettingsRequest>,
    ) -> Result<Response<v1::GetEdgeSettingsResponse>, Status> {
        self.enter().await?;
        let settings = Some(self.world().settings.clone());
        Ok(Response::new(v1::GetEdgeSettingsResponse { settings, others: Vec::new() }))
    }

    async fn list_providers(
        &self,
        _: Request<v1::LoginServiceListProvidersRequest>,
    ) -> Result<Response<v1::LoginServiceListProvidersResponse>, Status> {
        self.enter().await?;
        let provider = v1::Provider {
            name: "fake".into(),
            display_name: "Fake".into(),
            login_path: "/auth/web/login?provider=fake".into(),
        };
        let settings_version = self.world().settings.version.clone();
        let answer =
            v1::LoginServiceListProvidersResponse { providers: vec![provider], settings_version, ..Default::default() };
        Ok(Response::new(answer))
    }

    async fn start_login(
        &self,
        request: Request<v1::StartLoginRequest>,
    ) -> Result<Response<v1::StartLoginResponse>, Status> {
        self.enter().await?;
        let id = request_id(&request);
        Ok(Response::new(self.world().start_login(request.get_ref(), &id)))
    }

    async fn complete_callback(
        &self,
        request: Request<v1::CompleteCallbackRequest>,
    ) -> Result<Response<v1::CompleteCallbackResponse>, Status> {
        self.enter().await?;
        let id = request_id(&request);
        Ok(Response::new(self.world().complete_callback(request.get_ref(), &id)))
    }

    async fn start_logout(
        &self,
        request: Request<v1::StartLogoutRequest>,
    ) -> Result<Response<v1::StartLogoutResponse>, Status> {
        self.enter().await?;
        let id = request_id(&request);
        Ok(Response::new(self.world().start_logout(request.into_inner(), &id)))
    }

    // It knows no state, since there is no provider to come back from.
    async fn complete_logout(
        &self,
        request: Request<v1::CompleteLogoutRequest>,
    ) -> Result<Response<v1::CompleteLogoutResponse>, Status> {
        self.enter().await?;
        let remedy = "You are logged out. This page was reached without a logout begun here.";
        let answer = Some(state_invalid(remedy, &request_id(&request)));
        let settings_version = self.world().settings.version.clone();
        Ok(Response::new(v1::CompleteLogoutResponse { answer, settings_version }))
    }

    async fn handle_backchannel_logout(
        &self,
        request: Request<v1::HandleBackchannelLogoutRequest>,
    ) -> Result<Response<v1::HandleBackchannelLogoutResponse>, Status> {
        self.enter().await?;
        let id = request_id(&request);
        Ok(Response::new(self.world().told_by_server(&request.get_ref().form, &id)))
    }

    async fn handle_frontchannel_logout(
        &self,
        request: Request<v1::HandleFrontchannelLogoutRequest>,
    ) -> Result<Response<v1::HandleFrontchannelLogoutResponse>, Status> {
        self.enter().await?;
        let id = request_id(&request);
        Ok(Response::new(self.world().told_by_page(&request.get_ref().query, &id)))
    }
}

impl World {
    fn landing(&self) -> v1::LandingPlaces {
        self.settings.landing_places.clone().unwrap_or_default()
    }

    /// Begins a login, and sends the browser straight on to the callback.
    fn start_login(&mut self, question: &v1::StartLoginRequest, request_id: &str) -> v1::StartLoginResponse {
        if matches!(question.route_set(), RouteSet::Api | RouteSet::Spa) {
            return self.start_for_front_end(question, request_id);
        }
        let settings_version = self.settings.version.clone();
        let Some(return_to) = return_place(&question.query, &self.landing().after_login) else {
            let (answer, failure) = (Some(not_allowed(request_id)), Some(LoginFailure::RedirectNotAllowed.into()));
            return v1::StartLoginResponse { answer, failure, settings_version };
        };
        let (state, binding, code) = (unguessable(), unguessable(), unguessable());
        let callback = self.settings.callback_addresses.first().map(|address| address.url.clone()).unwrap_or_default();
        let place = with_code(&callback, &code, &state);
        let cookie = set_cookie(&self.settings, first(&self.settings.binding_cookie_names), &binding, 600);
        self.logins.insert(
            state,
            LoginUnderWay { binding, return_to, who: self.next.clone(), code, progress: Progress::default() },
        );
        let answer = Some(redirect(302, place, vec![cookie]));
        v1::StartLoginResponse { answer, failure: None, settings_version }
    }

    /// Whether the browser is the one that began the login.
    pub(super) fn is_bound(&self, login: &LoginUnderWay, cookies: &[v1::Cookie]) -> bool {
        let name = first(&self.settings.binding_cookie_names);
        cookies.iter().any(|cookie| cookie.name == name && cookie.value == login.binding.as_bytes())
    }

    /// Makes the session, in the browser that began the login.
    fn complete_callback(
        &mut self,
        question: &v1::CompleteCallbackRequest,
        request_id: &str,
    ) -> v1::CompleteCallbackResponse {
        use v1::complete_callback_request::Response as Came;
        use v1::complete_callback_response::Outcome;
        if matches!(question.route_set(), RouteSet::Api | RouteSet::Spa) {
            return self.complete_for_front_end(question, request_id);
        }
        let settings_version = self.settings.version.clone();
        let came = match &question.response {
            Some(Came::Query(form) | Came::Form(form)) => form.as_ref(),
            _ => b"",
        };
        let state = values(came, "state").into_iter().next().unwrap_or_default();
        let failure = match self.logins.get(&state) {
            Some(login) if self.is_bound(login, &question.cookies) => None,
            Some(_) => Some(LoginFailure::OtherBrowser),
            None => Some(LoginFailure::StateInvalid),
        };
        let login = if failure.is_none() { self.logins.remove(&state) } else { None };
        let Some(login) = login else {
            let remedy = "This login was not begun here. Begin the login again.";
            let outcome = Some(Outcome::Failure(failure.unwrap_or(LoginFailure::StateInvalid).into()));
            let answer = Some(state_invalid(remedy, request_id));
            return v1::CompleteCallbackResponse { answer, outcome, settings_version };
        };
        let made = self.remember(login.who);
        let name = first(&self.settings.session_cookie_names);
        let cookie = set_cookie(&self.settings, name, &made.cookie, 86_400);
        let (identity, session) = (Some(made.identity), Some(made.info));
        let completed = v1::CompletedLogin { identity, session, ..Default::default() };
        v1::CompleteCallbackResponse {
            answer: Some(redirect(302, login.return_to, vec![cookie])),
            outcome: Some(Outcome::Completed(completed)),
            settings_version,
        }
    }

    /// Ends the session, where the request may.
    fn start_logout(&mut self, question: v1::StartLogoutRequest, request_id: &str) -> v1::StartLogoutResponse {
        let v1::StartLogoutRequest { query, cookies, mut context, form, .. } = question;
        let answered = |settings_version: &str, answer: v1::HttpAnswer| v1::StartLogoutResponse {
            answer: Some(answer),
            settings_version: settings_version.to_owned(),
            ..Default::default()
        };
        let version = self.settings.version.clone();
        let Some(return_to) = return_place(&query, &self.landing().after_logout) else {
            return answered(&version, not_allowed(request_id));
        };
        let mut tokens = values(&form, "csrf_token");
        if tokens.len() > 1 {
            return answered(&version, malformed("Send csrf_token once.", request_id));
        }
        if let (Some(context), Some(token)) = (&mut context, tokens.pop()) {
            context.csrf_token.get_or_insert(token.into());
        }
        let mut needed = v1::Requirements::default();
        needed.set_csrf(CsrfRequirement::Required);
        let one = self.presented(&cookies).ok();
        let refused = if self.is_foreign(context.as_ref()) {
            Some(DeniedReason::OriginRefused.into())
        } else {
            one.and_then(|one| self.judge(one, &needed, context.as_ref()).err())
        };
        if let Some(missing) = refused {
            let said = denied(missing, one, &needed, context.as_ref(), false, request_id);
            return v1::StartLogoutResponse { answer: said.answer, settings_version: version, ..Default::default() };
        }
        let mut answer = match &context {
            Some(context) if is_navigation(context) => redirect(303, return_to, Vec::new()),
            _ => json_answer(200, &json!({"message": "Logged out successfully"})),
        };
        let name = first(&self.settings.session_cookie_names);
        if cookies.iter().any(|cookie| cookie.name == name) {
            answer.set_cookies.push(set_cookie(&self.settings, name, "", 0));
        }
        let session_id = one.map(|one| one.info.session_id.clone());
        let ended = self.end(|kept| Some(&kept.info.session_id) == session_id.as_ref());
        let revoked_count = u32::try_from(ended).unwrap_or_default();
        let event_position = self.events.position();
        v1::StartLogoutResponse { revoked_count, event_position, ..answered(&version, answer) }
    }
}
