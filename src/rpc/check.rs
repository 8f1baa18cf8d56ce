//! Owns one question of a CheckSessions stream: its name, its place, its deadline, its answer or error. Does not know the
//! stream that it came by.

use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, poll_fn};
use prost::Message as _;
use tokio::time::Instant;
use tonic::{Code, Status};

use super::places::Places;
use super::v1::ErrorReason;
use super::v1::check_sessions_response::Result as Outcome;
use super::{answers, asked, fields, questions, status, v1};
use crate::authority::tenants::{Asker, Tenants};
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
}

/// A question at work, until it is answered.
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

impl Desk {
    /// Begins to answer a question that was read at this moment.
    pub(super) fn check(self: &Arc<Self>, request: v1::CheckSessionsRequest, now: Instant) -> Check {
        let v1::CheckSessionsRequest { id, question, timeout, request_id } = request;
        let request_id =
            if asked::is_harmless(request_id.as_bytes()) { request_id } else { format!("{}.{id}", self.request_id) };
        let waits = fields::duration("timeout", timeout, Duration::ZERO, LONGEST_WAIT);
        let patience = *waits.as_ref().ok().and_then(Option::as_ref).unwrap_or(&asked::DEFAULT_DEADLINE);
        let (call, deadline) =
            (Call { request_id, patience, caller: self.caller.clone() }, now + asked::deadline(patience));
        let desk = Arc::clone(self);
        let answer = Box::pin(async move {
            let answered = match waits {
                Ok(_) => desk.in_time(&call, question, deadline).await,
                Err(error) => Err(status::of(&error, &call.request_id)),
            };
            let result = match answered {
                Ok(answer) => Outcome::Answer(answer),
                Err(failure) => Outcome::Error(status::check_error(&failure)),
            };
            v1::CheckSessionsResponse { id, result: Some(result) }
        });
        Check { deadline, answer }
    }

    /// As the gate does it for a call: a place, a deadline, and no panic that reaches further than this question.
    async fn in_time(
        &self,
        call: &Call,
        question: bytes::Bytes,
        deadline: Instant,
    ) -> Result<v1::ValidateSessionResponse, Status> {
        let refuse = |code, reason, message| Err(status::plain(code, reason, message, &call.request_id));
        let Some(_place) = self.places.take() else {
            return refuse(Code::ResourceExhausted, ErrorReason::Overloaded, "too many calls in flight; try again");
        };
        let mut answer = pin!(AssertUnwindSafe(self.answer(call, question)).catch_unwind());
        let answered = poll_fn(|context| match answer.as_mut().poll(context) {
            Poll::Ready(answered) => Poll::Ready(Some(answered)),
            Poll::Pending if Instant::now() >= deadline => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        });
        match answered.await {
            Some(Ok(answered)) => answered.map_err(|error| status::of(&error, &call.request_id)),
            Some(Err(_)) => {
                tracing::error!(request_id = call.request_id, "a call panicked");
                refuse(Code::Internal, ErrorReason::Internal, "internal error")
            }
            None => {
                let message = "the deadline passed before there was an answer";
                refuse(Code::DeadlineExceeded, ErrorReason::DeadlineExceeded, message)
            }
        }
    }

    async fn answer(&self, call: &Call, question: bytes::Bytes) -> Result<v1::ValidateSessionResponse, Error> {
        let question = v1::ValidateSessionRequest::decode(question)
            .map_err(|fault| fields::invalid("question", format!("a ValidateSessionRequest ({fault})")))?;
        let tenancy = self.tenants.now();
        let mut question = questions::validate_session(question, &tenancy.limits())?;
        let found = tenancy.for_presented(&self.asker, &question.presented).await?;
        question.as_of = found.unheard(question.as_of);
        let outcome = found.for_many().validate_session(call, question).await?;
        Ok(answers::validated(outcome, found.tenant_name(), &found.settings_version()))
    }
}
