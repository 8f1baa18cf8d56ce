//! Owns what happens to every call before and after its method: request id, caller, policy, load, deadline, reasons.
//! Does not know what a method does.

use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::BodyExt as _;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};
use uuid::Uuid;

use super::callers::{Caller, Callers};
use super::policy::{self, Rule};
use super::status;
use super::v1::ErrorReason;
use crate::authority::Call;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The paths of our own services, whose errors come before any message and have their reasons.
const OURS: &str = "/gatelodge.";
/// Cut from a caller's deadline, so that we, not the network, say what was slow: a tenth of it, within these bounds, and
/// never more than half.
const MARGIN: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(100));
/// The deadline of a call that names none.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(30);

/// Guards every service of the server.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    callers: Arc<Callers>,
    in_flight: Arc<AtomicUsize>,
    most_in_flight: usize,
}

impl Gate {
    pub(super) fn new(callers: Callers, most_in_flight: usize) -> Self {
        Self { callers: Arc::new(callers), in_flight: Arc::default(), most_in_flight }
    }

    /// Who calls, if they may.
    fn admit(&self, path: &str, headers: &HeaderMap, request_id: &str) -> Result<Option<Caller>, Status> {
        let rule = policy::rule(path);
        if rule == Some(Rule::Anyone) {
            return Ok(None);
        }
        let refuse = |code, reason, message| status::plain(code, reason, message, request_id);
        let key = headers.get(http::header::AUTHORIZATION);
        let caller = key.and_then(|value| self.callers.identify(value.as_bytes())).ok_or_else(|| {
            let message =
                "a valid API key is needed: send metadata \"authorization: Bearer <key>\" (GATELODGE_API_KEY)";
            refuse(Code::Unauthenticated, ErrorReason::CallerUnauthenticated, message)
        })?;
        match rule {
            Some(Rule::Anyone | Rule::AnyKey) => Ok(Some(caller.clone())),
            Some(Rule::Roles(roles)) if roles.contains(&caller.role) => Ok(Some(caller.clone())),
            Some(Rule::Roles(roles)) => {
                let needed = roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(" or ");
                let message = format!("this API key has the role {}; the method needs {needed}", caller.role.name());
                Err(refuse(Code::PermissionDenied, ErrorReason::CallerNotAllowed, &message))
            }
            None => Err(refuse(Code::Unimplemented, ErrorReason::MethodUnknown, "this authority has no such method")),
        }
    }
}

impl<S> Layer<S> for Gate {
    type Service = Gated<S>;

    fn layer(&self, inner: S) -> Gated<S> {
        Gated { gate: self.clone(), inner }
    }
}

/// A service behind the gate.
#[derive(Clone, Debug)]
pub(super) struct Gated<S> {
    gate: Gate,
    inner: S,
}

impl<S> Service<Request<Body>> for Gated<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let request_id = request_id(request.headers());
        let admitted = self.gate.admit(request.uri().path(), request.headers(), &request_id);
        let admitted = admitted.and_then(|caller| {
            let slot = InFlight::take(&self.gate.in_flight, self.gate.most_in_flight).ok_or_else(|| {
                status::plain(
                    Code::ResourceExhausted,
                    ErrorReason::Overloaded,
                    "too many calls in flight; try again",
                    &request_id,
                )
            })?;
            Ok((caller, slot))
        });
        let (caller, slot) = match admitted {
            Ok(admitted) => admitted,
            Err(refusal) => {
                tracing::info!(method = request.uri().path(), request_id, code = ?refusal.code(), "a call was refused");
                return Box::pin(std::future::ready(Ok(answered(refusal.into_http(), &request_id))));
            }
        };
        let deadline = deadline(request.headers());
        let streams = !request.uri().path().starts_with(OURS);
        request.extensions_mut().insert(Call { request_id: request_id.clone() });
        let method = tracing::enabled!(tracing::Level::DEBUG).then(|| request.uri().path().to_owned());
        let answer = self.inner.call(request);
        Box::pin(async move {
            let _slot = slot;
            let refuse = |code, reason, message| status::plain(code, reason, message, &request_id).into_http();
            // What the call holds is dropped with it, so that nobody sees what a panic has left half done.
            let answer = AssertUnwindSafe(answer).catch_unwind();
            let response = match tokio::time::timeout(deadline, answer).await {
                Ok(Ok(Ok(response))) if streams => {
                    with_reason_at_the_end(with_reason(response, &request_id), &request_id)
                }
                Ok(Ok(Ok(response))) => with_reason(response, &request_id),
                Ok(Ok(Err(never))) => match never {},
                Ok(Err(_)) => {
                    tracing::error!(request_id, "a call panicked");
                    refuse(Code::Internal, ErrorReason::Internal, "internal error")
                }
                Err(_) => {
                    let message = "the deadline passed before there was an answer";
                    refuse(Code::DeadlineExceeded, ErrorReason::DeadlineExceeded, message)
                }
            };
            if let Some(method) = method {
                let caller = caller.as_ref().map_or("", |caller| &caller.name);
                tracing::debug!(method, caller, request_id, "a call was answered");
            }
            Ok(answered(response, &request_id))
        })
    }
}

