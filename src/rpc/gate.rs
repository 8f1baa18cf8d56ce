//! Owns what happens to every call before and after its method: request id, caller, policy, load, deadline, reasons.
//! Does not know what a method does.

use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::FutureExt as _;
use http::{HeaderValue, Request, Response};
use http_body_util::BodyExt as _;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};
use tracing::Instrument as _;

use super::asked::{self, Asked, REQUEST_ID};
use super::callers::{Caller, Callers};
use super::observed::Observed;
use super::places::{Place, Places};
use super::policy::{self, Rule};
use super::status;
use super::strangers::Strangers;
use super::v1::ErrorReason;
use crate::authority::Call;
use crate::authority::observer::{CallObserver, Gauge};
use crate::authority::tenants::Asker;

/// The paths of our own services, whose errors come before any message and have their reasons.
const OURS: &str = "/gatelodge.";
/// Balancers ask it when all is taken too: it holds no place among the calls.
const HEALTH: &str = "/grpc.health.v1.Health/";
/// Who watches health holds one of these as long as the stream lasts: anybody may, so there are few.
const WATCHERS: usize = 64;

/// Guards every service of the server. A clone is the same gate: the server makes one for each call.
#[derive(Clone, Debug)]
pub(super) struct Gate(Arc<Guard>);

#[derive(Debug)]
struct Guard {
    callers: Callers,
    strangers: Strangers,
    calls: Places,
    watchers: Places,
    /// Streams of checks do nothing by themselves: each question is a call.
    streams: Places,
    /// Who listens to events does so for as long as it lives: were these calls, a thousand clients would be all there is.
    listeners: Places,
    observer: Option<Arc<dyn CallObserver>>,
}

/// Who calls, and the place that the call has.
type Admitted<'a> = (Option<&'a Caller>, Option<Place>);

impl Gate {
    pub(super) fn new(callers: Callers, calls: Places, observer: Option<Arc<dyn CallObserver>>) -> Self {
        let (watchers, streams, listeners) =
            (Places::new(WATCHERS), Places::new(calls.most()), Places::new(calls.most()));
        let named = [("calls", &calls), ("health", &watchers), ("checks", &streams), ("events", &listeners)];
        for (observer, (name, places)) in observer.iter().flat_map(|one| named.map(|named| (one, named))) {
            let (taken, all) = (places.clone(), places.clone());
            observer.can_read(Gauge::Taken(name), Box::new(move || Some(count(taken.taken()))));
            observer.can_read(Gauge::Places(name), Box::new(move || Some(count(all.most()))));
        }
        let strangers = Strangers::default();
        Self(Arc::new(Guard { callers, strangers, calls, watchers, streams, listeners, observer }))
    }
}

