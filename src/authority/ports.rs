//! Owns what the authority needs of the world: a store, providers, a clock, chance, work beside the answer.
//! Does not know who provides it. What must hold is said here, once; the conformance suite keeps the stores to it.

use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;

pub use super::answer_store::AnswerStore;
pub use super::audit_store::AuditStore;
pub use super::caller_key_store::{CallerKeyAdded, CallerKeyStore, KeptCallerKey};
pub use super::event_log::{EventLog, Heard};
pub use super::login_store::{LoginEnd, LoginStore, LoginTaken, OpenLogin};
pub use super::logout_store::LogoutStore;
pub use super::mint_key_store::{KeptMintKeys, MintKeyStore};
use super::provider::IdentityProvider;
pub use super::rate_store::RateStore;
pub use super::tenant_store::{NamedTenant, NumberTaken, TenantStore};
pub use super::user_store::{KeptUser, UserLookup, UserPage, UserStore};
use crate::session::identity::IssuerRule;
use crate::session::key::{ProviderSessionKey, SessionKey, TenantNumber, UserKey};
use crate::session::mark::{MarkTarget, MarksNow};
use crate::session::record::{Ending, Record};
use crate::session::time::Timestamp;

/// A cause, for the log.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a store could not say. Never a statement about a session.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It can't be reached, or did not answer in time. Trying again may help.
    #[error("the session store is unavailable")]
    Unavailable(#[source] Cause),
    /// It is done, and nobody can say that as many replicas of the store have it as were asked for: a failover may lose it.
    /// Doing it again asks them again.
    #[error("too few replicas of the session store have it")]
    Unreplicated(#[source] Cause),
    /// It holds something that this version can't read.
    #[error("a record in the session store can't be read")]
    Unreadable(#[source] Cause),
}

/// What a store answers.
pub type StoreResult<T> = Result<T, StoreError>;

/// A session about to be made.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Where it will be kept. Always in the partition of `user`.
    pub key: SessionKey,
    /// Its user.
    pub user: UserKey,
    /// Its record.
    pub record: Record,
    /// Its sealed tokens; `None` when there are none.
    pub tokens: Option<Vec<u8>>,
    /// How long to keep it: the remaining life of its login, since nobody has presented its credential yet.
    pub keep_for: Duration,
    /// How long to keep the tokens and the index of the user: the session's absolute limit.
    pub tokens_for: Duration,
    /// The store's time when its login began.
    pub login_started: Timestamp,
    /// Sessions of the same partition to end in the same step, with a tombstone `Replaced`: those that the browser had.
    pub replaces: Vec<SessionKey>,
    /// How long the tombstones of those it replaces stand.
    pub remember_for: Duration,
    /// How many living sessions the user may have; more are refused.
    pub user_cap: usize,
    /// Whether the user's oldest sessions end instead, with a tombstone `Replaced`: as many as it takes.
    pub makes_room: bool,
    /// When it began.
    pub began: Timestamp,
    /// Whether its record says so: the order in which sessions make room. Those that do not say are older.
    pub notes_beginning: bool,
    /// The sealed profile for the user's record, which is made or brought up to date in the same step; `None` where no
    /// record of the user is kept.
    pub profile: Option<Vec<u8>>,
}

/// What was done to make a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// Whether this is the first login that the user's record knows.
    pub first_login: bool,
    /// The sessions that made room.
    pub ended: Vec<SessionKey>,
}

/// What became of a session about to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Creation {
    /// It is there.
    Created(Made),
    /// Refused: the user was revoked since the login began, a mark has risen above those it was born under, or a tombstone
    /// stands in its place.
    RevokedMeanwhile,
    /// Refused: the user has as many living sessions as allowed.
    TooMany,
    /// Refused: the user's record says that they may not log in.
    Disabled,
}

/// What became of joining one of the provider's own sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joining {
    /// It is noted, as one of so many.
    Joined(usize),
    /// Refused: the provider's session has ended since the login began.
    EndedMeanwhile,
}

/// What an application keeps with a session, as a store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAttributes {
    /// Rises by one with every write, from 1.
    pub version: u64,
    /// The sealed values.
    pub sealed: Vec<u8>,
}

/// What a store knows of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// It is there.
    Found(Record),
    /// It is not there; why, if a tombstone still says.
    Gone(Option<Ending>),
}

/// What became of a write that names the revision it read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is written.
    Yes,
    /// The record has been written meanwhile: read again.
    RevisionChanged,
    /// A later lease was taken: this holder's result is void.
    FenceLost,
    /// The session is gone; nothing was written.
    Gone,
}

/// What became of writing down that a session was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touched {
    /// It is written.
    Yes,
    /// Somebody had written it of late: that it was used then.
    NotDue(Timestamp),
    /// The session is gone; nothing was written.
    Gone,
}

/// A place in a walk over a tenant's sessions, opaque to callers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalkPosition(pub Vec<u8>);

/// A stretch of a walk.
#[derive(Clone, Debug)]
pub struct WalkPage {
    /// Living sessions with their records.
    pub sessions: Vec<(SessionKey, Record)>,
    /// Where to go on; `None` at the end.
    pub next: Option<WalkPosition>,
}

