//! Owns a store that can be told to fail: away, slow, silent, broken, or the end of its process. What is let through
//! goes to a real store. Does not know what is tested.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use async_trait::async_trait;
use gatelodge::authority::Ports;
use gatelodge::authority::answer_store::{Claim, Claimed};
use gatelodge::authority::audit_store::{EntryAdded, EntryPage, KeptEntry};
use gatelodge::authority::logout_store::{Carrier, LogoutClaim};
use gatelodge::authority::ports::{
    AnswerStore, AuditStore, CallerKeyAdded, CallerKeyStore, Creation, EventLog, Heard, Joining, KeptAttributes,
    KeptCallerKey, KeptMintKeys, Lease, LeaseAttempt, LoginEnd, LoginStore, LoginTaken, LogoutStore, Lookup,
    MintKeyStore, NewSession, OpenLogin, RateStore, SessionStore, StoreError, StoreResult, Touched, UserLookup,
    UserPage, UserStore, WalkPage, WalkPosition, Written,
};
use gatelodge::session::audit::{EntryId, EntryName};
use gatelodge::session::caller::CallerKeyId;
use gatelodge::session::event::{Event, Position};
use gatelodge::session::key::{
    AnswerKey, LoginKey, LogoutTokenKey, ProviderSessionKey, RateKey, SessionKey, TenantNumber, UserKey,
};
use gatelodge::session::mark::{MarkTarget, MarksNow};
use gatelodge::session::rate::{Allowance, Taken};
use gatelodge::session::record::{Ending, Record};
use gatelodge::session::time::Timestamp;
use tokio::sync::Notify;

