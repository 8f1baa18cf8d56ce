//! Owns who has signed a token that is no ID token: the provider, with keys that are fetched anew, once in a while, where it
//! names one that is not known. Does not know what the token says.

use std::sync::Arc;

use openidconnect::JsonWebKey as _;
use openidconnect::core::CoreJsonWebKey;
use tokio::sync::Semaphore;

use super::OidcProvider;
use super::compact::Compact;
use super::keys::Keys;
use crate::authority::error::Foreign;
use crate::authority::provider::ProviderError;
use crate::crypto::Secret;
use crate::providers::kept::Purpose;

/// What a signature is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signature {
    /// The provider's.
    Good,
    /// Not the provider's.
    Bad,
    /// Of no key that the provider had when it was last asked, a short while ago.
    OfNoKnownKey,
}

/// Signatures that anybody can make us look at are looked at one by one, whatever comes: they never cost more than one
/// processor (security.md 93).
static ANYBODYS: Semaphore = Semaphore::const_new(1);

impl OidcProvider {
    /// Whose signature it is. An error says that nobody could look.
    pub(super) async fn signature(
        &self,
        token: &Secret,
        compact: &Compact,
        issuer: &str,
        purpose: Purpose,
    ) -> Result<Signature, ProviderError> {
        let keys = self.documents.keys().await?;
        if is_signed_by(&keys, token, compact, issuer, purpose).await? {
            return Ok(Signature::Good);
        }
        // Only a key that we can't know yet is worth asking for.
        if compact.key_id.as_deref().is_some_and(|id| keys.knows(id)) {
            return Ok(Signature::Bad);
        }
        let Some(newer) = self.documents.newer_keys(&keys, purpose).await? else { return Ok(Signature::OfNoKnownKey) };
        let is_good = is_signed_by(&newer, token, compact, issuer, purpose).await?;
        Ok(if is_good { Signature::Good } else { Signature::Bad })
    }
}

async fn is_signed_by(
    keys: &Arc<Keys>,
    token: &Secret,
    compact: &Compact,
    issuer: &str,
    purpose: Purpose,
) -> Result<bool, ProviderError> {
    let algorithm = compact.algorithm;
    let fitting = keys.fitting(algorithm, compact.key_id.as_deref(), issuer);
    let Some((signed, _)) = token.expose().rsplit_once('.').filter(|_| !fitting.is_empty()) else { return Ok(false) };
    let verifies = move |key: &CoreJsonWebKey, signed: &str, signature: &[u8]| {
        key.verify_signature(&algorithm.core(), signed.as_bytes(), signature).is_ok()
    };
    if purpose != Purpose::Logout {
        return Ok(fitting.into_iter().any(|key| verifies(key, signed, &compact.signature)));
    }
    let fitting: Vec<_> = fitting.into_iter().cloned().collect();
    let (signed, signature) = (signed.to_owned(), compact.signature.clone());
    let failed = |error: tokio::task::JoinError| ProviderError::Failed(Foreign::new(error, None).into());
    let _alone = ANYBODYS.acquire().await;
    let looked =
        tokio::task::spawn_blocking(move || fitting.iter().any(|key| verifies(key, &signed, &signature))).await;
    looked.map_err(failed)
}
