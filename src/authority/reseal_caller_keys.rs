//! Owns sealing what is kept of callers' keys anew with the ring's active key: a key may live for years, and so longer than a
//! former secret is kept. Does not know when that is due.

use super::caller_keys::Reach;
use super::ports::KeptCallerKey;
use super::unreadable::Unreadable;
use super::{Authority, Error};
use crate::session::caller::CallerKeyId;
use crate::session::key::TenantNumber;

impl Authority {
    /// Seals anew what is kept of every key within reach that is sealed with a former one, and answers how many there were.
    ///
    /// # Errors
    /// When the store can't say; what was done until then stays done.
    pub async fn reseal_caller_keys(&self, reach: Reach) -> Result<u64, Error> {
        let mut unreadable = Unreadable::default();
        let (mut count, mut outcome) = (0, Ok(()));
        for room in self.rooms(reach) {
            // One that the store can't tell of keeps none of the others.
            let resealed = self.reseal_callers_of(room, &mut count, &mut unreadable).await;
            outcome = outcome.and(resealed);
        }
        unreadable.tell_not_resealed(&self.settings.tenant_name);
        outcome.map(|()| count)
    }

    async fn reseal_callers_of(
        &self,
        room: TenantNumber,
        count: &mut u64,
        unreadable: &mut Unreadable,
    ) -> Result<(), Error> {
        for (id, kept) in self.ports.callers.caller_keys(room).await? {
            *count += u64::from(self.reseal_caller_key(&id, kept, unreadable).await?);
        }
        Ok(())
    }

    async fn reseal_caller_key(
        &self,
        id: &CallerKeyId,
        kept: KeptCallerKey,
        unreadable: &mut Unreadable,
    ) -> Result<bool, Error> {
        if self.vault.is_caller_up_to_date(&kept.sealed) {
            return Ok(false);
        }
        match self.vault.open_caller(id, &kept.sealed) {
            Ok(facts) => {
                let anew = self.vault.seal_caller(self.nonce(), id, &facts);
                Ok(self.ports.callers.reseal_caller_key(id, kept, anew).await?)
            }
            Err(error) => {
                unreadable.note(&error.into());
                Ok(false)
            }
        }
    }
}
