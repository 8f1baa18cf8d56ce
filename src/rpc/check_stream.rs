//! Owns a CheckSessions stream: when questions are read, in which order answers leave, and how it ends.
//! Does not know how a question is answered.
//!
//! Questions are read as answers are taken: one that is answered at once, as from memory, costs no timer and no queue.
//! Those that wait are at work in another task, so that deadlines hold and places become free also while the caller does
//! not read.
//!
//! A caller's rights are judged when the stream begins. It ends, as at a stop, when the caller's key is revoked or its time is
//! over.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::{Stream, StreamExt as _};
use tonic::{Code, Status, Streaming};

use super::check::{Begun, Desk};
use super::checks_at_work::Work;
use super::places::Place;
use super::streams::Streams;
use super::v1::ErrorReason;
use super::{status, v1};

/// So many questions of one stream wait, or are answered and not yet taken, at a time; then no more are read.
const MOST: usize = 256;

/// The answers of a stream, as they leave.
pub(super) struct Answers {
    desk: Arc<Desk>,
    _place: Option<Place>,
    incoming: Streaming<v1::CheckSessionsRequest>,
    reading: Reading,
    over: BoxFuture<'static, ()>,
    /// How many were read since `over` was looked at.
    unlooked: usize,
    /// Those that wait.
    work: Work,
    /// How the stream ends when it does not end well.
    end: Option<Status>,
}

/// What is still read of the caller.
enum Reading {
    /// All that comes.
    On,
    /// What has come, and of that no more than this: then the stream ends.
    Last(usize),
    /// Nothing.
    Over,
}

/// Answers what comes in until the caller has asked all, or the time is over.
pub(super) fn answer(
    desk: Desk,
    place: Option<Place>,
    incoming: Streaming<v1::CheckSessionsRequest>,
    streams: &Streams,
) -> Answers {
    Answers {
        desk: Arc::new(desk),
        _place: place,
        incoming,
        reading: Reading::On,
        over: Box::pin(streams.end()),
        unlooked: 0,
        work: Work::begin(&streams.tasks),
        end: None,
    }
}

impl Stream for Answers {
    type Item = Result<v1::CheckSessionsResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match self.work.poll_next(context) {
                Poll::Ready(Some(answer)) => return Poll::Ready(Some(Ok(answer))),
                Poll::Ready(None) => return Poll::Ready(Some(Err(self.politely()))),
                Poll::Pending => (),
            }
            let Some(question) = self.read(context) else {
                let has_ended = matches!(self.reading, Reading::Over) && self.work.untaken() == 0;
                return if has_ended { Poll::Ready(self.end.take().map(Err)) } else { Poll::Pending };
            };
            let mut check = match self.desk.check(question) {
                Begun::Answered(answer) => return Poll::Ready(Some(Ok(answer))),
                Begun::Waits(check) => check,
            };
            // A store in this process may have answered.
            match check.poll_unpin(context) {
                Poll::Ready(answer) => return Poll::Ready(Some(Ok(answer))),
                Poll::Pending => self.work.give(check),
            }
        }
    }
}

impl Answers {
    /// The next question, if there is room for its answer and one has come.
    fn read(&mut self, context: &mut Context<'_>) -> Option<v1::CheckSessionsRequest> {
        if self.work.untaken() >= MOST {
            return None;
        }
        match &mut self.reading {
            Reading::On if self.unlooked >= MOST => {
                if self.is_over(context) {
                    self.reading = Reading::Last(MOST);
                }
            }
            Reading::On => self.unlooked += 1,
            Reading::Last(left @ 1..) => *left -= 1,
            Reading::Last(_) => {
                self.end_politely();
                return None;
            }
            Reading::Over => return None,
        }
        match self.incoming.poll_next_unpin(context) {
            Poll::Ready(Some(Ok(question))) => return Some(question),
            Poll::Ready(Some(Err(unread))) => {
                let unread = status::with_reason(&unread, &self.desk.request_id);
                (self.reading, self.end) = (Reading::Over, Some(self.named(unread)));
            }
            Poll::Ready(None) => self.reading = Reading::Over,
            Poll::Pending if self.is_over(context) => self.end_politely(),
            Poll::Pending => (),
        }
        None
    }

    /// Whether what comes from now on is no longer read. It is looked at when nothing has come, and now and then.
    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        self.unlooked = 0;
        matches!(self.reading, Reading::Last(_)) || self.over.poll_unpin(context).is_ready()
    }

    /// Nothing more is read; what was read is answered.
    fn end_politely(&mut self) {
        (self.reading, self.end) = (Reading::Over, Some(self.politely()));
    }

    fn politely(&self) -> Status {
        let message = "the stream ends; open another, and ask again what was not answered";
        self.named(status::plain(Code::Unavailable, ErrorReason::StreamEnded, message, &self.desk.request_id))
    }

    fn named(&self, mut status: Status) -> Status {
        if let Ok(id) = self.desk.request_id.parse() {
            status.metadata_mut().insert("x-request-id", id);
        }
        status
    }
}
