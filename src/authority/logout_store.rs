//! Owns the port of logout tokens: which of them were carried out, so that none is carried out twice. Does not know who
//! keeps it.

use std::time::Duration;

use async_trait::async_trait;

use super::ports::StoreResult;
use crate::session::key::LogoutTokenKey;

/// Keeps which logout tokens of providers were carried out.
#[async_trait]
pub trait LogoutStore: Send + Sync {
    /// Whether a token was carried out.
    async fn is_spent(&self, token: &LogoutTokenKey) -> StoreResult<bool>;

    /// Notes for `keep_for` that a token was carried out. MUST NOT show it as noted when it answers that it is not.
    async fn spend(&self, token: &LogoutTokenKey, keep_for: Duration) -> StoreResult<()>;
}
