//! Owns what the fake answers about the session that a browser presents. Does not know logins.

use std::pin::Pin;
use std::time::Duration;

use serde_json::json;
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_types::StatusExt as _;

use super::answers::{away, denied, failure, first, inactive, json_answer, request_id, set_cookie};
use super::events::{KEEP_FOR, Telling};
use super::people::Kept;
use super::tokens::token_of;
use super::{FakeAuthority, Trouble, World};
use crate::v1::check_sessions_response::Result as Checked;
use crate::v1::session_service_server::SessionService;
use crate::v1::{self, CsrfRequirement};

type Answered = Result<v1::CheckSessionsResponse, Status>;

/// Why a session can't be used.
pub(super) enum Refused {
    Inactive(Box<v1::InactiveSession>),
    Denied(Box<v1::DeniedSession>),
}

impl Refused {
    pub(super) fn answer(&self) -> Option<v1::HttpAnswer> {
        match self {
            Self::Inactive(inactive) => inactive.answer.clone(),
            Self::Denied(denied) => denied.answer.clone(),
        }
    }
}

/// Answers about a session that may be used, or says why not, in the words of the method's own outcome.
macro_rules! using {
    ($world:expr, $question:expr, $id:expr, $outcome:ident, $answer:ident, |$one:ident| $used:expr) => {
        match $world.usable(&$question.cookies, $question.context.as_ref(), $id) {
            Ok($one) => $used,
            Err(refused) => {
                let answer = refused.answer();
                let outcome = Some(match refused {
                    Refused::Inactive(inactive) => v1::$outcome::Outcome::Inactive(*inactive),
                    Refused::Denied(denied) => v1::$outcome::Outcome::Denied(*denied),
                });
                v1::$answer { outcome, answer }
            }
        }
    };
}

#[tonic::async_trait]
impl SessionService for FakeAuthority {
    type WatchSessionsStream = Telling;
    type CheckSessionsStream = Pin<Box<dyn Stream<Item = Answered> + Send>>;

    async fn validate_session(
        &self,
        request: Request<v1::ValidateSessionRequest>,
    ) -> Result<Response<v1::ValidateSessionResponse>, Status> {
        self.enter().await?;
        let id = request_id(&request);
        self.world().validate_session(request.get_ref(), &id).map(Response::new)
    }

    async fn refresh_tokens(
        &self,
        request: Request<v1::RefreshTokensRequest>,
    ) -> Result<Response<v1::RefreshTokensResponse>, Status> {
        self.enter().await?;
        let (id, world, question) = (request_id(&request), self.world(), request.get_ref());
        if question.api_key.is_some() {
            return Ok(Response::new(world.refresh_by_key(question, &id)));
        }
        Ok(Response::new(using!(world, question, &id, refresh_tokens_response, RefreshTokensResponse, |one| {
            let refreshed = v1::RefreshedTokens { session: Some(one.info.clone()), ..Default::default() };
            v1::RefreshTokensResponse {
                outcome: Some(v1::refresh_tokens_response::Outcome::Refreshed(refreshed)),
                answer: Some(json_answer(200, &json!({"message": "Tokens refreshed", "expires_at": null}))),
            }
        })))
    }

    async fn get_access_token(
        &self,
        request: Request<v1::GetAccessTokenRequest>,
    ) -> Result<Response<v1::GetAccessTokenResponse>, Status> {
        use v1::get_access_token_response::Outcome;
        self.enter().await?;
        let (id, world, question) = (request_id(&request), self.world(), request.get_ref());
        let outcome = match world.presented(&question.cookies) {
            Ok(one) => Outcome::AccessToken(v1::AccessToken {
                value: token_of(&one.info.session_id, &question.audience),
                r#type: "Bearer".into(),
                scopes: one.identity.scopes.clone(),
                audience: question.audience.clone(),
                ..Default::default()
            }),
            Err(reason) => Outcome::Inactive(inactive(reason, question.context.as_ref(), true, &id)),
        };
        Ok(Response::new(v1::GetAccessTokenResponse { outcome: Some(outcome) }))
    }

