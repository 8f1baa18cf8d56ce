//! Owns the bearer tokens of the fake: each session has one. Does not know browsers.

use prost_types::Duration;
use tonic::{Code, Request, Response, Status};

use super::answers::failure;
use super::people::{Kept, State};
use super::{FakeAuthority, World};
use crate::v1;
use crate::v1::token_service_server::TokenService;
use crate::v1::validate_token_response::Outcome;

const PREFIX: &str = "access_";

/// The access token of a session.
pub(super) fn token_of(session_id: &str) -> String {
    format!("{PREFIX}{session_id}")
}

#[tonic::async_trait]
impl TokenService for FakeAuthority {
    async fn validate_token(
        &self,
        request: Request<v1::ValidateTokenRequest>,
    ) -> Result<Response<v1::ValidateTokenResponse>, Status> {
        self.enter().await?;
        let outcome = Some(self.world().validate_token(request.get_ref()));
        Ok(Response::new(v1::ValidateTokenResponse { outcome }))
    }

    async fn mint_token(&self, _: Request<v1::MintTokenRequest>) -> Result<Response<v1::MintTokenResponse>, Status> {
        Err(failure(Code::FailedPrecondition, "MINTING_OFF", "The fake authority mints no tokens."))
    }

    async fn get_jwks(&self, _: Request<v1::GetJwksRequest>) -> Result<Response<v1::GetJwksResponse>, Status> {
        Err(failure(Code::FailedPrecondition, "MINTING_OFF", "The fake authority mints no tokens."))
    }
}

impl World {
    fn validate_token(&self, question: &v1::ValidateTokenRequest) -> Outcome {
        use v1::{TokenDeniedReason, TokenInactiveReason};
        let inactive = |reason: TokenInactiveReason| {
            Outcome::Inactive(v1::InactiveToken { reason: reason.into(), ..Default::default() })
        };
        let is_meant = |kept: &&Kept| token_of(&kept.info.session_id).as_bytes() == question.token;
        let Some(one) = self.sessions.iter().find(is_meant) else {
            let none = if question.token.is_empty() { TokenInactiveReason::None } else { TokenInactiveReason::Forged };
            return inactive(none);
        };
        if one.state != State::Active {
            return inactive(TokenInactiveReason::Ended);
        }
        let needed = question.requirements.clone().unwrap_or_default();
        let (missing_scopes, missing_permissions) = (one.missing(&needed.scopes), needed.permissions.clone());
        let is_old = needed.max_login_age.is_some_and(|longest| one.is_older(longest));
        let reason = match () {
            () if !missing_scopes.is_empty() => TokenDeniedReason::ScopeMissing,
            () if !missing_permissions.is_empty() => TokenDeniedReason::PermissionMissing,
            () if is_old => TokenDeniedReason::LoginTooOld,
            () => {
                let (identity, session) = (Some(one.identity.clone()), Some(one.info.clone()));
                let (kind, judged) = (v1::TokenKind::Jwt.into(), Some(needed));
                return Outcome::Active(v1::ActiveToken { kind, identity, session, judged, ..Default::default() });
            }
        };
        let reason = reason.into();
        Outcome::Denied(v1::DeniedToken { reason, missing_scopes, missing_permissions, ..Default::default() })
    }
}

impl Kept {
    fn is_older(&self, longest: Duration) -> bool {
        std::time::Duration::try_from(longest).is_ok_and(|longest| self.age() > longest)
    }
}
