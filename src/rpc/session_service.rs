//! Owns the gRPC side of SessionService: parse, ask, answer. Decides nothing.

use std::pin::Pin;
use std::sync::Arc;

use futures::{Stream, StreamExt as _};
use tonic::{Request, Response, Status, Streaming};

use super::asked::{Asked, asked};
use super::callers::Callers;
use super::check::Desk;
use super::check_stream::{self, Answers};
use super::identify::{Brought, brought};
use super::once::asked_once;
use super::places::Places;
use super::streams::Streams;
use super::v1::session_service_server::SessionService;
use super::work::Work;
use super::{answers, policy, questions, status, token_answers, token_questions, user_answers, v1, watching};
use crate::authority::Authority;
use crate::authority::tenants::Tenants;
use crate::authority::validate_session::{AtOnce, CsrfRequirement, Requirements};

/// SessionService for tenants.
#[derive(Clone)]
pub(super) struct Sessions {
    pub(super) tenants: Tenants,
    pub(super) callers: Callers,
    pub(super) work: Work,
    /// The places of all calls, of which each question of a stream takes one.
    pub(super) places: Places,
    pub(super) streams: Streams,
}

#[tonic::async_trait]
impl SessionService for Sessions {
    type CheckSessionsStream = Answers;
    type WatchSessionsStream = Pin<Box<dyn Stream<Item = Result<v1::WatchSessionsResponse, Status>> + Send>>;

    async fn validate_session(
        &self,
        request: Request<v1::ValidateSessionRequest>,
    ) -> Result<Response<v1::ValidateSessionResponse>, Status> {
        let (asked, tenancy) = (asked(), self.tenants.now());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let mut question = questions::validate_session(request.into_inner(), &tenancy.limits()).map_err(failed)?;
        let authority = tenancy.for_presented(&asked.asker, &question.presented).await.map_err(failed)?;
        question.as_of = authority.unheard(question.as_of);
        let outcome = match authority.validate_at_once(&asked.call, &mut question).map_err(failed)? {
            AtOnce::Answered(outcome) => outcome,
            AtOnce::Open(open) => authority.validate_open(&asked.call, &mut question, open).await.map_err(failed)?,
        };
        Ok(Response::new(answers::validated(outcome, authority.tenant_name(), authority.settings_version())))
    }

    async fn check_sessions(
        &self,
        request: Request<Streaming<v1::CheckSessionsRequest>>,
    ) -> Result<Response<Answers>, Status> {
        let Asked { call, asker, caller, place, .. } = asked();
        // A name that names nobody is said at once, and not once for each question.
        self.tenants.now().check_name(&asker).map_err(|error| status::of(&error, &call.request_id))?;
        let (tenants, places) = (self.tenants.clone(), self.places.clone());
        let desk = Desk { tenants, asker, places, request_id: call.request_id, caller: call.caller, from: call.from };
        let streams = self.streams.of(caller.as_ref(), request.extensions());
        Ok(Response::new(check_stream::answer(desk, place, request.into_inner(), &streams)))
    }

    async fn refresh_tokens(
        &self,
        request: Request<v1::RefreshTokensRequest>,
    ) -> Result<Response<v1::RefreshTokensResponse>, Status> {
        let (mut asked, tenancy) = (asked_once(&request)?, self.tenants.now());
        let mut request = request.into_inner();
        let (api_key, mut requirements) = (request.api_key.take(), Requirements::default());
        let presented = questions::presented(request.cookies, request.context, &tenancy.limits());
        let request_id = asked.call.request_id.clone();
        let failed = |error| status::of(&error, &request_id);
        let presented = presented.map_err(failed)?;
        if let Some(key) = &api_key {
            // It stands for the caller, and for a CSRF token: no other site can make a browser send it.
            match brought(&self.callers, &tenancy, policy::REFRESH_TOKENS, key).await.map_err(failed)? {
                Brought::By(caller) => {
                    asked.call.caller = Some(Arc::clone(&caller.name));
                    asked.asker.scope = caller.tenants.clone();
                    requirements.csrf = CsrfRequirement::NotRequired;
                }
                refused => {
                    if matches!(refused, Brought::Nobodys) && !key.is_empty() {
                        // It is counted where a tenant is found, and refused wherever.
                        if let Ok(found) = tenancy.for_presented(&asked.asker, &presented).await {
                            found.note_bad_key(presented.context.as_deref(), &asked.call).map_err(failed)?;
                        }
                    }
                    return Ok(Response::new(answers::key_refused(key, &request_id)));
                }
            }
        }
        let whose = asked.asker.clone();
        let found = tenancy.for_presented(&whose, &presented).await.map_err(failed)?;
        let has_context = presented.context.is_some();
        // It sends a refresh token that may be good once.
        let work = |call, authority: Authority| async move {
            let outcome = authority.refresh_tokens_with(&call, &presented, &requirements).await?;
            Ok(answers::refreshed(outcome, has_context))
        };
        self.work.to_its_end(asked, &found, work).await
    }

