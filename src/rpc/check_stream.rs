//! Owns a CheckSessions stream: which questions are at work, in which order answers leave, and how it ends.
//! Does not know how a question is answered.
//!
//! A task of its own drives the questions, so that deadlines hold and places become free also while the caller does not
//! read; the caller's side takes what is done. A question that is answered at once, as from memory, costs no task and no
//! timer, and answers that become ready together leave together.
//!
//! The callers' keys are fixed for as long as the process lives, so a caller's rights can't change while a stream lasts.
//! Whoever changes keys at run time has to end the streams of those that are taken away: by `end`, as at a stop.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, Stream, StreamExt as _};
use futures::task::AtomicWaker;
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep};
use tonic::{Code, Status, Streaming};

use super::check::{Begun, Check, Desk};
use super::places::Place;
use super::streams::Streams;
use super::v1::ErrorReason;
use super::{status, v1};

/// So many questions of one stream are at work, or answered and not yet taken, at a time; then no more are read.
const MOST: usize = 256;

/// The answers of a stream, as they leave.
pub(super) struct Answers {
    batches: mpsc::UnboundedReceiver<Batch>,
    current: std::vec::IntoIter<v1::CheckSessionsResponse>,
    taken: usize,
    end: Option<Status>,
    room: Arc<Room>,
}

/// Answers that became ready together, and how the stream ends after them when it does not end well.
#[derive(Default)]
struct Batch {
    answers: Vec<v1::CheckSessionsResponse>,
    end: Option<Status>,
}

/// How many answers wait to be taken, and whether the driver wants to know when there are fewer.
#[derive(Default)]
struct Room {
    untaken: AtomicUsize,
    wanted: AtomicBool,
    driver: AtomicWaker,
}

/// Answers what comes in until the caller has asked all, or the time is over.
pub(super) fn answer(
    desk: Desk,
    place: Option<Place>,
    incoming: Streaming<v1::CheckSessionsRequest>,
    streams: &Streams,
) -> Answers {
    let (leave, batches) = mpsc::unbounded_channel();
    let room = Arc::<Room>::default();
    let over = Box::pin(streams.end());
    let driver = Driver {
        desk: Arc::new(desk),
        _place: place,
        incoming,
        reading: Reading::On,
        at_work: FuturesUnordered::new(),
        alarm: Box::pin(tokio::time::sleep(Duration::ZERO)),
        earliest: None,
        over,
        done: Batch::default(),
        leave,
        room: Arc::clone(&room),
    };
    streams.tasks.spawn(driver);
    Answers { batches, current: Vec::new().into_iter(), taken: 0, end: None, room }
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

struct Driver {
    desk: Arc<Desk>,
    _place: Option<Place>,
    incoming: Streaming<v1::CheckSessionsRequest>,
    reading: Reading,
    at_work: FuturesUnordered<Check>,
    /// Set to `earliest`, which is no later than any deadline of those at work: one timer for all of them.
    alarm: Pin<Box<Sleep>>,
    earliest: Option<Instant>,
    over: BoxFuture<'static, ()>,
    done: Batch,
    leave: mpsc::UnboundedSender<Batch>,
    room: Arc<Room>,
}

impl Future for Driver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        // The caller's side tells of more room, and of its end.
        self.room.driver.register(context.waker());
        if self.leave.is_closed() {
            return Poll::Ready(());
        }
        if matches!(self.reading, Reading::On) && self.over.as_mut().poll(context).is_ready() {
            self.reading = Reading::Last(MOST);
        }
        while let Poll::Ready(Some(answer)) = self.at_work.poll_next_unpin(context) {
            self.done.answers.push(answer);
        }
        self.read(context);
        self.watch_deadlines(context);
        let ended = matches!(self.reading, Reading::Over) && self.at_work.is_empty();
        if !self.done.answers.is_empty() || ended {
            let batch = if ended { std::mem::take(&mut self.done) } else { self.ready() };
            self.room.untaken.fetch_add(batch.answers.len(), Ordering::SeqCst);
            if self.leave.send(batch).is_err() {
                return Poll::Ready(());
            }
        }
        if ended {
            return Poll::Ready(());
        }
        if !self.has_room() {
            self.room.wanted.store(true, Ordering::SeqCst);
            if self.has_room() {
                context.waker().wake_by_ref();
            }
        }
        Poll::Pending
    }
}

