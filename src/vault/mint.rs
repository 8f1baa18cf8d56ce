//! Owns sealing the keys that sign our own tokens, all of a tenant's together. Does not know when they sign.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use super::encoding::{decode, encode};
use super::{NONCE_LEN, Vault, VaultError};
use crate::crypto::{SignatureAlgorithm, SigningKey};
use crate::session::key::TenantNumber;
use crate::session::time::Timestamp;

const VERSION: &[u8] = &[1];

/// A key that signs our own tokens.
#[derive(Debug)]
pub struct MintKey {
    /// It signs from this moment on, until the next one does.
    pub signs_from: Timestamp,
    /// The pair.
    pub key: SigningKey,
}

#[derive(Encode, Decode)]
struct MintKeysForm {
    #[n(0)]
    keys: Vec<MintKeyForm>,
}

#[derive(Encode, Decode)]
struct MintKeyForm {
    #[n(0)]
    signs_from: u64,
    /// 0: ES256, 1: EdDSA.
    #[n(1)]
    algorithm: u8,
    #[n(2)]
    private: ByteVec,
}

impl Vault {
    /// Seals a tenant's keys.
    #[must_use]
    pub fn seal_mint_keys<'a>(
        &self,
        nonce: [u8; NONCE_LEN],
        tenant: TenantNumber,
        keys: impl Iterator<Item = &'a MintKey>,
    ) -> Vec<u8> {
        let form = |key: &MintKey| MintKeyForm {
            signs_from: key.signs_from.as_millis(),
            algorithm: match key.key.algorithm() {
                SignatureAlgorithm::Es256 => 0,
                SignatureAlgorithm::EdDsa => 1,
            },
            private: key.key.private().to_vec().into(),
        };
        let form = MintKeysForm { keys: keys.map(form).collect() };
        self.mint.seal(nonce, &[&tenant.0.to_be_bytes()], &[b"mint keys", VERSION], &encode(&form))
    }

    /// Opens a tenant's keys, in the order in which they sign.
    ///
    /// # Errors
    /// When the ring's key is not loaded, or they are not what was sealed for this tenant.
    pub fn open_mint_keys(&self, tenant: TenantNumber, sealed: &[u8]) -> Result<Vec<MintKey>, VaultError> {
        let plain = self.mint.open(&[&tenant.0.to_be_bytes()], &[b"mint keys", VERSION], sealed)?;
        let form: MintKeysForm = decode(&plain)?;
        let read = |form: MintKeyForm| {
            let algorithm = match form.algorithm {
                0 => SignatureAlgorithm::Es256,
                1 => SignatureAlgorithm::EdDsa,
                _ => return Err(VaultError::Format),
            };
            let key = SigningKey::from_private(algorithm, &form.private).ok_or(VaultError::Format)?;
            Ok(MintKey { signs_from: Timestamp::from_millis(form.signs_from), key })
        };
        let mut keys = form.keys.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        keys.sort_by_key(|key| key.signs_from);
        Ok(keys)
    }

    /// Whether mint keys are sealed with the ring's active key or a later one. Those that are not are to be sealed anew: they
    /// outlive every session, and so the time for which a former secret is kept.
    #[must_use]
    pub fn are_mint_keys_up_to_date(&self, sealed: &[u8]) -> bool {
        self.mint.is_up_to_date(sealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{KeyRing, Secret};

    fn ring(text: &str, former: &[&str]) -> KeyRing {
        KeyRing::new(Secret::new(text), former.iter().map(|text| Secret::new(*text)))
    }

    #[test]
    fn keys_open_for_their_tenant_in_their_order_and_under_a_former_secret() {
        let vault = |ring: &KeyRing| Vault::new(ring, ring);
        let (old, new) = (vault(&ring("the old secret", &[])), vault(&ring("the new secret", &["the old secret"])));
        let key = |at, algorithm| {
            let (signs_from, key) = (Timestamp::from_secs(at), SigningKey::generate(algorithm).unwrap());
            MintKey { signs_from, key }
        };
        let keys = [key(9, SignatureAlgorithm::EdDsa), key(5, SignatureAlgorithm::Es256)];
        let sealed = old.seal_mint_keys([1; 12], TenantNumber(1), keys.iter());
        let opened = new.open_mint_keys(TenantNumber(1), &sealed).unwrap();
        let ids: Vec<_> = opened.iter().map(|key| key.key.id()).collect();
        assert_eq!(ids, [keys[1].key.id(), keys[0].key.id()]);
        assert!(new.open_mint_keys(TenantNumber(2), &sealed).is_err());
        assert!(old.are_mint_keys_up_to_date(&sealed) && !new.are_mint_keys_up_to_date(&sealed));
        assert!(vault(&ring("another secret", &[])).open_mint_keys(TenantNumber(1), &sealed).is_err());
    }
}
