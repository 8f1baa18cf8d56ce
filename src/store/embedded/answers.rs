//! Owns the port of kept answers, filled from memory. An answer is seen once it is on disk; who carries a call out is known in
//! memory alone: it is somebody in this process. Does not know what an answer says.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::EmbeddedStore;
use super::change::Change;
use super::lease::wait_while;
use super::memory::Partition;
use crate::authority::answer_store::{Claim, Claimed};
use crate::authority::ports::{AnswerStore, StoreResult};
use crate::session::key::AnswerKey;
use crate::session::time::Timestamp;
use crate::store::length;

/// How long a waiter trusts that an answer on its way to the disk will ring.
const ON_ITS_WAY: Duration = Duration::from_millis(50);

/// What is known of a call.
#[derive(Clone)]
pub struct KnownCall {
    state: State,
    until: Timestamp,
}

#[derive(Clone)]
enum State {
    AtWork(Claim),
    /// Its answer is on its way to the disk.
    Answering(Claim),
    Answered {
        request: [u8; 16],
        sealed: Vec<u8>,
    },
}

impl KnownCall {
    /// One that was answered.
    pub const fn answered(request: [u8; 16], sealed: Vec<u8>, until: Timestamp) -> Self {
        Self { state: State::Answered { request, sealed }, until }
    }

    /// Whether the file has it.
    const fn is_kept(&self) -> bool {
        matches!(self.state, State::Answered { .. })
    }

    /// Until when somebody has it.
    fn held_until(&self, now: Timestamp) -> Option<Timestamp> {
        match self.state {
            State::AtWork(_) => Some(self.until),
            State::Answering(_) => Some(now + ON_ITS_WAY),
            State::Answered { .. } => None,
        }
    }
}

#[async_trait]
impl AnswerStore for EmbeddedStore {
    async fn claim_call(&self, call: &AnswerKey, claim: &Claim, within: Duration) -> StoreResult<Claimed> {
        self.journal.check()?;
        let now = self.now();
        let mut partition = self.memory.write(call.partition);
        match partition.known_call(call, now).map(|known| &known.state) {
            Some(State::Answered { request, sealed }) => return Ok(Claimed::Answered(*request, sealed.clone())),
            Some(State::Answering(whose)) => return Ok(Claimed::AtWork(whose.request)),
            Some(State::AtWork(whose)) if whose != claim => return Ok(Claimed::AtWork(whose.request)),
            Some(State::AtWork(_)) | None => (),
        }
        let known = KnownCall { state: State::AtWork(*claim), until: now + length(within) };
        partition.calls.insert((call.tenant, call.id), known);
        Ok(Claimed::Taken)
    }

    async fn keep_answer(
        &self,
        call: &AnswerKey,
        claim: &Claim,
        sealed: Vec<u8>,
        keep_for: Duration,
    ) -> StoreResult<bool> {
        let place = self.journal.place().await?;
        let ordered = {
            let (now, call) = (self.now(), *call);
            let mut partition = self.memory.write(call.partition);
            match partition.known_call(&call, now).map(|known| &known.state) {
                Some(State::AtWork(whose)) if whose == claim => (),
                None => (),
                Some(_) => return Ok(false),
            }
            let until = now + length(keep_for);
            partition.calls.insert((call.tenant, call.id), KnownCall { state: State::Answering(*claim), until });
            let known = KnownCall::answered(claim.request, sealed.clone(), until);
            let memory = Arc::clone(&self.memory);
            self.journal.order(place, vec![Change::PutAnswer(call, until, claim.request, sealed)], move || {
                memory.write(call.partition).calls.insert((call.tenant, call.id), known);
                memory.changed(call.partition).notify_waiters();
                true
            })
        };
        ordered.settled().await
    }

    async fn give_back_call(&self, call: &AnswerKey, claim: &Claim) -> StoreResult<()> {
        let (now, local) = (self.now(), (call.tenant, call.id));
        let mut partition = self.memory.write(call.partition);
        if partition
            .known_call(call, now)
            .is_some_and(|known| matches!(&known.state, State::AtWork(own) if own == claim))
        {
            partition.calls.remove(&local);
            self.memory.changed(call.partition).notify_waiters();
        }
        Ok(())
    }

    async fn wait_for_answer(&self, call: &AnswerKey, at_most: Duration) -> StoreResult<()> {
        wait_while(&self.memory, &self.clock, call.partition, at_most, |partition, now| {
            partition.known_call(call, now)?.held_until(now)
        })
        .await;
        Ok(())
    }
}

impl Partition {
    fn known_call(&self, call: &AnswerKey, now: Timestamp) -> Option<&KnownCall> {
        self.calls.get(&(call.tenant, call.id)).filter(|known| now < known.until)
    }

    /// Forgets the calls whose time is over. Answers those that the file has.
    pub(super) fn forget_calls(&mut self, now: Timestamp) -> Vec<super::memory::Local> {
        let mut forgotten = Vec::new();
        self.calls.retain(|local, known| {
            let stands = now < known.until;
            if !stands && known.is_kept() {
                forgotten.push(*local);
            }
            stands
        });
        forgotten
    }
}
