//! Owns why a call failed, by code and reason. Does not know what to answer a browser because of it.

use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use prost::Message as _;
use tonic::transport::Error as TransportError;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::options::{ADDRESS, API_KEY, TENANT};
use crate::v1::{ErrorReason, HttpAnswer};

/// A call that brought no answer. It never speaks of the browser's session: nobody is logged out because of it.
#[derive(Debug, Clone)]
pub struct Error(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    code: Code,
    reason: Reason,
    message: String,
    request_id: Option<String>,
    retry_after: Option<Duration>,
    field_violations: Vec<FieldViolation>,
    sent_away: bool,
    answer: Option<HttpAnswer>,
}

/// The machine-readable reason of a failed call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// One that this client knows.
    Known(ErrorReason),
    /// One that a newer authority sent: go by the code.
    Unknown(String),
    /// None came: the call failed before it reached an authority, or on the way back.
    Absent,
}

/// A field of the caller's own that the authority refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldViolation {
    /// The field's path in the request.
    pub field: String,
    /// What is wrong with it.
    pub description: String,
}

impl Error {
    /// The gRPC status code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The reason, more exact than the code.
    #[must_use]
    pub fn reason(&self) -> &Reason {
        &self.0.reason
    }

    /// Whether the reason is this one.
    #[must_use]
    pub fn is(&self, reason: ErrorReason) -> bool {
        self.0.reason == Reason::Known(reason)
    }

    /// The setting that is wrong, where the authority does not let this caller ask.
    pub(crate) fn setting(&self) -> Option<&'static str> {
        match self.code() {
            _ if self.is(ErrorReason::TenantUnknown) => Some(TENANT),
            Code::Unauthenticated | Code::PermissionDenied => Some(API_KEY),
            _ => None,
        }
    }

    /// One sentence for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The id under which the authority's log holds the cause.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// Whether the same call may succeed later: UNAVAILABLE, or an overload that says when to come back.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.code == Code::Unavailable || self.0.code == Code::ResourceExhausted && self.0.retry_after.is_some()
    }

    /// How long to wait before a retry, when the authority said so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The refused fields, for `INVALID_ARGUMENT`.
    #[must_use]
    pub fn field_violations(&self) -> &[FieldViolation] {
        &self.0.field_violations
    }

    /// What an edge answers its browser in place of 503: the authority gives it for trouble of the provider.
    #[must_use]
    pub fn answer(&self) -> Option<&HttpAnswer> {
        self.0.answer.as_ref()
    }

    /// Whether no authority said this: there is no connection to one, or it broke.
    pub(super) fn is_unreached(&self) -> bool {
        self.0.code == Code::Unavailable && self.0.reason == Reason::Absent
    }

    /// Whether a server that went away in good order has not looked at the call: another connection serves at once.
    pub(super) fn is_sent_away(&self) -> bool {
        self.0.sent_away
    }

    pub(crate) fn local(code: Code, reason: Reason, message: impl Into<String>) -> Self {
        let message = message.into();
        let (request_id, retry_after, field_violations, answer) = (None, None, Vec::new(), None);
        let sent_away = false;
        Self(Box::new(Parts { code, reason, message, request_id, retry_after, field_violations, sent_away, answer }))
    }

    /// An OK answer from which nothing may be concluded, such as one of an outcome that this client does not know.
    pub(crate) fn could_not_say(message: impl Into<String>) -> Self {
        Self::local(Code::Unknown, Reason::Absent, message)
    }

    pub(super) fn deadline_exceeded() -> Self {
        let reason = Reason::Known(ErrorReason::DeadlineExceeded);
        Self::local(Code::DeadlineExceeded, reason, "the authority did not answer in time")
    }

    /// Why the authority at `address` did not answer; `known` if it has answered before.
    pub(super) fn from_status(status: &Status, address: &str, known: bool) -> Self {
        let sent_away = is_sent_away(status);
        // A unary call that we still wait for is cancelled by nobody but a timeout, here or at the authority.
        if status.code() == Code::Cancelled && !sent_away {
            return Self::deadline_exceeded();
        }
        let details = status.get_error_details();
        let info = details.error_info();
        // What tonic does not know is a connection that broke.
        let broke = status.code() == Code::Unknown
            && status.source().is_some_and(<dyn std::error::Error>::is::<TransportError>);
        let code = if sent_away || broke { Code::Unavailable } else { status.code() };
        let reason = info.map_or(Reason::Absent, |info| Reason::named(&info.reason));
        let message = match status.source() {
            Some(source) if info.is_none() => {
                let cause = chain(source);
                let hint = if known { "" } else { scheme_hint(address, &cause) };
                format!("the authority at {address} ({ADDRESS}) can't be reached: {cause}{hint}")
            }
            _ if reason == Reason::Known(ErrorReason::CallerUnauthenticated) => {
                format!("the authority at {address} knows no caller by this API key: see {API_KEY}")
            }
            _ if reason == Reason::Absent && is_strange(code) => {
                let said = status.message();
                format!("what answers at {address} ({ADDRESS}) is no authority: {said}")
            }
            _ => status.message().to_owned(),
        };
        let violations = details.bad_request().map(|bad| bad.field_violations.as_slice()).unwrap_or_default();
        Self(Box::new(Parts {
            code,
            reason,
            message,
            request_id: info.and_then(|info| info.metadata.get("request_id").cloned()),
            retry_after: details.retry_info().and_then(|retry| retry.retry_delay),
            field_violations: violations
                .iter()
                .map(|v| FieldViolation { field: v.field.clone(), description: v.description.clone() })
                .collect(),
            sent_away,
            answer: answer_of(status),
        }))
    }
}

