//! Owns a store that counts its calls, to show what costs no IO. Does not know what the calls are for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use gatelodge::authority::ports::{
    Creation, Joining, KeptAttributes, LeaseAttempt, LoginEnd, LoginStore, LoginTaken, Lookup, NewSession, OpenLogin,
    SessionStore, StoreResult, Touched, WalkPage, WalkPosition, Written,
};
use gatelodge::session::key::{LoginKey, ProviderSessionKey, SessionKey, TenantNumber, UserKey};
use gatelodge::session::mark::{MarkTarget, MarksNow};
use gatelodge::session::record::{Ending, Record};
use gatelodge::session::time::Timestamp;

/// A store behind a counter. Health and the event stream ask by themselves every second or so: `ping`, `marks` and the log
/// do not count.
pub struct Counted<S> {
    store: Arc<S>,
    calls: Arc<AtomicU64>,
}

impl<S> Counted<S> {
    /// Counts into `calls`.
    pub fn new(store: Arc<S>, calls: Arc<AtomicU64>) -> Self {
        Self { store, calls }
    }

    fn counted(&self) -> &S {
        self.calls.fetch_add(1, Ordering::Relaxed);
        &self.store
    }
}

#[async_trait]
impl<S: SessionStore> SessionStore for Counted<S> {
    async fn ping(&self) -> StoreResult<()> {
        self.store.ping().await
    }

    async fn time(&self) -> StoreResult<Timestamp> {
        self.counted().time().await
    }

    async fn create(&self, new: NewSession) -> StoreResult<Creation> {
        self.counted().create(new).await
    }

    async fn read(&self, key: &SessionKey) -> StoreResult<Lookup> {
        self.counted().read(key).await
    }

    async fn read_among_many(&self, key: &SessionKey) -> StoreResult<Lookup> {
        self.counted().read_among_many(key).await
    }

    async fn touch(&self, key: &SessionKey, at: Timestamp, due: Timestamp, keep_for: Duration) -> StoreResult<Touched> {
        self.counted().touch(key, at, due, keep_for).await
    }

    async fn end(&self, key: &SessionKey, why: Ending, remember_for: Duration) -> StoreResult<bool> {
        self.counted().end(key, why, remember_for).await
    }

    async fn end_user(&self, user: &UserKey, remember_for: Duration, mark_for: Duration) -> StoreResult<u64> {
        self.counted().end_user(user, remember_for, mark_for).await
    }

    async fn refuse_logins(&self, user: &UserKey, ago: Duration, mark_for: Duration) -> StoreResult<()> {
        self.counted().refuse_logins(user, ago, mark_for).await
    }

    async fn sessions_of(&self, user: &UserKey) -> StoreResult<Vec<(SessionKey, Record)>> {
        self.counted().sessions_of(user).await
    }

    async fn walk(&self, tenant: TenantNumber, from: Option<WalkPosition>, limit: usize) -> StoreResult<WalkPage> {
        self.counted().walk(tenant, from, limit).await
    }

    async fn raise(&self, target: &MarkTarget, keep_for: Duration) -> StoreResult<u64> {
        self.counted().raise(target, keep_for).await
    }

    async fn raise_to(&self, target: &MarkTarget, mark: u64, keep_for: Duration) -> StoreResult<()> {
        self.counted().raise_to(target, mark, keep_for).await
    }

    async fn changes(&self) -> StoreResult<u64> {
        self.store.changes().await
    }

    async fn marks(&self, tenant: TenantNumber) -> StoreResult<MarksNow> {
        self.store.marks(tenant).await
    }

    async fn read_with_marks(&self, key: &SessionKey) -> StoreResult<(Lookup, MarksNow)> {
        self.counted().read_with_marks(key).await
    }

    async fn count(&self, tenant: TenantNumber) -> StoreResult<u64> {
        self.counted().count(tenant).await
    }

    async fn tokens(&self, key: &SessionKey) -> StoreResult<Option<Vec<u8>>> {
        self.counted().tokens(key).await
    }

    async fn lease(&self, key: &SessionKey, ttl: Duration) -> StoreResult<LeaseAttempt> {
        self.counted().lease(key, ttl).await
    }

    async fn wait_for_lease(&self, key: &SessionKey, at_most: Duration) -> StoreResult<()> {
        self.counted().wait_for_lease(key, at_most).await
    }

    async fn write_tokens(
        &self,
        key: &SessionKey,
        fence: u64,
        record: Record,
        tokens: Vec<u8>,
    ) -> StoreResult<Written> {
        self.counted().write_tokens(key, fence, record, tokens).await
    }

    async fn rewrite(&self, key: &SessionKey, record: Record) -> StoreResult<Written> {
        self.counted().rewrite(key, record).await
    }

    async fn step_up(&self, key: &SessionKey, record: Record, tokens: Vec<u8>) -> StoreResult<Written> {
        self.counted().step_up(key, record, tokens).await
    }

    async fn attributes(&self, key: &SessionKey) -> StoreResult<Option<KeptAttributes>> {
        self.counted().attributes(key).await
    }

    async fn put_attributes(&self, key: &SessionKey, new: KeptAttributes, keep_for: Duration) -> StoreResult<Written> {
        self.counted().put_attributes(key, new, keep_for).await
    }

    async fn join(
        &self,
        of: &ProviderSessionKey,
        session: &SessionKey,
        login_started: Timestamp,
        keep_for: Duration,
    ) -> StoreResult<Joining> {
        self.counted().join(of, session, login_started, keep_for).await
    }

    async fn end_joined(
        &self,
        of: &ProviderSessionKey,
        keep_for: Duration,
    ) -> StoreResult<Vec<(SessionKey, Timestamp)>> {
        self.counted().end_joined(of, keep_for).await
    }

    async fn joined(&self, of: &ProviderSessionKey) -> StoreResult<Vec<(SessionKey, Timestamp)>> {
        self.counted().joined(of).await
    }

    async fn part(&self, of: &ProviderSessionKey, sessions: &[SessionKey]) -> StoreResult<()> {
        self.counted().part(of, sessions).await
    }
}

#[async_trait]
impl<S: LoginStore> LoginStore for Counted<S> {
    async fn open(&self, key: &LoginKey, login: OpenLogin, ttl: Duration) -> StoreResult<bool> {
        self.counted().open(key, login, ttl).await
    }

    async fn take(&self, key: &LoginKey, bindings: &[[u8; 16]], lease: Duration) -> StoreResult<LoginTaken> {
        self.counted().take(key, bindings, lease).await
    }

    async fn resume(&self, key: &LoginKey, bindings: &[[u8; 16]], lease: Duration) -> StoreResult<LoginTaken> {
        self.counted().resume(key, bindings, lease).await
    }

    async fn hold(&self, key: &LoginKey, sealed: Vec<u8>, ttl: Duration) -> StoreResult<bool> {
        self.counted().hold(key, sealed, ttl).await
    }

    async fn note(&self, key: &LoginKey, session: &SessionKey) -> StoreResult<bool> {
        self.counted().note(key, session).await
    }

    async fn finish(&self, key: &LoginKey, end: LoginEnd, keep_for: Duration) -> StoreResult<bool> {
        self.counted().finish(key, end, keep_for).await
    }

    async fn wait(&self, key: &LoginKey, at_most: Duration) -> StoreResult<()> {
        self.counted().wait(key, at_most).await
    }
}
