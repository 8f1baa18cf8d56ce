//! Owns the gRPC side of SessionService: parse, ask, answer. Decides nothing.

use tonic::{Request, Response, Status};

use super::v1::session_service_server::SessionService;
use super::{answers, questions, status, token_answers, token_questions, v1};
use crate::authority::{Authority, Call};

/// SessionService over an authority.
#[derive(Clone)]
pub(super) struct Sessions {
    pub(super) authority: Authority,
}

/// The call that the gate has noted with a request.
pub(super) fn call_of<T>(request: &mut Request<T>) -> Call {
    request.extensions_mut().remove::<Call>().unwrap_or_else(|| Call { request_id: String::new() })
}

#[tonic::async_trait]
impl SessionService for Sessions {
    async fn validate_session(
        &self,
        mut request: Request<v1::ValidateSessionRequest>,
    ) -> Result<Response<v1::ValidateSessionResponse>, Status> {
        let call = call_of(&mut request);
        let failed = |error| status::of(&error, &call.request_id);
        let question = questions::validate_session(request.into_inner(), &self.authority.limits()).map_err(failed)?;
        let outcome = self.authority.validate_session(&call, question).await.map_err(failed)?;
        let version = self.authority.settings_version();
        Ok(Response::new(answers::validated(outcome, self.authority.tenant_name(), version)))
    }

    async fn refresh_tokens(
        &self,
        mut request: Request<v1::RefreshTokensRequest>,
    ) -> Result<Response<v1::RefreshTokensResponse>, Status> {
        let call = call_of(&mut request);
        let request = request.into_inner();
        let presented = questions::presented(request.cookies, request.context, &self.authority.limits());
        let (authority, asked, has_context) = (self.authority.clone(), call.clone(), presented.context.is_some());
        // It sends a refresh token that may be good once: it runs to its end even when the caller goes away.
        let work = tokio::spawn(async move { authority.refresh_tokens(&asked, &presented).await });
        let outcome = status::joined(work.await).map_err(|error| status::of(&error, &call.request_id))?;
        Ok(Response::new(answers::refreshed(outcome, has_context)))
    }

    async fn get_access_token(
        &self,
        mut request: Request<v1::GetAccessTokenRequest>,
    ) -> Result<Response<v1::GetAccessTokenResponse>, Status> {
        let call = call_of(&mut request);
        let failed = |error| status::of(&error, &call.request_id);
        let question = token_questions::get_access_token(request.into_inner(), &self.authority.limits());
        let question = question.map_err(failed)?;
        let (authority, asked) = (self.authority.clone(), call.clone());
        let work = tokio::spawn(async move { authority.get_access_token(&asked, &question).await });
        let outcome = status::joined(work.await).map_err(failed)?;
        Ok(Response::new(answers::access_token(outcome)))
    }

    async fn get_user_info(
        &self,
        mut request: Request<v1::GetUserInfoRequest>,
    ) -> Result<Response<v1::GetUserInfoResponse>, Status> {
        let call = call_of(&mut request);
        let request = request.into_inner();
        let presented = questions::presented(request.cookies, request.context, &self.authority.limits());
        let outcome = self.authority.get_user_info(&call, &presented, request.refresh).await;
        let outcome = outcome.map_err(|error| status::of(&error, &call.request_id))?;
        Ok(Response::new(token_answers::user_info(outcome, self.authority.tenant_name())))
    }

    async fn revoke(
        &self,
        mut request: Request<v1::SessionServiceRevokeRequest>,
    ) -> Result<Response<v1::SessionServiceRevokeResponse>, Status> {
        let call = call_of(&mut request);
        let request = request.into_inner();
        let presented = questions::to_revoke(request, &self.authority.limits());
        let presented = presented.map_err(|error| status::of(&error, &call.request_id))?;
        let ended = self.authority.revoke(&presented).await.map_err(|error| status::of(&error, &call.request_id))?;
        Ok(Response::new(v1::SessionServiceRevokeResponse { revoked_count: u32::from(ended) }))
    }
}
