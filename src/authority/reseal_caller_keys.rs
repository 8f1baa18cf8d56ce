//! Owns sealing what is kept of callers' keys anew with the ring's active key: a key may live for years, and so longer than a
//! former secret is kept. Does not know when that is due.

use super::caller_keys::Reach;
use super::ports::KeptCallerKey;
use super::{Authority, Error};
use crate::session::caller::CallerKeyId;

impl Authority {
    /// Seals anew what is kept of every key within reach that is sealed with a former one, and answers how many there were.
    ///
    /// # Errors
    /// When the store can't say; what was done until then stays done.
    pub async fn reseal_caller_keys(&self, reach: Reach) -> Result<u64, Error> {
        let mut count = 0;
        for room in self.rooms(reach) {
            for (id, kept) in self.ports.callers.caller_keys(room).await? {
                count += u64::from(self.reseal_caller_key(&id, kept).await?);
            }
        }
        Ok(count)
    }

    async fn reseal_caller_key(&self, id: &CallerKeyId, kept: KeptCallerKey) -> Result<bool, Error> {
        if self.vault.is_caller_under_active_key(&kept.sealed) {
            return Ok(false);
        }
        match self.vault.open_caller(id, &kept.sealed) {
            Ok(facts) => {
                let anew = self.vault.seal_caller(self.nonce(), id, &facts);
                Ok(self.ports.callers.reseal_caller_key(id, kept, anew).await?)
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(key = id.public(), error, "a caller's key can't be sealed anew");
                Ok(false)
            }
        }
    }
}
