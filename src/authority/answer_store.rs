//! Owns the port of answers that are kept for calls with an idempotency key: who carries such a call out, and how it was
//! answered. Does not know what an answer says, nor who keeps it.

use std::time::Duration;

use async_trait::async_trait;

use super::ports::StoreResult;
use crate::session::key::AnswerKey;

/// Who carries a call out, and for which request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Names the one who does: random.
    pub by: [u8; 16],
    /// A keyed hash of the request.
    pub request: [u8; 16],
}

/// What became of claiming a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// It is to be carried out now, by whoever claimed it.
    Taken,
    /// Somebody else carries it out, for the request of this hash.
    AtWork([u8; 16]),
    /// It was carried out, for the request of this hash; the sealed answer.
    Answered([u8; 16], Vec<u8>),
}

/// Keeps the answers of calls with an idempotency key.
#[async_trait]
pub trait AnswerStore: Send + Sync {
    /// Claims a call `within` which it will be answered, or claimed again. Of several at once exactly one MUST get it, and
    /// nobody else until it is given back or that time has passed. The same claim once more holds on to it for that long.
    async fn claim_call(&self, call: &AnswerKey, claim: &Claim, within: Duration) -> StoreResult<Claimed>;

    /// Keeps the answer of a call for `keep_for`, and wakes whoever waits for it. `false`, and nothing MUST be written, when
    /// it is claimed by somebody else, or answered already.
    async fn keep_answer(
        &self,
        call: &AnswerKey,
        claim: &Claim,
        sealed: Vec<u8>,
        keep_for: Duration,
    ) -> StoreResult<bool>;

    /// Gives back a call that has no answer to be kept, if this claim of it still holds, and wakes whoever waits for it.
    async fn give_back_call(&self, call: &AnswerKey, claim: &Claim) -> StoreResult<()>;

    /// Waits until nobody carries the call out, at most for `at_most`.
    async fn wait_for_answer(&self, call: &AnswerKey, at_most: Duration) -> StoreResult<()>;
}
