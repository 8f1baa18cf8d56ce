//! Owns the port of logout tokens: which of them were carried out, and which somebody is at, so that none is carried out
//! twice. Does not know who keeps it.

use std::time::Duration;

use async_trait::async_trait;

use super::ports::StoreResult;
use crate::session::key::LogoutTokenKey;

/// Names who is at a logout token: random, and never empty.
pub type Carrier = [u8; 16];

/// What became of claiming a logout token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogoutClaim {
    /// It is to be carried out now, by whoever claimed it.
    Taken,
    /// Somebody else is at it.
    AtWork,
    /// It was carried out.
    Done,
}

/// Keeps which logout tokens of providers were carried out.
#[async_trait]
pub trait LogoutStore: Send + Sync {
    /// Claims a token `within` which it will be carried out. Of several at once exactly one MUST get it, and nobody else
    /// until it is given back or that time has passed.
    async fn claim_token(&self, token: &LogoutTokenKey, by: Carrier, within: Duration) -> StoreResult<LogoutClaim>;

    /// Gives back a token that was not carried out, if this claim of it still holds.
    async fn give_back(&self, token: &LogoutTokenKey, by: Carrier) -> StoreResult<()>;

    /// Notes for `keep_for` that a token was carried out. MUST NOT show it as noted when it answers that it is not.
    async fn spend(&self, token: &LogoutTokenKey, keep_for: Duration) -> StoreResult<()>;
}
