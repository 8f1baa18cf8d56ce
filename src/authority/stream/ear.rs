//! Owns what was learnt from the event log for all tenants of a process: who hears, up to where, and for how long that
//! can be trusted. Does not know what an authority does with it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::channel::mpsc;

use super::late::Late;
use super::outbox::Outbox;
use super::own::Own;
use super::past::Past;
use super::pulse::Pulse;
use super::recent::Recent;
use super::replay::Lost;
use super::spent::SpentOfLate;
use super::{News, Subscription};
use crate::authority::known_callers::KnownCallers;
use crate::authority::near::Near;
use crate::authority::tenants::Scope;
use crate::session::caller::CallerKeyId;
use crate::session::event::{Event, Position, What};
use crate::session::key::{ProviderSessionKey, SessionKey, TenantNumber, UserKey};
use crate::session::mark::{MarkTarget, MarksNow};
use crate::session::time::Timestamp;

/// How many pieces of news wait for a subscriber, before it is left behind: less than half a megabyte.
const WAITING: usize = 4096;

/// How many marks are remembered beside those in force.
const MARKS: usize = 256;

/// What was learnt from the log. One for each process, whatever the number of tenants: there is one log in a store.
pub(in crate::authority) struct Ear {
    author: [u8; 8],
    near: Arc<Near>,
    pub(super) callers: KnownCallers,
    /// In milliseconds of [`crate::authority::ports::Clock::running`].
    trusted_until: AtomicU64,
    vouched_until: AtomicU64,
    heard: Mutex<Heard>,
    pub(super) outbox: Outbox,
    pub(super) spent: SpentOfLate,
    pub(super) lost: Lost,
}

#[derive(Default)]
struct Heard {
    position: Option<Position>,
    /// The last position that every tenant may know.
    everyones: Option<Position>,
    tenants: BTreeMap<TenantNumber, Arc<Own>>,
    pulse: Pulse,
    recent: Recent,
    provider_ends: Late<ProviderSessionKey>,
    /// Whose sessions ended, logins under way included.
    users_ended: Late<UserKey>,
    disabled: Late<UserKey>,
    marked: Vec<(MarkTarget, u64)>,
    past: Past,
    subscribers: Vec<Subscriber>,
}

/// Somebody who listens, and of which tenants they are told.
struct Subscriber {
    whose: Scope,
    sender: mpsc::Sender<News>,
}

impl Ear {
    pub(in crate::authority) fn new(author: [u8; 8], near: Arc<Near>) -> Arc<Self> {
        Arc::new(Self {
            author,
            near,
            callers: KnownCallers::default(),
            trusted_until: AtomicU64::new(0),
            vouched_until: AtomicU64::new(0),
            heard: Mutex::default(),
            outbox: Outbox::default(),
            spent: SpentOfLate::default(),
            lost: Lost::default(),
        })
    }

    /// What this tenant has of it. The marks of one that is new here have to be read before any are trusted.
    pub(super) fn own(&self, tenant: TenantNumber, now: Duration) -> Arc<Own> {
        let mut heard = self.heard();
        if let Some(own) = heard.tenants.get(&tenant) {
            return Arc::clone(own);
        }
        let own = Own::after(heard.everyones);
        heard.tenants.insert(tenant, Arc::clone(&own));
        heard.pulse.doubt_marks(now);
        self.show(&heard);
        own
    }

    /// Every tenant that was asked about.
    pub(super) fn tenants(&self) -> Vec<TenantNumber> {
        self.heard().tenants.keys().copied().collect()
    }

    pub(super) const fn author(&self) -> [u8; 8] {
        self.author
    }

    pub(super) fn is_trusted(&self, now: Duration) -> bool {
        millis(now) < self.trusted_until.load(Ordering::Acquire)
    }

    pub(super) fn vouched_until(&self) -> Duration {
        Duration::from_millis(self.vouched_until.load(Ordering::Acquire))
    }

    pub(super) fn is_revoked(&self, key: &SessionKey) -> bool {
        self.heard().recent.has(key)
    }

