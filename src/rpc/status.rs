//! Owns the one mapping from errors to gRPC statuses, each with its reason. Does not know who failed, only how.
#![deny(clippy::wildcard_enum_match_arm, clippy::match_wildcard_for_single_variants)]

use std::collections::HashMap;
use std::time::Duration;

use prost::Message as _;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt as _};

use super::answers;
use super::v1::{self, ErrorReason, HttpAnswer};
use crate::authority::Error;
use crate::authority::error::with_causes;

const DOMAIN: &str = "gatelodge";
const PREFIX: &str = "ERROR_REASON_";
const RETRY_AFTER: Duration = Duration::from_millis(500);
const HTTP_ANSWER: &str = "type.googleapis.com/gatelodge.v1.HttpAnswer";

/// The status of a failed call. Its cause goes to the log, here and nowhere else, and never to the caller.
pub(super) fn of(error: &Error, request_id: &str) -> Status {
    let (code, reason, retry) = row(error);
    if matches!(code, Code::Internal | Code::Unavailable) {
        tracing::error!(request_id, reason = name(reason), cause = with_causes(error), "a call failed");
    } else {
        tracing::debug!(request_id, reason = name(reason), cause = with_causes(error), "a call failed");
    }
    let mut details = details(reason, request_id);
    if retry {
        details.set_retry_info(Some(RETRY_AFTER));
    }
    if let Error::RateLimited { wait, .. } = error {
        details.set_retry_info(Some(*wait));
    }
    if let Error::InvalidField { field, expected } = error {
        details.add_bad_request_violation(*field, expected);
    }
    if matches!(error, Error::IdempotencyKeyReused) {
        details.add_bad_request_violation(super::once::FIELD, "a key of its own for each request");
    }
    if let Error::ContextRequired(requirement) = error {
        details.add_bad_request_violation("context", format!("needed to judge requirements.{requirement}"));
    }
    let status = Status::with_error_details(code, error.to_string(), details);
    match error.answer(request_id) {
        Some(answer) => with_answer(&status, &answers::http(answer)),
        None => status,
    }
}

/// The same status with what an edge answers in place of "could not say" among its details.
fn with_answer(status: &Status, answer: &HttpAnswer) -> Status {
    let Ok(mut whole) = tonic_types::Status::decode(status.details()) else { return status.clone() };
    whole.details.push(prost_types::Any { type_url: HTTP_ANSWER.to_owned(), value: answer.encode_to_vec() });
    Status::with_details(status.code(), status.message(), whole.encode_to_vec().into())
}

fn row(error: &Error) -> (Code, ErrorReason, bool) {
    match error {
        Error::InvalidField { .. } => (Code::InvalidArgument, ErrorReason::InvalidField, false),
        Error::ContextRequired(_) => (Code::InvalidArgument, ErrorReason::ContextRequired, false),
        Error::StoreUnavailable(_) | Error::Unreplicated { .. } => {
            (Code::Unavailable, ErrorReason::StoreUnavailable, true)
        }
        Error::KeyUnavailable(_) => (Code::Unavailable, ErrorReason::KeyUnavailable, false),
        Error::ProviderUnavailable(_) => (Code::Unavailable, ErrorReason::ProviderUnavailable, true),
        Error::ProviderRefused(_) => (Code::FailedPrecondition, ErrorReason::ProviderRefused, false),
        Error::NoRefreshToken => (Code::FailedPrecondition, ErrorReason::NoRefreshToken, false),
        Error::AccessTokenExpired => (Code::FailedPrecondition, ErrorReason::AccessTokenExpired, false),
        Error::RefreshInProgress => (Code::Unavailable, ErrorReason::RefreshInProgress, true),
        Error::AudienceRefused => (Code::FailedPrecondition, ErrorReason::AudienceRefused, false),
        Error::MintingOff => (Code::FailedPrecondition, ErrorReason::MintingOff, false),
        Error::ExchangeUnsupported => (Code::FailedPrecondition, ErrorReason::ExchangeUnsupported, false),
        Error::TokenCheckOff => (Code::FailedPrecondition, ErrorReason::TokenCheckOff, false),
        Error::UserInfoUnsupported => (Code::FailedPrecondition, ErrorReason::UserInfoUnsupported, false),
        Error::SessionNotFound => (Code::NotFound, ErrorReason::SessionNotFound, false),
        Error::UserNotFound => (Code::NotFound, ErrorReason::UserNotFound, false),
        Error::AuditOff => (Code::FailedPrecondition, ErrorReason::AuditOff, false),
        Error::RequestUnknown => (Code::NotFound, ErrorReason::RequestUnknown, false),
        Error::VersionConflict => (Code::Aborted, ErrorReason::VersionConflict, false),
        Error::IdempotencyKeyReused => (Code::FailedPrecondition, ErrorReason::IdempotencyKeyReused, false),
        Error::TenantUnknown | Error::TenantNotNamed => (Code::PermissionDenied, ErrorReason::TenantUnknown, false),
        Error::NotEveryTenant | Error::BeyondMaker(_) => (Code::PermissionDenied, ErrorReason::CallerNotAllowed, false),
        Error::CallerKeyLimit => (Code::FailedPrecondition, ErrorReason::CallerKeyLimit, false),
        Error::RateLimited { .. } => (Code::ResourceExhausted, ErrorReason::RateLimited, false),
        Error::Internal(_) => (Code::Internal, ErrorReason::Internal, false),
    }
}

