//! Owns a store that can be told to fail: away, slow, silent, broken, or the end of its process. What is let through
//! goes to a real store. Does not know what is tested.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use gatelodge::authority::Ports;
use gatelodge::authority::ports::{
    Creation, KeptAttributes, KeptMintKeys, LeaseAttempt, LoginEnd, LoginStore, LoginTaken, Lookup, MintKeyStore,
    NewSession, OpenLogin, SessionStore, StoreError, StoreResult, WalkPage, WalkPosition, Written,
};
use gatelodge::session::key::{LoginKey, ProviderSessionKey, SessionKey, TenantNumber, UserKey};
use gatelodge::session::mark::{MarkTarget, MarksNow};
use gatelodge::session::record::{Ending, Record};
use gatelodge::session::time::Timestamp;

/// What is wrong with a store.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// It can't be reached.
    Away,
    /// It answers after that long.
    Slow(Duration),
    /// It does what it is asked at once, and says so after that long.
    SlowToAnswer(Duration),
    /// It never answers.
    Silent,
    /// Asking it panics.
    Panics,
    /// The process ends, without any goodbye, before the step with this number; the next one is 0.
    EndsProcessBefore(usize),
}

/// A store with a fault, or none.
pub struct FaultyStore {
    sessions: Arc<dyn SessionStore>,
    logins: Arc<dyn LoginStore>,
    mint_keys: Arc<dyn MintKeyStore>,
    fault: Mutex<Option<Fault>>,
    waiting: AtomicUsize,
}

/// A step that is under way.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl FaultyStore {
    /// Puts one before the stores of `ports`.
    pub fn before(ports: &mut Ports) -> Arc<Self> {
        let (sessions, logins) = (Arc::clone(&ports.sessions), Arc::clone(&ports.logins));
        let mint_keys = Arc::clone(&ports.mint_keys);
        let store =
            Arc::new(Self { sessions, logins, mint_keys, fault: Mutex::default(), waiting: AtomicUsize::new(0) });
        ports.sessions = store.clone();
        ports.logins = store.clone();
        ports.mint_keys = store.clone();
        store
    }

    /// From now on this is wrong.
    pub fn set(&self, fault: impl Into<Option<Fault>>) {
        *self.fault.lock().unwrap() = fault.into();
    }

    /// How many steps a fault keeps waiting.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    async fn step(&self) -> StoreResult<()> {
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
            None | Some(Fault::EndsProcessBefore(1..) | Fault::SlowToAnswer(_)) => (),
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
    async fn late(&self) {
        let fault = *self.fault.lock().unwrap();
        if let Some(Fault::SlowToAnswer(pause)) = fault {
            tokio::time::sleep(pause).await;
        }
    }
}

macro_rules! pass {
    ($port:ident by $field:ident: $($name:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl $port for FaultyStore {
            $(async fn $name(&self, $($argument: $kind),*) -> StoreResult<$answer> {
                self.step().await?;
                let answer = self.$field.$name($($argument),*).await;
                self.late().await;
                answer
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
    touch(key: &SessionKey, at: Timestamp, keep_for: Duration) -> bool;
    end(key: &SessionKey, why: Ending, remember_for: Duration) -> bool;
    end_user(user: &UserKey, remember_for: Duration, mark_for: Duration) -> u64;
    sessions_of(user: &UserKey) -> Vec<(SessionKey, Record)>;
    walk(tenant: TenantNumber, from: Option<WalkPosition>, limit: usize) -> WalkPage;
    raise(target: &MarkTarget, keep_for: Duration) -> u64;
    marks(tenant: TenantNumber) -> MarksNow;
    read_with_marks(key: &SessionKey) -> (Lookup, MarksNow);
    count(tenant: TenantNumber) -> u64;
    tokens(key: &SessionKey) -> Option<Vec<u8>>;
    lease(key: &SessionKey, ttl: Duration) -> LeaseAttempt;
    wait_for_lease(key: &SessionKey, at_most: Duration) -> ();
    write_tokens(key: &SessionKey, fence: u64, record: Record, tokens: Vec<u8>) -> Written;
    rewrite(key: &SessionKey, record: Record) -> Written;
    step_up(key: &SessionKey, record: Record, tokens: Vec<u8>) -> Written;
    attributes(key: &SessionKey) -> Option<KeptAttributes>;
    put_attributes(key: &SessionKey, attributes: KeptAttributes, keep_for: Duration) -> Written;
    join(of: &ProviderSessionKey, session: &SessionKey, keep_for: Duration) -> usize;
    joined(of: &ProviderSessionKey) -> Vec<(SessionKey, Timestamp)>;
    part(of: &ProviderSessionKey, sessions: &[SessionKey]) -> ();
}

pass! { MintKeyStore by mint_keys:
    mint_keys(tenant: TenantNumber) -> Option<KeptMintKeys>;
    put_mint_keys(tenant: TenantNumber, keys: KeptMintKeys, keep_for: Duration) -> bool;
}

pass! { LoginStore by logins:
    open(key: &LoginKey, login: OpenLogin, ttl: Duration) -> ();
    take(key: &LoginKey, bindings: &[[u8; 16]], lease: Duration) -> LoginTaken;
    resume(key: &LoginKey, bindings: &[[u8; 16]], lease: Duration) -> LoginTaken;
    hold(key: &LoginKey, sealed: Vec<u8>, ttl: Duration) -> bool;
    note(key: &LoginKey, session: &SessionKey) -> bool;
    finish(key: &LoginKey, end: LoginEnd, keep_for: Duration) -> bool;
    wait(key: &LoginKey, at_most: Duration) -> ();
}
