//! Owns the way from the answers of ValidateSession to protobuf. Does not know the question.

use std::sync::Arc;

use bytes::Bytes;
use prost::Message as _;

use super::answers::{duration, http, identity, info, position, timestamp};
use super::v1;
use crate::authority::validate_session::{self, Active, Denied, DeniedReason, Inactive, Judged};
use crate::authority::{OpenStanding, SessionView};
use crate::session::admission::InactiveReason;
use crate::session::csrf::CsrfFault;
use crate::session::fingerprint::Comparison;
use crate::session::need::Missing;

pub(super) fn validated(
    outcome: validate_session::Outcome,
    tenant: &str,
    settings_version: String,
) -> v1::ValidateSessionResponse {
    use v1::validate_session_response::Outcome;
    let outcome = match outcome {
        validate_session::Outcome::Active(found) => Outcome::Active(active(*found, tenant)),
        validate_session::Outcome::Inactive(found) => Outcome::Inactive(inactive(found)),
        validate_session::Outcome::Denied(found) => Outcome::Denied(denied(*found)),
    };
    v1::ValidateSessionResponse { outcome: Some(outcome), settings_version }
}

/// The identity as it is sent, encoded once for all answers about a standing (store.md, 10): `build.rs` lets the field
/// take it so.
fn encoded_identity(standing: &OpenStanding, tenant: &str) -> Bytes {
    let encode = || identity(&standing.identity, tenant).encode_to_vec().into();
    standing.shown.identity.get_or_init(encode).clone()
}

/// The session's facts, likewise: they change when a use of it is written down, and seldom else.
fn encoded_info(session: &SessionView) -> Bytes {
    let (facts, shown) = ((session.times, session.idle_end, session.generation), &session.standing.shown.session);
    match shown.load().as_deref() {
        Some((known, encoded)) if *known == facts => encoded.clone(),
        _ => {
            let encoded = Bytes::from(info(session).encode_to_vec());
            shown.store(Some(Arc::new((facts, encoded.clone()))));
            encoded
        }
    }
}

fn active(active: Active, tenant: &str) -> v1::ActiveSession {
    let keeping = active.keeping;
    v1::ActiveSession {
        session: encoded_info(&active.session),
        identity: encoded_identity(&active.session.standing, tenant),
        judged: Some(judged(active.judged)),
        set_cookies: active.set_cookies,
        csrf_token: active.csrf_token.map(|token| token.expose().to_owned()).unwrap_or_default(),
        event_position: position(keeping.map(|keeping| keeping.position)),
        keep_for: keeping.map(|keeping| duration(keeping.keep_for)),
        check_again_time: Some(timestamp(active.check_again)),
    }
}

fn judged(judged: Judged) -> v1::JudgedRequirements {
    let fingerprint = match judged.fingerprint {
        None | Some(Comparison::None | Comparison::Unknown(_)) => v1::FingerprintJudgement::Unspecified,
        Some(Comparison::Matched) => v1::FingerprintJudgement::Matched,
        Some(Comparison::Differed) => v1::FingerprintJudgement::Differed,
    };
    let needs = judged.needs;
    let login = needs.login;
    v1::JudgedRequirements {
        csrf: judged.csrf,
        origin: judged.origin,
        scopes: needs.scopes,
        max_login_age: login.max_age.map(duration),
        acr_values: login.acr_values,
        amr_values: login.amr_values,
        email_verified: needs.email_verified,
        permissions: needs.permissions,
        any_permissions: needs.any_permissions,
        any_scopes: needs.any_scopes,
        roles: needs.roles,
        fingerprint: fingerprint.into(),
        client_network: judged.client_network,
    }
}

pub(super) fn inactive(inactive: Inactive) -> v1::InactiveSession {
    v1::InactiveSession { reason: inactive_reason(inactive.reason).into(), answer: inactive.answer.map(http) }
}

const fn inactive_reason(reason: InactiveReason) -> v1::InactiveReason {
    match reason {
        InactiveReason::None => v1::InactiveReason::None,
        InactiveReason::Forged => v1::InactiveReason::Forged,
        InactiveReason::Ended => v1::InactiveReason::Ended,
        InactiveReason::Expired => v1::InactiveReason::Expired,
        InactiveReason::Idle => v1::InactiveReason::Idle,
        InactiveReason::Revoked => v1::InactiveReason::Revoked,
        InactiveReason::Fingerprint => v1::InactiveReason::Fingerprint,
        InactiveReason::Ambiguous => v1::InactiveReason::Ambiguous,
    }
}

pub(super) fn denied(denied: Denied) -> v1::DeniedSession {
    let session = Some(info(&denied.session));
    let mut shown = v1::DeniedSession {
        remedy: denied.remedy,
        login_query: denied.login_query,
        answer: denied.answer.map(http),
        session,
        ..v1::DeniedSession::default()
    };
    let reason = match denied.reason {
        DeniedReason::Csrf(CsrfFault::Missing) => v1::DeniedReason::CsrfMissing,
        DeniedReason::Csrf(CsrfFault::Invalid) => v1::DeniedReason::CsrfInvalid,
        DeniedReason::Csrf(CsrfFault::Expired) => v1::DeniedReason::CsrfExpired,
        DeniedReason::Csrf(CsrfFault::Rotated) => v1::DeniedReason::CsrfRotated,
        DeniedReason::Csrf(CsrfFault::OtherSession) => v1::DeniedReason::CsrfOtherSession,
        DeniedReason::OriginRefused => v1::DeniedReason::OriginRefused,
        DeniedReason::Missing(Missing::Scopes(scopes)) => {
            shown.missing_scopes = scopes;
            v1::DeniedReason::ScopeMissing
        }
        DeniedReason::Missing(Missing::Permissions(permissions)) => {
            shown.missing_permissions = permissions;
            v1::DeniedReason::PermissionMissing
        }
        DeniedReason::Missing(Missing::Roles(roles)) => {
            shown.missing_roles = roles;
            v1::DeniedReason::RoleMissing
        }
        DeniedReason::Missing(Missing::Acr(values)) => {
            shown.missing_acr_values = values;
            v1::DeniedReason::AcrMissing
        }
        DeniedReason::Missing(Missing::Amr(values)) => {
            shown.missing_amr_values = values;
            v1::DeniedReason::AmrMissing
        }
        DeniedReason::Missing(Missing::VerifiedEmail) => v1::DeniedReason::EmailNotVerified,
        DeniedReason::Missing(Missing::FreshLogin) => v1::DeniedReason::LoginTooOld,
    };
    shown.set_reason(reason);
    shown
}
