//! Owns what is measured and traced of the store: one that stands before it, and hands everything on. Does not know which
//! store it is, nor what is kept.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Meter};
use tokio::time::Instant;
use tracing::{Instrument as _, Span};

use super::timer::{self, Timer};
use super::traces;
use crate::authority::Ports;
use crate::authority::answer_store::{Claim, Claimed};
use crate::authority::audit_store::{EntryAdded, EntryPage, KeptEntry};
use crate::authority::logout_store::{Carrier, LogoutClaim};
use crate::authority::ports::{
    AnswerStore, AuditStore, CallerKeyAdded, CallerKeyStore, Creation, EventLog, Heard, Joining, KeptAttributes,
    KeptCallerKey, KeptMintKeys, LeaseAttempt, LoginEnd, LoginStore, LoginTaken, LogoutStore, Lookup, MintKeyStore,
    NewSession, OpenLogin, RateStore, SessionStore, StoreError, StoreResult, Touched, UserLookup, UserPage, UserStore,
    WalkPage, WalkPosition, Written,
};
use crate::session::audit::{EntryId, EntryName};
use crate::session::caller::CallerKeyId;
use crate::session::event::{Event, Position};
use crate::session::key::{
    AnswerKey, LoginKey, LogoutTokenKey, ProviderSessionKey, RateKey, SessionKey, TenantNumber, UserKey,
};
use crate::session::mark::{MarkTarget, MarksNow};
use crate::session::rate::{Allowance, Taken};
use crate::session::record::{Ending, Record};
use crate::session::time::Timestamp;

/// How a step can end.
const ENDS: [Option<&str>; 4] = [None, Some("unavailable"), Some("unreadable"), Some("unreplicated")];

/// Before a store.
pub(super) struct Measured {
    sessions: Arc<dyn SessionStore>,
    logins: Arc<dyn LoginStore>,
    logouts: Arc<dyn LogoutStore>,
    answers: Arc<dyn AnswerStore>,
    users: Arc<dyn UserStore>,
    mint_keys: Arc<dyn MintKeyStore>,
    callers: Arc<dyn CallerKeyStore>,
    rates: Arc<dyn RateStore>,
    audit: Arc<dyn AuditStore>,
    events: Arc<dyn EventLog>,
    figures: Arc<Figures>,
}

/// What is measured of a store. Shared by all tenants, which share it.
pub(super) struct Figures {
    system: &'static str,
    durations: Timer,
    events: Counter<u64>,
    is_traced: bool,
}

impl Figures {
    /// Of the store of this name.
    pub(super) fn new(meter: &Meter, system: &'static str, is_traced: bool) -> Self {
        let histogram = timer::seconds(meter, "db.client.operation.duration", "How long steps of the store took");
        let events = meter.u64_counter("gatelodge.events").with_unit("{event}");
        let events =
            events.with_description("Events given to the log for all replicas, and those that it did not take");
        Self { system, durations: Timer::new(histogram, STEPS.len() * ENDS.len()), events: events.build(), is_traced }
    }

    fn span(&self, name: &'static str) -> Span {
        if self.is_traced { traces::step(self.system, name) } else { Span::none() }
    }

    fn note<T>(&self, step: Step, name: &'static str, began: Instant, answer: &StoreResult<T>, span: &Span) {
        let end = match answer {
            Ok(_) => 0,
            Err(StoreError::Unavailable(_)) => 1,
            Err(StoreError::Unreadable(_)) => 2,
            Err(StoreError::Unreplicated(_)) => 3,
        };
        let error = ENDS.get(end).copied().flatten();
        self.durations.note(step as usize * ENDS.len() + end, began.elapsed(), || {
            let labels = [KeyValue::new("db.system.name", self.system), KeyValue::new("db.operation.name", name)];
            labels.into_iter().chain(error.map(|error| KeyValue::new("error.type", error))).collect()
        });
        if let Some(error) = error {
            span.record("error.type", error);
            span.record("otel.status_code", "ERROR");
        }
    }

