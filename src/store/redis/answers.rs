//! Owns the port of kept answers: a string for each call with an idempotency key, which is a claim, and once that was
//! carried out its answer. Does not know what an answer says.

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::RedisStore;
use super::script::SCRIPTS;
use super::value::millis;
use super::wait::Seen;
use crate::authority::answer_store::{Claim, Claimed};
use crate::authority::ports::{AnswerStore, StoreError, StoreResult};
use crate::session::key::AnswerKey;
use crate::store::{answer, length};

#[async_trait]
impl AnswerStore for RedisStore {
    async fn claim_call(&self, call: &AnswerKey, claim: &Claim, within: Duration) -> StoreResult<Claimed> {
        let args = [answer::claim(claim), millis(within)];
        let kept: Vec<u8> = self.link.insist(&SCRIPTS.claim_call, &[self.keys.answer(call)], &args).await?;
        if kept.is_empty() {
            return Ok(Claimed::Taken);
        }
        answer::read(&kept).map_err(|error| StoreError::Unreadable(error.into()))
    }

    async fn keep_answer(
        &self,
        call: &AnswerKey,
        claim: &Claim,
        sealed: Vec<u8>,
        keep_for: Duration,
    ) -> StoreResult<bool> {
        let args = [answer::claim(claim), answer::answer(&claim.request, &sealed), millis(keep_for)];
        self.link.insist(&SCRIPTS.keep_answer, &self.keys.answering(call), &args).await
    }

    async fn give_back_call(&self, call: &AnswerKey, claim: &Claim) -> StoreResult<()> {
        self.link.insist(&SCRIPTS.give_back_call, &self.keys.answering(call), &[answer::claim(claim)]).await
    }

    async fn wait_for_answer(&self, call: &AnswerKey, at_most: Duration) -> StoreResult<()> {
        let watched = self.keys.answering(call);
        let [_, bell] = &watched;
        let deadline = Instant::now() + length(at_most);
        loop {
            let (left, last_ring): (u64, Vec<u8>) =
                self.link.run(&SCRIPTS.watch_call, &watched, &[answer::CLAIM.to_vec()]).await?;
            let seen = Seen { look_again_in: Duration::from_millis(left), last_ring };
            if left == 0 || !self.bells.pause(bell, &seen, deadline).await {
                return Ok(());
            }
        }
    }
}