/// What is wrong with a store.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// It can't be reached.
    Away,
    /// The step of this name can't be reached.
    AwayAt(&'static str),
    /// It answers after that long.
    Slow(Duration),
    /// It does what it is asked at once, and says so after that long.
    SlowToAnswer(Duration),
    /// It does what the step of this name asks, and the answer is lost.
    LosesAnswerOf(&'static str),
    /// It does what the steps of these names ask, and too few replicas have it.
    LacksReplicasAt(&'static [&'static str]),
    /// The step of this name waits until nothing is wrong any more.
    HoldsBefore(&'static str),
    /// It does what the steps of these names ask, and says nothing as long as it has this fault.
    HoldsAnswersOf(&'static [&'static str]),
    /// Somebody ends this session just before the step of this name.
    EndsSessionBefore(&'static str, SessionKey),
    /// It never answers.
    Silent,
    /// It never answers the step of this name.
    SilentAt(&'static str),
    /// It does what the step of this name asks, and never says so.
    SilentAfter(&'static str),
    /// Asking it panics.
    Panics,
    /// The process ends, without any goodbye, before the step with this number; the next one is 0.
    EndsProcessBefore(usize),
    /// The process ends so before it gives back a lease.
    EndsProcessBeforeRelease,
}

/// A store with a fault, or none.
pub struct FaultyStore {
    sessions: Arc<dyn SessionStore>,
    logins: Arc<dyn LoginStore>,
    logouts: Arc<dyn LogoutStore>,
    answers: Arc<dyn AnswerStore>,
    mint_keys: Arc<dyn MintKeyStore>,
    callers: Arc<dyn CallerKeyStore>,
    audit: Arc<dyn AuditStore>,
    rates: Arc<dyn RateStore>,
    users: Arc<dyn UserStore>,
    events: Arc<dyn EventLog>,
    fault: Mutex<Option<Fault>>,
    waiting: AtomicUsize,
    held: AtomicUsize,
    asked: Mutex<BTreeMap<&'static str, usize>>,
    changed: Notify,
    me: Weak<Self>,
}

/// A lease of such a store.
struct FaultyLease {
    lease: Box<dyn Lease>,
    store: Weak<FaultyStore>,
}

#[async_trait]
impl Lease for FaultyLease {
    fn fence(&self) -> u64 {
        self.lease.fence()
    }

    fn is_held(&self) -> bool {
        self.lease.is_held()
    }

    async fn release(self: Box<Self>) {
        if self.store.upgrade().is_some_and(|store| store.ends_before_release()) {
            std::process::abort();
        }
        self.lease.release().await;
    }
}

/// A step that is under way.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl FaultyStore {
    /// Puts one before all that `ports` keep, but for the log.
    pub fn before(ports: &mut Ports) -> Arc<Self> {
        let store = Arc::new_cyclic(|me| Self {
            sessions: Arc::clone(&ports.sessions),
            logins: Arc::clone(&ports.logins),
            logouts: Arc::clone(&ports.logouts),
            answers: Arc::clone(&ports.answers),
            mint_keys: Arc::clone(&ports.mint_keys),
            callers: Arc::clone(&ports.callers),
            audit: Arc::clone(&ports.audit),
            rates: Arc::clone(&ports.rates),
            users: Arc::clone(&ports.users),
            events: Arc::clone(&ports.events),
            fault: Mutex::default(),
            waiting: AtomicUsize::new(0),
            held: AtomicUsize::new(0),
            asked: Mutex::default(),
            changed: Notify::new(),
            me: me.clone(),
        });
        (ports.sessions, ports.logins, ports.mint_keys) = (store.clone(), store.clone(), store.clone());
        (ports.users, ports.logouts, ports.rates) = (store.clone(), store.clone(), store.clone());
        (ports.answers, ports.callers, ports.audit) = (store.clone(), store.clone(), store.clone());
        store
    }

    /// Puts one before all that `ports` keep, the log included.
    pub fn before_all(ports: &mut Ports) -> Arc<Self> {
        let store = Self::before(ports);
        ports.events = store.clone();
        store
    }

    /// From now on this is wrong.
    pub fn set(&self, fault: impl Into<Option<Fault>>) {
        *self.fault.lock().unwrap() = fault.into();
        self.changed.notify_waiters();
    }

    /// How many steps a fault keeps waiting.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    /// How many of the steps that it is silent at somebody waits for.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::SeqCst)
    }

    async fn hold(&self) {
        self.held.fetch_add(1, Ordering::SeqCst);
        let _held = Waiting(&self.held);
        std::future::pending::<()>().await;
    }

    /// How often the step of this name was asked for.
    pub fn count(&self, step: &str) -> usize {
        self.asked.lock().unwrap().get(step).copied().unwrap_or_default()
    }

    /// How often each step was asked for that was.
    pub fn asked(&self) -> BTreeMap<&'static str, usize> {
        self.asked.lock().unwrap().clone()
    }

    async fn step(&self, name: &'static str) -> StoreResult<()> {
        *self.asked.lock().unwrap().entry(name).or_default() += 1;
        let fault = {
            let mut fault = self.fault.lock().unwrap();
            let now = *fault;
            if let Some(Fault::EndsProcessBefore(steps @ 1..)) = now {
                *fault = Some(Fault::EndsProcessBefore(steps - 1));
            }
            now
        };
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let _waiting = Waiting(&self.waiting);
        match fault {
            Some(Fault::SilentAt(step)) if step == name => self.hold().await,
            Some(Fault::EndsSessionBefore(step, key)) if step == name => {
                self.sessions.end(&key, Ending::Revoked, Duration::from_mins(1)).await?;
            }
            Some(Fault::HoldsBefore(step)) if step == name => {
                while self.fault.lock().unwrap().is_some() {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            }
            Some(Fault::AwayAt(step)) if step == name => {
                return Err(StoreError::Unavailable("away on purpose".into()));
            }
            None
            | Some(
                Fault::EndsProcessBefore(1..)
                | Fault::AwayAt(_)
                | Fault::HoldsBefore(_)
                | Fault::SlowToAnswer(_)
                | Fault::LosesAnswerOf(_)
                | Fault::LacksReplicasAt(_)
                | Fault::EndsSessionBefore(..)
                | Fault::SilentAt(_)
                | Fault::SilentAfter(_)
                | Fault::HoldsAnswersOf(_)
                | Fault::EndsProcessBeforeRelease,
            ) => (),
            Some(Fault::Away) => return Err(StoreError::Unavailable("away on purpose".into())),
            Some(Fault::Slow(pause)) => tokio::time::sleep(pause).await,
            Some(Fault::Silent) => std::future::pending().await,
            Some(Fault::Panics) => panic!("on purpose"),
            Some(Fault::EndsProcessBefore(0)) => std::process::abort(),
        }
        Ok(())
    }
}

impl FaultyStore {
    async fn until_let_go(&self, step: &str) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let _waiting = Waiting(&self.waiting);
        loop {
            let changed = self.changed.notified();
            let fault = *self.fault.lock().unwrap();
            if !matches!(fault, Some(Fault::HoldsAnswersOf(names)) if names.contains(&step)) {
                return;
            }
            changed.await;
        }
    }

    fn ends_before_release(&self) -> bool {
        matches!(*self.fault.lock().unwrap(), Some(Fault::EndsProcessBeforeRelease))
    }

    fn with_its_end(&self, attempt: StoreResult<LeaseAttempt>) -> StoreResult<LeaseAttempt> {
        attempt.map(|attempt| match attempt {
            LeaseAttempt::Taken(lease) => LeaseAttempt::Taken(Box::new(FaultyLease { lease, store: self.me.clone() })),
            other => other,
        })
    }

    async fn answered<T>(&self, step: &str, answer: StoreResult<T>) -> StoreResult<T> {
        let fault = *self.fault.lock().unwrap();
        match fault {
            Some(Fault::SlowToAnswer(pause)) => tokio::time::sleep(pause).await,
            Some(Fault::SilentAfter(name)) if name == step => self.hold().await,
            Some(Fault::HoldsAnswersOf(_)) => self.until_let_go(step).await,
            Some(Fault::LosesAnswerOf(name)) if name == step => {
                return Err(StoreError::Unavailable("the answer was lost on purpose".into()));
            }
            Some(Fault::LacksReplicasAt(names)) if names.contains(&step) => {
                return Err(StoreError::Unreplicated("too few have it, on purpose".into()));
            }
            _ => (),
        }
        answer
    }
}

