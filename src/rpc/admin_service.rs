//! Owns the gRPC side of AdminService: parse, ask, answer. Decides nothing.

use tonic::{Request, Response, Status};

use super::asked::asked;
use super::v1::admin_service_server::AdminService;
use super::{answers, fields, questions, status, v1};
use crate::authority::Authority;

/// AdminService over an authority.
#[derive(Clone)]
pub(super) struct Admin {
    pub(super) authority: Authority,
}

#[tonic::async_trait]
impl AdminService for Admin {
    async fn list_sessions(
        &self,
        request: Request<v1::ListSessionsRequest>,
    ) -> Result<Response<v1::ListSessionsResponse>, Status> {
        let asked = asked();
        let failed = |error| status::of(&error, &asked.call.request_id);
        let question = questions::list_sessions(request.into_inner()).map_err(failed)?;
        let page = self.authority.list_sessions(question).await.map_err(failed)?;
        let tenant = self.authority.tenant_name();
        Ok(Response::new(v1::ListSessionsResponse {
            sessions: page.sessions.iter().map(|session| answers::session(session, tenant)).collect(),
            next_page_token: page.next_page_token,
        }))
    }

    async fn get_session(
        &self,
        request: Request<v1::GetSessionRequest>,
    ) -> Result<Response<v1::GetSessionResponse>, Status> {
        let asked = asked();
        let failed = |error| status::of(&error, &asked.call.request_id);
        let id = fields::required("session_id", request.into_inner().session_id).map_err(failed)?;
        let session = self.authority.get_session(&id).await.map_err(failed)?;
        let session = answers::session(&session, self.authority.tenant_name());
        Ok(Response::new(v1::GetSessionResponse { session: Some(session) }))
    }

    async fn revoke(
        &self,
        request: Request<v1::AdminServiceRevokeRequest>,
    ) -> Result<Response<v1::AdminServiceRevokeResponse>, Status> {
        let asked = asked();
        let failed = |error| status::of(&error, &asked.call.request_id);
        let (target, reason) = questions::revoke_as_admin(request.into_inner()).map_err(failed)?;
        let revoked_count = self.authority.revoke_as_admin(&asked.call, &target, &reason).await.map_err(failed)?;
        Ok(Response::new(v1::AdminServiceRevokeResponse { revoked_count }))
    }

    async fn preview_revoke(
        &self,
        request: Request<v1::PreviewRevokeRequest>,
    ) -> Result<Response<v1::PreviewRevokeResponse>, Status> {
        let asked = asked();
        let failed = |error| status::of(&error, &asked.call.request_id);
        let target = questions::preview_revoke(request.into_inner()).map_err(failed)?;
        let preview = self.authority.preview_revoke(&target).await.map_err(failed)?;
        Ok(Response::new(v1::PreviewRevokeResponse { count: preview.count, exact: preview.exact }))
    }
}
