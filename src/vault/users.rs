//! Owns sealing what is kept for people: the profile of a user, and what applications keep with a session.
//! Does not know stores.

use std::collections::BTreeMap;

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use super::encoding::{decode, encode, plain_user_id};
use super::sessions::TokenKey;
use super::short::Id;
use super::{NONCE_LEN, Vault, VaultError};
use crate::crypto::{open_with, seal_with};
use crate::session::key::{SessionKey, UserKey};
use crate::session::user::Profile;

const VERSION: &[u8] = &[1];

/// A [`Profile`] as it is kept. A field is never renumbered; a new one is optional.
#[derive(Encode, Decode)]
struct ProfileForm {
    #[n(0)]
    provider: String,
    #[n(1)]
    issuer: String,
    #[n(2)]
    sub: Id,
    /// Unless it is what provider and subject make.
    #[n(3)]
    user_id: Option<String>,
    #[n(4)]
    email: Option<String>,
    #[n(5)]
    name: Option<String>,
    #[n(6)]
    picture: Option<String>,
    #[n(7)]
    email_verified: bool,
}

/// Values of an application's own.
#[derive(Encode, Decode)]
struct AttributesForm {
    #[n(0)]
    values: BTreeMap<String, ByteVec>,
}

fn subject(user: &UserKey) -> [u8; 14] {
    let mut bytes = [0; 14];
    bytes[..4].copy_from_slice(&user.tenant.0.to_be_bytes());
    bytes[4..].copy_from_slice(&user.hash);
    bytes
}

impl Vault {
    /// Seals a user's profile.
    #[must_use]
    pub fn seal_profile(&self, nonce: [u8; NONCE_LEN], user: &UserKey, profile: &Profile) -> Vec<u8> {
        let user_id = Some(&profile.user_id).filter(|id| **id != plain_user_id(&profile.provider, &profile.sub));
        let form = ProfileForm {
            provider: profile.provider.clone(),
            issuer: profile.issuer.clone(),
            sub: Id(profile.sub.clone()),
            user_id: user_id.cloned(),
            email: profile.email.clone(),
            name: profile.name.clone(),
            picture: profile.picture.clone(),
            email_verified: profile.email_verified,
        };
        self.user.seal(nonce, &[&subject(user)], &[b"profile", VERSION], &encode(&form))
    }

    /// Opens a user's profile.
    ///
    /// # Errors
    /// When its key is not loaded, or it is not what was sealed for this user.
    pub fn open_profile(&self, user: &UserKey, sealed: &[u8]) -> Result<Profile, VaultError> {
        let form: ProfileForm = decode(&self.user.open(&[&subject(user)], &[b"profile", VERSION], sealed)?)?;
        Ok(Profile {
            user_id: form.user_id.unwrap_or_else(|| plain_user_id(&form.provider, &form.sub.0)),
            provider: form.provider,
            issuer: form.issuer,
            sub: form.sub.0,
            email: form.email,
            email_verified: form.email_verified,
            name: form.name,
            picture: form.picture,
        })
    }

    /// Whether a profile is sealed with the ring's active key or a later one. One that is not is to be sealed anew.
    #[must_use]
    pub fn is_profile_up_to_date(&self, sealed: &[u8]) -> bool {
        self.user.is_up_to_date(sealed)
    }
}

impl TokenKey {
    /// Seals the values that an application keeps with a session, as they are in this version of them.
    #[must_use]
    pub fn seal_attributes(
        &self,
        nonce: [u8; NONCE_LEN],
        key: &SessionKey,
        version: u64,
        values: &BTreeMap<String, Vec<u8>>,
    ) -> Vec<u8> {
        let values = values.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
        // Not deflated: what an application keeps may be secret, and stand beside what somebody else chose.
        let plain = encode(&AttributesForm { values });
        seal_with(&self.0, nonce, &[b"attributes", VERSION, &version.to_be_bytes(), &key.to_bytes()], &plain)
    }

    /// Opens the values that an application keeps with a session.
    ///
    /// # Errors
    /// When they are not what was sealed for this session and version.
    pub fn open_attributes(
        &self,
        key: &SessionKey,
        version: u64,
        sealed: &[u8],
    ) -> Result<BTreeMap<String, Vec<u8>>, VaultError> {
        let context: [&[u8]; 4] = [b"attributes", VERSION, &version.to_be_bytes(), &key.to_bytes()];
        let form: AttributesForm = decode(&open_with(&self.0, &context, sealed)?)?;
        Ok(form.values.into_iter().map(|(name, value)| (name, value.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{KeyRing, Secret};
    use crate::session::key::TenantNumber;

    /// A profile of version 1, as it was sealed once.
    const GOLDEN: &str = "32a83e18010101010101010101010101e3c4471c4f55ed7e71864ed9a174422e5d5cf181cc67fb95da94e7627df0091e25b2\
        70bc6d6f906abcc6635c9c19d9042b51dc377801194168e17250a79671583b";

    fn vault() -> Vault {
        let ring = KeyRing::new(Secret::new("a secret of at least 32 characters..."), []);
        Vault::new(&ring, &ring)
    }

    fn user(sub: &str) -> UserKey {
        UserKey::of(TenantNumber(1), "https://idp.example", sub)
    }

    fn profile() -> Profile {
        Profile {
            user_id: "idp_ada".into(),
            provider: "idp".into(),
            issuer: "https://idp.example".into(),
            sub: "ada".into(),
            email: Some("ada@example.com".into()),
            email_verified: true,
            name: None,
            picture: None,
        }
    }

    #[test]
    fn golden_bytes() {
        let sealed = vault().seal_profile([1; 12], &user("ada"), &profile());
        let byte = |at| u8::from_str_radix(&GOLDEN[at..at + 2], 16).unwrap();
        let golden: Vec<u8> = (0..GOLDEN.len()).step_by(2).map(byte).collect();
        assert_eq!(sealed, golden);
    }

    #[test]
    fn a_profile_opens_for_its_user_alone() {
        let (vault, profile) = (vault(), profile());
        for profile in [profile.clone(), Profile { user_id: "idp_directory_ada".into(), ..profile }] {
            let sealed = vault.seal_profile([1; 12], &user("ada"), &profile);
            assert_eq!(vault.open_profile(&user("ada"), &sealed), Ok(profile));
            assert!(vault.open_profile(&user("eve"), &sealed).is_err());
        }
    }

    #[test]
    fn attributes_open_with_their_key_for_their_session_and_version() {
        let key = |handle| SessionKey::of(TenantNumber(1), user_partition(), &[handle; 16]);
        let values = BTreeMap::from([("cart".to_owned(), b"\0\xff".to_vec()), ("org".to_owned(), Vec::new())]);
        let token_key = TokenKey::new([4; 32]);
        let sealed = token_key.seal_attributes([1; 12], &key(1), 7, &values);
        assert_eq!(token_key.open_attributes(&key(1), 7, &sealed), Ok(values));
        assert!(token_key.open_attributes(&key(1), 8, &sealed).is_err());
        assert!(token_key.open_attributes(&key(2), 7, &sealed).is_err());
        assert!(TokenKey::new([5; 32]).open_attributes(&key(1), 7, &sealed).is_err());
    }

    fn user_partition() -> crate::session::key::Partition {
        crate::session::key::Partition::new(1).unwrap()
    }
}