/// Whether gRPC makes this of an answer in plain HTTP. An authority gives a reason with it.
fn is_strange(code: Code) -> bool {
    matches!(code, Code::Unknown | Code::Unimplemented | Code::Internal)
}

/// Whether the authority has not looked at the call: it was on its way, or about to be, when the server, which stops or
/// spreads its callers anew, went away in good order (GOAWAY with NO_ERROR; RFC 9113, 6.8). tonic calls that INTERNAL, and
/// CANCELLED where the call waited for the connection.
fn is_sent_away(status: &Status) -> bool {
    let sent_away = |cause: &(dyn std::error::Error + 'static)| {
        let waited = cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_canceled);
        let turned_back = cause.downcast_ref::<h2::Error>().is_some_and(|error| {
            error.is_go_away() && error.is_remote() && error.reason() == Some(h2::Reason::NO_ERROR)
        });
        waited || turned_back
    };
    let mut next = status.source();
    while let Some(cause) = next {
        if sent_away(cause) {
            return true;
        }
        next = cause.source();
    }
    false
}

/// The finished answer among a status's details.
fn answer_of(status: &Status) -> Option<HttpAnswer> {
    let whole = tonic_types::Status::decode(status.details()).ok()?;
    let detail = whole.details.into_iter().find(|detail| detail.type_url.ends_with("/gatelodge.v1.HttpAnswer"))?;
    HttpAnswer::decode(detail.value.as_slice()).ok()
}

impl Reason {
    fn named(name: &str) -> Self {
        match ErrorReason::from_str_name(&format!("{PREFIX}{name}")) {
            Some(reason) => Self::Known(reason),
            None if name.is_empty() => Self::Absent,
            None => Self::Unknown(name.to_owned()),
        }
    }

    /// Its name, as in the contract: `STORE_UNAVAILABLE`. Empty when absent.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Known(reason) => {
                let name = reason.as_str_name();
                name.strip_prefix(PREFIX).unwrap_or(name)
            }
            Self::Unknown(name) => name,
            Self::Absent => "",
        }
    }
}

const PREFIX: &str = "ERROR_REASON_";

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts { code, reason, message, request_id, .. } = self.0.as_ref();
        match reason {
            Reason::Absent => write!(f, "{message} ({code:?}")?,
            known => write!(f, "{message} ({code:?}, {}", known.name())?,
        }
        match request_id {
            Some(id) => write!(f, ", request {id})"),
            None => f.write_str(")"),
        }
    }
}

impl std::error::Error for Error {}

/// What to do when one side speaks TLS and the other does not: the handshake's own words name no setting. Whoever gets
/// as far as a connection and no further in plaintext may have met a server that waits for TLS.
fn scheme_hint(address: &str, cause: &str) -> &'static str {
    let connected = !cause.contains("tcp connect error") && !cause.contains("dns error");
    if address.starts_with("https://") && cause.contains("InvalidContentType") {
        "; what answers there is plaintext: GATELODGE_ADDRESS has to begin with http://"
    } else if address.starts_with("http://") && connected {
        "; if it speaks TLS, GATELODGE_ADDRESS has to begin with https://"
    } else {
        ""
    }
}

/// The innermost causes say what is wrong ("Connection refused"); each is said once.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn a_key_that_is_not_known_is_named_by_its_variable() {
        let details = ErrorDetails::with_error_info("CALLER_UNAUTHENTICATED", "gatelodge", HashMap::new());
        let status = Status::with_error_details(Code::Unauthenticated, "no", details);
        let error = Error::from_status(&status, "http://a", false);
        assert!(error.to_string().contains(API_KEY) && error.to_string().contains("http://a"), "{error}");
    }

    #[test]
    fn a_server_that_is_no_authority_is_named_by_its_variable() {
        let of = |code| Error::from_status(&Status::new(code, "404"), "http://a", true).to_string();
        for code in [Code::Unknown, Code::Unimplemented, Code::Internal] {
            let said = of(code);
            assert!(said.contains(ADDRESS) && said.contains("http://a") && said.contains("404"), "{said}");
        }
        assert!(!of(Code::NotFound).contains(ADDRESS));
    }

    #[test]
    fn a_tenant_that_is_not_known_is_no_fault_of_the_key() {
        let of = |code, reason: &str| {
            let details = ErrorDetails::with_error_info(reason, "gatelodge", HashMap::new());
            let status = Status::with_error_details(code, "no", details);
            Error::from_status(&status, "http://a", true).setting()
        };
        assert_eq!(of(Code::PermissionDenied, "TENANT_UNKNOWN"), Some(TENANT));
        assert_eq!(of(Code::PermissionDenied, "CALLER_NOT_ALLOWED"), Some(API_KEY));
        assert_eq!(of(Code::Unauthenticated, "CALLER_UNAUTHENTICATED"), Some(API_KEY));
        assert_eq!(of(Code::Unavailable, "STORE_UNAVAILABLE"), None);
    }
}