macro_rules! pass {
    ($port:ident by $field:ident: $($name:ident($($argument:ident: $kind:ty),*) -> $answer:ty $(=> $then:ident)?;)*) => {
        #[async_trait]
        impl $port for FaultyStore {
            $(async fn $name(&self, $($argument: $kind),*) -> StoreResult<$answer> {
                self.step(stringify!($name)).await?;
                let answer = self.$field.$name($($argument),*).await;
                $(let answer = self.$then(answer);)?
                self.answered(stringify!($name), answer).await
            })*
        }
    };
}

pass! { SessionStore by sessions:
    ping() -> ();
    time() -> Timestamp;
    create(new: NewSession) -> Creation;
    read(key: &SessionKey) -> Lookup;
    read_among_many(key: &SessionKey) -> Lookup;
    touch(key: &SessionKey, at: Timestamp, due: Timestamp, keep_for: Duration) -> Touched;
    end(key: &SessionKey, why: Ending, remember_for: Duration) -> bool;
    end_user(user: &UserKey, remember_for: Duration, mark_for: Duration) -> u64;
    refuse_logins(user: &UserKey, ago: Duration, mark_for: Duration) -> ();
    sessions_of(user: &UserKey) -> Vec<(SessionKey, Record)>;
    walk(tenant: TenantNumber, from: Option<WalkPosition>, limit: usize) -> WalkPage;
    raise(target: &MarkTarget, keep_for: Duration) -> u64;
    raise_to(target: &MarkTarget, mark: u64, keep_for: Duration) -> ();
    changes() -> u64;
    marks(tenant: TenantNumber) -> MarksNow;
    read_with_marks(key: &SessionKey) -> (Lookup, MarksNow);
    count(tenant: TenantNumber) -> u64;
    tokens(key: &SessionKey) -> Option<Vec<u8>>;
    lease(key: &SessionKey, ttl: Duration) -> LeaseAttempt => with_its_end;
    wait_for_lease(key: &SessionKey, at_most: Duration) -> ();
    write_tokens(key: &SessionKey, fence: u64, record: Record, tokens: Vec<u8>) -> Written;
    rewrite(key: &SessionKey, record: Record) -> Written;
    step_up(key: &SessionKey, record: Record, tokens: Vec<u8>) -> Written;
    attributes(key: &SessionKey) -> Option<KeptAttributes>;
    put_attributes(key: &SessionKey, attributes: KeptAttributes, keep_for: Duration) -> Written;
    join(of: &ProviderSessionKey, session: &SessionKey, login_started: Timestamp, keep_for: Duration) -> Joining;
    end_joined(of: &ProviderSessionKey, keep_for: Duration) -> Vec<(SessionKey, Timestamp)>;
    joined(of: &ProviderSessionKey) -> Vec<(SessionKey, Timestamp)>;
    part(of: &ProviderSessionKey, sessions: &[SessionKey]) -> ();
}

