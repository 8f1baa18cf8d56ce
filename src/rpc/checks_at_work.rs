//! Owns the questions of a stream that wait for the store: that each keeps its deadline, and that answers which are ready
//! together are handed on together. Does not know the stream.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, Sleep, sleep};

use super::check::Check;
use super::tasks::Tasks;
use super::v1::CheckSessionsResponse;

/// Where questions are given, and their answers come from.
pub(super) struct Work {
    give: UnboundedSender<Check>,
    answered: UnboundedReceiver<Vec<CheckSessionsResponse>>,
    /// Answers that were handed on together, as far as they were not taken.
    current: std::vec::IntoIter<CheckSessionsResponse>,
    untaken: usize,
}

impl Work {
    /// Begins to answer in a task of its own what will be given, for as long as this value lives: a caller that is gone
    /// wants no answer (security.md 128).
    pub(super) fn begin(tasks: &Tasks) -> Self {
        let ((give, given), (leave, answered)) = (unbounded_channel(), unbounded_channel());
        let alarm = Box::pin(sleep(Duration::ZERO));
        drop(tasks.spawn(Worker { given, checks: FuturesUnordered::new(), alarm, earliest: None, leave }));
        Self { give, answered, current: Vec::new().into_iter(), untaken: 0 }
    }

    /// How many were given whose answer was not taken.
    pub(super) fn untaken(&self) -> usize {
        self.untaken
    }

    /// Puts a question to work.
    pub(super) fn give(&mut self, check: Check) {
        // Where nobody takes it, nobody answers: the next poll says so.
        let _ = self.give.send(check);
        self.untaken += 1;
    }

    /// The next answer. Pending while there is none, of what was given or of nothing; `None` when there will be none: the
    /// work was cut off.
    pub(super) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<CheckSessionsResponse>> {
        while self.untaken > 0 {
            if let Some(answer) = self.current.next() {
                self.untaken -= 1;
                return Poll::Ready(Some(answer));
            }
            match self.answered.poll_recv(context) {
                Poll::Ready(Some(answers)) => self.current = answers.into_iter(),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => break,
            }
        }
        Poll::Pending
    }
}

struct Worker {
    given: UnboundedReceiver<Check>,
    checks: FuturesUnordered<Check>,
    /// Set to `earliest`, which is no later than any deadline: one timer for all of them.
    alarm: Pin<Box<Sleep>>,
    earliest: Option<Instant>,
    leave: UnboundedSender<Vec<CheckSessionsResponse>>,
}

impl Future for Worker {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        while let Poll::Ready(given) = self.given.poll_recv(context) {
            let Some(check) = given else { return Poll::Ready(()) };
            self.add(check);
        }
        let mut answers = Vec::new();
        loop {
            while let Poll::Ready(Some(answer)) = self.checks.poll_next_unpin(context) {
                answers.push(answer);
            }
            if self.earliest.is_none() || self.alarm.as_mut().poll(context).is_pending() {
                break;
            }
            // Each looks at the time when it is polled: those that are added are, once more.
            self.earliest = None;
            for check in std::mem::take(&mut self.checks) {
                self.add(check);
            }
        }
        if !answers.is_empty() && self.leave.send(answers).is_err() {
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

impl Worker {
    fn add(&mut self, check: Check) {
        if self.earliest.is_none_or(|earliest| check.deadline < earliest) {
            self.earliest = Some(check.deadline);
            self.alarm.as_mut().reset(check.deadline);
        }
        self.checks.push(check);
    }
}
