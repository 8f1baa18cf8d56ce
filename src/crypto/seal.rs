//! Owns sealing: AES-256-GCM under a key made for the thing that is sealed, and AES key wrap for keys. Does not know
//! what is inside.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrap as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::SecretBytes;
use super::hash::each_delimited;
use super::ring::{KEY_ID_LEN, KeyId, key_id_text};

/// How long a nonce is, in bytes.
pub const NONCE_LEN: usize = 12;

/// A key that seals one thing.
pub type SealKey = SecretBytes<32>;

/// Sealed bytes: key id, nonce, ciphertext, tag.
pub type Sealed = Vec<u8>;

/// How long a wrapped key is: key id, and the key with its check (RFC 3394).
pub const WRAPPED_LEN: usize = KEY_ID_LEN + 40;

/// Why sealed bytes could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsealable {
    /// They name a key that is not in the ring. Nothing is known about what is inside.
    #[error("{what} is under the key {}, which is not loaded; see `gatelodge rings list`", key_id_text(*.id))]
    UnknownKey {
        /// The key.
        id: KeyId,
        /// What is sealed with it.
        what: &'static str,
    },
    /// They were not sealed by this ring for this purpose, place and version, or were changed since.
    #[error("sealed bytes that do not open")]
    Broken,
}

/// Keys of one purpose that seal; the first one seals what is new.
#[derive(Clone)]
pub struct SealRing {
    keys: Vec<(KeyId, Hmac<Sha256>)>,
    /// The keys after the active one and these: others may seal with them already.
    later: Vec<KeyId>,
    what: &'static str,
}

impl SealRing {
    pub(super) fn new(keys: Vec<(KeyId, SecretBytes<32>)>, older: usize) -> Self {
        let later = keys.iter().skip(older + 1).map(|(id, _)| *id).collect();
        let keys =
            keys.into_iter().filter_map(|(id, key)| Some((id, Hmac::new_from_slice(key.expose()).ok()?))).collect();
        Self { keys, later, what: "what is kept" }
    }

    /// The same ring, whose errors say what it is that is sealed.
    #[must_use]
    pub fn of(self, what: &'static str) -> Self {
        Self { what, ..self }
    }

    fn key(&self, id: KeyId) -> Result<&Hmac<Sha256>, Unsealable> {
        let found = self.keys.iter().find(|(own, _)| *own == id);
        found.map(|(_, key)| key).ok_or(Unsealable::UnknownKey { id, what: self.what })
    }

    /// Seals `plain` under a key made from the ring and `subject`, so that random nonces never run out.
    /// `context` is authenticated with it: it opens only with the same subject and context.
    #[must_use]
    pub fn seal(&self, nonce: [u8; NONCE_LEN], subject: &[&[u8]], context: &[&[u8]], plain: &[u8]) -> Sealed {
        let Some((id, ring)) = self.keys.first() else { return Vec::new() };
        let mut sealed = Vec::with_capacity(KEY_ID_LEN + NONCE_LEN + plain.len() + 16);
        sealed.extend_from_slice(id);
        sealed.extend_from_slice(&seal_with(&subject_key(ring, subject), nonce, context, plain));
        sealed
    }

    /// Whether the active key of the ring or a later one sealed this, as far as its name goes. A later one is active where
    /// somebody is ahead: what they have sealed is never to go back under a key that ends earlier.
    #[must_use]
    pub fn is_up_to_date(&self, sealed: &[u8]) -> bool {
        let active = self.keys.first().map(|(id, _)| id);
        active.into_iter().chain(&self.later).any(|id| sealed.starts_with(id))
    }

    /// Opens what [`SealRing::seal`] sealed.
    ///
    /// # Errors
    /// `UnknownKey` when the key is not in the ring; `Broken` when subject, context or bytes differ.
    pub fn open(&self, subject: &[&[u8]], context: &[&[u8]], sealed: &[u8]) -> Result<Vec<u8>, Unsealable> {
        let (id, rest) = sealed.split_first_chunk::<KEY_ID_LEN>().ok_or(Unsealable::Broken)?;
        open_with(&subject_key(self.key(*id)?, subject), context, rest)
    }

    /// Wraps a random key under one made from the ring and `subject` (AES key wrap, RFC 3394): key id, wrapped key. It
    /// takes no nonce, since the same key under the same subject is the same wrapped key, and tells nothing more.
    #[must_use]
    pub fn wrap(&self, subject: &[&[u8]], key: &SealKey) -> Sealed {
        let mut wrapped = vec![0; WRAPPED_LEN];
        // Wrapping 32 bytes can't fail; zeros open nowhere, so nothing leaks.
        if let Some((id, ring)) = self.keys.first()
            && let Some((id_place, key_place)) = wrapped.split_first_chunk_mut::<KEY_ID_LEN>()
        {
            *id_place = *id;
            if wrapping_key(ring, subject).is_none_or(|kek| kek.wrap(key.expose(), key_place).is_err()) {
                return Vec::new();
            }
        }
        wrapped
    }

    /// Unwraps what [`SealRing::wrap`] wrapped.
    ///
    /// # Errors
    /// `UnknownKey` when the key is not in the ring; `Broken` when subject or bytes differ.
    pub fn unwrap(&self, subject: &[&[u8]], wrapped: &[u8]) -> Result<SealKey, Unsealable> {
        let (id, rest) = wrapped.split_first_chunk::<KEY_ID_LEN>().ok_or(Unsealable::Broken)?;
        let mut key = [0; 32];
        let kek = wrapping_key(self.key(*id)?, subject).ok_or(Unsealable::Broken)?;
        match kek.unwrap(rest, &mut key) {
            Ok(whole) if whole.len() == 32 => Ok(SecretBytes::new(key)),
            _ => Err(Unsealable::Broken),
        }
    }
}

