//! Owns the gRPC side of AdminService: parse, ask, answer. Decides nothing.

use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use tonic::{Request, Response, Status};

use super::asked::asked;
use super::once::asked_once;
use super::streams::Streams;
use super::v1::admin_service_server::AdminService;
use super::work::Work;
use super::{answers, audit, caller_keys, fields, questions, status, user_answers, v1};
use crate::authority::caller_keys::Reach;
use crate::authority::revoke_as_admin::Target;
use crate::authority::tenants::Tenants;
use crate::authority::{Authority, Error};

/// AdminService for tenants.
#[derive(Clone)]
pub(super) struct Admin {
    pub(super) tenants: Tenants,
    pub(super) work: Work,
    pub(super) streams: Streams,
}

#[tonic::async_trait]
impl AdminService for Admin {
    type WatchAuditStream = BoxStream<'static, Result<v1::WatchAuditResponse, Status>>;

    async fn list_sessions(
        &self,
        request: Request<v1::ListSessionsRequest>,
    ) -> Result<Response<v1::ListSessionsResponse>, Status> {
        let (asked, tenancy) = (asked(), self.tenants.now());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let authority = tenancy.for_caller(&asked.asker).map_err(failed)?;
        let question = questions::list_sessions(request.into_inner()).map_err(failed)?;
        let page = authority.list_sessions(&question).await.map_err(failed)?;
        let tenant = authority.tenant_name();
        Ok(Response::new(v1::ListSessionsResponse {
            sessions: page.sessions.iter().map(|session| answers::session(session, tenant)).collect(),
            next_page_token: page.next_page_token,
            applied_filter: Some(answers::filter(question.filter)),
            unreadable: answers::unreadable(&page.unreadable),
        }))
    }

    async fn get_session(
        &self,
        request: Request<v1::GetSessionRequest>,
    ) -> Result<Response<v1::GetSessionResponse>, Status> {
        let (asked, tenancy) = (asked(), self.tenants.now());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let authority = tenancy.for_caller(&asked.asker).map_err(failed)?;
        let id = fields::required("session_id", request.into_inner().session_id).map_err(failed)?;
        let session = authority.get_session(&id).await.map_err(failed)?;
        let session = answers::session(&session, authority.tenant_name());
        Ok(Response::new(v1::GetSessionResponse { session: Some(session) }))
    }

    async fn revoke(
        &self,
        request: Request<v1::AdminServiceRevokeRequest>,
    ) -> Result<Response<v1::AdminServiceRevokeResponse>, Status> {
        let (asked, tenancy) = (asked_once(&request)?, self.tenants.now());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let whose = asked.asker.clone();
        let found = tenancy.for_caller(&whose).map_err(failed)?;
        let (target, reason) = questions::revoke_as_admin(request.into_inner()).map_err(failed)?;
        if target == Target::Everything {
            whose.may_end_everything().map_err(failed)?;
        }
        let all = Arc::clone(&tenancy);
        let work = |call, authority: Authority| async move {
            let done = authority.revoke_as_admin(&call, &target, &reason).await;
            if target == Target::Everything {
                all.note_end_of_everything(&authority, &call, &reason, &done);
            }
            let revoked_count = done?;
            let event_position = answers::position(authority.announced_up_to());
            Ok(v1::AdminServiceRevokeResponse { revoked_count, event_position })
        };
        self.work.ending(asked, &found, work).await
    }

    async fn preview_revoke(
        &self,
        request: Request<v1::PreviewRevokeRequest>,
    ) -> Result<Response<v1::PreviewRevokeResponse>, Status> {
        let (asked, tenancy) = (asked(), self.tenants.now());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let authority = tenancy.for_caller(&asked.asker).map_err(failed)?;
        let target = questions::preview_revoke(request.into_inner()).map_err(failed)?;
        let preview = match target {
            Target::Everything => tenancy.preview_everything(&asked.asker).await,
            target => authority.preview_revoke(&target).await,
        };
        let preview = preview.map_err(failed)?;
        Ok(Response::new(v1::PreviewRevokeResponse { count: preview.count, exact: preview.exact }))
    }

