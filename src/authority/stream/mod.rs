//! Owns what an authority has learnt from the event log: the marks in force, what was revoked of late, and for how long
//! that can be trusted. Does not know how events travel; who drives it is `app`.

mod ear;
mod ends;
mod keep;
mod late;
mod look_up;
mod outbox;
mod own;
mod past;
mod pulse;
mod recent;
mod replay;
mod spent;
mod tell;

use std::sync::Arc;
use std::time::Duration;

use futures::channel::mpsc;

use super::known_callers::KnownCallers;
use super::tenants::Scope;
use crate::session::event::{Event, Position};
use crate::session::key::{ProviderSessionKey, SessionKey, TenantNumber, UserKey};
use crate::session::mark::{EVERY_TENANT, MarksNow};
use crate::session::time::Timestamp;
pub(super) use ear::Ear;
pub use ends::EndedSessions;
pub(super) use outbox::Untold;
use own::Own;

/// No answer rests on anything older than this.
pub const MAX_STALENESS: Duration = Duration::from_secs(5);

/// How often an authority shows that what it announces is heard.
pub const HEARTBEAT_EVERY: Duration = Duration::from_secs(1);

/// What subscribers are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// This has happened, heartbeats included.
    Event(Position, Event),
    /// What was learnt from events is to be forgotten; they go on after this position.
    Reset(Position),
}

/// What one tenant has of what was learnt from the log. Shared by the clones of its authority.
pub(super) struct Stream {
    tenant: TenantNumber,
    own: Arc<Own>,
    ear: Arc<Ear>,
}

impl Stream {
    /// What `tenant` has of what this ear hears. `now` as [`crate::authority::ports::Clock::running`] says it.
    pub(super) fn of(tenant: TenantNumber, ear: &Arc<Ear>, now: Duration) -> Arc<Self> {
        Arc::new(Self { tenant, own: ear.own(tenant, now), ear: Arc::clone(ear) })
    }

    /// The same log for no tenant: it knows no position that anybody's events have moved.
    pub(super) fn for_nobody(&self) -> Arc<Self> {
        Arc::new(Self { tenant: EVERY_TENANT, own: Own::after(None), ear: Arc::clone(&self.ear) })
    }

    /// Whether all that others have announced is known here, but for what is on its way.
    pub(super) fn is_trusted(&self, now: Duration) -> bool {
        self.ear.is_trusted(now)
    }

    /// Until when a cached answer may be given that no event has spoken against.
    pub(super) fn vouched_until(&self) -> Duration {
        self.ear.vouched_until()
    }

    /// The marks that are known here.
    pub(super) fn marks(&self) -> Arc<MarksNow> {
        self.own.marks.load_full()
    }

    /// Whether a mark that is known here kills a session born under these.
    pub(super) fn kills(&self, born: &crate::session::record::Marks) -> bool {
        self.own.marks.load().kill(born)
    }

    /// Whether the session is known to have been revoked of late.
    pub(super) fn is_revoked(&self, key: &SessionKey) -> bool {
        self.ear.is_revoked(key)
    }

    /// Whether one of a provider's own sessions is known to have ended at this moment or later.
    pub(super) fn has_ended(&self, of: &ProviderSessionKey, since: Timestamp) -> bool {
        self.ear.has_ended(of, since)
    }

    /// Whether every session of a user, and their logins under way, is known to have ended after this moment.
    pub(super) fn user_has_ended(&self, user: &UserKey, since: Timestamp) -> bool {
        self.ear.user_has_ended(user, since)
    }

    /// The callers whose keys were read or revoked of late.
    pub(super) fn callers(&self) -> &KnownCallers {
        &self.ear.callers
    }

    /// Takes over marks that are higher than those known here.
    pub(super) fn learn(&self, marks: &MarksNow) {
        self.own.learn(marks);
    }

    /// Up to where events were heard, as far as this tenant may know: the last event that was its own or everyone's. A
    /// position that moved with other tenants' events would let them be counted.
    pub(super) fn position(&self) -> Option<Position> {
        self.own.position()
    }

    /// Whether this tenant's events were heard up to here.
    pub(super) fn has_heard(&self, position: Option<Position>) -> bool {
        position.is_none_or(|position| self.own.position() >= Some(position))
    }

    /// Whether everything was heard up to here, as far as somebody may know who is told of these tenants.
    pub(super) fn has_heard_for(&self, whose: &Scope, position: Position) -> bool {
        self.has_heard(Some(position)) || self.ear.known_to(whose) >= Some(position)
    }

    /// Notes where something that was announced for this tenant stands.
    fn announced(&self, position: Position) {
        self.own.note_announced(position);
    }

    /// News for this tenant from now on. Who is too slow to take it finds the channel closed, and has to begin anew.
    fn subscribe(&self) -> mpsc::Receiver<News> {
        self.ear.subscribe_after(&Scope::one(self.tenant), None).news
    }

    /// News of these tenants from a position on; from now on without one.
    pub(super) fn subscribe_after(&self, whose: &Scope, after: Option<Position>) -> Subscription {
        self.ear.subscribe_after(whose, after)
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