    pub(super) fn has_ended(&self, of: &ProviderSessionKey, since: Timestamp) -> bool {
        self.heard().provider_ends.of(of.tenant, of).is_some_and(|at| at >= since)
    }

    /// Whether every session of a user, and their logins under way, is known to have ended after this moment.
    pub(super) fn user_has_ended(&self, user: &UserKey, since: Timestamp) -> bool {
        self.heard().users_ended.of(user.tenant, user).is_some_and(|at| at > since)
    }

    /// What ended of late: what the store may have lost that has become another.
    pub(super) fn ended_of_late(&self) -> EndedOfLate {
        let heard = self.heard();
        EndedOfLate {
            sessions: heard.recent.all(),
            users: heard.users_ended.all(),
            disabled: heard.disabled.all().into_iter().map(|(user, _)| user).collect(),
            marks: heard.marked.clone(),
            callers: self.callers.revoked(),
        }
    }

    /// Takes over the marks of tenants, as a reading gave them that began at `began`.
    pub(super) fn learn_all(&self, read: &[(TenantNumber, MarksNow)], began: Duration) {
        let mut heard = self.heard();
        for (tenant, marks) in read {
            heard.tenants.get(tenant).into_iter().for_each(|own| own.learn(marks));
        }
        heard.pulse.marks_read(began);
        self.show(&heard);
    }

    /// Notes a heartbeat that is about to be sent, and answers its number.
    pub(super) fn send(&self, now: Duration) -> u64 {
        self.heard().pulse.send(now)
    }

    /// Up to where events were heard, whosever they are.
    pub(super) fn position(&self) -> Option<Position> {
        self.heard().position
    }

    /// The last position that somebody may know who is told of these tenants.
    pub(super) fn known_to(&self, whose: &Scope) -> Option<Position> {
        self.heard().known_to(whose)
    }

    /// Takes in an event.
    pub(super) fn take(&self, position: Position, event: Event, now: Duration) {
        self.apply(&event);
        let mut heard = self.heard();
        heard.move_to(position, &event);
        // The store's time: it gives the positions.
        let at = Timestamp::from_millis(position.parts().0);
        match &event.what {
            What::UserRevoked(user) => heard.users_ended.add(user.tenant, *user, at),
            What::UserDisabled(user) => {
                heard.users_ended.add(user.tenant, *user, at);
                heard.disabled.add(user.tenant, *user, at);
            }
            What::UserEnabled(user) => heard.disabled.remove(user.tenant, user),
            What::Heartbeat { author, number } if *author == self.author => heard.pulse.came_back(*number),
            // It may have been a mark: they are read again before they are trusted.
            What::Reset | What::Unknown(_) => heard.pulse.doubt_marks(now),
            _ => (),
        }
        self.show(&heard);
        let news = if matches!(event.what, What::Reset | What::Unknown(_)) {
            heard.past.begin(position);
            News::Reset(position)
        } else {
            heard.past.add(position, &event);
            News::Event(position, event)
        };
        heard.tell(&news);
    }

    /// Forgets what was read of callers' keys; those that were revoked stay so.
    pub(in crate::authority) fn forget_callers(&self) {
        self.callers.forget_all();
    }

    /// Forgets what could be outdated: nobody can say what was missed.
    pub(super) fn reset(&self, position: Position, now: Duration) {
        self.near.forget_all();
        self.callers.forget_all();
        let mut heard = self.heard();
        // Not when nothing had been heard yet, nor of a log in which nothing had ever stood.
        if heard.position.is_some_and(|known| known != Position::default()) {
            self.spent.doubt(now);
            self.lost.suspect();
        }
        heard.everyones_move_to(position);
        heard.tenants.values().for_each(|own| own.forget_announced());
        heard.pulse.reset(now);
        heard.past.begin(position);
        self.show(&heard);
        heard.tell(&News::Reset(position));
    }

