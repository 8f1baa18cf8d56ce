//! Owns what of a record's body belongs to credentials: the key of the tokens, wrapped for each that is good, and a
//! successor that only its predecessor gets again. Does not know which of them is in force.

use super::sessions::{TokenKey, VERSION};
use super::{Vault, VaultError};
use crate::crypto::{Sealed, WRAPPED_LEN};
use crate::session::credential::Credential;

/// The form of a body with one wrapped key, and of one with two and a wrapped successor.
const ONE: u8 = 1;
const PAIR: u8 = 2;

/// The parts of a body that stand before its standing: the key of the tokens wrapped for the credential in force; in a
/// pair also the key wrapped for the other credential, and the successor's secret wrapped for its predecessor.
pub(super) type Wrapped<'a> = Vec<&'a [u8]>;

impl Vault {
    /// Unwraps the key of a session's tokens. Only the secret of a credential that it was wrapped for does it.
    ///
    /// # Errors
    /// When the ring's key is not loaded, or it was wrapped for other credentials.
    pub fn open_token_key(&self, credential: &Credential, body: &[u8]) -> Result<TokenKey, VaultError> {
        let (wrapped, _) = split_body(body)?;
        let key = credential.key.to_bytes();
        let unwrap = |wrapped: &[u8]| self.token_key.unwrap(&token_key_of(credential, &key), wrapped);
        let mut wraps = wrapped.into_iter().take(2);
        let first = unwrap(wraps.next().unwrap_or_default());
        let opened = first.or_else(|error| wraps.next().map_or(Err(error), unwrap));
        Ok(TokenKey(opened?))
    }

    /// The same body with a successor of the credential in force: both open the tokens, and the one in force yields the
    /// successor again. What it held of a credential before is dropped.
    ///
    /// # Errors
    /// When `current` is not the credential in force, or its ring's key is not loaded.
    pub fn add_successor(&self, current: &Credential, next: &Credential, body: &[u8]) -> Result<Vec<u8>, VaultError> {
        let (wrapped, sealed) = split_body(body)?;
        let token_key = self.open_token_key(current, body)?;
        let key = current.key.to_bytes();
        let successor = self.token_key.wrap(&successor_of(current, &key), next.secret());
        let own = wrapped.first().copied().unwrap_or_default();
        Ok(join_body(&[own, &self.wrap_token_key(next, &token_key), &successor], sealed))
    }

    /// The successor that a body holds for this predecessor.
    ///
    /// # Errors
    /// When it holds none, or it was wrapped for another credential.
    pub fn open_successor(&self, predecessor: &Credential, body: &[u8]) -> Result<Credential, VaultError> {
        let (wrapped, _) = split_body(body)?;
        let successor = wrapped.get(2).ok_or(VaultError::Format)?;
        let key = predecessor.key.to_bytes();
        Ok(predecessor.next(self.token_key.unwrap(&successor_of(predecessor, &key), successor)?))
    }

    pub(super) fn wrap_token_key(&self, credential: &Credential, token_key: &TokenKey) -> Sealed {
        self.token_key.wrap(&token_key_of(credential, &credential.key.to_bytes()), &token_key.0)
    }
}

/// The same body after the successor was presented: it is the credential in force, and the other is the one before. No
/// secret is needed for it.
///
/// # Errors
/// When the body holds no successor.
pub fn promote_successor(body: &[u8]) -> Result<Vec<u8>, VaultError> {
    let (wrapped, sealed) = split_body(body)?;
    let [own, next, successor] = wrapped.as_slice() else { return Err(VaultError::Format) };
    Ok(join_body(&[next, own, successor], sealed))
}

/// What the key of a session's tokens is wrapped for: this session, in the hands of who has this secret.
fn token_key_of<'a>(credential: &'a Credential, key: &'a [u8]) -> [&'a [u8]; 4] {
    [b"token key", VERSION, key, credential.secret().expose()]
}

/// What a successor's secret is wrapped for: whoever holds the one before.
fn successor_of<'a>(predecessor: &'a Credential, key: &'a [u8]) -> [&'a [u8]; 4] {
    [b"successor", VERSION, key, predecessor.secret().expose()]
}

