//! Owns the way from answers about tokens to protobuf. Does not know the questions.

use super::answers::{denied, duration, http, identity, inactive, info, structure, timestamp};
use super::v1;
use crate::authority::access_token::TokenFault;
use crate::authority::validate_token::{self, Active, Requirements, TokenKind};
use crate::authority::{get_jwks, get_user_info, mint_token};
use crate::session::need::Missing;

pub(super) fn user_info(outcome: get_user_info::Outcome, tenant: &str) -> v1::GetUserInfoResponse {
    use v1::get_user_info_response::Outcome;
    let (outcome, answer) = match outcome {
        get_user_info::Outcome::Found { session, learned, answer } => {
            let user_info = v1::UserInfo {
                identity: Some(identity(&session.standing.identity, tenant)),
                refresh_time: Some(timestamp(learned)),
                session: Some(info(&session)),
            };
            (Outcome::UserInfo(user_info), answer)
        }
        get_user_info::Outcome::Inactive(found) => {
            let answer = found.answer.clone();
            (Outcome::Inactive(inactive(found)), answer)
        }
        get_user_info::Outcome::Denied(found) => {
            let answer = found.answer.clone();
            (Outcome::Denied(denied(*found)), answer)
        }
    };
    v1::GetUserInfoResponse { outcome: Some(outcome), answer: answer.map(http) }
}

pub(super) fn validated(outcome: validate_token::Outcome, tenant: &str) -> v1::ValidateTokenResponse {
    use v1::validate_token_response::Outcome;
    let outcome = match outcome {
        validate_token::Outcome::Active(found) => Outcome::Active(active(*found, tenant)),
        validate_token::Outcome::Inactive { reason, answer } => {
            Outcome::Inactive(v1::InactiveToken { reason: fault(reason).into(), answer: Some(http(answer)) })
        }
        validate_token::Outcome::Denied { reason, answer } => {
            Outcome::Denied(v1::DeniedToken { answer: Some(http(answer)), ..denied_token(reason) })
        }
    };
    v1::ValidateTokenResponse { outcome: Some(outcome) }
}

fn denied_token(missing: Missing) -> v1::DeniedToken {
    let mut denied = v1::DeniedToken::default();
    let reason = match missing {
        Missing::Scopes(scopes) => {
            denied.missing_scopes = scopes;
            v1::TokenDeniedReason::ScopeMissing
        }
        Missing::Permissions(permissions) => {
            denied.missing_permissions = permissions;
            v1::TokenDeniedReason::PermissionMissing
        }
        Missing::Roles(roles) => {
            denied.missing_roles = roles;
            v1::TokenDeniedReason::RoleMissing
        }
        Missing::Acr(values) => {
            denied.missing_acr_values = values;
            v1::TokenDeniedReason::AcrMissing
        }
        Missing::Amr(values) => {
            denied.missing_amr_values = values;
            v1::TokenDeniedReason::AmrMissing
        }
        Missing::VerifiedEmail => v1::TokenDeniedReason::EmailNotVerified,
        Missing::FreshLogin => v1::TokenDeniedReason::LoginTooOld,
    };
    denied.set_reason(reason);
    denied
}

fn active(active: Active, tenant: &str) -> v1::ActiveToken {
    let Active { token, kind, session, own_claims, judged, answer, learned } = active;
    let kind = match kind {
        TokenKind::Jwt => v1::TokenKind::Jwt,
        TokenKind::Introspected => v1::TokenKind::Introspected,
        TokenKind::Own => v1::TokenKind::Minted,
    };
    v1::ActiveToken {
        kind: kind.into(),
        identity: Some(identity(&token.identity, tenant)),
        client_id: token.client_id,
        audiences: token.audiences,
        permissions: token.permissions,
        issue_time: token.issued.map(timestamp),
        expire_time: token.expires.map(timestamp),
        judged: Some(requirements(judged)),
        claims: session.is_some().then(|| structure(&own_claims)),
        session: session.as_ref().map(info),
        answer: answer.map(http),
        refresh_time: learned.map(timestamp),
    }
}

fn requirements(judged: Requirements) -> v1::TokenRequirements {
    let Requirements { audience, needs } = judged;
    v1::TokenRequirements {
        audience,
        scopes: needs.scopes,
        permissions: needs.permissions,
        max_login_age: needs.login.max_age.map(duration),
        acr_values: needs.login.acr_values,
        amr_values: needs.login.amr_values,
        email_verified: needs.email_verified,
        any_permissions: needs.any_permissions,
        any_scopes: needs.any_scopes,
        roles: needs.roles,
    }
}

const fn fault(fault: TokenFault) -> v1::TokenInactiveReason {
    match fault {
        TokenFault::Missing => v1::TokenInactiveReason::None,
        TokenFault::Forged => v1::TokenInactiveReason::Forged,
        TokenFault::UnknownIssuer => v1::TokenInactiveReason::UnknownIssuer,
        TokenFault::OtherAudience => v1::TokenInactiveReason::OtherAudience,
        TokenFault::Expired => v1::TokenInactiveReason::Expired,
        TokenFault::NotYetValid => v1::TokenInactiveReason::NotYetValid,
        TokenFault::Ended => v1::TokenInactiveReason::Ended,
        TokenFault::UserGone => v1::TokenInactiveReason::UserGone,
    }
}

pub(super) fn minted(minted: &mint_token::Minted) -> v1::MintedToken {
    v1::MintedToken {
        value: minted.token.expose().to_owned(),
        r#type: "Bearer".to_owned(),
        expire_time: Some(timestamp(minted.end)),
        session: Some(info(&minted.session)),
    }
}

pub(super) fn mint_outcome(outcome: mint_token::Outcome) -> v1::MintTokenResponse {
    use v1::mint_token_response::Outcome;
    let outcome = match outcome {
        mint_token::Outcome::Minted(token) => Outcome::Minted(minted(&token)),
        mint_token::Outcome::Inactive(found) => Outcome::Inactive(inactive(found)),
        mint_token::Outcome::Denied(found) => Outcome::Denied(denied(*found)),
    };
    v1::MintTokenResponse { outcome: Some(outcome) }
}

pub(super) fn jwks(outcome: get_jwks::Outcome) -> v1::GetJwksResponse {
    v1::GetJwksResponse {
        jwks: outcome.jwks,
        keep_for: Some(duration(outcome.keep_for)),
        answer: Some(http(outcome.answer)),
    }
}
