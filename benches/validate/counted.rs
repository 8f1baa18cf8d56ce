//! Owns a store that counts its calls, to show what costs no IO. Does not know what the calls are for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use gatelodge::authority::ports::{
    Creation, LeaseAttempt, LoginEnd, LoginStore, LoginTaken, Lookup, NewSession, OpenLogin, SessionStore, StoreResult,
    WalkPage, WalkPosition, Written,
};
use gatelodge::session::key::{LoginKey, SessionKey, TenantNumber, UserKey};
use gatelodge::session::record::{Ending, Record};
use gatelodge::session::time::Timestamp;

/// A store behind a counter. Health asks by itself every few seconds, so `ping` does not count.
pub struct Counted<S> {
    store: Arc<S>,
    calls: Arc<AtomicU64>,
}

impl<S> Counted<S> {
    /// Counts into `calls`.
    pub fn new(store: Arc<S>, calls: Arc<AtomicU64>) -> Self {
        Self { store, calls }
    }

    fn count(&self) -> &S {
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
        self.count().time().await
    }

    async fn create(&self, new: NewSession) -> StoreResult<Creation> {
        self.count().create(new).await
    }

    async fn read(&self, key: &SessionKey) -> StoreResult<Lookup> {
        self.count().read(key).await
    }

    async fn read_among_many(&self, key: &SessionKey) -> StoreResult<Lookup> {
        self.count().read_among_many(key).await
    }

    async fn touch(&self, key: &SessionKey, at: Timestamp, keep_for: Duration) -> StoreResult<bool> {
        self.count().touch(key, at, keep_for).await
    }

    async fn end(&self, key: &SessionKey, why: Ending, remember_for: Duration) -> StoreResult<bool> {
        self.count().end(key, why, remember_for).await
    }

    async fn end_user(&self, user: &UserKey, remember_for: Duration, mark_for: Duration) -> StoreResult<u64> {
        self.count().end_user(user, remember_for, mark_for).await
    }

    async fn sessions_of(&self, user: &UserKey) -> StoreResult<Vec<(SessionKey, Record)>> {
        self.count().sessions_of(user).await
    }

    async fn walk(&self, tenant: TenantNumber, from: Option<WalkPosition>, limit: usize) -> StoreResult<WalkPage> {
        self.count().walk(tenant, from, limit).await
    }

    async fn tokens(&self, key: &SessionKey) -> StoreResult<Option<Vec<u8>>> {
        self.count().tokens(key).await
    }

    async fn lease(&self, key: &SessionKey, ttl: Duration) -> StoreResult<LeaseAttempt> {
        self.count().lease(key, ttl).await
    }

    async fn wait_for_lease(&self, key: &SessionKey, at_most: Duration) -> StoreResult<()> {
        self.count().wait_for_lease(key, at_most).await
    }

    async fn write_tokens(
        &self,
        key: &SessionKey,
        fence: u64,
        record: Record,
        tokens: Vec<u8>,
    ) -> StoreResult<Written> {
        self.count().write_tokens(key, fence, record, tokens).await
    }

    async fn rewrite(&self, key: &SessionKey, record: Record) -> StoreResult<Written> {
        self.count().rewrite(key, record).await
    }
}

#[async_trait]
impl<S: LoginStore> LoginStore for Counted<S> {
    async fn open(&self, key: &LoginKey, login: OpenLogin, ttl: Duration) -> StoreResult<()> {
        self.count().open(key, login, ttl).await
    }

    async fn take(&self, key: &LoginKey, bindings: &[[u8; 16]], lease: Duration) -> StoreResult<LoginTaken> {
        self.count().take(key, bindings, lease).await
    }

    async fn note(&self, key: &LoginKey, session: &SessionKey) -> StoreResult<bool> {
        self.count().note(key, session).await
    }

    async fn finish(&self, key: &LoginKey, end: LoginEnd, keep_for: Duration) -> StoreResult<bool> {
        self.count().finish(key, end, keep_for).await
    }

    async fn wait(&self, key: &LoginKey, at_most: Duration) -> StoreResult<()> {
        self.count().wait(key, at_most).await
    }
}
