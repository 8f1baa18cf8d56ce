//! Owns what the authority needs of whoever counts how often something was done. Does not know what.

use std::time::Duration;

use async_trait::async_trait;

use super::ports::StoreResult;
use crate::session::key::RateKey;
use crate::session::rate::{Allowance, Taken};

/// Counts for all replicas together.
#[async_trait]
pub trait RateStore: Send + Sync {
    /// Takes one of `allowance` for what `key` names, by the store's time. Of any number of callers at once exactly as many
    /// MUST get one as are left. Whoever gets none is told exactly when the next one is there, and MUST NOT make that later.
    /// What is counted is forgotten by itself once all of it has come back. A call whose answer is lost may have taken one.
    async fn take_one(&self, key: &RateKey, allowance: Allowance) -> StoreResult<Taken>;

    /// Adds what a replica has let through by itself: as much as comes back in `owed`, which is not nothing. Answers how long
    /// all comes back in, of all replicas. MUST NOT lose what another adds at the same time. Is bounded as [`Allowance::owe`]
    /// says, and forgotten as for `take_one`. A call whose answer is lost may have added it.
    async fn owe(&self, key: &RateKey, owed: Duration, allowance: Allowance) -> StoreResult<Duration>;
}
