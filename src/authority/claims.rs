//! Owns claiming a call under each of its names: one for every key of the ring that names it. So it is found by
//! replicas that have not learnt of the newest key, and when the oldest is dropped; and of racing replicas that have
//! any key in common one carries it out. Does not know what the call is.

use std::time::Duration;

use super::Authority;
use super::answer_store::{AnswerStore, Claim, Claimed};
use super::ports::StoreResult;
use crate::session::key::AnswerKey;

/// The claims of one who would carry a call out.
#[derive(Clone)]
pub(super) struct Claims {
    /// By the key that names the call, the oldest first: all replicas begin with the same.
    all: Vec<(AnswerKey, Claim)>,
    /// How many of these may be there, from the first on.
    taken: usize,
}

/// What is there already.
pub(super) struct InTheWay {
    pub(super) at: AnswerKey,
    /// Whether it is for the same request.
    pub(super) is_same: bool,
    /// The sealed answer; `None` while it is being carried out.
    pub(super) answer: Option<Vec<u8>>,
}

impl Authority {
    /// Claims of a call that is known by `place`, for this request. None is made yet.
    pub(super) fn claims(&self, place: &[&[u8]], request: &[&[u8]]) -> Claims {
        let (by, ring) = (self.random(), &self.vault.call);
        let claim = |(place, request)| (AnswerKey::of(self.settings.tenant, place), Claim { by, request });
        Claims { all: ring.names(place).zip(ring.names(request)).map(claim).collect(), taken: 0 }
    }
}

impl Claims {
    /// Makes all of them for so long, or none where something is in the way.
    pub(super) async fn make(
        &mut self,
        answers: &dyn AnswerStore,
        within: Duration,
    ) -> StoreResult<Result<(), InTheWay>> {
        for (before, (at, claim)) in self.all.iter().enumerate() {
            // Also where the answer is lost on its way, or nobody waits for it any more.
            self.taken = before + 1;
            let (other, answer) = match answers.claim_call(at, claim, within).await? {
                Claimed::Taken => continue,
                Claimed::AtWork(other) => (other, None),
                Claimed::Answered(other, sealed) => (other, Some(sealed)),
            };
            self.taken = before;
            let in_the_way = InTheWay { at: *at, is_same: other == claim.request, answer };
            self.give_back(answers).await?;
            return Ok(Err(in_the_way));
        }
        Ok(Ok(()))
    }

    /// Makes again those that were made. Trouble is passed over: where it lasts, they run out.
    pub(super) async fn hold_on(&self, answers: &dyn AnswerStore, within: Duration) {
        for (at, claim) in self.all.iter().take(self.taken) {
            if let Err(error) = answers.claim_call(at, claim, within).await {
                let error = &error as &dyn std::error::Error;
                tracing::debug!(error, "an idempotency key could not be held on to");
            }
        }
    }

    /// Gives back those that may be there and still are its own.
    pub(super) async fn give_back(&mut self, answers: &dyn AnswerStore) -> StoreResult<()> {
        while let Some((at, claim)) = self.last() {
            answers.give_back_call(&at, &claim).await?;
            self.taken -= 1;
        }
        Ok(())
    }

    /// Keeps the answer in their place. `false` when any of them is somebody else's by now.
    pub(super) async fn keep(
        &mut self,
        answers: &dyn AnswerStore,
        sealed: &[u8],
        keep_for: Duration,
    ) -> StoreResult<bool> {
        let mut is_kept = true;
        // Whoever waits does so at the first of them, which is kept last.
        while let Some((at, claim)) = self.last() {
            is_kept &= answers.keep_answer(&at, &claim, sealed.to_vec(), keep_for).await?;
            self.taken -= 1;
        }
        Ok(is_kept)
    }

    /// Whether none is there.
    pub(super) const fn is_empty(&self) -> bool {
        self.taken == 0
    }

    fn last(&self) -> Option<(AnswerKey, Claim)> {
        self.taken.checked_sub(1).and_then(|last| self.all.get(last)).copied()
    }
}