/// Keeps sealed sessions. Sees no token, claim or credential in clear.
///
/// Every method is one atomic step, or MUST look like one to every other caller of every replica.
/// Nothing that is gone ever comes back: no method but `create` MUST make a record where there is none.
/// A session that a mark kills is not living: no list or walk MUST have it and no limit count it. What names one session
/// does not look at marks, but for `create` and `read_with_marks`: who asks knows them.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Whether the store answers.
    async fn ping(&self) -> StoreResult<()>;

    /// The store's time. Replicas of one store agree on it, whatever their own clocks say.
    async fn time(&self) -> StoreResult<Timestamp>;

    /// Makes a session, ends those it replaces, and names it in its user's index, in one step.
    /// MUST refuse when the user's mark is at or above `login_started`, when a mark in force is higher than the record's
    /// own, or a tombstone stands in its place.
    /// MUST count only living sessions against the cap, those it replaces not among them, and where it makes room end the
    /// oldest of them, exactly as many as it takes.
    /// MUST refuse when the user's record says that they may not log in; else brings that record up to date.
    async fn create(&self, new: NewSession) -> StoreResult<Creation>;

    /// Reads a session. One round trip for one that is there.
    async fn read(&self, key: &SessionKey) -> StoreResult<Lookup>;

    /// As `read`, for one of many that are asked for at the same moment: they may travel together.
    async fn read_among_many(&self, key: &SessionKey) -> StoreResult<Lookup> {
        self.read(key).await
    }

    /// Writes down that the session was used `at`, and keeps it `keep_for` longer from now, unless it is written down
    /// already that it was used after `due`. MUST do nothing then, and when the session is gone, and MUST NOT change the
    /// revision or move `last_active` back.
    async fn touch(&self, key: &SessionKey, at: Timestamp, due: Timestamp, keep_for: Duration) -> StoreResult<Touched>;

    /// Ends a session with its tokens, lease and index entry, and leaves a tombstone for `remember_for`,
    /// also where there was no session. Answers whether there was a living one: that no mark killed.
    async fn end(&self, key: &SessionKey, why: Ending, remember_for: Duration) -> StoreResult<bool>;

    /// Ends every session of a user, and raises the user's mark above every login that has begun, in one step.
    /// The mark is kept for `mark_for`. Answers how many living sessions it ended.
    async fn end_user(&self, user: &UserKey, remember_for: Duration, mark_for: Duration) -> StoreResult<u64>;

    /// Raises the user's mark to the moment so long `ago`, where it is lower: no login that had begun by then makes a session
    /// any more. The mark is kept for `mark_for`. Ends nothing.
    async fn refuse_logins(&self, user: &UserKey, ago: Duration, mark_for: Duration) -> StoreResult<()>;

    /// The living sessions of a user, with their records.
    async fn sessions_of(&self, user: &UserKey) -> StoreResult<Vec<(SessionKey, Record)>>;

    /// Walks the living sessions of a tenant, about `limit` at a time. A session that lives during the whole walk
    /// MUST appear; one that begins or ends during it may.
    async fn walk(&self, tenant: TenantNumber, from: Option<WalkPosition>, limit: usize) -> StoreResult<WalkPage>;

    /// Raises a mark above every other and the store's time, everywhere, and keeps it for `keep_for`. The mark now in
    /// force. When it fails, it may be in force in some places; raising it again is safe.
    async fn raise(&self, target: &MarkTarget, keep_for: Duration) -> StoreResult<u64>;

    /// Raises a mark to `mark` everywhere where it is lower, and keeps it for `keep_for`: what `raise` did, once more.
    async fn raise_to(&self, target: &MarkTarget, mark: u64, keep_for: Duration) -> StoreResult<()>;

    /// How often other servers have taken the place of those that the store had: what was written last may be lost then. Of
    /// one that loses nothing, never.
    async fn changes(&self) -> StoreResult<u64> {
        Ok(0)
    }

    /// The marks in force for a tenant.
    async fn marks(&self, tenant: TenantNumber) -> StoreResult<MarksNow>;

    /// Reads a session together with the marks in force for its tenant, in one round trip.
    async fn read_with_marks(&self, key: &SessionKey) -> StoreResult<(Lookup, MarksNow)>;

    /// How many sessions of a tenant there are at most: those that have just gone may still be counted.
    async fn count(&self, tenant: TenantNumber) -> StoreResult<u64>;

    /// The sealed tokens of a session; `None` when the session is gone or has none.
    async fn tokens(&self, key: &SessionKey) -> StoreResult<Option<Vec<u8>>>;

    /// Tries to take the token lease of a session for `ttl`, and raises the fence in its header by one.
    /// Of several callers at once exactly one MUST get it. The holder's lease is renewed until it is dropped or
    /// released; one that can't be renewed in time is lost, and `is_held` says so.
    async fn lease(&self, key: &SessionKey, ttl: Duration) -> StoreResult<LeaseAttempt>;

    /// Waits until the session's lease is free or its record has changed, at most for `at_most`.
    async fn wait_for_lease(&self, key: &SessionKey, at_most: Duration) -> StoreResult<()>;

    /// Writes refreshed tokens and the record that goes with them, if `fence` is still the header's and the revision
    /// is the one before `record`'s. `last_active` stays as it is in the store when it is later than the record's.
    /// Both keep the life they have, and never longer.
    async fn write_tokens(&self, key: &SessionKey, fence: u64, record: Record, tokens: Vec<u8>)
    -> StoreResult<Written>;

    /// Writes a record over the one whose revision is one lower. `last_active` stays as it is in the store when it is
    /// later than the record's, and the fence as it is. It keeps the life it has; lease and tokens are not touched.
    /// MUST NOT answer `RevisionChanged` before a reader can see the revision that changed it.
    async fn rewrite(&self, key: &SessionKey, record: Record) -> StoreResult<Written>;

    /// Writes the record of a new login and its tokens over the record whose revision is one lower, in one step, whoever
    /// holds the lease: the fence rises by one and the lease is free, so that nobody writes what was fetched with the
    /// former tokens. `last_active` stays as it is in the store when it is later. Both keep the life they have.
    async fn step_up(&self, key: &SessionKey, record: Record, tokens: Vec<u8>) -> StoreResult<Written>;

    /// What an application keeps with a session; `None` when the session is gone or has nothing.
    async fn attributes(&self, key: &SessionKey) -> StoreResult<Option<KeptAttributes>>;

    /// Keeps `attributes` with a session instead of those whose version is one lower (0: there are none), `keep_for` at
    /// most and no longer than the session.
    async fn put_attributes(
        &self,
        key: &SessionKey,
        attributes: KeptAttributes,
        keep_for: Duration,
    ) -> StoreResult<Written>;

    /// Notes that a session about to be made belongs to one of the provider's own, for `keep_for`. MUST refuse when that
    /// one was ended at or after `login_started`.
    async fn join(
        &self,
        of: &ProviderSessionKey,
        session: &SessionKey,
        login_started: Timestamp,
        keep_for: Duration,
    ) -> StoreResult<Joining>;

    /// Notes that one of the provider's own sessions ends now, for `keep_for`, and answers as `joined`, in one step: so
    /// every session of a login that has begun is among them, or never joins.
    async fn end_joined(
        &self,
        of: &ProviderSessionKey,
        keep_for: Duration,
    ) -> StoreResult<Vec<(SessionKey, Timestamp)>>;

    /// The sessions that belong to one of the provider's own, and when they were noted. They may be gone since.
    async fn joined(&self, of: &ProviderSessionKey) -> StoreResult<Vec<(SessionKey, Timestamp)>>;

    /// Forgets that these sessions belong to one of the provider's own.
    async fn part(&self, of: &ProviderSessionKey, sessions: &[SessionKey]) -> StoreResult<()>;
}

