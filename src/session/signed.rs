//! Owns the text form of small things that this authority signs and gets back: credential, binding, state.
//! Does not know what they mean.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::key::TenantNumber;
use crate::crypto::{KEY_ID_LEN, KeyId, MAC_LEN, MacRing, Secret};

const OVERHEAD: usize = KEY_ID_LEN + MAC_LEN;

/// How long the text of `signed` bytes is, without its prefix.
pub(super) const fn text_len(signed: usize) -> usize {
    ((signed + OVERHEAD) * 4).div_ceil(3)
}

/// The prefix, then base64url of the bytes, the id of the key that signs, and its MAC over the bytes.
pub(super) fn write(prefix: &str, signed: &[u8], ring: &MacRing) -> Secret {
    let (key_id, mac) = ring.sign(&[signed]);
    let mut text = String::with_capacity(prefix.len() + text_len(signed.len()));
    text.push_str(prefix);
    URL_SAFE_NO_PAD.encode_string([signed, &key_id, &mac].concat(), &mut text);
    Secret::new(text)
}

/// The `N` bytes behind a text, if this ring signed exactly them in exactly this form.
pub(super) fn read<const N: usize>(prefix: &str, text: &[u8], ring: &MacRing) -> Option<[u8; N]> {
    const LONGEST: usize = 128;
    let encoded = text.strip_prefix(prefix.as_bytes())?;
    if encoded.len() != text_len(N) {
        return None;
    }
    let mut bytes = [0; LONGEST];
    let length = URL_SAFE_NO_PAD.decode_slice(encoded, &mut bytes).ok()?;
    let (signed, rest) = bytes.get(..length)?.split_first_chunk::<N>()?;
    let (key_id, mac) = rest.split_first_chunk::<KEY_ID_LEN>()?;
    ring.verify(key_id, &[signed], mac).then_some(*signed)
}

/// The key that a text of `N` signed bytes names as the one that signed it. Anybody can name any.
pub(super) fn claimed_key<const N: usize>(prefix: &str, text: &[u8]) -> Option<KeyId> {
    let encoded = text.strip_prefix(prefix.as_bytes()).filter(|encoded| encoded.len() == text_len(N))?;
    let bytes = URL_SAFE_NO_PAD.decode(encoded).ok()?;
    bytes.get(N..)?.first_chunk().copied()
}

/// The tenant's number behind a text whose bytes begin with `version` and a tenant's number: not verified, so good for
/// nothing but to find who can verify it.
pub(super) fn claimed_tenant(prefix: &str, text: &[u8], version: u8) -> Option<TenantNumber> {
    let mut bytes = [0; 6];
    URL_SAFE_NO_PAD.decode_slice(text.strip_prefix(prefix.as_bytes())?.get(..8)?, &mut bytes).ok()?;
    let [own, tenant @ .., _] = bytes;
    (own == version).then(|| TenantNumber(u32::from_be_bytes(tenant)))
}
