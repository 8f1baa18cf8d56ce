//! Owns what an authority has learnt from the event log: the marks in force, what was revoked of late, and for how long
//! that can be trusted. Does not know how events travel; who drives it is `app`.

mod keep;
mod past;
mod pulse;
mod recent;
mod tell;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures::channel::mpsc;

use crate::authority::near::Near;
use crate::session::event::{Event, Position, What};
use crate::session::key::{SessionKey, TenantNumber};
use crate::session::mark::{EVERY_TENANT, MarkTarget, MarksNow};
use past::Past;
use pulse::Pulse;
use recent::Recent;

/// No answer rests on anything older than this.
pub const MAX_STALENESS: Duration = Duration::from_secs(5);

/// How often an authority shows that what it announces is heard.
pub const HEARTBEAT_EVERY: Duration = Duration::from_secs(1);

/// How many pieces of news wait for a subscriber, before it is left behind: less than half a megabyte.
const WAITING: usize = 4096;

/// What subscribers are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// This has happened, heartbeats included.
    Event(Position, Event),
    /// What was learnt from events is to be forgotten; they go on after this position.
    Reset(Position),
}

/// What was learnt from the log. One for each authority, shared by its clones.
pub(super) struct Stream {
    tenant: TenantNumber,
    author: [u8; 8],
    near: Arc<Near>,
    marks: ArcSwap<MarksNow>,
    /// In milliseconds of [`crate::authority::ports::Clock::running`].
    trusted_until: AtomicU64,
    vouched_until: AtomicU64,
    heard: Mutex<Heard>,
}

#[derive(Default)]
struct Heard {
    position: Option<Position>,
    /// Up to where this authority itself has announced something.
    announced: Option<Position>,
    pulse: Pulse,
    recent: Recent,
    past: Past,
    subscribers: Vec<mpsc::Sender<News>>,
}

impl Stream {
    pub(super) fn new(tenant: TenantNumber, author: [u8; 8], near: Arc<Near>) -> Arc<Self> {
        Arc::new(Self {
            tenant,
            author,
            near,
            marks: ArcSwap::default(),
            trusted_until: AtomicU64::new(0),
            vouched_until: AtomicU64::new(0),
            heard: Mutex::default(),
        })
    }

    /// Whether all that others have announced is known here, but for what is on its way.
    pub(super) fn is_trusted(&self, now: Duration) -> bool {
        millis(now) < self.trusted_until.load(Ordering::Acquire)
    }

    /// Until when a cached answer may be given that no event has spoken against.
    pub(super) fn vouched_until(&self) -> Duration {
        Duration::from_millis(self.vouched_until.load(Ordering::Acquire))
    }

    /// The marks that are known here.
    pub(super) fn marks(&self) -> Arc<MarksNow> {
        self.marks.load_full()
    }

    /// Whether a mark that is known here kills a session born under these.
    pub(super) fn kills(&self, born: &crate::session::record::Marks) -> bool {
        self.marks.load().kill(born)
    }

    /// Whether the session is known to have been revoked of late.
    pub(super) fn is_revoked(&self, key: &SessionKey) -> bool {
        self.heard().recent.has(key)
    }

    /// Takes over marks that are higher than those known here.
    pub(super) fn learn(&self, marks: &MarksNow) {
        self.change_marks(|known| known.merge(marks));
    }

    /// Takes over all marks, as a reading gave them that began at `began`.
    fn learn_all(&self, marks: &MarksNow, began: Duration) {
        self.learn(marks);
        let mut heard = self.heard();
        heard.pulse.marks_read(began);
        self.show(&heard);
    }

    /// Notes a heartbeat that is about to be sent, and answers its number.
    fn send(&self, now: Duration) -> u64 {
        self.heard().pulse.send(now)
    }

    /// Up to where events were heard.
    pub(super) fn position(&self) -> Option<Position> {
        self.heard().position
    }

    /// Notes where something that was announced stands.
    fn announced(&self, position: Position) {
        let announced = &mut self.heard().announced;
        *announced = (*announced).max(Some(position));
    }