impl Guard {
    /// Lets a call in, if its caller may and there is room.
    fn admit(&self, request: &Request<Body>, request_id: &str) -> Result<Admitted<'_>, Status> {
        let path = request.uri().path();
        let caller = self.caller(request, request_id)?;
        let places = match path.strip_prefix(HEALTH) {
            None if path == policy::CHECK_SESSIONS => &self.streams,
            None if matches!(path, policy::WATCH_SESSIONS | policy::WATCH_AUDIT) => &self.listeners,
            None => &self.calls,
            Some("Watch") => &self.watchers,
            Some(_) => return Ok((caller, None)),
        };
        let place = places.take().ok_or_else(|| {
            let message = "too many calls in flight; try again";
            status::plain(Code::ResourceExhausted, ErrorReason::Overloaded, message, request_id)
        })?;
        Ok((caller, Some(place)))
    }

    /// Who calls, if they may.
    fn caller(&self, request: &Request<Body>, request_id: &str) -> Result<Option<&Caller>, Status> {
        let rule = policy::rule(request.uri().path());
        if rule == Some(Rule::Anyone) {
            return Ok(None);
        }
        let refuse = |code, reason, message| status::plain(code, reason, message, request_id);
        let key = request.headers().get(http::header::AUTHORIZATION);
        let caller = key.and_then(|value| self.callers.identify(value.as_bytes())).ok_or_else(|| {
            self.strangers.turned_away(request);
            let message =
                "a valid API key is needed: send metadata \"authorization: Bearer <key>\" (GATELODGE_API_KEY)";
            refuse(Code::Unauthenticated, ErrorReason::CallerUnauthenticated, message)
        })?;
        match rule {
            Some(Rule::Anyone | Rule::AnyKey) => Ok(Some(caller)),
            Some(Rule::Roles(roles)) if roles.contains(&caller.role) => Ok(Some(caller)),
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

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (guard, id) = (&self.gate.0, asked::request_id(request.headers()));
        let request_id = asked::text(&id);
        let path = request.uri().path();
        let mut observed = Observed::begin(guard.observer.as_ref(), &request);
        let (caller, place) = match guard.admit(&request, request_id) {
            Ok(admitted) => admitted,
            Err(refusal) => {
                if let Some(call) = observed {
                    call.refused(refusal.code());
                }
                tracing::debug!(method = path, request_id, code = ?refusal.code(), "a call was refused");
                return Box::pin(std::future::ready(Ok(answered(refusal.into_http(), id))));
            }
        };
        let patience = asked::patience(request.headers());
        // Our own methods keep their place themselves; what others serve keeps it until its stream has ended.
        let (own, streaming) = if path.starts_with(OURS) { (place, None) } else { (None, Some(place)) };
        let told = tracing::enabled!(tracing::Level::DEBUG)
            .then(|| (path.to_owned(), caller.map(|caller| Arc::clone(&caller.name)).unwrap_or_default()));
        let name = caller.map(|caller| Arc::clone(&caller.name));
        let within = observed.as_mut().map(|call| call.let_in(request.headers(), request_id, name.as_deref()));
        let call = Call { request_id: request_id.to_owned(), patience, caller: name };
        let scope = caller.map(|caller| caller.tenants.clone()).unwrap_or_default();
        let asker = Asker { scope, named: asked::tenant(request.headers()) };
        let answer = asked::answering(Asked { call, asker, place: own, named: None }, self.inner.call(request));
        let done = async move {
            let refuse = |code, reason, message| status::plain(code, reason, message, asked::text(&id)).into_http();
            // What the call holds is dropped with it, so that nobody sees what a panic has left half done.
            let mut answer = pin!(AssertUnwindSafe(answer).catch_unwind());
            // What is answered at once needs no timer.
            let answer = match futures::poll!(answer.as_mut()) {
                Poll::Ready(answer) => Ok(answer),
                Poll::Pending => tokio::time::timeout(asked::deadline(patience), answer).await,
            };
            let response = match answer {
                Ok(Ok(Ok(response))) => match streaming {
                    None => with_reason(response, &id),
                    Some(place) => with_reason_at_the_end(with_reason(response, &id), id.clone(), place),
                },
                Ok(Ok(Err(never))) => match never {},
                Ok(Err(_)) => {
                    tracing::error!(request_id = asked::text(&id), "a call panicked");
                    refuse(Code::Internal, ErrorReason::Internal, "internal error")
                }
                Err(_) => {
                    let message = "the deadline passed before there was an answer";
                    refuse(Code::DeadlineExceeded, ErrorReason::DeadlineExceeded, message)
                }
            };
            if let Some((method, caller)) = told {
                tracing::debug!(method, caller = &*caller, request_id = asked::text(&id), "a call was answered");
            }
            let response = match observed {
                Some(call) => call.answered(response),
                None => response,
            };
            Ok(answered(response, id))
        };
        match within.filter(|span| !span.is_disabled()) {
            Some(span) => Box::pin(done.instrument(span)),
            None => Box::pin(done),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "nobody counts so many")]
const fn count(number: usize) -> f64 {
    number as f64
}

fn answered(mut response: Response<Body>, request_id: HeaderValue) -> Response<Body> {
    response.headers_mut().insert(REQUEST_ID, request_id);
    response
}

/// An error of the codec or transport has no reason of its own: every error leaves with one.
fn with_reason(response: Response<Body>, request_id: &HeaderValue) -> Response<Body> {
    match Status::from_header_map(response.headers()) {
        Some(status) if status.code() != Code::Ok && status.details().is_empty() => {
            status::with_reason(&status, asked::text(request_id)).into_http()
        }
        _ => response,
    }
}

/// A stream of health or reflection ends with a status of their own making: that one gets a reason too. The stream
/// keeps its place as long as it lasts.
fn with_reason_at_the_end(response: Response<Body>, request_id: HeaderValue, place: Option<Place>) -> Response<Body> {
    response.map(|body| {
        Body::new(body.map_frame(move |mut frame| {
            let _lasting = &place;
            if let Some(trailers) = frame.trailers_mut()
                && let Some(status) = Status::from_header_map(trailers)
                && status.code() != Code::Ok
                && status.details().is_empty()
            {
                let status = status::with_reason(&status, asked::text(&request_id));
                *trailers = answered(status.into_http(), request_id.clone()).into_parts().0.headers;
            }
            frame
        }))
    })
}
