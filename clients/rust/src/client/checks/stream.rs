//! Owns one open stream of checks: whose answer is whose, and what becomes of those that wait when it ends.
//! Does not know when a stream is opened, or what a question means.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, sleep};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::Told;
use crate::v1;
use crate::v1::check_sessions_response::Result as Outcome;

/// So many questions wait on a stream at a time: as many as an authority works at.
const MOST: usize = 256;
/// A stream without a question for so long is closed.
const QUIET: Duration = Duration::from_secs(10);
/// Who has less time than this, and waited for nothing in it, says nothing about the stream.
const PATIENCE: Duration = Duration::from_secs(1);
/// The authority says by itself, a little sooner, that a deadline has passed. When it has not by then, nothing comes.
const SLACK: Duration = Duration::from_millis(10);

type Answer = Result<v1::ValidateSessionResponse, Status>;

/// A stream as its askers see it. When the last of them drops it, the authority is told that all is asked.
pub(super) struct Open {
    ask: mpsc::Sender<v1::CheckSessionsRequest>,
    slots: Arc<Slots>,
}

/// Who waits for which answer.
#[derive(Default)]
pub(super) struct Slots {
    next: AtomicU64,
    /// `None` once the stream has ended.
    waiting: Mutex<Option<HashMap<u64, oneshot::Sender<Answer>>>>,
    /// How many answers have come.
    answered: AtomicU64,
    stalled: Notify,
}

/// Why a stream has ended.
#[derive(Debug)]
pub(super) enum End {
    /// Nobody asked anything for some time.
    Quiet,
    /// The authority stops, or spreads its callers anew.
    Politely,
    /// It broke, or was refused.
    Failed(Status),
    /// It is there, and carries no answers.
    Stalled,
}

/// A place among those that wait. Whoever drops it has an answer, or wants none any more.
struct Slot<'a> {
    slots: &'a Slots,
    id: u64,
    until: Instant,
    since: Instant,
    /// How many answers had come when it was taken.
    answered: u64,
}

impl Open {
    /// A stream that is not open yet, and the questions that go out by it.
    pub(super) fn new() -> (Self, ReceiverStream<v1::CheckSessionsRequest>) {
        let (ask, questions) = mpsc::channel(MOST);
        let slots = Slots { waiting: Mutex::new(Some(HashMap::new())), ..Slots::default() };
        (Self { ask, slots: Arc::new(slots) }, ReceiverStream::new(questions))
    }

    pub(super) fn slots(&self) -> Arc<Slots> {
        Arc::clone(&self.slots)
    }

    /// The answer; `None` when the stream is full, or ended before it.
    pub(super) async fn ask(&self, told: Told<'_>) -> Option<Answer> {
        let (slot, answer) = self.slots.take(told.until)?;
        let left = told.until.saturating_duration_since(Instant::now());
        let question = v1::CheckSessionsRequest {
            id: slot.id,
            question: Some(told.question.clone()),
            timeout: prost_types::Duration::try_from(left).ok(),
            request_id: told.request_id.and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned(),
        };
        self.ask.try_send(question).ok()?;
        answer.await.ok()
    }
}

impl Slots {
    fn take(&self, until: Instant) -> Option<(Slot<'_>, oneshot::Receiver<Answer>)> {
        let (tell, answer) = oneshot::channel();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = waiting.as_mut().filter(|waiting| waiting.len() < MOST)?;
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        waiting.insert(id, tell);
        let (since, answered) = (Instant::now(), self.answered.load(Ordering::Relaxed));
        Some((Slot { slots: self, id, until, since, answered }, answer))
    }

    fn remove(&self, id: u64) -> Option<oneshot::Sender<Answer>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).as_mut()?.remove(&id)
    }

    /// Hands out answers until the stream ends. `ending` is called before those that still wait learn of it.
    pub(super) async fn read(&self, mut answers: Streaming<v1::CheckSessionsResponse>, ending: impl FnOnce()) -> End {
        let (mut quiet, mut seen) = (pin!(sleep(QUIET)), 0);
        let end = loop {
            tokio::select! {
                biased;
                answer = answers.message() => match answer {
                    Ok(Some(answer)) => self.settle(answer),
                    Ok(None) => break End::Politely,
                    Err(status) if is_polite(&status) => break End::Politely,
                    Err(status) => break End::Failed(status),
                },
                () = self.stalled.notified() => break End::Stalled,
                () = &mut quiet => {
                    let next = self.next.load(Ordering::Relaxed);
                    if seen == next && self.is_empty() {
                        break End::Quiet;
                    }
                    seen = next;
                    quiet.as_mut().reset(Instant::now() + QUIET);
                }
            }
        };
        ending();
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = None;
        end
    }

    fn is_empty(&self) -> bool {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_none_or(HashMap::is_empty)
    }

    fn settle(&self, answer: v1::CheckSessionsResponse) {
        self.answered.fetch_add(1, Ordering::Relaxed);
        let Some(tell) = self.remove(answer.id) else { return };
        let answer = match answer.result {
            Some(Outcome::Answer(answer)) => Ok(answer),
            Some(Outcome::Error(error)) => Err(status(error)),
            // What a newer authority says is not known here: neither yes nor no.
            None => Ok(v1::ValidateSessionResponse::default()),
        };
        // Whoever went away meanwhile wants no answer.
        let _ = tell.send(answer);
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let (unanswered, now) = (self.slots.remove(self.id).is_some(), Instant::now());
        let is_silent = self.slots.answered.load(Ordering::Relaxed) == self.answered && now - self.since >= PATIENCE;
        if unanswered && is_silent && now + SLACK >= self.until {
            self.slots.stalled.notify_one();
        }
    }
}

fn is_polite(status: &Status) -> bool {
    status.get_error_details().error_info().is_some_and(|info| info.reason == "STREAM_ENDED")
}

/// The status that a call would have had.
fn status(error: v1::CheckError) -> Status {
    let metadata = HashMap::from([("request_id".to_owned(), error.request_id)]);
    let mut details = ErrorDetails::with_error_info(error.reason, "gatelodge", metadata);
    if let Some(after) = error.retry_after.and_then(|after| Duration::try_from(after).ok()) {
        details.set_retry_info(Some(after));
    }
    for violation in error.field_violations {
        details.add_bad_request_violation(violation.field, violation.description);
    }
    let code = i32::try_from(error.code).map_or(Code::Unknown, Code::from_i32);
    Status::with_error_details(code, error.message, details)
}