/// Seals under a key that is used for this one thing: nonce, ciphertext, tag.
#[must_use]
pub fn seal_with(key: &SealKey, nonce: [u8; NONCE_LEN], context: &[&[u8]], plain: &[u8]) -> Sealed {
    let mut sealed = Vec::with_capacity(NONCE_LEN + plain.len() + 16);
    sealed.extend_from_slice(&nonce);
    let mut body = plain.to_vec();
    // AES-GCM can't fail for inputs below 2^36 bytes; an empty result opens nowhere, so nothing leaks.
    if let Some(aead) = cipher(key)
        && aead
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(joined(context)), &mut body)
            .is_ok()
    {
        sealed.append(&mut body);
    }
    sealed
}

/// Opens what [`seal_with`] sealed.
///
/// # Errors
/// `Broken` when key, context or bytes differ.
pub fn open_with(key: &SealKey, context: &[&[u8]], sealed: &[u8]) -> Result<Vec<u8>, Unsealable> {
    let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(Unsealable::Broken)?;
    let mut body = body.to_vec();
    let aead = cipher(key).ok_or(Unsealable::Broken)?;
    let opened = aead.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(joined(context)), &mut body);
    let length = opened.map_err(|_| Unsealable::Broken)?.len();
    body.truncate(length);
    Ok(body)
}

fn cipher(key: &SealKey) -> Option<LessSafeKey> {
    Some(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.expose()).ok()?))
}

fn subject_key(ring: &Hmac<Sha256>, subject: &[&[u8]]) -> SealKey {
    let mut mac = ring.clone();
    each_delimited("subject", subject, |bytes| mac.update(bytes));
    SecretBytes::new(mac.finalize().into_bytes().into())
}

fn wrapping_key(ring: &Hmac<Sha256>, subject: &[&[u8]]) -> Option<AesKek> {
    AesKek::new(&AES_256, subject_key(ring, subject).expose()).ok()
}

fn joined(context: &[&[u8]]) -> Vec<u8> {
    let mut all = Vec::with_capacity(96);
    each_delimited("context", context, |bytes| all.extend_from_slice(bytes));
    all
}

#[cfg(test)]
mod tests {
    use super::super::{KeyRing, Secret};
    use super::*;

    fn ring() -> SealRing {
        KeyRing::new(Secret::new("a secret of at least 32 characters..."), []).seal("standing")
    }

    // security.md 75: swapping or truncating ciphertext between sessions or fields fails.
    #[test]
    fn sealed_bytes_open_only_for_the_same_subject_and_context() {
        let sealed = ring().seal([1; 12], &[b"session 1"], &[b"standing", b"1"], b"secret");
        assert_eq!(ring().open(&[b"session 1"], &[b"standing", b"1"], &sealed), Ok(b"secret".to_vec()));
        assert_eq!(ring().open(&[b"session 2"], &[b"standing", b"1"], &sealed), Err(Unsealable::Broken));
        assert_eq!(ring().open(&[b"session 1"], &[b"standing1", b""], &sealed), Err(Unsealable::Broken));
        for length in 0..sealed.len() {
            assert!(ring().open(&[b"session 1"], &[b"standing", b"1"], &sealed[..length]).is_err());
        }
    }

    // security.md 75, for keys.
    #[test]
    fn a_wrapped_key_unwraps_only_for_the_same_subject() {
        let key = SecretBytes::new([7; 32]);
        let wrapped = ring().wrap(&[b"session 1", b"secret"], &key);
        assert_eq!(wrapped.len(), WRAPPED_LEN);
        assert_eq!(ring().unwrap(&[b"session 1", b"secret"], &wrapped).unwrap().expose(), key.expose());
        assert_eq!(ring().unwrap(&[b"session 1", b"secre"], &wrapped).unwrap_err(), Unsealable::Broken);
        assert_eq!(ring().unwrap(&[b"session 1secret"], &wrapped).unwrap_err(), Unsealable::Broken);
        for length in 0..wrapped.len() {
            assert!(ring().unwrap(&[b"session 1", b"secret"], &wrapped[..length]).is_err());
        }
        for bit in 0..wrapped.len() * 8 {
            let mut bent = wrapped.clone();
            bent[bit / 8] ^= 1 << (bit % 8);
            assert!(ring().unwrap(&[b"session 1", b"secret"], &bent).is_err(), "bit {bit}");
        }
    }

    // store.md 2: what a replica that is ahead has sealed does not go back under a former key.
    #[test]
    fn what_a_later_key_sealed_is_up_to_date_and_what_a_former_one_did_is_not() {
        let secrets = ["oldest", "old", "active", "later", "latest"].map(Secret::new);
        let ring = KeyRing::of(secrets.to_vec(), 2, Vec::new()).seal("standing");
        let by = |secret: Secret| KeyRing::new(secret, []).seal("standing").seal([1; 12], &[b"s"], &[], b"text");
        assert_eq!(secrets.map(|secret| ring.is_up_to_date(&by(secret))), [false, false, true, true, true]);
        assert!(!ring.is_up_to_date(&by(Secret::new("unknown"))) && !ring.is_up_to_date(b""));
    }

    #[test]
    fn any_flipped_bit_is_noticed() {
        let sealed = ring().seal([1; 12], &[b"s"], &[b"c"], b"secret");
        for bit in 0..sealed.len() * 8 {
            let mut bent = sealed.clone();
            bent[bit / 8] ^= 1 << (bit % 8);
            assert!(ring().open(&[b"s"], &[b"c"], &bent).is_err(), "bit {bit}");
        }
    }
}
