//! Owns how one call is carried: request id, deadline, retries. Does not know what the calls mean.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};

use super::Client;
use super::error::Error;
use crate::chance;
use crate::v1::ErrorReason;

/// How long ending a session may take: the five seconds after which nothing that is kept is relied on, the store, and the
/// way.
const ENDED_WITHIN: Duration = Duration::from_secs(8);

/// How a method of the contract is called.
#[derive(Clone, Copy)]
pub(super) struct Manner {
    pub(super) deadline: Duration,
    /// How often it may be repeated within the deadline.
    repeats: u32,
}

impl Manner {
    /// For methods whose comment says "Safe to retry", and which no provider delays.
    pub(super) const SAFE: Self = Self { deadline: Duration::from_secs(2), repeats: u32::MAX };
    /// For safe methods that end sessions: where the authority can tell nobody, it answers once nobody relies on them.
    pub(super) const ENDS: Self = Self { deadline: ENDED_WITHIN, repeats: u32::MAX };
    /// For safe methods that may have to wait for a provider.
    pub(super) const SAFE_SLOW: Self = Self { deadline: Duration::from_secs(10), repeats: u32::MAX };
    /// For a login's start: it may have to fetch the provider's metadata, and a repeat would begin another login.
    pub(super) const START_LOGIN: Self = Self { deadline: Duration::from_secs(10), repeats: 0 };
    /// For a login's end: the provider is asked for tokens, and the browser repeats it by itself.
    pub(super) const COMPLETE_CALLBACK: Self = Self { deadline: Duration::from_secs(20), repeats: 0 };
    /// For what is changed over the version that was read: a repeat would find the first, and take it for somebody else's.
    pub(super) const ONCE: Self = Self { deadline: Duration::from_secs(2), repeats: 0 };
    /// For a logout: a person waits for it, keeps the cookie when it fails, and can ask again.
    pub(super) const START_LOGOUT: Self = Self { deadline: ENDED_WITHIN, repeats: 1 };
    /// For a logout that a provider tells of: it may have to be asked for its keys, and tells again by itself, or not.
    pub(super) const PROVIDER_LOGOUT: Self = Self { deadline: ENDED_WITHIN, repeats: 1 };
    /// For a probe, whose answer is about now.
    pub(super) const PROBE: Self = Self { deadline: Duration::from_secs(2), repeats: 0 };
}

/// What a call brought.
pub(super) struct Answered<A> {
    pub(super) outcome: Result<A, Error>,
    /// Whether it was sent before, and an answer lost: what that one did, this one found done.
    pub(super) is_repeat: bool,
}

/// An authority that can't be reached is asked once more and no oftener: a person waits, and a connection that can't be
/// made costs up to the time that one may take.
const REPEATS_UNREACHED: u32 = 1;
/// It may be starting again, which is quick.
const UNREACHED_WAIT: Duration = Duration::from_millis(500);

/// A provider in trouble may have spent the refresh token that it was sent: to send it again could end the whole grant.
fn is_worth_repeating(failure: &Error) -> bool {
    failure.code() == Code::Unavailable && !failure.is(ErrorReason::ProviderUnavailable)
}

const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

impl Client {
    /// When a call of that manner that begins now has to be answered.
    pub(super) fn deadline(&self, manner: Manner) -> Instant {
        Instant::now() + self.deadline.unwrap_or(manner.deadline)
    }

    /// As [`Client::answered`], for whoever does not care which attempt was answered.
    pub(super) async fn call<Q, A, F>(
        &self,
        manner: Manner,
        question: Q,
        send: impl Fn(Channel, Request<Q>) -> F,
    ) -> Result<A, Error>
    where
        Q: Clone,
        F: Future<Output = Result<Response<A>, Status>>,
    {
        // Boxed, so that whoever waits for it is no larger than need be.
        Box::pin(self.answered(manner, question, send)).await.outcome
    }

    /// Sends until there is an answer, a failure that a repeat can't mend, or no time left.
    ///
    /// **Invariant:** only UNAVAILABLE is repeated, only where the contract says that it is safe, never sooner than
    /// the authority asked for, never past the deadline, and once at most while no authority can be reached. A server that
    /// went away in good order before it looked at a call can be reached: the next connection leads to another.
    pub(super) async fn answered<Q, A, F>(
        &self,
        manner: Manner,
        question: Q,
        send: impl Fn(Channel, Request<Q>) -> F,
    ) -> Answered<A>
    where
        Q: Clone,
        F: Future<Output = Result<Response<A>, Status>>,
    {
        let deadline = self.deadline(manner);
        let mut longest_wait = FIRST_WAIT;
        let mut earlier = None;
        let mut repeats = manner.repeats;
        let outcome = loop {
            let request = self.request(question.clone(), deadline.saturating_duration_since(Instant::now()));
            let failure = match timeout_at(deadline, send(self.shared.channel.clone(), request)).await {
                Ok(Ok(answer)) => {
                    self.shared.known.store(true, Ordering::Relaxed);
                    break Ok(answer.into_inner());
                }
                Ok(Err(status)) => {
                    let known = self.shared.known.load(Ordering::Relaxed);
                    Error::from_status(&status, &self.shared.address, known)
                }
                Err(_) => Error::deadline_exceeded(),
            };
            if failure.code() == Code::DeadlineExceeded {
                // A repeat that ran out of time says less than the failure that led to it.
                break Err(earlier.clone().unwrap_or(failure));
            }
            if failure.is_unreached() && !failure.is_sent_away() {
                (repeats, longest_wait) = (repeats.min(REPEATS_UNREACHED), UNREACHED_WAIT);
            }
            let wait = chance::jittered(longest_wait).max(failure.retry_after().unwrap_or_default());
            if repeats == 0 || !is_worth_repeating(&failure) || Instant::now() + wait >= deadline {
                break Err(failure);
            }
            repeats -= 1;
            tracing::debug!(%failure, ?wait, "the authority is unavailable; asking again");
            sleep(wait).await;
            longest_wait = LONGEST_WAIT.min(longest_wait * 2);
            earlier = Some(failure);
        };
        Answered { outcome, is_repeat: earlier.is_some() }
    }

    fn request<Q>(&self, question: Q, remaining: Duration) -> Request<Q> {
        let mut request = self.signed(question);
        request.set_timeout(remaining);
        request
    }

    /// A call without a deadline, such as a stream.
    pub(super) fn signed<Q>(&self, question: Q) -> Request<Q> {
        let mut request = Request::new(question);
        self.shared.caller.sign(&mut request);
        if let Some(request_id) = &self.request_id {
            request.metadata_mut().insert("x-request-id", request_id.clone());
        }
        request
    }
}
