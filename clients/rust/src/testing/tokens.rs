//! Owns the bearer tokens of the fake: each session has one. Does not know browsers.

use tonic::{Code, Request, Response, Status};

use super::answers::{failure, token_refused};
use super::judge::Missing;
use super::people::{Kept, State};
use super::{FakeAuthority, World};
use crate::v1::token_service_server::TokenService;
use crate::v1::validate_token_response::Outcome;
use crate::v1::{self, DeniedReason};

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
        use v1::TokenInactiveReason::{Ended, Forged, None as NoToken};
        let inactive = |reason: v1::TokenInactiveReason| {
            let (word, challenge) = match reason {
                NoToken => ("not_signed_in", "Bearer"),
                _ => ("invalid_token", "Bearer error=\"invalid_token\""),
            };
            let answer = Some(token_refused(401, word, "Could not validate credentials", challenge));
            Outcome::Inactive(v1::InactiveToken { reason: reason.into(), answer })
        };
        let is_meant = |kept: &&Kept| token_of(&kept.info.session_id).as_bytes() == question.token;
        let Some(one) = self.sessions.iter().find(is_meant) else {
            return inactive(if question.token.is_empty() { NoToken } else { Forged });
        };
        if one.state != State::Active {
            return inactive(Ended);
        }
        let needed = question.requirements.clone().unwrap_or_default();
        if let Some(missing) = one.lacks(&of_a_session(needed.clone())) {
            return Outcome::Denied(denied(missing));
        }
        let (identity, session) = (Some(one.identity.clone()), Some(one.info.clone()));
        let (kind, permissions) = (v1::TokenKind::Jwt.into(), one.identity.permissions.clone());
        let judged = Some(needed);
        Outcome::Active(v1::ActiveToken { kind, identity, permissions, session, judged, ..Default::default() })
    }
}

/// What the same would ask of a session.
fn of_a_session(needed: v1::TokenRequirements) -> v1::Requirements {
    let v1::TokenRequirements {
        scopes,
        any_scopes,
        permissions,
        any_permissions,
        roles,
        acr_values,
        amr_values,
        email_verified,
        max_login_age,
        audience: _,
    } = needed;
    v1::Requirements {
        scopes,
        any_scopes,
        permissions,
        any_permissions,
        roles,
        acr_values,
        amr_values,
        email_verified,
        max_login_age,
        csrf: v1::CsrfRequirement::NotRequired.into(),
    }
}

fn denied(Missing { reason, names }: Missing) -> v1::DeniedToken {
    use v1::TokenDeniedReason as Token;
    let (status, challenge) = match reason {
        DeniedReason::LoginTooOld | DeniedReason::AcrMissing | DeniedReason::AmrMissing => {
            (401, "Bearer error=\"insufficient_user_authentication\"")
        }
        _ => (403, "Bearer error=\"insufficient_scope\""),
    };
    let mut said = v1::DeniedToken::default();
    let (reason, word, list) = match reason {
        DeniedReason::ScopeMissing => (Token::ScopeMissing, "scope_missing", Some(&mut said.missing_scopes)),
        DeniedReason::PermissionMissing => {
            (Token::PermissionMissing, "permission_missing", Some(&mut said.missing_permissions))
        }
        DeniedReason::RoleMissing => (Token::RoleMissing, "role_missing", Some(&mut said.missing_roles)),
        DeniedReason::AcrMissing => (Token::AcrMissing, "acr_missing", Some(&mut said.missing_acr_values)),
        DeniedReason::AmrMissing => (Token::AmrMissing, "amr_missing", Some(&mut said.missing_amr_values)),
        DeniedReason::EmailNotVerified => (Token::EmailNotVerified, "email_not_verified", None),
        _ => (Token::LoginTooOld, "login_too_old", None),
    };
    if let Some(list) = list {
        *list = names;
    }
    said.set_reason(reason);
    said.answer = Some(token_refused(status, word, "This token may not make this request", challenge));
    said
}
