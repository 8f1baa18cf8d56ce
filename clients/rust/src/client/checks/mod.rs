//! Owns when checks ride one stream (`CheckSessions`) instead of a call each, and opening and giving up that stream.
//! Does not know how a stream carries a question.
//!
//! **The rule.** As soon as so many checks are under way at the same moment that a stream pays, one is opened beside
//! them; nobody waits for it. While it is open every check takes it; one that finds it full is a call. A stream that
//! nobody has used for a while is closed. One that ends leaves its questions to calls of their own, within their deadlines,
//! so nothing is lost by it; it is opened again when there is enough to ask, at once or after a pause by how it ended. An
//! authority that has no such stream is left alone for longer.

mod stream;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Code, Request, Status, Streaming};

use super::caller::Caller;
use crate::chance;
use crate::v1;
use crate::v1::session_service_client::SessionServiceClient;
use stream::{End, Open};

/// From so many checks at the same moment on a stream pays.
const ENOUGH: usize = 8;
/// An authority that has not opened a stream by then does not.
const OPENS_WITHIN: Duration = Duration::from_secs(2);
/// A stream that ends sooner than this may do so again.
const SHORT: Duration = Duration::from_secs(1);
/// How long no stream is opened after one that failed.
const PAUSE: Duration = Duration::from_secs(1);
/// The same after one that an authority does not have, that its caller may not open, or that carried no answer: the
/// authority, the key or what stands between may change one day.
const LONG_PAUSE: Duration = Duration::from_mins(1);

/// The checks of a client.
#[derive(Default)]
pub(super) struct Checks {
    under_way: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Default)]
enum State {
    #[default]
    None,
    Opening,
    Open(Arc<Open>),
    Pause {
        until: Instant,
    },
}

/// One check that is under way, whichever way.
pub(super) struct UnderWay<'a>(&'a Checks);

/// What a check tells the authority beside its question.
pub(super) struct Told<'a> {
    pub(super) question: &'a v1::ValidateSessionRequest,
    pub(super) until: Instant,
    pub(super) request_id: Option<&'a MetadataValue<Ascii>>,
}

impl Checks {
    /// Counts a check as under way until the answer is dropped.
    pub(super) fn begin(&self) -> UnderWay<'_> {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(self)
    }

    /// The answer by the stream; `None` when it has to be a call: there is no stream, or it ended before the answer.
    pub(super) async fn ask(
        self: &Arc<Self>,
        told: Told<'_>,
        channel: &Channel,
        caller: &Caller,
    ) -> Option<Result<v1::ValidateSessionResponse, Status>> {
        let open = self.stream(channel, caller)?;
        open.ask(told).await
    }

    fn stream(self: &Arc<Self>, channel: &Channel, caller: &Caller) -> Option<Arc<Open>> {
        let mut state = self.state();
        match &*state {
            State::Open(open) => return Some(Arc::clone(open)),
            State::Opening => return None,
            State::Pause { until } if Instant::now() < *until => return None,
            State::Pause { .. } | State::None => (),
        }
        if self.under_way.load(Ordering::Relaxed) >= ENOUGH {
            *state = State::Opening;
            tokio::spawn(drive(Arc::downgrade(self), channel.clone(), caller.clone()));
        }
        None
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Opens a stream, and reads it to its end. Keeps no client alive.
async fn drive(checks: Weak<Checks>, channel: Channel, caller: Caller) {
    let (open, questions) = Open::new();
    let mut request = Request::new(questions);
    caller.sign(&mut request);
    let begun = Instant::now();
    let opened =
        timeout(OPENS_WITHIN, async { SessionServiceClient::new(channel).check_sessions(request).await }).await;
    let end = match opened {
        Ok(Ok(answers)) => read(&checks, open, answers.into_inner()).await,
        Ok(Err(status)) => End::Failed(status),
        Err(_) => End::Stalled,
    };
    let Some(checks) = checks.upgrade() else { return };
    let pause = match &end {
        End::Quiet => Duration::ZERO,
        End::Politely if begun.elapsed() >= SHORT => Duration::ZERO,
        End::Failed(status) if is_lasting(status.code()) => LONG_PAUSE,
        End::Stalled => LONG_PAUSE,
        End::Politely | End::Failed(_) => chance::jittered(PAUSE),
    };
    tracing::debug!(?end, ?pause, "the stream of checks has ended; checks are calls again");
    *checks.state() = State::Pause { until: Instant::now() + pause };
}

async fn read(checks: &Weak<Checks>, open: Open, answers: Streaming<v1::CheckSessionsResponse>) -> End {
    let slots = open.slots();
    match checks.upgrade() {
        Some(checks) => *checks.state() = State::Open(Arc::new(open)),
        None => return End::Quiet,
    }
    tracing::debug!("checks share a stream");
    slots
        .read(answers, || {
            if let Some(checks) = checks.upgrade() {
                *checks.state() = State::Opening;
            }
        })
        .await
}

/// Whether it will fail again for some time.
fn is_lasting(code: Code) -> bool {
    matches!(code, Code::Unimplemented | Code::Unauthenticated | Code::PermissionDenied)
}
