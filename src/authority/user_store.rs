//! Owns the port of users: one record for each, made with their first session. Does not know who keeps it.

use std::time::Duration;

use async_trait::async_trait;

use super::ports::{StoreResult, WalkPosition};
use crate::session::key::{TenantNumber, UserKey};
use crate::session::time::Timestamp;
use crate::session::user::UserFacts;

/// A user's record as a store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptUser {
    /// What the steps of the store change.
    pub facts: UserFacts,
    /// The sealed profile, of the last login.
    pub profile: Vec<u8>,
}

/// What a store knows of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserLookup {
    /// There is a record.
    Found(KeptUser),
    /// There was one, and it was deleted then.
    Deleted(Timestamp),
    /// There is none, and none was deleted of late.
    Unknown,
}

/// A stretch of a walk over users.
#[derive(Clone, Debug)]
pub struct UserPage {
    /// Users with their records.
    pub users: Vec<(UserKey, KeptUser)>,
    /// Where to go on; `None` at the end.
    pub next: Option<WalkPosition>,
}

/// Keeps users. `SessionStore::create` makes a record and brings it up to date; it has no end of its own.
///
/// Every method is one atomic step, or MUST look like one to every other caller of every replica.
#[async_trait]
pub trait UserStore: Send + Sync {
    /// What is known of a user.
    async fn user(&self, user: &UserKey) -> StoreResult<UserLookup>;

    /// Walks the users of a tenant, about `limit` at a time. One who is there during the whole walk MUST appear.
    async fn users(&self, tenant: TenantNumber, from: Option<WalkPosition>, limit: usize) -> StoreResult<UserPage>;

    /// Lets no login of a user make a session any more, and ends as `SessionStore::end_user` does. `None` when there is no
    /// record of them; else how many living sessions it ended.
    async fn disable_user(
        &self,
        user: &UserKey,
        remember_for: Duration,
        mark_for: Duration,
    ) -> StoreResult<Option<u64>>;

    /// Lets a user log in again. Answers whether there is a record of them.
    async fn enable_user(&self, user: &UserKey) -> StoreResult<bool>;

    /// Removes a user's record, remembers for `note_for` that this happened, and ends as `SessionStore::end_user` does.
    /// `None` when there is no record of them and none was deleted of late.
    async fn delete_user(
        &self,
        user: &UserKey,
        remember_for: Duration,
        mark_for: Duration,
        note_for: Duration,
    ) -> StoreResult<Option<u64>>;

    /// Puts another profile into a user's record that has still the one `before`. Answers whether it had.
    async fn reseal_user(&self, user: &UserKey, before: &[u8], profile: Vec<u8>) -> StoreResult<bool>;
}