    async fn get_user_info(
        &self,
        request: Request<v1::GetUserInfoRequest>,
    ) -> Result<Response<v1::GetUserInfoResponse>, Status> {
        self.enter().await?;
        let (id, world, question) = (request_id(&request), self.world(), request.get_ref());
        Ok(Response::new(using!(world, question, &id, get_user_info_response, GetUserInfoResponse, |one| {
            let (identity, session) = (Some(one.identity.clone()), Some(one.info.clone()));
            let user_info = v1::UserInfo { identity, session, ..Default::default() };
            let told = |text: &str| if text.is_empty() { json!(null) } else { json!(text) };
            let v1::Identity { user_id, provider, sub, email, email_verified, name, .. } = &one.identity;
            let body = json!({
                "user_id": user_id, "provider": provider, "sub": sub, "email": told(email),
                "email_verified": email_verified, "name": told(name), "picture": null, "claims": {},
            });
            v1::GetUserInfoResponse {
                outcome: Some(v1::get_user_info_response::Outcome::UserInfo(user_info)),
                answer: Some(json_answer(200, &body)),
            }
        })))
    }

    async fn list_user_sessions(
        &self,
        request: Request<v1::ListUserSessionsRequest>,
    ) -> Result<Response<v1::ListUserSessionsResponse>, Status> {
        self.enter().await?;
        let (id, world, question) = (request_id(&request), self.world(), request.get_ref());
        Ok(Response::new(using!(world, question, &id, list_user_sessions_response, ListUserSessionsResponse, |own| {
            world.devices(own)
        })))
    }

    async fn get_attributes(
        &self,
        request: Request<v1::GetAttributesRequest>,
    ) -> Result<Response<v1::GetAttributesResponse>, Status> {
        use v1::get_attributes_response::Outcome;
        self.enter().await?;
        let (id, world, question) = (request_id(&request), self.world(), request.get_ref());
        let outcome = match world.presented(&question.cookies) {
            Ok(one) => Outcome::Attributes(attributes(one)),
            Err(reason) => Outcome::Inactive(inactive(reason, question.context.as_ref(), true, &id)),
        };
        Ok(Response::new(v1::GetAttributesResponse { outcome: Some(outcome) }))
    }

    async fn update_attributes(
        &self,
        request: Request<v1::UpdateAttributesRequest>,
    ) -> Result<Response<v1::UpdateAttributesResponse>, Status> {
        use v1::update_attributes_response::Outcome;
        self.enter().await?;
        let (id, mut world, question) = (request_id(&request), self.world(), request.into_inner());
        let session_id = match world.presented(&question.cookies) {
            Ok(one) => one.info.session_id.clone(),
            Err(reason) => {
                let outcome = Outcome::Inactive(inactive(reason, question.context.as_ref(), true, &id));
                return Ok(Response::new(v1::UpdateAttributesResponse { outcome: Some(outcome) }));
            }
        };
        let mut meant = world.sessions.iter_mut().filter(|kept| kept.info.session_id == session_id);
        let one = meant.next().filter(|one| one.attributes_version == question.expected_version);
        let changed = || failure(Code::Aborted, "VERSION_CONFLICT", "Another version is kept by now.");
        let one = one.ok_or_else(changed)?;
        one.attributes.extend(question.set);
        question.remove.iter().for_each(|name| drop(one.attributes.remove(name)));
        one.attributes_version += 1;
        let outcome = Some(Outcome::Attributes(attributes(one)));
        world.events.tell(&session_id);
        Ok(Response::new(v1::UpdateAttributesResponse { outcome }))
    }

    async fn revoke(
        &self,
        request: Request<v1::SessionServiceRevokeRequest>,
    ) -> Result<Response<v1::SessionServiceRevokeResponse>, Status> {
        self.enter().await?;
        let id = request_id(&request);
        self.world().revoke(request.get_ref(), &id).map(Response::new)
    }

    async fn watch_sessions(
        &self,
        request: Request<v1::WatchSessionsRequest>,
    ) -> Result<Response<Self::WatchSessionsStream>, Status> {
        self.enter().await?;
        Ok(Response::new(self.tell_from_now_on(&request.get_ref().after_position)))
    }

    async fn check_sessions(
        &self,
        request: Request<Streaming<v1::CheckSessionsRequest>>,
    ) -> Result<Response<Self::CheckSessionsStream>, Status> {
        self.enter().await?;
        let fake = self.clone();
        Ok(Response::new(Box::pin(request.into_inner().filter_map(move |asked| fake.answered(asked.ok()?)))))
    }
}

