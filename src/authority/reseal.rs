//! Owns sealing anew, with the present keys, all that has no end of its own or a later one than the keys that sealed it. Does not
//! know when that is due.

use super::caller_keys::Reach;
use super::{Authority, Error};

/// How much was sealed anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Users' profiles.
    pub users: u64,
    /// API keys that were made at run time.
    pub caller_keys: u64,
    /// Sets of keys that sign our own tokens.
    pub mint_keys: u64,
}

impl Authority {
    /// Seals anew what is sealed with a former key. What does not open stays as it is, and the log says so. Trouble with one kind
    /// keeps none of the others.
    ///
    /// # Errors
    /// When the store can't say; what was done stays done.
    pub async fn reseal(&self, reach: Reach) -> Result<Resealed, Error> {
        // The fewest first, so that they do not wait for a million users.
        let mint_keys = self.reseal_mint_keys().await;
        let caller_keys = self.reseal_caller_keys(reach).await;
        let users = self.reseal_users().await;
        Ok(Resealed { users: users?, caller_keys: caller_keys?, mint_keys: u64::from(mint_keys?) })
    }
}