pub(super) fn join_body(wrapped: &[&[u8]], sealed: &[u8]) -> Vec<u8> {
    let form = if wrapped.len() > 1 { PAIR } else { ONE };
    [&[form], wrapped.concat().as_slice(), sealed].concat()
}

pub(super) fn split_body(body: &[u8]) -> Result<(Wrapped<'_>, &[u8]), VaultError> {
    let (wraps, rest) = match body {
        [ONE, rest @ ..] => (1, rest),
        [PAIR, rest @ ..] => (3, rest),
        _ => return Err(VaultError::Format),
    };
    let (wrapped, sealed) = rest.split_at_checked(wraps * WRAPPED_LEN).ok_or(VaultError::Format)?;
    Ok((wrapped.chunks_exact(WRAPPED_LEN).collect(), sealed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{KeyRing, Secret, SecretBytes, Unsealable};
    use crate::session::key::{Partition, TenantNumber};

    /// A pair of version 1 before its sealed standing, as it was written once: two wraps of the tokens' key, and the
    /// wrapped successor.
    const GOLDEN: &str = "0232a83e18e1215e262ffdd3cce19d635a26a8dbcde36e16fe33458c38b927a04892a042d92bf65ff687ee5da632a83e18b8\
        a5e5f081dfb7a88e5817be642eb40032f543e989c010068a23749aa1f60ea65cac03c66c354acd32a83e18addc5d19f72dfb\
        bcae39fc47adb45341dc478dec04f1221bc5a7f54fe453ebf9b0858359c98b4b16";

    #[test]
    fn golden_bytes() {
        let ring = KeyRing::new(Secret::new("a secret of at least 32 characters..."), []);
        let vault = Vault::new(&ring, &ring);
        let first = Credential::new(TenantNumber(1), Partition::new(1).unwrap(), [1; 16], 1, [2; 32]);
        let one = join_body(&[&vault.wrap_token_key(&first, &TokenKey::new([4; 32]))], b"");
        let pair = vault.add_successor(&first, &first.next(SecretBytes::new([3; 32])), &one).unwrap();
        let byte = |at| u8::from_str_radix(&GOLDEN[at..at + 2], 16).unwrap();
        let golden: Vec<u8> = (0..GOLDEN.len()).step_by(2).map(byte).collect();
        assert_eq!(pair, golden);
    }

    // security.md 75: a successor is for whoever holds its predecessor; tokens for whoever holds either.
    #[test]
    fn a_pair_opens_for_both_and_yields_the_successor_to_its_predecessor_alone() {
        let ring = KeyRing::new(Secret::new("a secret of at least 32 characters..."), []);
        let vault = Vault::new(&ring, &ring);
        let first = Credential::new(TenantNumber(1), Partition::new(1).unwrap(), [1; 16], 1, [2; 32]);
        let (next, stranger) = (first.next(SecretBytes::new([3; 32])), first.next(SecretBytes::new([9; 32])));
        let token_key = TokenKey::new([4; 32]);
        let one = join_body(&[&vault.wrap_token_key(&first, &token_key)], b"sealed standing");
        let pair = vault.add_successor(&first, &next, &one).unwrap();
        let promoted = promote_successor(&pair).unwrap();
        for body in [&pair, &promoted] {
            assert_eq!(split_body(body).unwrap().1, b"sealed standing");
            for credential in [&first, &next] {
                assert_eq!(vault.open_token_key(credential, body).unwrap().0.expose(), token_key.0.expose());
            }
            let again = vault.open_successor(&first, body).unwrap();
            assert_eq!((again.generation, again.secret_hash()), (2, next.secret_hash()));
            for other in [&next, &stranger] {
                assert_eq!(vault.open_successor(other, body).unwrap_err(), Unsealable::Broken.into());
            }
            assert_eq!(vault.open_token_key(&stranger, body).unwrap_err(), Unsealable::Broken.into());
        }
        // The next rotation knows nothing of the first credential any more.
        let third = next.next(SecretBytes::new([5; 32]));
        let later = vault.add_successor(&next, &third, &promoted).unwrap();
        assert!(vault.open_token_key(&first, &later).is_err() && vault.open_successor(&first, &later).is_err());
        assert!(vault.open_successor(&first, &one).is_err() && promote_successor(&one).is_err());
        assert!(split_body(&pair[..100]).is_err() && split_body(&[3]).is_err() && split_body(&[]).is_err());
    }
}