    async fn get_access_token(
        &self,
        request: Request<v1::GetAccessTokenRequest>,
    ) -> Result<Response<v1::GetAccessTokenResponse>, Status> {
        let (asked, tenancy) = (asked(), self.tenants.now());
        let question = token_questions::get_access_token(request.into_inner(), &tenancy.limits());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let question = question.map_err(failed)?;
        let whose = asked.asker.clone();
        let found = tenancy.for_presented(&whose, &question.presented).await.map_err(failed)?;
        let work = |call, authority: Authority| async move {
            Ok(answers::access_token(authority.get_access_token(&call, &question).await?))
        };
        self.work.to_its_end(asked, &found, work).await
    }

    async fn get_user_info(
        &self,
        request: Request<v1::GetUserInfoRequest>,
    ) -> Result<Response<v1::GetUserInfoResponse>, Status> {
        let (mut asked, tenancy) = (asked_once(&request)?, self.tenants.now());
        let request = request.into_inner();
        // Else nothing is changed.
        asked.named.take_if(|_| !request.refresh);
        let failed = |error| status::of(&error, &asked.call.request_id);
        let presented = questions::presented(request.cookies, request.context, &tenancy.limits());
        let presented = presented.map_err(failed)?;
        let whose = asked.asker.clone();
        let found = tenancy.for_presented(&whose, &presented).await.map_err(failed)?;
        let share = self.work.shares.take(&found, &asked.call.request_id)?;
        let work = |call, authority: Authority| async move {
            let outcome = authority.get_user_info(&call, &presented, request.refresh).await?;
            Ok(token_answers::user_info(outcome, authority.tenant_name()))
        };
        self.work.with_its_call(asked, &found, share, work).await
    }

    async fn revoke(
        &self,
        request: Request<v1::SessionServiceRevokeRequest>,
    ) -> Result<Response<v1::SessionServiceRevokeResponse>, Status> {
        let (asked, tenancy) = (asked_once(&request)?, self.tenants.now());
        let request = request.into_inner();
        let failed = |error| status::of(&error, &asked.call.request_id);
        let (presented, target) = questions::to_revoke(request, &tenancy.limits()).map_err(failed)?;
        let whose = asked.asker.clone();
        let found = tenancy.for_presented(&whose, &presented).await.map_err(failed)?;
        let work = |call, authority: Authority| async move {
            let revoked = user_answers::revoked(authority.revoke(&call, &presented, &target).await?);
            let event_position = answers::position(authority.announced_up_to());
            Ok(v1::SessionServiceRevokeResponse { event_position, ..revoked })
        };
        self.work.ending(asked, &found, work).await
    }

    async fn list_user_sessions(
        &self,
        request: Request<v1::ListUserSessionsRequest>,
    ) -> Result<Response<v1::ListUserSessionsResponse>, Status> {
        let (asked, tenancy) = (asked(), self.tenants.now());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let question = questions::list_user_sessions(request.into_inner(), &tenancy.limits()).map_err(failed)?;
        let authority = tenancy.for_presented(&asked.asker, &question.presented).await.map_err(failed)?;
        let outcome = authority.list_user_sessions(&asked.call, &question).await.map_err(failed)?;
        Ok(Response::new(user_answers::user_sessions(outcome)))
    }

    async fn get_attributes(
        &self,
        request: Request<v1::GetAttributesRequest>,
    ) -> Result<Response<v1::GetAttributesResponse>, Status> {
        let (asked, tenancy) = (asked(), self.tenants.now());
        let request = request.into_inner();
        let failed = |error| status::of(&error, &asked.call.request_id);
        let presented = questions::presented(request.cookies, request.context, &tenancy.limits());
        let presented = presented.map_err(failed)?;
        let authority = tenancy.for_presented(&asked.asker, &presented).await.map_err(failed)?;
        let outcome = authority.get_attributes(&asked.call, &presented).await.map_err(failed)?;
        Ok(Response::new(user_answers::attributes(outcome)))
    }

    async fn update_attributes(
        &self,
        request: Request<v1::UpdateAttributesRequest>,
    ) -> Result<Response<v1::UpdateAttributesResponse>, Status> {
        let (asked, tenancy) = (asked_once(&request)?, self.tenants.now());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let question = questions::update_attributes(request.into_inner(), &tenancy.limits()).map_err(failed)?;
        let whose = asked.asker.clone();
        let found = tenancy.for_presented(&whose, &question.presented).await.map_err(failed)?;
        let work = |call, authority: Authority| async move {
            Ok(user_answers::updated(authority.update_attributes(&call, question).await?))
        };
        self.work.with_its_call(asked, &found, None, work).await
    }

    async fn watch_sessions(
        &self,
        request: Request<v1::WatchSessionsRequest>,
    ) -> Result<Response<Self::WatchSessionsStream>, Status> {
        let (asked, tenancy) = (asked(), self.tenants.now());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let streams = self.streams.of(asked.caller.as_ref(), request.extensions());
        let question = watching::question(request.into_inner()).map_err(failed)?;
        let told = tenancy.watch_sessions(&asked.asker, question).map_err(failed)?;
        let told = told.take_until(Box::pin(streams.end()));
        // The stream keeps the call's place.
        let told = told.map(move |told| {
            let _lasting = &asked.place;
            Ok(watching::told(told))
        });
        Ok(Response::new(told.boxed()))
    }
}