pass! { LogoutStore by logouts:
    claim_token(token: &LogoutTokenKey, by: Carrier, within: Duration) -> LogoutClaim;
    give_back(token: &LogoutTokenKey, by: Carrier) -> ();
    spend(token: &LogoutTokenKey, keep_for: Duration) -> ();
}

pass! { AnswerStore by answers:
    claim_call(call: &AnswerKey, claim: &Claim, within: Duration) -> Claimed;
    keep_answer(call: &AnswerKey, claim: &Claim, sealed: Vec<u8>, keep_for: Duration) -> bool;
    give_back_call(call: &AnswerKey, claim: &Claim) -> ();
    wait_for_answer(call: &AnswerKey, at_most: Duration) -> ();
}

pass! { RateStore by rates:
    take_one(key: &RateKey, allowance: Allowance) -> Taken;
    owe(key: &RateKey, owed: Duration, allowance: Allowance) -> Duration;
}

pass! { CallerKeyStore by callers:
    caller_key(key: &CallerKeyId) -> Option<KeptCallerKey>;
    caller_keys(tenant: TenantNumber) -> Vec<(CallerKeyId, KeptCallerKey)>;
    add_caller_key(
        key: &CallerKeyId, kept: KeptCallerKey, now: Timestamp, keep_for: Duration, most: usize
    ) -> CallerKeyAdded;
    reseal_caller_key(key: &CallerKeyId, before: KeptCallerKey, sealed: Vec<u8>) -> bool;
    remove_caller_key(key: &CallerKeyId) -> bool;
}

pass! { MintKeyStore by mint_keys:
    mint_keys(tenant: TenantNumber) -> Option<KeptMintKeys>;
    put_mint_keys(tenant: TenantNumber, keys: KeptMintKeys, keep_for: Duration) -> bool;
    reseal_mint_keys(tenant: TenantNumber, before: KeptMintKeys, sealed: Vec<u8>) -> bool;
}

pass! { AuditStore by audit:
    keep_entry(tenant: TenantNumber, entry: KeptEntry, keep_for: Duration, most: u64) -> EntryAdded;
    entries(tenant: TenantNumber, name: Option<EntryName>, ids: Range<EntryId>, limit: usize) -> EntryPage;
    drop_entries(tenant: TenantNumber) -> ();
}

pass! { UserStore by users:
    user(user: &UserKey) -> UserLookup;
    users(tenant: TenantNumber, from: Option<WalkPosition>, limit: usize) -> UserPage;
    disable_user(user: &UserKey, remember_for: Duration, mark_for: Duration) -> Option<u64>;
    enable_user(user: &UserKey) -> bool;
    delete_user(user: &UserKey, remember_for: Duration, mark_for: Duration, note_for: Duration) -> Option<u64>;
    reseal_user(user: &UserKey, before: &[u8], profile: Vec<u8>) -> bool;
}

pass! { EventLog by events:
    announce(events: Vec<Event>) -> Position;
    next(after: Option<Position>, at_most: Duration) -> Heard;
}

pass! { LoginStore by logins:
    open(key: &LoginKey, login: OpenLogin, ttl: Duration) -> bool;
    take(key: &LoginKey, bindings: &[[u8; 16]], lease: Duration) -> LoginTaken;
    resume(key: &LoginKey, bindings: &[[u8; 16]], lease: Duration) -> LoginTaken;
    hold(key: &LoginKey, sealed: Vec<u8>, ttl: Duration) -> bool;
    note(key: &LoginKey, session: &SessionKey) -> bool;
    finish(key: &LoginKey, end: LoginEnd, keep_for: Duration) -> bool;
    wait(key: &LoginKey, at_most: Duration) -> ();
}
