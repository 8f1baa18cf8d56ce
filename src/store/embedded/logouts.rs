//! Owns the port of logout tokens, filled from memory. One is shown as carried out once that is on disk: whoever is told
//! that it could not be noted tries again. Who is at one is known in memory alone: it is somebody in this process. Does not
//! know what they ended.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::EmbeddedStore;
use super::change::Change;
use crate::authority::logout_store::{Carrier, LogoutClaim};
use crate::authority::ports::{LogoutStore, StoreResult};
use crate::session::key::LogoutTokenKey;
use crate::store::length;

#[async_trait]
impl LogoutStore for EmbeddedStore {
    async fn claim_token(&self, token: &LogoutTokenKey, by: Carrier, within: Duration) -> StoreResult<LogoutClaim> {
        let (now, local) = (self.now(), (token.tenant, token.id));
        let mut partition = self.memory.write(token.partition);
        if partition.spent.get(&local).is_some_and(|until| now < *until) {
            return Ok(LogoutClaim::Done);
        }
        if partition.claimed.get(&local).is_some_and(|(whose, until)| *whose != by && now < *until) {
            return Ok(LogoutClaim::AtWork);
        }
        partition.claimed.insert(local, (by, now + length(within)));
        Ok(LogoutClaim::Taken)
    }

    async fn give_back(&self, token: &LogoutTokenKey, by: Carrier) -> StoreResult<()> {
        let mut partition = self.memory.write(token.partition);
        let local = (token.tenant, token.id);
        if partition.claimed.get(&local).is_some_and(|(whose, _)| *whose == by) {
            partition.claimed.remove(&local);
        }
        Ok(())
    }

    async fn spend(&self, token: &LogoutTokenKey, keep_for: Duration) -> StoreResult<()> {
        let place = self.journal.place().await?;
        let until = self.now() + length(keep_for);
        let (token, memory) = (*token, Arc::clone(&self.memory));
        let ordered = self.journal.order(place, vec![Change::PutSpent(token, until)], move || {
            let mut partition = memory.write(token.partition);
            partition.spent.insert((token.tenant, token.id), until);
            partition.claimed.remove(&(token.tenant, token.id));
        });
        ordered.settled().await
    }
}