    /// What an event means here, whoever announces it.
    pub(super) fn apply(&self, event: &Event) {
        match &event.what {
            What::Revoked(key) => {
                self.heard().recent.add(*key);
                self.near.forget(key);
            }
            What::Rotated(key) | What::Changed(key) => self.near.forget(key),
            What::Refreshed { session, spent } => {
                if let Some(spent) = spent {
                    self.spent.add(*session, *spent);
                }
                self.near.forget(session);
            }
            What::UserRevoked(user) | What::UserDisabled(user) => self.near.forget_user(user),
            What::Reset | What::Unknown(_) => {
                self.near.forget_all();
                self.callers.forget_all();
            }
            What::CallerRevoked(id) => self.callers.revoke(*id),
            What::Marked { target, mark } => {
                let mut heard = self.heard();
                let concerned = heard.tenants.iter().filter(|(tenant, _)| event.concerns(**tenant));
                concerned.for_each(|(_, own)| own.change_marks(|known| known.raise(target, *mark)));
                heard.note_marked(target, *mark);
            }
            What::ProviderSessionEnded { of, at } => self.heard().provider_ends.add(of.tenant, *of, *at),
            // A session that a mark kills is told by its own marks; who may log in again, when it is heard.
            What::KeysRotated | What::UserEnabled(_) | What::Heartbeat { .. } => (),
        }
    }

    /// News of these tenants from a position on; from now on without one.
    pub(super) fn subscribe_after(&self, whose: &Scope, after: Option<Position>) -> Subscription {
        let mut heard = self.heard();
        let position = heard.known_to(whose);
        let missed = match after {
            None => Some(Vec::new()),
            // Compared with what they may know: with what was heard of others, trying positions would count their events.
            Some(after) if Some(after) <= position => heard.past.after(after, whose),
            // This authority is behind, or the log was lost: nobody can tell which.
            Some(_) => None,
        };
        let (sender, news) = mpsc::channel(WAITING);
        heard.subscribers.push(Subscriber { whose: whose.clone(), sender });
        Subscription { position, missed, news }
    }

    fn show(&self, heard: &Heard) {
        self.trusted_until.store(millis(heard.pulse.trusted_until()), Ordering::Release);
        self.vouched_until.store(millis(heard.pulse.vouched_until()), Ordering::Release);
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What has ended of late.
pub(super) struct EndedOfLate {
    pub(super) sessions: Vec<SessionKey>,
    /// Whose sessions, and when.
    pub(super) users: Vec<(UserKey, Timestamp)>,
    pub(super) disabled: Vec<UserKey>,
    pub(super) marks: Vec<(MarkTarget, u64)>,
    pub(super) callers: Vec<CallerKeyId>,
}

impl Heard {
    fn note_marked(&mut self, target: &MarkTarget, mark: u64) {
        let highest = self.marked.iter().filter(|(known, _)| known == target).map(|(_, mark)| *mark).max();
        let mark = highest.map_or(mark, |known| known.max(mark));
        self.marked.retain(|(known, _)| known != target);
        if self.marked.len() == MARKS {
            self.marked.remove(0);
        }
        self.marked.push((target.clone(), mark));
    }

    /// Events were heard up to here: each tenant learns so by its own events, and by those that are everyone's.
    fn move_to(&mut self, position: Position, event: &Event) {
        if event.is_everyones() {
            return self.everyones_move_to(position);
        }
        self.position = Some(position);
        let concerned = self.tenants.iter().filter(|(tenant, _)| event.concerns(**tenant));
        concerned.for_each(|(_, own)| own.move_to(position));
    }

    fn everyones_move_to(&mut self, position: Position) {
        (self.position, self.everyones) = (Some(position), Some(position));
        self.tenants.values().for_each(|own| own.move_to(position));
    }

    /// The last position that somebody may know who is told of these tenants.
    fn known_to(&self, whose: &Scope) -> Option<Position> {
        let known = self.tenants.iter().filter(|(tenant, _)| whose.admits(**tenant));
        known.filter_map(|(_, own)| own.position()).chain(self.everyones).max()
    }

    fn tell(&mut self, news: &News) {
        let concerns = |whose: &Scope| match news {
            News::Event(_, event) => whose.concerns(event),
            News::Reset(_) => true,
        };
        self.subscribers.retain_mut(|subscriber| {
            if !concerns(&subscriber.whose) {
                return !subscriber.sender.is_closed();
            }
            subscriber.sender.try_send(news.clone()).is_ok()
        });
    }
}

fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}
