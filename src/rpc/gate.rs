//! Owns what happens to every call before and after its method: request id, caller, policy, load, deadline, reasons.
//! Does not know what a method does.

use std::convert::Infallible;
use std::future::Future;
use std::mem;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt as _;
use http::{HeaderValue, Request, Response};
use http_body_util::BodyExt as _;
use tokio::time::Instant;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};
use tracing::Instrument as _;

use super::asked::{self, Asked, REQUEST_ID};
use super::callers::{Caller, Callers};
use super::identify::{Door, Identity};
use super::observed::Observed;
use super::peer::Peer;
use super::places::{Place, Places};
use super::policy;
use super::status;
use super::strangers::Strangers;
use super::v1::ErrorReason;
use crate::authority::Call;
use crate::authority::observer::{CallObserver, Gauge};
use crate::authority::tenants::{Asker, Tenants};

/// The paths of services that are not written here: their streams may end with an error that has no reason.
const OTHERS: &str = "/grpc.";
/// Balancers ask it when all is taken too: it holds no place among the calls.
const HEALTH: &str = "/grpc.health.v1.Health/";
/// Who watches health holds one of these as long as the stream lasts: anybody may, so there are few.
const WATCHERS: usize = 64;

/// Guards every service of the server. A clone is the same gate: the server makes one for each call.
#[derive(Clone)]
pub(super) struct Gate(Arc<Guard>);

struct Guard {
    door: Door,
    calls: Places,
    watchers: Places,
    /// Streams of checks do nothing by themselves: each question is a call.
    streams: Places,
    /// Who listens to events does so for as long as it lives: were these calls, a thousand clients would be all there is.
    listeners: Places,
    observer: Option<Arc<dyn CallObserver>>,
}

/// Who calls, and the place that the call has.
type Admitted = (Identity, Option<Place>);

impl Gate {
    pub(super) fn new(
        callers: Callers,
        tenants: Tenants,
        calls: Places,
        observer: Option<Arc<dyn CallObserver>>,
    ) -> Self {
        let (watchers, streams, listeners) =
            (Places::new(WATCHERS), Places::new(calls.most()), Places::new(calls.most()));
        let named = [("calls", &calls), ("health", &watchers), ("checks", &streams), ("events", &listeners)];
        for (observer, (name, places)) in observer.iter().flat_map(|one| named.map(|named| (one, named))) {
            let (taken, all) = (places.clone(), places.clone());
            observer.can_read(Gauge::Taken(name), Box::new(move || Some(count(taken.taken()))));
            observer.can_read(Gauge::Places(name), Box::new(move || Some(count(all.most()))));
        }
        let door = Door { callers, tenants, strangers: Strangers::default() };
        Self(Arc::new(Guard { door, calls, watchers, streams, listeners, observer }))
    }
}

impl Guard {
    /// Lets a call in, if its caller may and there is room.
    fn admit(&self, request: &Request<Body>, request_id: &str) -> Result<Admitted, Status> {
        let path = request.uri().path();
        let caller = self.door.identify(request, request_id)?;
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
}

impl<S> Layer<S> for Gate {
    type Service = Gated<S>;

    fn layer(&self, inner: S) -> Gated<S> {
        Gated { gate: self.clone(), inner }
    }
}

/// A service behind the gate.
#[derive(Clone)]
pub(super) struct Gated<S> {
    gate: Gate,
    inner: S,
}

impl<S> Service<Request<Body>> for Gated<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (guard, id) = (&self.gate.0, asked::request_id(request.headers()));
        let observed = Observed::begin(guard.observer.as_ref(), &request);
        let patience = asked::patience(request.headers());
        match guard.admit(&request, asked::text(&id)) {
            Err(refusal) => Box::pin(std::future::ready(Ok(refused(&refusal, &request, id, observed)))),
            Ok((Identity::Anyone, place)) => answer(&mut self.inner, request, id, observed, None, place, patience),
            Ok((Identity::Caller(caller), place)) => {
                answer(&mut self.inner, request, id, observed, Some(caller), place, patience)
            }
            Ok((Identity::Unread(key, hash), place)) => {
                // The one that is ready goes with the call.
                let other = self.inner.clone();
                let (mut inner, gate, came) = (mem::replace(&mut self.inner, other), self.gate.clone(), Instant::now());
                // A body can't be shared with what may go on in another thread.
                let (head, body) = request.into_parts();
                let head = Request::from_parts(head, ());
                Box::pin(async move {
                    let reading = gate.0.door.read(key, &hash, &head, asked::text(&id));
                    let read = tokio::time::timeout(asked::deadline(patience), reading).await;
                    match read.unwrap_or_else(|_| Err(too_late(&id))) {
                        Err(refusal) => Ok(refused(&refusal, &head, id, observed)),
                        Ok(caller) => {
                            let request = Request::from_parts(head.into_parts().0, body);
                            let patience = patience.saturating_sub(came.elapsed());
                            answer(&mut inner, request, id, observed, Some(caller), place, patience).await
                        }
                    }
                })
            }
        }
    }
}

type Answering = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

fn refused<B>(refusal: &Status, request: &Request<B>, id: HeaderValue, observed: Option<Observed>) -> Response<Body> {
    if let Some(call) = observed {
        call.refused(refusal.code());
    }
    let (method, request_id) = (request.uri().path(), asked::text(&id));
    tracing::debug!(method, request_id, code = ?refusal.code(), "a call was refused");
    answered(refusal.clone().into_http(), id)
}

fn too_late(id: &HeaderValue) -> Status {
    let message = "the deadline passed before there was an answer";
    status::plain(Code::DeadlineExceeded, ErrorReason::DeadlineExceeded, message, asked::text(id))
}

/// Has a call answered that was let in.
fn answer<S>(
    inner: &mut S,
    request: Request<Body>,
    id: HeaderValue,
    mut observed: Option<Observed>,
    caller: Option<Arc<Caller>>,
    place: Option<Place>,
    patience: Duration,
) -> Answering
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    let (path, request_id) = (request.uri().path(), asked::text(&id));
    // Our own methods keep their place themselves; what others serve keeps it until its stream has ended.
    let (own, streaming) = if path.starts_with(OTHERS) { (None, Some(place)) } else { (place, None) };
    let name = caller.as_ref().map(|caller| Arc::clone(&caller.name));
    let told = tracing::enabled!(tracing::Level::DEBUG).then(|| (path.to_owned(), name.clone().unwrap_or_default()));
    let within = observed.as_mut().map(|call| call.let_in(request.headers(), request_id, name.as_deref()));
    let from = Peer::of(request.extensions()).and_then(|peer| peer.address).map(|address| address.ip());
    let call = Call { request_id: request_id.to_owned(), patience, caller: name, from };
    let scope = caller.as_ref().map(|caller| caller.tenants.clone()).unwrap_or_default();
    let asker = Asker { scope, named: asked::tenant(request.headers()) };
    let answer = asked::answering(Asked { call, asker, caller, place: own, named: None }, inner.call(request));
    let done = async move {
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
                let request_id = asked::text(&id);
                tracing::error!(request_id, "a call panicked");
                status::plain(Code::Internal, ErrorReason::Internal, "internal error", request_id).into_http()
            }
            Err(_) => too_late(&id).into_http(),
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