    async fn get_user(&self, request: Request<v1::GetUserRequest>) -> Result<Response<v1::GetUserResponse>, Status> {
        let (asked, tenancy) = (asked(), self.tenants.now());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let authority = tenancy.for_caller(&asked.asker).map_err(failed)?;
        let id = fields::required("user_id", request.into_inner().user_id).map_err(failed)?;
        let user = authority.get_user(&id).await.map_err(failed)?;
        Ok(Response::new(v1::GetUserResponse { user: Some(user_answers::user(user)) }))
    }

    async fn list_users(
        &self,
        request: Request<v1::ListUsersRequest>,
    ) -> Result<Response<v1::ListUsersResponse>, Status> {
        let (asked, tenancy) = (asked(), self.tenants.now());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let authority = tenancy.for_caller(&asked.asker).map_err(failed)?;
        let question = questions::list_users(request.into_inner()).map_err(failed)?;
        let page = authority.list_users(&question).await.map_err(failed)?;
        let users = page.users.into_iter().map(user_answers::user).collect();
        Ok(Response::new(v1::ListUsersResponse {
            users,
            next_page_token: page.next_page_token,
            unreadable: answers::unreadable(&page.unreadable),
        }))
    }

    async fn disable_user(
        &self,
        request: Request<v1::DisableUserRequest>,
    ) -> Result<Response<v1::DisableUserResponse>, Status> {
        let (asked, tenancy, request) = (asked_once(&request)?, self.tenants.now(), request.into_inner());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let whose = asked.asker.clone();
        let found = tenancy.for_caller(&whose).map_err(failed)?;
        let (id, reason) = questions::to_user(request.user_id, request.reason).map_err(failed)?;
        let work = |call, authority: Authority| async move {
            let revoked_count = authority.disable_user(&call, &id, &reason).await?;
            let event_position = answers::position(authority.announced_up_to());
            Ok(v1::DisableUserResponse { revoked_count, event_position })
        };
        self.work.ending(asked, &found, work).await
    }

    async fn enable_user(
        &self,
        request: Request<v1::EnableUserRequest>,
    ) -> Result<Response<v1::EnableUserResponse>, Status> {
        let (asked, tenancy, request) = (asked_once(&request)?, self.tenants.now(), request.into_inner());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let whose = asked.asker.clone();
        let found = tenancy.for_caller(&whose).map_err(failed)?;
        let (id, reason) = questions::to_user(request.user_id, request.reason).map_err(failed)?;
        let work = |call, authority: Authority| async move {
            authority.enable_user(&call, &id, &reason).await?;
            Ok(v1::EnableUserResponse {})
        };
        self.work.with_its_call(asked, &found, None, work).await
    }

    async fn delete_user(
        &self,
        request: Request<v1::DeleteUserRequest>,
    ) -> Result<Response<v1::DeleteUserResponse>, Status> {
        let (asked, tenancy, request) = (asked_once(&request)?, self.tenants.now(), request.into_inner());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let whose = asked.asker.clone();
        let found = tenancy.for_caller(&whose).map_err(failed)?;
        let (id, reason) = questions::to_user(request.user_id, request.reason).map_err(failed)?;
        let work = |call, authority: Authority| async move {
            let revoked_count = authority.delete_user(&call, &id, &reason).await?;
            let event_position = answers::position(authority.announced_up_to());
            Ok(v1::DeleteUserResponse { revoked_count, event_position })
        };
        self.work.ending(asked, &found, work).await
    }

    async fn create_caller_key(
        &self,
        request: Request<v1::CreateCallerKeyRequest>,
    ) -> Result<Response<v1::CreateCallerKeyResponse>, Status> {
        let (asked, tenancy) = (asked_once(&request)?, self.tenants.now());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let (whose, maker) = (asked.asker.clone(), asked.caller.clone());
        let found = tenancy.for_caller(&whose).map_err(failed)?;
        let maker = maker.ok_or_else(|| failed(Error::Internal("a call of nobody's was let in".into())))?;
        let question = caller_keys::to_create(request.into_inner(), &tenancy, &whose).map_err(failed)?;
        let names = tenancy.clone();
        let work = |call, authority: Authority| async move {
            let (view, key) = authority.create_caller_key(&call, &maker, question).await?;
            let shown = caller_keys::shown(view, &names);
            Ok(v1::CreateCallerKeyResponse { key: Some(shown), api_key: key.expose().to_owned() })
        };
        self.work.with_its_call(asked, &found, None, work).await
    }

