//! Owns what the fake answers to an admin. Does not know browsers.

use tonic::{Code, Request, Response, Status};

use super::answers::{failure, is_required};
use super::people::Kept;
use super::{FakeAuthority, World};
use crate::v1;
use crate::v1::admin_service_server::AdminService;
use crate::v1::{admin_service_revoke_request, preview_revoke_request};

/// Whose sessions.
enum Target {
    Session(String),
    User(String),
    ProviderSession(v1::ProviderSession),
    Provider(String),
    All,
}

impl Target {
    fn is(&self, kept: &Kept) -> bool {
        match self {
            Self::Session(id) => kept.info.session_id == *id,
            Self::User(id) => kept.identity.user_id == *id,
            Self::Provider(name) => kept.identity.provider == *name,
            Self::ProviderSession(own) => {
                kept.identity.provider == own.provider && kept.provider_session == own.provider_session_id
            }
            Self::All => true,
        }
    }
}

macro_rules! target {
    ($target:expr, $kind:ident) => {
        match $target.ok_or_else(|| is_required("target"))? {
            $kind::Target::SessionId(id) => Target::Session(id),
            $kind::Target::UserId(id) => Target::User(id),
            $kind::Target::Provider(name) => Target::Provider(name),
            $kind::Target::Tenant(_) | $kind::Target::Everything(_) => Target::All,
            $kind::Target::ProviderSession(own) => Target::ProviderSession(own),
        }
    };
}

fn shown(kept: &Kept) -> v1::Session {
    v1::Session { identity: Some(kept.identity.clone()), info: Some(kept.info.clone()), ..Default::default() }
}

/// A time, as one that can be compared.
fn moment(time: Option<prost_types::Timestamp>) -> (i64, i32) {
    time.map_or((0, 0), |time| (time.seconds, time.nanos))
}

fn audit_is_off() -> Status {
    failure(Code::FailedPrecondition, "AUDIT_OFF", "This authority keeps no audit entries.")
}

#[tonic::async_trait]
impl AdminService for FakeAuthority {
    type WatchAuditStream = tokio_stream::Empty<Result<v1::WatchAuditResponse, Status>>;

    async fn list_sessions(
        &self,
        request: Request<v1::ListSessionsRequest>,
    ) -> Result<Response<v1::ListSessionsResponse>, Status> {
        self.enter().await?;
        let question = request.into_inner();
        let is_meant = |kept: &&Kept| {
            (question.user_id.is_empty() || kept.identity.user_id == question.user_id)
                && (question.provider.is_empty() || kept.identity.provider == question.provider)
                && (question.provider_session_id.is_empty() || kept.provider_session == question.provider_session_id)
                && question.created_after.is_none_or(|first| moment(kept.info.create_time) >= moment(Some(first)))
                && question.created_before.is_none_or(|end| moment(kept.info.create_time) < moment(Some(end)))
        };
        let sessions = self.world().living().filter(is_meant).map(shown).collect();
        let applied_filter = Some(v1::SessionFilter {
            user_id: question.user_id,
            provider: question.provider,
            provider_session_id: question.provider_session_id,
            created_after: question.created_after,
            created_before: question.created_before,
        });
        Ok(Response::new(v1::ListSessionsResponse { sessions, applied_filter, ..Default::default() }))
    }

    async fn get_session(
        &self,
        request: Request<v1::GetSessionRequest>,
    ) -> Result<Response<v1::GetSessionResponse>, Status> {
        self.enter().await?;
        let id = request.into_inner().session_id;
        let session = self.world().living().find(|kept| kept.info.session_id == id).map(shown);
        let none = || failure(Code::NotFound, "SESSION_NOT_FOUND", "No living session has this id.");
        Ok(Response::new(v1::GetSessionResponse { session: Some(session.ok_or_else(none)?) }))
    }

    async fn revoke(
        &self,
        request: Request<v1::AdminServiceRevokeRequest>,
    ) -> Result<Response<v1::AdminServiceRevokeResponse>, Status> {
        self.enter().await?;
        let target = target!(request.into_inner().target, admin_service_revoke_request);
        let ended = self.world().end(|kept| target.is(kept));
        // Of a provider, the tenant or everything there is no count.
        let revoked_count = if matches!(target, Target::Provider(_) | Target::All) { 0 } else { ended as u64 };
        Ok(Response::new(v1::AdminServiceRevokeResponse { revoked_count, ..Default::default() }))
    }

    async fn preview_revoke(
        &self,
        request: Request<v1::PreviewRevokeRequest>,
    ) -> Result<Response<v1::PreviewRevokeResponse>, Status> {
        self.enter().await?;
        let target = target!(request.into_inner().target, preview_revoke_request);
        let count = self.world().living().filter(|kept| target.is(kept)).count() as u64;
        Ok(Response::new(v1::PreviewRevokeResponse { count, exact: true }))
    }

    async fn get_user(&self, request: Request<v1::GetUserRequest>) -> Result<Response<v1::GetUserResponse>, Status> {
        self.enter().await?;
        let user = self.world().user(&request.into_inner().user_id)?;
        Ok(Response::new(v1::GetUserResponse { user: Some(user) }))
    }

