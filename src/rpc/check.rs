//! Owns one question of a CheckSessions stream: its name, its place, its deadline, its answer or error. Does not know the
//! stream that it came by.

use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::{BoxFuture, poll_fn};
use prost::Message as _;
use tokio::time::Instant;
use tonic::{Code, Status};

use super::places::Places;
use super::v1::ErrorReason;
use super::v1::check_sessions_response::Result as Outcome;
use super::{answers, asked, fields, questions, status, v1};
use crate::authority::tenants::{Asker, Found, Tenancy, Tenants};
use crate::authority::validate_session::{self, AtOnce, Open, Question};
use crate::authority::{Call, Error};

const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// What the questions of one stream share.
pub(super) struct Desk {
    pub(super) tenants: Tenants,
    pub(super) asker: Asker,
    /// Where each question has a place of its own, beside the calls.
    pub(super) places: Places,
    /// The stream's own request id, from which questions without one get theirs.
    pub(super) request_id: String,
    /// The caller's name, for the log.
    pub(super) caller: Option<Arc<str>>,
    /// The address that the caller's connection came from.
    pub(super) from: Option<IpAddr>,
}

/// What becomes of a question when it is read.
pub(super) enum Begun {
    /// What is known here, or forged, is answered at once: it holds no place and has no deadline to miss.
    Answered(v1::CheckSessionsResponse),
    Waits(Check),
}

/// A question that waits for the store, until it is answered.
pub(super) struct Check {
    /// When it has to be answered. It notices by itself, whenever it is polled.
    pub(super) deadline: Instant,
    answer: BoxFuture<'static, v1::CheckSessionsResponse>,
}

impl Future for Check {
    type Output = v1::CheckSessionsResponse;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.answer.as_mut().poll(context)
    }
}

/// How far a question was answered when it was read.
enum Progress {
    Answered(Bytes),
    Waiting(Box<Waiting>),
}

/// A question that waits for the store.
struct Waiting {
    tenancy: Arc<Tenancy>,
    question: Question,
    /// How far it is answered; `None` where the store has to say for which tenant it is.
    open: Option<Open>,
}

impl Desk {
    /// Begins to answer a question that has just been read.
    pub(super) fn check(self: &Arc<Self>, request: v1::CheckSessionsRequest) -> Begun {
        let v1::CheckSessionsRequest { id, question, timeout, request_id } = request;
        let request_id =
            if asked::is_harmless(request_id.as_bytes()) { request_id } else { format!("{}.{id}", self.request_id) };
        let waits = fields::duration("timeout", timeout, Duration::ZERO, LONGEST_WAIT);
        let patience = *waits.as_ref().ok().and_then(Option::as_ref).unwrap_or(&asked::DEFAULT_DEADLINE);
        let call = Call { request_id, patience, caller: self.caller.clone(), from: self.from };
        let respond = move |answered| {
            let result = match answered {
                Ok(answer) => Outcome::Answer(answer),
                Err(failure) => Outcome::Error(status::check_error(&failure)),
            };
            v1::CheckSessionsResponse { id, result: Some(result) }
        };
        let failed = |error| status::of(&error, &call.request_id);
        let at_once = || waits.and_then(|_| self.at_once(&call, question)).map_err(failed);
        match catch_unwind(AssertUnwindSafe(at_once)).unwrap_or_else(|_| Err(panicked(&call))) {
            Ok(Progress::Answered(answer)) => Begun::Answered(respond(Ok(answer))),
            Err(failure) => Begun::Answered(respond(Err(failure))),
            Ok(Progress::Waiting(waiting)) => {
                let (desk, deadline) = (Arc::clone(self), Instant::now() + asked::deadline(patience));
                let answer = Box::pin(async move { respond(desk.in_time(&call, waiting, deadline).await) });
                Begun::Waits(Check { deadline, answer })
            }
        }
    }

    /// Answers without waiting, as far as that goes.
    fn at_once(&self, call: &Call, question: Bytes) -> Result<Progress, Error> {
        let question = v1::ValidateSessionRequest::decode(question)
            .map_err(|fault| fields::invalid("question", format!("a ValidateSessionRequest ({fault})")))?;
        let tenancy = self.tenants.now();
        let mut question = questions::validate_session(question, &tenancy.limits())?;
        let mut open = None;
        if let Some(found) = tenancy.known_for(&self.asker, &question.presented)? {
            question.as_of = found.unheard(question.as_of);
            match found.for_many().validate_at_once(call, &mut question)? {
                AtOnce::Answered(outcome) => return Ok(Progress::Answered(shown(outcome, &found))),
                AtOnce::Open(begun) => open = Some(begun),
            }
        }
        Ok(Progress::Waiting(Box::new(Waiting { tenancy, question, open })))
    }

    /// As the gate does it for a call: a place, a deadline, and no panic that reaches further than this question.
    async fn in_time(&self, call: &Call, mut waiting: Box<Waiting>, deadline: Instant) -> Result<Bytes, Status> {
        let refuse = |code, reason, message| Err(status::plain(code, reason, message, &call.request_id));
        let Some(_place) = self.places.take() else {
            return refuse(Code::ResourceExhausted, ErrorReason::Overloaded, "too many calls in flight; try again");
        };
        let mut answer = pin!(AssertUnwindSafe(self.answer(call, &mut waiting)).catch_unwind());
        let answered = poll_fn(|context| match answer.as_mut().poll(context) {
            Poll::Ready(answered) => Poll::Ready(Some(answered)),
            Poll::Pending if Instant::now() >= deadline => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        });
        match answered.await {
            Some(Ok(answered)) => answered.map_err(|error| status::of(&error, &call.request_id)),
            Some(Err(_)) => Err(panicked(call)),
            None => {
                let message = "the deadline passed before there was an answer";
                refuse(Code::DeadlineExceeded, ErrorReason::DeadlineExceeded, message)
            }
        }
    }

    async fn answer(&self, call: &Call, waiting: &mut Waiting) -> Result<Bytes, Error> {
        let Waiting { tenancy, question, open } = waiting;
        let found = tenancy.for_presented(&self.asker, &question.presented).await?;
        let open = if let Some(open) = open.take() {
            open
        } else {
            question.as_of = found.unheard(question.as_of);
            match found.for_many().validate_at_once(call, question)? {
                AtOnce::Answered(outcome) => return Ok(shown(outcome, &found)),
                AtOnce::Open(open) => open,
            }
        };
        let outcome = found.for_many().validate_open(call, question, open).await?;
        Ok(shown(outcome, &found))
    }
}

/// The answer as it is sent: `build.rs` lets the field take it so.
fn shown(outcome: validate_session::Outcome, found: &Found<'_>) -> Bytes {
    answers::validated(outcome, found.tenant_name(), found.settings_version()).encode_to_vec().into()
}

fn panicked(call: &Call) -> Status {
    tracing::error!(request_id = call.request_id, "a call panicked");
    status::plain(Code::Internal, ErrorReason::Internal, "internal error", &call.request_id)
}