    fn note_events(&self, count: usize, is_told: bool) {
        let outcome = KeyValue::new("gatelodge.outcome", if is_told { "told" } else { "untold" });
        self.events.add(u64::try_from(count).unwrap_or(u64::MAX), &[outcome]);
    }
}

impl Measured {
    /// Puts one before everything that `ports` keep.
    pub(super) fn before(ports: Ports, figures: &Arc<Figures>) -> Ports {
        let before = Arc::new(Self {
            sessions: Arc::clone(&ports.sessions),
            logins: Arc::clone(&ports.logins),
            logouts: Arc::clone(&ports.logouts),
            answers: Arc::clone(&ports.answers),
            users: Arc::clone(&ports.users),
            mint_keys: Arc::clone(&ports.mint_keys),
            callers: Arc::clone(&ports.callers),
            rates: Arc::clone(&ports.rates),
            audit: Arc::clone(&ports.audit),
            events: Arc::new(Counted { log: Arc::clone(&ports.events), figures: Arc::clone(figures) }),
            figures: Arc::clone(figures),
        });
        Ports {
            sessions: before.clone(),
            logins: before.clone(),
            logouts: before.clone(),
            answers: before.clone(),
            users: before.clone(),
            mint_keys: before.clone(),
            callers: before.clone(),
            rates: before.clone(),
            audit: before.clone(),
            events: before,
            ..ports
        }
    }
}

/// A log whose events are counted: a step may have many.
struct Counted {
    log: Arc<dyn EventLog>,
    figures: Arc<Figures>,
}

#[async_trait]
impl EventLog for Counted {
    async fn announce(&self, events: Vec<Event>) -> StoreResult<Position> {
        let count = events.len();
        let taken = self.log.announce(events).await;
        self.figures.note_events(count, taken.is_ok());
        taken
    }

    async fn next(&self, after: Option<Position>, at_most: Duration) -> StoreResult<Heard> {
        self.log.next(after, at_most).await
    }
}

/// Hands on each step, measured; and, as it is, what waits for something: that takes as long as it takes.
macro_rules! hand_on {
    ($($port:ident by $field:ident {
        $($name:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)*
    } waits {
        $($wait:ident($($of:ident: $with:ty),*) -> $result:ty;)*
    })*) => {
        /// The steps, by their names.
        #[derive(Clone, Copy)]
        #[expect(non_camel_case_types, reason = "they are the names of methods")]
        enum Step { $($($name,)*)* }

        const STEPS: &[&str] = &[$($(stringify!($name),)*)*];

        $(#[async_trait]
        impl $port for Measured {
            $(async fn $name(&self, $($argument: $kind),*) -> StoreResult<$answer> {
                let (began, span) = (Instant::now(), self.figures.span(stringify!($name)));
                let asked = self.$field.$name($($argument),*);
                let answer = if span.is_disabled() { asked.await } else { asked.instrument(span.clone()).await };
                self.figures.note(Step::$name, stringify!($name), began, &answer, &span);
                answer
            })*

            $(async fn $wait(&self, $($of: $with),*) -> StoreResult<$result> {
                self.$field.$wait($($of),*).await
            })*
        })*
    };
}

