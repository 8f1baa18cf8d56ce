//! Owns sealing users' profiles anew with the ring's active key: they outlive every session, and so the time for which a
//! former secret is kept. Does not know when that is due.

use super::unreadable::Unreadable;
use super::{Authority, Error};
use crate::session::key::UserKey;

/// How many users one step looks at.
const STEP: usize = 500;

impl Authority {
    /// Seals anew every profile that is sealed with a former key, and answers how many there were. One that does not open
    /// stays as it is: the log says how many there are, and why.
    ///
    /// # Errors
    /// When the store can't say; what was done until then stays done.
    pub async fn reseal_users(&self) -> Result<u64, Error> {
        let mut unreadable = Unreadable::default();
        let resealed = self.reseal_each_user(&mut unreadable).await;
        unreadable.tell_not_resealed(&self.settings.tenant_name);
        resealed
    }

    async fn reseal_each_user(&self, unreadable: &mut Unreadable) -> Result<u64, Error> {
        let (mut count, mut from) = (0, None);
        loop {
            let page = self.ports.users.users(self.settings.tenant, from, STEP).await?;
            for (user, kept) in page.users {
                count += u64::from(self.reseal_user(&user, &kept.profile, unreadable).await?);
            }
            match page.next {
                None => return Ok(count),
                next => from = next,
            }
        }
    }

    async fn reseal_user(&self, user: &UserKey, sealed: &[u8], unreadable: &mut Unreadable) -> Result<bool, Error> {
        if self.vault.is_profile_up_to_date(sealed) {
            return Ok(false);
        }
        match self.vault.open_profile(user, sealed) {
            Ok(profile) => {
                let anew = self.vault.seal_profile(self.nonce(), user, &profile);
                Ok(self.ports.users.reseal_user(user, sealed, anew).await?)
            }
            Err(error) => {
                unreadable.note(&error.into());
                Ok(false)
            }
        }
    }
}
