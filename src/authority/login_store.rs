//! Owns what the authority needs of whoever keeps logins under way. Does not know what is sealed in them.

use std::time::Duration;

use async_trait::async_trait;

use super::ports::StoreResult;
use crate::session::key::{LoginKey, SessionKey};
use crate::session::time::Timestamp;

/// A login as a store keeps it.
#[derive(Clone, Debug)]
pub struct OpenLogin {
    /// The sealed [`crate::session::login::PendingLogin`].
    pub sealed: Vec<u8>,
    /// Keyed hash of the binding it belongs to.
    pub binding: [u8; 16],
    /// How many logins of the tenant may be under way in its partition, this one among them; `None`: as many as come.
    pub most: Option<u32>,
}

/// What became of taking a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginTaken {
    /// This caller has it, and nobody else will, until the lease ends.
    Taken {
        /// What was kept of it.
        sealed: Vec<u8>,
        /// The store's time when it began.
        started: Timestamp,
        /// How long the login has left.
        remaining: Duration,
    },
    /// Somebody else has it.
    Busy,
    /// It waits for a choice; what was kept of it since. Nothing was changed.
    Waiting(Vec<u8>),
    /// It is complete; the sealed answer.
    Done(Vec<u8>),
    /// It failed; why, as the use case wrote it.
    Failed(u8),
    /// Somebody had it and did not finish in time. The session noted for it, if any, is to be ended.
    Interrupted(Option<SessionKey>),
    /// It belongs to another browser. Nothing was changed.
    OtherBrowser,
    /// There is no such login, or no longer.
    Missing,
}

/// How a login ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginEnd {
    /// With a session; the sealed answer to keep.
    Done(Vec<u8>),
    /// Without one; why, as the use case wrote it.
    Failed(u8),
}

/// Keeps logins under way. Each is open, taken, waiting for a choice, done or failed, and gone after its time.
#[async_trait]
pub trait LoginStore: Send + Sync {
    /// Keeps a login that has just begun, for `ttl`. `false` when as many as may are under way in its partition: open, taken
    /// or waiting, and begun while their number was limited. Of any number of callers no more MUST get in; what has ended, or
    /// is past its time, MUST NOT count.
    async fn open(&self, key: &LoginKey, login: OpenLogin, ttl: Duration) -> StoreResult<bool>;

    /// Takes an open login for `lease`, if `bindings` has the binding it belongs to (the same under each live key).
    /// Of any number of callers exactly one MUST get it, ever: a login is never open again.
    async fn take(&self, key: &LoginKey, bindings: &[[u8; 16]], lease: Duration) -> StoreResult<LoginTaken>;

    /// Takes a login that waits for a choice, in the same way. One that is open is `Missing`.
    async fn resume(&self, key: &LoginKey, bindings: &[[u8; 16]], lease: Duration) -> StoreResult<LoginTaken>;

    /// Lets a taken login wait for a choice, for `ttl`, with what is kept of it. `false` when it has ended, or its holder
    /// was given up.
    async fn hold(&self, key: &LoginKey, sealed: Vec<u8>, ttl: Duration) -> StoreResult<bool>;

    /// Notes the session that the holder is about to make. `false` when the lease has run out: then it must not.
    async fn note(&self, key: &LoginKey, session: &SessionKey) -> StoreResult<bool>;

    /// Ends a login, and remembers how for `keep_for`. An end that is already there stays: then `false`, as for a login
    /// that is gone. Once a caller has been told `Interrupted`, it can't be `Done` any more: that is `false` too.
    async fn finish(&self, key: &LoginKey, end: LoginEnd, keep_for: Duration) -> StoreResult<bool>;

    /// Waits until the login is no longer taken, at most for `at_most`.
    async fn wait(&self, key: &LoginKey, at_most: Duration) -> StoreResult<()>;
}