impl Driver {
    fn ready(&mut self) -> Batch {
        Batch { answers: std::mem::take(&mut self.done.answers), end: None }
    }

    fn has_room(&self) -> bool {
        self.at_work.len() + self.done.answers.len() + self.room.untaken.load(Ordering::SeqCst) < MOST
    }

    /// Reads what has come, as far as there is room, and answers what can be answered at once.
    fn read(&mut self, context: &mut Context<'_>) {
        let now = Instant::now();
        while self.has_room() {
            match &mut self.reading {
                Reading::On => (),
                Reading::Last(left @ 1..) => *left -= 1,
                Reading::Last(_) => return self.end_politely(),
                Reading::Over => return,
            }
            match self.incoming.poll_next_unpin(context) {
                Poll::Ready(Some(Ok(question))) => self.begin(question, now, context),
                Poll::Ready(Some(Err(unread))) => {
                    self.end_with(status::with_reason(&unread, &self.desk.request_id));
                }
                Poll::Ready(None) => self.reading = Reading::Over,
                Poll::Pending if matches!(self.reading, Reading::Last(_)) => self.end_politely(),
                Poll::Pending => return,
            }
        }
    }

    fn begin(&mut self, question: v1::CheckSessionsRequest, now: Instant, context: &mut Context<'_>) {
        let mut check = match self.desk.check(question, now) {
            Begun::Answered(answer) => return self.done.answers.push(answer),
            Begun::AtWork(check) => check,
        };
        match check.poll_unpin(context) {
            Poll::Ready(answer) => self.done.answers.push(answer),
            Poll::Pending => {
                self.wake_by(check.deadline);
                self.at_work.push(check);
            }
        }
    }

    fn wake_by(&mut self, deadline: Instant) {
        if self.earliest.is_none_or(|earliest| deadline < earliest) {
            self.earliest = Some(deadline);
            self.alarm.as_mut().reset(deadline);
        }
    }

    /// Lets those whose time is over notice it.
    fn watch_deadlines(&mut self, context: &mut Context<'_>) {
        while self.earliest.is_some() && self.alarm.as_mut().poll(context).is_ready() {
            self.earliest = None;
            let now = Instant::now();
            for mut check in std::mem::take(&mut self.at_work) {
                if check.deadline <= now
                    && let Poll::Ready(answer) = check.poll_unpin(context)
                {
                    self.done.answers.push(answer);
                } else {
                    self.wake_by(check.deadline);
                    self.at_work.push(check);
                }
            }
            // What would wake those that were moved is known to where they were: they have to be asked once more.
            context.waker().wake_by_ref();
        }
    }

    fn end_politely(&mut self) {
        let message = "the stream ends; open another, and ask again what was not answered";
        let id = &self.desk.request_id;
        self.end_with(status::plain(Code::Unavailable, ErrorReason::StreamEnded, message, id));
    }

    fn end_with(&mut self, mut status: Status) {
        if let Ok(id) = self.desk.request_id.parse() {
            status.metadata_mut().insert("x-request-id", id);
        }
        self.done.end = Some(status);
        self.reading = Reading::Over;
    }
}

impl Stream for Answers {
    type Item = Result<v1::CheckSessionsResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(answer) = self.current.next() {
                return Poll::Ready(Some(Ok(answer)));
            }
            if self.taken > 0 {
                let taken = std::mem::take(&mut self.taken);
                self.room.untaken.fetch_sub(taken, Ordering::SeqCst);
                if self.room.wanted.swap(false, Ordering::SeqCst) {
                    self.room.driver.wake();
                }
            }
            if let Some(end) = self.end.take() {
                return Poll::Ready(Some(Err(end)));
            }
            match self.batches.poll_recv(context) {
                Poll::Ready(Some(Batch { answers, end })) => {
                    self.taken = answers.len();
                    (self.current, self.end) = (answers.into_iter(), end);
                }
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl Drop for Answers {
    /// A caller that is gone wants no answer: what is at work for it is dropped (security.md 128).
    fn drop(&mut self) {
        self.batches.close();
        self.room.driver.wake();
    }
}