/// A status of the transport's own: nobody's use case failed.
pub(super) fn plain(code: Code, reason: ErrorReason, message: &str, request_id: &str) -> Status {
    let mut details = details(reason, request_id);
    if reason == ErrorReason::Overloaded {
        details.set_retry_info(Some(RETRY_AFTER));
    }
    Status::with_error_details(code, message, details)
}

/// The same failure as the error of one question of a stream.
pub(super) fn check_error(status: &Status) -> v1::CheckError {
    let details = status.get_error_details();
    let violations = details.bad_request().map(|bad| bad.field_violations.as_slice()).unwrap_or_default();
    let violation = |one: &FieldViolation| v1::CheckFieldViolation {
        field: one.field.clone(),
        description: one.description.clone(),
    };
    let info = details.error_info();
    v1::CheckError {
        code: u32::try_from(i32::from(status.code())).unwrap_or_default(),
        reason: info.map(|info| info.reason.clone()).unwrap_or_default(),
        message: status.message().to_owned(),
        request_id: info.and_then(|info| info.metadata.get("request_id").cloned()).unwrap_or_default(),
        retry_after: details.retry_info().and_then(|retry| retry.retry_delay).map(super::answers::duration),
        field_violations: violations.iter().map(violation).collect(),
    }
}

/// A status that came without details, from the codec or from a service that is not ours, with a reason for its code.
/// What the codec can't read or finds too large is the caller's own message, whatever the codec says.
pub(super) fn with_reason(status: &Status, request_id: &str) -> Status {
    let (code, reason) = match status.code() {
        Code::Internal | Code::InvalidArgument | Code::OutOfRange | Code::ResourceExhausted => {
            (Code::InvalidArgument, ErrorReason::InvalidField)
        }
        code @ Code::NotFound => (code, ErrorReason::InvalidField),
        code @ Code::Unimplemented => (code, ErrorReason::MethodUnknown),
        Code::DeadlineExceeded | Code::Cancelled => (Code::DeadlineExceeded, ErrorReason::DeadlineExceeded),
        code @ (Code::Ok
        | Code::Unknown
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::Unavailable
        | Code::DataLoss
        | Code::Unauthenticated) => (code, ErrorReason::Internal),
    };
    let mut details = details(reason, request_id);
    if reason == ErrorReason::InvalidField {
        // The whole message: a path of no steps.
        details.add_bad_request_violation("", status.message());
    }
    Status::with_error_details(code, status.message(), details)
}

fn details(reason: ErrorReason, request_id: &str) -> ErrorDetails {
    let metadata = HashMap::from([("request_id".to_owned(), request_id.to_owned())]);
    let mut details = ErrorDetails::new();
    details.set_error_info(name(reason), DOMAIN, metadata);
    details
}

fn name(reason: ErrorReason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix(PREFIX).unwrap_or(name)
}
