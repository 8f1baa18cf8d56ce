//! Owns the keys that sign our own tokens: made when due, agreed on by all replicas, published before they sign.
//! Does not know what is signed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::ports::KeptMintKeys;
use super::settings::MintSettings;
use super::{Authority, Error};
use crate::crypto::SigningKey;
use crate::session::event::What;
use crate::session::mint::{KeyAge, Rotation};
use crate::session::time::Timestamp;
use crate::vault::MintKey;

/// The store is asked again after so long. No key signs before it was published for much longer.
const FRESH_FOR: Duration = Duration::from_secs(30);
/// A key that is not among those at hand makes the store be asked at most this often.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// How often to try when replicas make keys at the same time.
const ATTEMPTS: usize = 16;

/// The keys of the tenant, in the order in which they sign.
#[derive(Debug)]
pub(super) struct MintKeys {
    keys: Vec<MintKey>,
    signing: usize,
    read: Timestamp,
}

/// The keys that are at hand.
#[derive(Default)]
pub(super) struct KeysAtHand(Mutex<Option<Arc<MintKeys>>>);

impl KeysAtHand {
    fn get(&self) -> Option<Arc<MintKeys>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// They are read again before any is used.
    pub(super) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn put(&self, keys: &Arc<MintKeys>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(keys));
    }
}

impl MintKeys {
    /// The one that signs now.
    pub(super) fn signing(&self) -> Option<&SigningKey> {
        self.keys.get(self.signing).map(|key| &key.key)
    }

    /// The one of this name.
    pub(super) fn named(&self, id: &str) -> Option<&SigningKey> {
        self.all().find(|key| key.id() == id)
    }

    /// All that are published.
    pub(super) fn all(&self) -> impl Iterator<Item = &SigningKey> {
        self.keys.iter().map(|key| &key.key)
    }
}

impl Authority {
    /// The keys as they are now: new ones made if they are due, those whose last token has ended left out.
    pub(super) async fn mint_keys(&self, mint: &MintSettings) -> Result<Arc<MintKeys>, Error> {
        let now = self.ports.clock.now();
        let rotation = rotation(mint);
        if let Some(keys) = self.keys_at_hand.get().filter(|keys| now < keys.read + FRESH_FOR && keys.read <= now) {
            let ages = ages(&keys.keys, mint);
            if rotation.due(&ages, now).is_none() && rotation.signing(&ages, now) == Some(keys.signing) {
                return Ok(keys);
            }
        }
        self.read_mint_keys(mint, now).await
    }

    /// The keys, asked of the store again if this one is not among those at hand: another replica may have made it.
    pub(super) async fn mint_keys_with(&self, mint: &MintSettings, id: &str) -> Result<Arc<MintKeys>, Error> {
        let keys = self.mint_keys(mint).await?;
        let now = self.ports.clock.now();
        if keys.named(id).is_some() || now < keys.read + ASK_AGAIN_AFTER {
            Ok(keys)
        } else {
            self.read_mint_keys(mint, now).await
        }
    }

    async fn read_mint_keys(&self, mint: &MintSettings, now: Timestamp) -> Result<Arc<MintKeys>, Error> {
        let (tenant, rotation) = (self.settings.tenant, rotation(mint));
        for _ in 0..ATTEMPTS {
            let kept = self.ports.mint_keys.mint_keys(tenant).await?;
            let revision = kept.as_ref().map_or(0, |kept| kept.revision);
            let mut keys = match &kept {
                Some(kept) => self.vault.open_mint_keys(tenant, &kept.sealed)?,
                None => Vec::new(),
            };
            let mut changed = kept.is_some_and(|kept| !self.vault.are_mint_keys_up_to_date(&kept.sealed));
            changed |= drop_ended(&mut keys, mint, now);
            if let Some(signs_from) = rotation.due(&ages(&keys, mint), now) {
                let key = SigningKey::generate(mint.algorithm);
                let key = key.ok_or_else(|| Error::Internal("the system has no random bytes".into()))?;
                tracing::info!(key = key.id(), "a key for minted tokens was made");
                keys.push(MintKey { signs_from, key });
                changed = true;
            }
            if changed {
                let sealed = self.vault.seal_mint_keys(self.nonce(), tenant, keys.iter());
                let keep_for = rotation.keep_for(&ages(&keys, mint), now);
                let new = KeptMintKeys { revision: revision + 1, sealed };
                if !self.ports.mint_keys.put_mint_keys(tenant, new, keep_for).await? {
                    continue;
                }
                self.announce_beside(What::KeysRotated);
            }
            let signing = rotation.signing(&ages(&keys, mint), now).unwrap_or_default();
            let keys = Arc::new(MintKeys { keys, signing, read: now });
            self.keys_at_hand.put(&keys);
            return Ok(keys);
        }
        Err(Error::StoreUnavailable("the mint keys change too fast".into()))
    }
}

const fn rotation(mint: &MintSettings) -> Rotation {
    Rotation { after: mint.rotate_after, longest_token: mint.max_lifetime }
}

fn ages(keys: &[MintKey], mint: &MintSettings) -> Vec<KeyAge> {
    let age = |key: &MintKey| KeyAge { signs_from: key.signs_from, fits: key.key.algorithm() == mint.algorithm };
    keys.iter().map(age).collect()
}

/// Answers whether there were any.
fn drop_ended(keys: &mut Vec<MintKey>, mint: &MintSettings, now: Timestamp) -> bool {
    let ages = ages(keys, mint);
    let before = keys.len();
    let mut place = 0;
    keys.retain(|_| {
        place += 1;
        !rotation(mint).is_over(&ages, place - 1, now)
    });
    keys.len() < before
}
