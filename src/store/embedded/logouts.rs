//! Owns the port of logout tokens, filled from memory. One is shown as carried out once that is on disk: whoever is told
//! that it could not be noted tries again. Does not know what they ended.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::EmbeddedStore;
use super::file::Change;
use crate::authority::ports::{LogoutStore, StoreResult};
use crate::session::key::LogoutTokenKey;
use crate::store::length;

#[async_trait]
impl LogoutStore for EmbeddedStore {
    async fn is_spent(&self, token: &LogoutTokenKey) -> StoreResult<bool> {
        let now = self.now();
        Ok(self.memory.read(token.partition).spent.get(&(token.tenant, token.id)).is_some_and(|until| now < *until))
    }

    async fn spend(&self, token: &LogoutTokenKey, keep_for: Duration) -> StoreResult<()> {
        let place = self.journal.place().await?;
        let until = self.now() + length(keep_for);
        let (token, memory) = (*token, Arc::clone(&self.memory));
        let ordered = self.journal.order(place, vec![Change::PutSpent(token, until)], move || {
            memory.write(token.partition).spent.insert((token.tenant, token.id), until);
        });
        ordered.settled().await
    }
}