/// One of the calls that may be in flight.
struct InFlight(Arc<AtomicUsize>);

impl InFlight {
    fn take(count: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let slot = Self(Arc::clone(count));
        (count.fetch_add(1, Ordering::Relaxed) < most).then_some(slot)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The caller's own request id, if it is short and harmless in a log; else a new one (UUID version 7).
fn request_id(headers: &HeaderMap) -> String {
    let own = headers.get(&REQUEST_ID).and_then(|value| value.to_str().ok());
    let harmless = |id: &&str| {
        (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    own.filter(harmless).map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

fn answered(mut response: Response<Body>, request_id: &str) -> Response<Body> {
    if let Ok(value) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// An error of the codec or transport has no reason of its own: every error leaves with one.
fn with_reason(response: Response<Body>, request_id: &str) -> Response<Body> {
    match Status::from_header_map(response.headers()) {
        Some(status) if status.code() != Code::Ok && status.details().is_empty() => {
            status::with_reason(&status, request_id).into_http()
        }
        _ => response,
    }
}

/// A stream of health or reflection ends with a status of their own making: that one gets a reason too.
fn with_reason_at_the_end(response: Response<Body>, request_id: &str) -> Response<Body> {
    let request_id = request_id.to_owned();
    response.map(|body| {
        Body::new(body.map_frame(move |mut frame| {
            if let Some(trailers) = frame.trailers_mut()
                && let Some(status) = Status::from_header_map(trailers)
                && status.code() != Code::Ok
                && status.details().is_empty()
            {
                *trailers =
                    answered(status::with_reason(&status, &request_id).into_http(), &request_id).into_parts().0.headers;
            }
            frame
        }))
    })
}

/// The caller's deadline (gRPC over HTTP/2, "Timeout"), less a margin.
fn deadline(headers: &HeaderMap) -> Duration {
    let read = || {
        let text = headers.get("grpc-timeout")?.to_str().ok()?;
        let (value, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let value: u64 = value.parse().ok().filter(|_| value.len() <= 8)?;
        match unit {
            "H" => Some(Duration::from_secs(value * 3600)),
            "M" => Some(Duration::from_secs(value * 60)),
            "S" => Some(Duration::from_secs(value)),
            "m" => Some(Duration::from_millis(value)),
            "u" => Some(Duration::from_micros(value)),
            "n" => Some(Duration::from_nanos(value)),
            _ => None,
        }
    };
    let asked = read().unwrap_or(DEFAULT_DEADLINE);
    asked.saturating_sub((asked / 10).clamp(MARGIN.0, MARGIN.1).min(asked / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    // security.md 128: the caller's deadline, less what the answer needs to arrive, and never nothing at all.
    #[test]
    fn a_deadline_is_read_as_grpc_writes_it() {
        let millis = Duration::from_millis;
        let table = [
            ("1S", millis(900)),
            ("500m", millis(450)),
            ("100m", millis(80)),
            ("20m", millis(10)),
            ("1000u", Duration::from_micros(500)),
            ("2M", millis(119_900)),
            ("99999999H", Duration::from_hours(99_999_999).saturating_sub(MARGIN.1)),
        ];
        let of = |text: &str| HeaderMap::from_iter([("grpc-timeout".parse().unwrap(), text.parse().unwrap())]);
        for (text, expected) in table {
            assert_eq!(deadline(&of(text)), expected, "{text}");
        }
        for text in ["", "1", "S", "1s", "-1S", "123456789S", "1.5S", "+"] {
            assert_eq!(deadline(&of(text)), DEFAULT_DEADLINE.saturating_sub(MARGIN.1), "{text}");
        }
    }
}
