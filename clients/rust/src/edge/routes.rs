//! Owns the call behind each route. Does not know what the answers say.

use axum::body::Body;
use axum::extract::Request;
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{Method, StatusCode};
use serde::Serialize;
use tracing::Instrument as _;

use super::door;
use super::route::Route;
use crate::answer::{Answer, Asker, Delivery};
use crate::client::Client;
use crate::client::error::Error;
use crate::client::tokens::TokenVerdict;
use crate::cors;
use crate::gate::Gate;
use crate::presented::{
    NoBody, Sent, bearer, context, form, header_of, host, login_cookies, query, request_id, sent, session_cookies,
};
use crate::session::Session;
use crate::settings::Settings;
use crate::v1;
use crate::verdict::Verdict;

/// security.md 66.
const ONE_YEAR: &str = "max-age=31536000";

/// Answers one request of a route.
pub(super) async fn answer(gate: &Gate, route: Route, request: Request) -> Answer {
    if route.only_reads(request.method()) {
        return answer_now(gate, route, request).await;
    }
    let asker = Asker::new(request.method(), request_id(request.headers()));
    let gate = gate.clone();
    // In a task of its own: a browser that hangs up makes no call be given up.
    let answering = async move { answer_now(&gate, route, request).await };
    tokio::spawn(answering.in_current_span()).await.unwrap_or_else(|_| asker.unavailable(None))
}

async fn answer_now(gate: &Gate, route: Route, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let asker = Asker::new(&parts.method, request_id(&parts.headers));
    let Some(settings) = gate.settings(host(&parts).as_deref()) else {
        return asker.unavailable(None);
    };
    if !settings.is_on(route.set()) {
        let mut unknown = Answer::default();
        *unknown.status_mut() = StatusCode::NOT_FOUND;
        return unknown;
    }
    let mut response = if parts.method == Method::OPTIONS && !route.is_for_proxies() {
        let mut response = cors::preflight(&asker, &parts.headers, &settings.cors);
        response.headers_mut().insert(header::ALLOW, cors::allow(route.methods()));
        response
    } else if route.methods().contains(&parts.method) {
        let client = gate.client().for_request(&asker.request_id);
        let question = Question { client, gate, settings: &settings, parts: &parts };
        Box::pin(question.pass_on(route, body, &asker)).await.unwrap_or_else(|error| asker.failed(&error))
    } else {
        let detail = "This address does not take this method.";
        let mut refused = asker.error(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", detail);
        refused.headers_mut().insert(header::ALLOW, cors::allow(route.methods()));
        refused
    };
    if settings.is_https {
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(ONE_YEAR));
    }
    cors::share(&parts.headers, &settings.cors, response.headers_mut());
    response
}

/// What a browser asked, ready to be passed on.
struct Question<'a> {
    client: Client,
    gate: &'a Gate,
    settings: &'a Settings,
    parts: &'a Parts,
}