hand_on! {
    SessionStore by sessions {
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
        marks(tenant: TenantNumber) -> MarksNow;
        read_with_marks(key: &SessionKey) -> (Lookup, MarksNow);
        count(tenant: TenantNumber) -> u64;
        tokens(key: &SessionKey) -> Option<Vec<u8>>;
        lease(key: &SessionKey, ttl: Duration) -> LeaseAttempt;
        write_tokens(key: &SessionKey, fence: u64, record: Record, tokens: Vec<u8>) -> Written;
        rewrite(key: &SessionKey, record: Record) -> Written;
        step_up(key: &SessionKey, record: Record, tokens: Vec<u8>) -> Written;
        attributes(key: &SessionKey) -> Option<KeptAttributes>;
        put_attributes(key: &SessionKey, attributes: KeptAttributes, keep_for: Duration) -> Written;
        join(of: &ProviderSessionKey, session: &SessionKey, login_started: Timestamp, keep_for: Duration) -> Joining;
        end_joined(of: &ProviderSessionKey, keep_for: Duration) -> Vec<(SessionKey, Timestamp)>;
        joined(of: &ProviderSessionKey) -> Vec<(SessionKey, Timestamp)>;
        part(of: &ProviderSessionKey, sessions: &[SessionKey]) -> ();
    } waits {
        wait_for_lease(key: &SessionKey, at_most: Duration) -> ();
        changes() -> u64;
    }
    LogoutStore by logouts {
        claim_token(token: &LogoutTokenKey, by: Carrier, within: Duration) -> LogoutClaim;
        give_back(token: &LogoutTokenKey, by: Carrier) -> ();
        spend(token: &LogoutTokenKey, keep_for: Duration) -> ();
    } waits {}
    AnswerStore by answers {
        claim_call(call: &AnswerKey, claim: &Claim, within: Duration) -> Claimed;
        keep_answer(call: &AnswerKey, claim: &Claim, sealed: Vec<u8>, keep_for: Duration) -> bool;
        give_back_call(call: &AnswerKey, claim: &Claim) -> ();
    } waits {
        wait_for_answer(call: &AnswerKey, at_most: Duration) -> ();
    }
    CallerKeyStore by callers {
        caller_key(key: &CallerKeyId) -> Option<KeptCallerKey>;
        caller_keys(tenant: TenantNumber) -> Vec<(CallerKeyId, KeptCallerKey)>;
        add_caller_key(
            key: &CallerKeyId, kept: KeptCallerKey, now: Timestamp, keep_for: Duration, most: usize
        ) -> CallerKeyAdded;
        reseal_caller_key(key: &CallerKeyId, before: KeptCallerKey, sealed: Vec<u8>) -> bool;
        remove_caller_key(key: &CallerKeyId) -> bool;
    } waits {}
    MintKeyStore by mint_keys {
        mint_keys(tenant: TenantNumber) -> Option<KeptMintKeys>;
        put_mint_keys(tenant: TenantNumber, keys: KeptMintKeys, keep_for: Duration) -> bool;
        reseal_mint_keys(tenant: TenantNumber, before: KeptMintKeys, sealed: Vec<u8>) -> bool;
    } waits {}
    UserStore by users {
        user(user: &UserKey) -> UserLookup;
        users(tenant: TenantNumber, from: Option<WalkPosition>, limit: usize) -> UserPage;
        disable_user(user: &UserKey, remember_for: Duration, mark_for: Duration) -> Option<u64>;
        enable_user(user: &UserKey) -> bool;
        delete_user(user: &UserKey, remember_for: Duration, mark_for: Duration, note_for: Duration) -> Option<u64>;
        reseal_user(user: &UserKey, before: &[u8], profile: Vec<u8>) -> bool;
    } waits {}
    LoginStore by logins {
        open(key: &LoginKey, login: OpenLogin, ttl: Duration) -> bool;
        take(key: &LoginKey, bindings: &[[u8; 16]], lease: Duration) -> LoginTaken;
        resume(key: &LoginKey, bindings: &[[u8; 16]], lease: Duration) -> LoginTaken;
        hold(key: &LoginKey, sealed: Vec<u8>, ttl: Duration) -> bool;
        note(key: &LoginKey, session: &SessionKey) -> bool;
        finish(key: &LoginKey, end: LoginEnd, keep_for: Duration) -> bool;
    } waits {
        wait(key: &LoginKey, at_most: Duration) -> ();
    }
    RateStore by rates {
        take_one(key: &RateKey, allowance: Allowance) -> Taken;
        owe(key: &RateKey, owed: Duration, allowance: Allowance) -> Duration;
    } waits {}
    AuditStore by audit {
        keep_entry(tenant: TenantNumber, entry: KeptEntry, keep_for: Duration, most: u64) -> EntryAdded;
        entries(tenant: TenantNumber, name: Option<EntryName>, ids: Range<EntryId>, limit: usize) -> EntryPage;
        drop_entries(tenant: TenantNumber) -> ();
    } waits {}
    EventLog by events {
        announce(events: Vec<Event>) -> Position;
    } waits {
        next(after: Option<Position>, at_most: Duration) -> Heard;
    }
}