    async fn list_users(&self, _: Request<v1::ListUsersRequest>) -> Result<Response<v1::ListUsersResponse>, Status> {
        self.enter().await?;
        let world = self.world();
        let mut ids: Vec<_> = world.sessions.iter().map(|kept| kept.identity.user_id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.retain(|id| !world.deleted.contains(*id));
        let users = ids.into_iter().filter_map(|id| world.user(id).ok()).collect();
        Ok(Response::new(v1::ListUsersResponse { users, ..Default::default() }))
    }

    async fn disable_user(
        &self,
        request: Request<v1::DisableUserRequest>,
    ) -> Result<Response<v1::DisableUserResponse>, Status> {
        self.enter().await?;
        let (mut world, id) = (self.world(), request.into_inner().user_id);
        world.user(&id)?;
        let revoked_count = world.end(|kept| kept.identity.user_id == id) as u64;
        world.disabled.insert(id);
        Ok(Response::new(v1::DisableUserResponse { revoked_count, ..Default::default() }))
    }

    async fn enable_user(
        &self,
        request: Request<v1::EnableUserRequest>,
    ) -> Result<Response<v1::EnableUserResponse>, Status> {
        self.enter().await?;
        let (mut world, id) = (self.world(), request.into_inner().user_id);
        world.user(&id)?;
        world.disabled.remove(&id);
        Ok(Response::new(v1::EnableUserResponse {}))
    }

    async fn delete_user(
        &self,
        request: Request<v1::DeleteUserRequest>,
    ) -> Result<Response<v1::DeleteUserResponse>, Status> {
        self.enter().await?;
        let (mut world, id) = (self.world(), request.into_inner().user_id);
        world.user(&id)?;
        let revoked_count = world.end(|kept| kept.identity.user_id == id) as u64;
        world.deleted.insert(id);
        Ok(Response::new(v1::DeleteUserResponse { revoked_count, ..Default::default() }))
    }

    async fn create_caller_key(
        &self,
        request: Request<v1::CreateCallerKeyRequest>,
    ) -> Result<Response<v1::CreateCallerKeyResponse>, Status> {
        self.enter().await?;
        let (mut world, question) = (self.world(), request.into_inner());
        if question.name.is_empty() {
            return Err(is_required("name"));
        }
        let v1::CreateCallerKeyRequest { name, role, rpcs, tenants, .. } = question;
        let (key_id, caller) = (format!("key_{name}"), format!("default/{name}"));
        let key = v1::CallerKey { key_id, name, caller, role, rpcs, tenants, ..Default::default() };
        let api_key = format!("glk_{}", key.name);
        world.caller_keys.insert(key.key_id.clone(), key.clone());
        Ok(Response::new(v1::CreateCallerKeyResponse { key: Some(key), api_key }))
    }

    async fn list_caller_keys(
        &self,
        _: Request<v1::ListCallerKeysRequest>,
    ) -> Result<Response<v1::ListCallerKeysResponse>, Status> {
        self.enter().await?;
        let keys = self.world().caller_keys.values().cloned().collect();
        Ok(Response::new(v1::ListCallerKeysResponse { keys }))
    }

    async fn revoke_caller_key(
        &self,
        request: Request<v1::RevokeCallerKeyRequest>,
    ) -> Result<Response<v1::RevokeCallerKeyResponse>, Status> {
        self.enter().await?;
        let revoked = self.world().caller_keys.remove(&request.into_inner().key_id).is_some();
        Ok(Response::new(v1::RevokeCallerKeyResponse { revoked }))
    }

    // The fake writes nothing down.
    async fn list_audit(&self, _: Request<v1::ListAuditRequest>) -> Result<Response<v1::ListAuditResponse>, Status> {
        self.enter().await?;
        Err(audit_is_off())
    }

    async fn watch_audit(&self, _: Request<v1::WatchAuditRequest>) -> Result<Response<Self::WatchAuditStream>, Status> {
        self.enter().await?;
        Err(audit_is_off())
    }

    async fn explain_login(
        &self,
        _: Request<v1::ExplainLoginRequest>,
    ) -> Result<Response<v1::ExplainLoginResponse>, Status> {
        self.enter().await?;
        Err(audit_is_off())
    }
}

impl World {
    fn user(&self, user_id: &str) -> Result<v1::User, Status> {
        let known = self.sessions.iter().find(|kept| kept.identity.user_id == user_id);
        let known = known.ok_or_else(|| failure(Code::NotFound, "USER_NOT_FOUND", "No user has this id."))?;
        let user_id = user_id.to_owned();
        if self.deleted.contains(&user_id) {
            return Ok(v1::User { user_id, state: v1::UserState::Deleted.into(), ..Default::default() });
        }
        let is_disabled = self.disabled.contains(&user_id);
        let state = if is_disabled { v1::UserState::Disabled } else { v1::UserState::Active }.into();
        let v1::Identity { provider, issuer, sub, email, email_verified, name, .. } = known.identity.clone();
        Ok(v1::User { user_id, state, provider, issuer, sub, email, email_verified, name, ..Default::default() })
    }
}