/// What became of trying to take a lease.
pub enum LeaseAttempt {
    /// Taken.
    Taken(Box<dyn Lease>),
    /// Somebody else holds it.
    Busy,
    /// The session is gone.
    Gone,
}

/// A held lease.
#[async_trait]
pub trait Lease: Send + Sync {
    /// The number that fences this holder's writes.
    fn fence(&self) -> u64;

    /// Whether it is still held. A holder that has lost it starts no provider call.
    fn is_held(&self) -> bool;

    /// Gives it back.
    async fn release(self: Box<Self>);
}

/// Says what time it is.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;

    /// How long it is since some moment of this process. Never goes back, whatever becomes of `now`.
    fn running(&self) -> Duration {
        Duration::from_millis(self.now().as_millis())
    }
}

/// Gives unpredictable bytes.
pub trait Entropy: Send + Sync {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// Runs work beside the answer, to its end, unless the process has to stop before it is done.
pub trait Beside: Send + Sync {
    /// Starts what may be left undone, on a task of its own, and answers whether it did: it does not where too much is at
    /// work already. What was not started will never begin. Its own errors are its own to log.
    fn run(&self, work: BoxFuture<'static, ()>) -> bool;

    /// Starts work that is never left out, and comes to its end whoever waits for it: for what is short by itself.
    fn finish(&self, work: BoxFuture<'static, ()>);

    /// Lets time pass, for work that tries again.
    fn pause(&self, length: Duration) -> BoxFuture<'static, ()>;
}

/// The providers, by name, in the order to show them.
pub trait Providers: Send + Sync {
    /// All of them.
    fn all(&self) -> Vec<std::sync::Arc<dyn IdentityProvider>>;

    /// Those that are no longer offered, and may still say that a session has ended there: their users' sessions live on.
    fn retired(&self) -> Vec<std::sync::Arc<dyn IdentityProvider>> {
        Vec::new()
    }

    /// The one of that name.
    fn get(&self, name: &str) -> Option<std::sync::Arc<dyn IdentityProvider>> {
        self.all().into_iter().find(|provider| provider.info().name == name)
    }

    /// Which issuer the name stands for in user ids: also that of a provider that is known and no longer offered, since
    /// its users' sessions live on.
    fn issuer(&self, name: &str) -> Option<IssuerRule> {
        self.get(name).map(|provider| provider.info().issuer.clone())
    }
}