    async fn list_caller_keys(
        &self,
        _: Request<v1::ListCallerKeysRequest>,
    ) -> Result<Response<v1::ListCallerKeysResponse>, Status> {
        let (asked, tenancy) = (asked(), self.tenants.now());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let authority = tenancy.for_caller(&asked.asker).map_err(failed)?;
        let keys = authority.list_caller_keys(Reach::of(&asked.asker)).await.map_err(failed)?;
        let keys = keys.into_iter().map(|view| caller_keys::shown(view, &tenancy)).collect();
        Ok(Response::new(v1::ListCallerKeysResponse { keys }))
    }

    async fn revoke_caller_key(
        &self,
        request: Request<v1::RevokeCallerKeyRequest>,
    ) -> Result<Response<v1::RevokeCallerKeyResponse>, Status> {
        let (asked, tenancy, request) = (asked_once(&request)?, self.tenants.now(), request.into_inner());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let whose = asked.asker.clone();
        let found = tenancy.for_caller(&whose).map_err(failed)?;
        let id = fields::required("key_id", request.key_id).map_err(failed)?;
        let reason = fields::text("reason", request.reason, caller_keys::LONGEST_REASON).map_err(failed)?;
        let reach = Reach::of(&whose);
        let work = |call, authority: Authority| async move {
            let revoked = authority.revoke_caller_key(&call, &id, reach, &reason).await?;
            Ok(v1::RevokeCallerKeyResponse { revoked })
        };
        self.work.ending(asked, &found, work).await
    }

    async fn list_audit(
        &self,
        request: Request<v1::ListAuditRequest>,
    ) -> Result<Response<v1::ListAuditResponse>, Status> {
        let (asked, tenancy) = (asked(), self.tenants.now());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let authority = tenancy.for_caller(&asked.asker).map_err(failed)?;
        let question = audit::question(request.into_inner()).map_err(failed)?;
        let page = authority.list_audit(&question).await.map_err(failed)?;
        let next_page_token = page.next_page_token;
        Ok(Response::new(v1::ListAuditResponse { entries: audit::entries(page.entries), next_page_token }))
    }

    async fn watch_audit(
        &self,
        request: Request<v1::WatchAuditRequest>,
    ) -> Result<Response<Self::WatchAuditStream>, Status> {
        let (asked, tenancy) = (asked(), self.tenants.now());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let authority = tenancy.for_caller(&asked.asker).map_err(failed)?;
        let streams = self.streams.of(asked.caller.as_ref(), request.extensions());
        let filter = audit::filter(request.into_inner().filter).map_err(failed)?;
        let told = authority.watch_audit(&filter).map_err(failed)?;
        let told = told.take_until(Box::pin(streams.end()));
        // The stream keeps the call's place.
        let told = told.map(move |told| {
            let _lasting = &asked.place;
            Ok(v1::WatchAuditResponse { entries: audit::entries(told.entries), gap: told.gap })
        });
        Ok(Response::new(told.boxed()))
    }

    async fn explain_login(
        &self,
        request: Request<v1::ExplainLoginRequest>,
    ) -> Result<Response<v1::ExplainLoginResponse>, Status> {
        let (asked, tenancy) = (asked(), self.tenants.now());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let authority = tenancy.for_caller(&asked.asker).map_err(failed)?;
        let id = fields::required("request_id", request.into_inner().request_id).map_err(failed)?;
        let entries = authority.explain_login(&id).await.map_err(failed)?;
        Ok(Response::new(v1::ExplainLoginResponse { entries: audit::entries(entries) }))
    }
}
