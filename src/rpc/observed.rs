//! Owns what an observer is shown of a call: its method and its trace when it comes, its status and how long it took when
//! it has ended, its caller gone or not. Does not know who observes.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, Request, Response};
use http_body_util::BodyExt as _;
use tokio::time::Instant;
use tonic::body::Body;
use tonic::{Code, Status};
use tracing::Span;

use super::policy;
use crate::authority::observer::{CallObserver, Incoming};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// A call that somebody sees. When it is dropped before it has ended, its caller has gone.
#[derive(Debug)]
pub(super) struct Observed {
    observer: Arc<dyn CallObserver>,
    method: Option<usize>,
    /// Whether its answer goes on after it has begun.
    lasts: bool,
    began: Instant,
    span: Span,
    code: Code,
}

impl Observed {
    /// A call that has come.
    pub(super) fn begin(observer: Option<&Arc<dyn CallObserver>>, request: &Request<Body>) -> Option<Self> {
        Some(Self {
            observer: Arc::clone(observer?),
            method: policy::number(request.uri().path()),
            lasts: policy::is_stream(request.uri().path()),
            began: Instant::now(),
            span: Span::none(),
            code: Code::Cancelled,
        })
    }

    /// The call is let in. Only now is its trace believed: whoever has no key makes none. What is done for it happens
    /// within the span.
    pub(super) fn let_in(&mut self, headers: &HeaderMap, request_id: &str, caller: Option<&str>) -> Span {
        let Some((method, caller)) = self.method.zip(caller) else { return Span::none() };
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let traceparent = header(TRACEPARENT);
        let tracestate = traceparent.and_then(|_| header(TRACESTATE));
        self.span = self.observer.began(&Incoming { method, request_id, caller, traceparent, tracestate });
        self.span.clone()
    }

    /// The call was refused before anything was done for it.
    pub(super) fn refused(mut self, code: Code) {
        self.code = code;
    }

    /// The call is answered; where the answer goes on, it has ended when that has.
    pub(super) fn answered(mut self, response: Response<Body>) -> Response<Body> {
        self.code = Status::from_header_map(response.headers()).map_or(Code::Ok, |status| status.code());
        if !self.lasts || self.code != Code::Ok {
            return response;
        }
        // The span was of what it took to begin.
        self.span = Span::none();
        self.code = Code::Cancelled;
        let mut lasting = self;
        response.map(|body| {
            Body::new(body.map_frame(move |frame| {
                // Kept whole: it has ended when the stream is dropped.
                let lasting = &mut lasting;
                if let Some(trailers) = frame.trailers_ref() {
                    lasting.code = Status::from_header_map(trailers).map_or(Code::Ok, |status| status.code());
                }
                frame
            }))
        })
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        let code = u8::try_from(i32::from(self.code)).unwrap_or_default();
        self.observer.ended(self.method, code, self.began.elapsed(), &self.span);
    }
}
