//! Owns sealing a tenant's mint keys anew with the ring's active key, whether or not tokens are minted now: they may be again
//! when the key that sealed them is gone. Does not know when that is due.

use super::{Authority, Error};

impl Authority {
    /// Seals the mint keys anew that are sealed with a former key, and answers whether they were.
    ///
    /// # Errors
    /// When the store can't say.
    pub async fn reseal_mint_keys(&self) -> Result<bool, Error> {
        let tenant = self.settings.tenant;
        let kept = self.ports.mint_keys.mint_keys(tenant).await?;
        let Some(kept) = kept.filter(|kept| !self.vault.are_mint_keys_up_to_date(&kept.sealed)) else {
            return Ok(false);
        };
        match self.vault.open_mint_keys(tenant, &kept.sealed) {
            Ok(keys) => {
                let anew = self.vault.seal_mint_keys(self.nonce(), tenant, keys.iter());
                Ok(self.ports.mint_keys.reseal_mint_keys(tenant, kept, anew).await?)
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(tenant = self.settings.tenant_name, error, "mint keys can't be sealed anew");
                Ok(false)
            }
        }
    }
}
