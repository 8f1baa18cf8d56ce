//! Owns the gRPC side of SessionService: parse, ask, answer. Decides nothing.

use std::pin::Pin;

use futures::{Stream, StreamExt as _};
use tonic::{Request, Response, Status, Streaming};

use super::asked::{Asked, asked};
use super::check::Desk;
use super::check_stream::{self, Answers};
use super::places::Places;
use super::streams::Streams;
use super::v1::session_service_server::SessionService;
use super::work::Work;
use super::{answers, questions, status, token_answers, token_questions, user_answers, v1, watching};
use crate::authority::Authority;

/// SessionService over an authority.
#[derive(Clone)]
pub(super) struct Sessions {
    pub(super) authority: Authority,
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
        let asked = asked();
        let failed = |error| status::of(&error, &asked.call.request_id);
        let question = questions::validate_session(request.into_inner(), &self.authority.limits()).map_err(failed)?;
        let outcome = self.authority.validate_session(&asked.call, question).await.map_err(failed)?;
        let version = self.authority.settings_version();
        Ok(Response::new(answers::validated(outcome, self.authority.tenant_name(), version)))
    }

    async fn check_sessions(
        &self,
        request: Request<Streaming<v1::CheckSessionsRequest>>,
    ) -> Result<Response<Answers>, Status> {
        let Asked { call, place } = asked();
        let (authority, places) = (self.authority.for_many(), self.places.clone());
        let desk = Desk { authority, places, request_id: call.request_id };
        Ok(Response::new(check_stream::answer(desk, place, request.into_inner(), &self.streams)))
    }

    async fn refresh_tokens(
        &self,
        request: Request<v1::RefreshTokensRequest>,
    ) -> Result<Response<v1::RefreshTokensResponse>, Status> {
        let asked = asked();
        let request = request.into_inner();
        let presented = questions::presented(request.cookies, request.context, &self.authority.limits());
        let presented = presented.map_err(|error| status::of(&error, &asked.call.request_id))?;
        let (authority, has_context) = (self.authority.clone(), presented.context.is_some());
        // It sends a refresh token that may be good once.
        let work = |call| async move { authority.refresh_tokens(&call, &presented).await };
        let outcome = self.work.to_its_end(asked, work).await?;
        Ok(Response::new(answers::refreshed(outcome, has_context)))
    }

    async fn get_access_token(
        &self,
        request: Request<v1::GetAccessTokenRequest>,
    ) -> Result<Response<v1::GetAccessTokenResponse>, Status> {
        let asked = asked();
        let question = token_questions::get_access_token(request.into_inner(), &self.authority.limits());
        let question = question.map_err(|error| status::of(&error, &asked.call.request_id))?;
        let authority = self.authority.clone();
        let work = |call| async move { authority.get_access_token(&call, &question).await };
        let outcome = self.work.to_its_end(asked, work).await?;
        Ok(Response::new(answers::access_token(outcome)))
    }

    async fn get_user_info(
        &self,
        request: Request<v1::GetUserInfoRequest>,
    ) -> Result<Response<v1::GetUserInfoResponse>, Status> {
        let call = asked().call;
        let request = request.into_inner();
        let failed = |error| status::of(&error, &call.request_id);
        let presented = questions::presented(request.cookies, request.context, &self.authority.limits());
        let presented = presented.map_err(failed)?;
        let outcome = self.authority.get_user_info(&call, &presented, request.refresh).await.map_err(failed)?;
        Ok(Response::new(token_answers::user_info(outcome, self.authority.tenant_name())))
    }

    async fn revoke(
        &self,
        request: Request<v1::SessionServiceRevokeRequest>,
    ) -> Result<Response<v1::SessionServiceRevokeResponse>, Status> {
        let asked = asked();
        let request = request.into_inner();
        let failed = |error| status::of(&error, &asked.call.request_id);
        let (presented, target) = questions::to_revoke(request, &self.authority.limits()).map_err(failed)?;
        let outcome = self.authority.revoke(&asked.call, &presented, &target).await.map_err(failed)?;
        let event_position = answers::position(self.authority.announced_up_to());
        Ok(Response::new(v1::SessionServiceRevokeResponse { event_position, ..user_answers::revoked(outcome) }))
    }

    async fn list_user_sessions(
        &self,
        request: Request<v1::ListUserSessionsRequest>,
    ) -> Result<Response<v1::ListUserSessionsResponse>, Status> {
        let asked = asked();
        let failed = |error| status::of(&error, &asked.call.request_id);
        let question = questions::list_user_sessions(request.into_inner(), &self.authority.limits()).map_err(failed)?;
        let outcome = self.authority.list_user_sessions(&asked.call, &question).await.map_err(failed)?;
        Ok(Response::new(user_answers::user_sessions(outcome)))
    }

    async fn get_attributes(
        &self,
        request: Request<v1::GetAttributesRequest>,
    ) -> Result<Response<v1::GetAttributesResponse>, Status> {
        let asked = asked();
        let request = request.into_inner();
        let failed = |error| status::of(&error, &asked.call.request_id);
        let presented = questions::presented(request.cookies, request.context, &self.authority.limits());
        let presented = presented.map_err(failed)?;
        let outcome = self.authority.get_attributes(&asked.call, &presented).await.map_err(failed)?;
        Ok(Response::new(user_answers::attributes(outcome)))
    }

    async fn update_attributes(
        &self,
        request: Request<v1::UpdateAttributesRequest>,
    ) -> Result<Response<v1::UpdateAttributesResponse>, Status> {
        let asked = asked();
        let failed = |error| status::of(&error, &asked.call.request_id);
        let question = questions::update_attributes(request.into_inner(), &self.authority.limits()).map_err(failed)?;
        let outcome = self.authority.update_attributes(&asked.call, question).await.map_err(failed)?;
        Ok(Response::new(user_answers::updated(outcome)))
    }

    async fn watch_sessions(
        &self,
        request: Request<v1::WatchSessionsRequest>,
    ) -> Result<Response<Self::WatchSessionsStream>, Status> {
        let asked = asked();
        let question = watching::question(request.into_inner());
        let question = question.map_err(|error| status::of(&error, &asked.call.request_id))?;
        let told = self.authority.watch_sessions(question).take_until(Box::pin(self.streams.end()));
        // The stream keeps the call's place.
        let told = told.map(move |told| {
            let _lasting = &asked.place;
            Ok(watching::told(told))
        });
        Ok(Response::new(told.boxed()))
    }
}