impl FakeAuthority {
    /// Answers a question of a stream as a call of its own would be; none while it is slow, and the stream ends while it
    /// is away.
    fn answered(&self, asked: v1::CheckSessionsRequest) -> Option<Answered> {
        let world = self.world();
        match world.trouble {
            Trouble::None => (),
            Trouble::Away => return Some(Err(away())),
            Trouble::Slow => return None,
        }
        let answer = world.validate_session(&asked.question.unwrap_or_default(), &asked.request_id);
        let result = Some(match answer {
            Ok(answer) => Checked::Answer(answer),
            Err(status) => Checked::Error(check_error(&status, asked.request_id)),
        });
        Some(Ok(v1::CheckSessionsResponse { id: asked.id, result }))
    }
}

fn check_error(status: &Status, request_id: String) -> v1::CheckError {
    let info = status.get_error_details().error_info().cloned();
    v1::CheckError {
        code: i32::from(status.code()).unsigned_abs(),
        reason: info.map_or_else(String::new, |info| info.reason),
        message: status.message().to_owned(),
        request_id,
        ..Default::default()
    }
}

fn attributes(one: &Kept) -> v1::Attributes {
    v1::Attributes { values: one.attributes.clone(), version: one.attributes_version }
}

impl World {
    /// The session that a request may use.
    pub(super) fn usable(
        &self,
        cookies: &[v1::Cookie],
        context: Option<&v1::RequestContext>,
        request_id: &str,
    ) -> Result<&Kept, Refused> {
        let found = self.presented(cookies);
        let one = found.map_err(|reason| Refused::Inactive(inactive(reason, context, true, request_id).into()))?;
        let needed = v1::Requirements::default();
        let judged = self.judge(one, &needed, context);
        judged.map_err(|missing| {
            Refused::Denied(denied(missing, Some(one), &needed, context, true, request_id).into())
        })?;
        Ok(one)
    }

    fn validate_session(
        &self,
        question: &v1::ValidateSessionRequest,
        request_id: &str,
    ) -> Result<v1::ValidateSessionResponse, Status> {
        use v1::validate_session_response::Outcome;
        let needed = question.requirements.clone().unwrap_or_default();
        let context = question.context.as_ref();
        if needed.csrf() == CsrfRequirement::Required && context.is_none() {
            let message = "CSRF can't be judged without a context.";
            return Err(failure(Code::InvalidArgument, "CONTEXT_REQUIRED", message));
        }
        let outcome = match self.presented(&question.cookies) {
            Err(reason) => Outcome::Inactive(inactive(reason, context, question.answer_json, request_id)),
            Ok(one) => match self.judge(one, &needed, context) {
                Err(missing) => {
                    Outcome::Denied(denied(missing, Some(one), &needed, context, question.answer_json, request_id))
                }
                Ok(judged) => Outcome::Active(self.active(one, judged, question)),
            },
        };
        Ok(v1::ValidateSessionResponse { outcome: Some(outcome), settings_version: self.settings.version.clone() })
    }

    fn active(
        &self,
        one: &Kept,
        judged: v1::JudgedRequirements,
        question: &v1::ValidateSessionRequest,
    ) -> v1::ActiveSession {
        let may_renew = question.can_set_cookies && !one.is_newest(&question.cookies);
        let newer = one.renewed_cookie.as_ref().filter(|_| may_renew);
        let name = first(&self.settings.session_cookie_names);
        let set_cookies = newer.iter().map(|newer| set_cookie(&self.settings, name, newer, 86_400)).collect();
        let is_told = question.issue_csrf_token || newer.is_some();
        // No longer than the login is fresh enough.
        let longest = judged.max_login_age.and_then(|longest| Duration::try_from(longest).ok());
        let keep_for = longest.map_or(KEEP_FOR, |longest| KEEP_FOR.min(longest.saturating_sub(one.login.age())));
        v1::ActiveSession {
            identity: Some(one.identity.clone()),
            session: Some(one.info.clone()),
            judged: Some(judged),
            set_cookies,
            csrf_token: if is_told { one.csrf_token.clone() } else { String::new() },
            keep_for: prost_types::Duration::try_from(keep_for).ok(),
            event_position: self.events.position(),
            ..Default::default()
        }
    }
}