impl Question<'_> {
    async fn pass_on(&self, route: Route, body: Body, asker: &Asker) -> Result<Answer, Error> {
        let (parts, settings) = (self.parts, self.settings);
        let (route_set, context) = (route.set().into(), Some(context(parts, settings)));
        let login = self.client.login();
        let (answer, version) = match route {
            Route::Me => return self.me(asker, context).await,
            Route::Verify => return door::verify(&self.client, parts, asker).await,
            Route::Refresh => return self.refresh(None, context, asker).await,
            Route::ApiRefresh => {
                let key = header_of(parts, "x-api-key", settings).unwrap_or_default();
                return self.refresh(Some(key), context, asker).await;
            }
            Route::UserInfo => {
                let (cookies, refresh) = (session_cookies(parts, settings), parts.method == Method::POST);
                let question = v1::GetUserInfoRequest { cookies, context, refresh, ..Default::default() };
                return Ok(asker.copy(self.client.sessions().get_user_info(question).await?.answer));
            }
            Route::Sessions => {
                let (cookies, query) = (session_cookies(parts, settings), query(parts, settings));
                let question = v1::ListUserSessionsRequest { cookies, context, query, ..Default::default() };
                return Ok(asker.copy(self.client.sessions().list_user_sessions(question).await?.answer));
            }
            Route::RevokeSessions => {
                use v1::session_service_revoke_request::Target;
                let cookies = session_cookies(parts, settings);
                let target = Some(match sent(parts, body, settings).await {
                    Ok(Sent::Form(form)) => Target::Form(form),
                    Ok(Sent::Json(json)) => Target::Json(json),
                    Err(missing) => return Ok(without_body(&missing, asker)),
                });
                let question = v1::SessionServiceRevokeRequest { cookies, context, target, ..Default::default() };
                return Ok(asker.copy(self.client.sessions().revoke(question).await?.answer));
            }
            Route::User => return self.user(asker, context).await,
            Route::Login | Route::SpaLogin | Route::ApiStart => {
                let (provider, cookies) = (route.provider_in(parts.uri.path()), login_cookies(parts, settings));
                let query = query(parts, settings);
                let question =
                    v1::StartLoginRequest { route_set, provider, query, cookies, context, ..Default::default() };
                let done = login.start_login(question).await?;
                (done.answer, done.settings_version)
            }
            Route::Callback | Route::Authorize | Route::ApiCallback | Route::ApiSession => {
                let question = match self.callback(route, body, context).await {
                    Ok(question) => question,
                    Err(missing) => return Ok(without_body(&missing, asker)),
                };
                let done = login.complete_callback(question).await?;
                (done.answer, done.settings_version)
            }
            Route::Logout => {
                let (query, cookies) = (query(parts, settings), login_cookies(parts, settings));
                let form = match form(parts, body, settings).await {
                    Ok(form) => form,
                    Err(missing) => return Ok(without_body(&missing, asker)),
                };
                let question =
                    v1::StartLogoutRequest { route_set, query, cookies, context, form, ..Default::default() };
                let done = login.start_logout(question).await?;
                (done.answer, done.settings_version)
            }
            Route::LoggedOut => {
                let (query, cookies) = (query(parts, settings), login_cookies(parts, settings));
                let question = v1::CompleteLogoutRequest { route_set, query, cookies, context };
                let done = login.complete_logout(question).await?;
                (done.answer, done.settings_version)
            }
            Route::BackchannelLogout => {
                let form = match form(parts, body, settings).await {
                    Ok(form) => form,
                    Err(missing) => return Ok(without_body(&missing, asker)),
                };
                let question = v1::HandleBackchannelLogoutRequest { route_set, form, context, ..Default::default() };
                let done = login.handle_backchannel_logout(question).await?;
                (done.answer, done.settings_version)
            }
            Route::FrontchannelLogout => {
                let query = query(parts, settings);
                let question = v1::HandleFrontchannelLogoutRequest { route_set, query, context, ..Default::default() };
                let done = login.handle_frontchannel_logout(question).await?;
                (done.answer, done.settings_version)
            }
        };
        self.gate.saw_version(&version);
        Ok(asker.copy(answer))
    }

    async fn me(&self, asker: &Asker, context: Option<v1::RequestContext>) -> Result<Answer, Error> {
        let question = v1::ValidateSessionRequest {
            cookies: session_cookies(self.parts, self.settings),
            context,
            can_set_cookies: true,
            issue_csrf_token: true,
            answer_json: true,
            ..v1::ValidateSessionRequest::default()
        };
        let checked = self.client.sessions().check(question).await?;
        self.gate.saw_version(&checked.settings_version);
        match checked.verdict {
            Verdict::Active(session) => self.who(asker, &session),
            Verdict::Inactive(inactive) => Ok(match inactive.answer {
                Some(answer) => asker.copy(Some(answer)),
                None => asker.error(StatusCode::UNAUTHORIZED, "NOT_SIGNED_IN", "You are not signed in."),
            }),
            Verdict::Denied(denied) => Ok(match denied.answer {
                Some(answer) => asker.copy(Some(answer)),
                None => asker.error(StatusCode::FORBIDDEN, "FORBIDDEN", "This session may not make this request."),
            }),
        }
    }

    /// What came back from a provider, by the browser itself or by its front end.
    async fn callback(
        &self,
        route: Route,
        body: Body,
        context: Option<v1::RequestContext>,
    ) -> Result<v1::CompleteCallbackRequest, NoBody> {
        use v1::complete_callback_request::Response;
        let (parts, settings) = (self.parts, self.settings);
        let response = match parts.method {
            Method::POST => match sent(parts, body, settings).await? {
                Sent::Form(form) => Response::Form(form),
                Sent::Json(json) => Response::Json(json),
            },
            _ => Response::Query(query(parts, settings)),
        };
        let is_keyed = matches!(route, Route::ApiSession);
        let key = is_keyed.then(|| header_of(parts, "idempotency-key", settings)).flatten();
        Ok(v1::CompleteCallbackRequest {
            route_set: route.set().into(),
            response: Some(response),
            cookies: login_cookies(parts, settings),
            context,
            provider: route.provider_in(parts.uri.path()),
            idempotency_header: key.unwrap_or_default(),
            ..Default::default()
        })
    }

    async fn refresh(
        &self,
        api_key: Option<bytes::Bytes>,
        context: Option<v1::RequestContext>,
        asker: &Asker,
    ) -> Result<Answer, Error> {
        let cookies = session_cookies(self.parts, self.settings);
        let question = v1::RefreshTokensRequest { cookies, context, api_key, ..Default::default() };
        Ok(asker.copy(self.client.sessions().refresh_tokens(question).await?.answer))
    }

    async fn user(&self, asker: &Asker, context: Option<v1::RequestContext>) -> Result<Answer, Error> {
        let question = v1::ValidateTokenRequest {
            token: bearer(&self.parts.headers).unwrap_or_default(),
            answer_user: true,
            context,
            ..v1::ValidateTokenRequest::default()
        };
        Ok(asker.copy(match self.client.tokens().check(question).await? {
            TokenVerdict::Active(active) => active.answer,
            TokenVerdict::Inactive(inactive) => inactive.answer,
            TokenVerdict::Denied(denied) => denied.answer,
        }))
    }

    fn who(&self, asker: &Asker, session: &Session) -> Result<Answer, Error> {
        let delivery = Delivery::of(session, self.settings)?;
        let mut response = asker.json(StatusCode::OK, &Who::of(session));
        delivery.add_to(response.headers_mut());
        Ok(response)
    }
}

/// Nobody is waiting for this, most likely.
fn without_body(missing: &NoBody, asker: &Asker) -> Answer {
    match missing {
        NoBody::Broken => asker.error(StatusCode::BAD_REQUEST, "REQUEST_BROKEN", "The request broke off."),
        NoBody::Late => {
            asker.error(StatusCode::REQUEST_TIMEOUT, "REQUEST_TIMEOUT", "The request's body did not come in time.")
        }
    }
}

/// The body of `/auth/me`. What the provider did not give is null.
#[derive(Serialize)]
struct Who<'a> {
    user_id: &'a str,
    email: Option<&'a str>,
    name: Option<&'a str>,
    provider: &'a str,
    csrf_token: Option<&'a str>,
}

impl<'a> Who<'a> {
    fn of(session: &'a Session) -> Self {
        Self {
            user_id: session.user_id(),
            email: session.email(),
            name: session.name(),
            provider: session.provider(),
            csrf_token: session.csrf_token(),
        }
    }
}