    /// Takes in an event.
    fn take(&self, position: Position, event: Event, now: Duration) {
        self.apply(&event);
        let mut heard = self.heard();
        heard.position = Some(position);
        match &event.what {
            What::Heartbeat { author, number } if *author == self.author => heard.pulse.came_back(*number),
            // It may have been a mark: they are read again before they are trusted.
            What::Unknown(_) => heard.pulse.doubt_marks(now),
            _ => (),
        }
        self.show(&heard);
        let news = if let What::Unknown(_) = event.what {
            heard.past.begin(position);
            News::Reset(position)
        } else {
            heard.past.add(position, &event);
            News::Event(position, event)
        };
        heard.tell(&news);
    }

    /// Forgets what could be outdated: nobody can say what was missed.
    fn reset(&self, position: Position, now: Duration) {
        self.near.forget_all();
        let mut heard = self.heard();
        heard.position = Some(position);
        // It may stand in a log that is no more.
        heard.announced = None;
        heard.pulse.reset(now);
        heard.past.begin(position);
        self.show(&heard);
        heard.tell(&News::Reset(position));
    }

    /// What an event means here, whoever announces it.
    fn apply(&self, event: &Event) {
        match &event.what {
            What::Revoked(key) => {
                self.heard().recent.add(*key);
                self.near.forget(key);
            }
            What::Rotated(key) | What::Refreshed(key) | What::Changed(key) => self.near.forget(key),
            What::UserRevoked(user) | What::UserDisabled(user) => self.near.forget_user(user),
            What::Unknown(_) => self.near.forget_all(),
            What::Marked { target, mark } if self.concerns(target) => {
                self.change_marks(|known| known.raise(target, *mark));
            }
            // A session that a mark kills is told by its own marks.
            What::Marked { .. } | What::KeysRotated | What::Heartbeat { .. } => (),
        }
    }

    fn concerns(&self, target: &MarkTarget) -> bool {
        target.tenant() == self.tenant || target.tenant() == EVERY_TENANT
    }

    /// News from now on. Who is too slow to take it finds the channel closed, and has to begin anew.
    fn subscribe(&self) -> mpsc::Receiver<News> {
        self.heard().subscribe()
    }

    /// News from a position on; from now on without one.
    pub(super) fn subscribe_after(&self, after: Option<Position>) -> Subscription {
        let mut heard = self.heard();
        let position = heard.position;
        let missed = match (after, position) {
            (None, _) => Some(Vec::new()),
            (Some(after), Some(position)) if after <= position => heard.past.after(after),
            // This authority is behind, or the log was lost: nobody can tell which.
            (Some(_), _) => None,
        };
        Subscription { position, missed, news: heard.subscribe() }
    }

    fn change_marks(&self, change: impl Fn(&mut MarksNow)) {
        self.marks.rcu(|known| {
            let mut marks = MarksNow::clone(known);
            change(&mut marks);
            marks
        });
    }

    fn show(&self, heard: &Heard) {
        self.trusted_until.store(millis(heard.pulse.trusted_until()), Ordering::Release);
        self.vouched_until.store(millis(heard.pulse.vouched_until()), Ordering::Release);
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// News for somebody.
pub(in crate::authority) struct Subscription {
    /// Up to where events have been heard.
    pub(in crate::authority) position: Option<Position>,
    /// What has happened since the position that was asked for; `None` when nobody can say.
    pub(in crate::authority) missed: Option<Vec<Event>>,
    /// What happens from now on.
    pub(in crate::authority) news: mpsc::Receiver<News>,
}

impl Heard {
    fn subscribe(&mut self) -> mpsc::Receiver<News> {
        let (sender, receiver) = mpsc::channel(WAITING);
        self.subscribers.push(sender);
        receiver
    }

    fn tell(&mut self, news: &News) {
        self.subscribers.retain_mut(|subscriber| subscriber.try_send(news.clone()).is_ok());
    }
}

fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}
