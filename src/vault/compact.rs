//! Owns making tokens small: JWTs are kept as their decoded parts, and everything is deflated together.
//! Does not know what a token grants.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use super::VaultError;
use crate::crypto::Secret;

const AS_IT_CAME: u8 = 0;
const JWT: u8 = 1;
/// What unpacked tokens may come to at most; they were far smaller when they were packed.
const LARGEST: u64 = 4 * 1024 * 1024;

/// A token in its short form: a JWT as its decoded parts, each behind its length. One that would not come back byte
/// for byte is kept as it came.
pub(super) fn shorten(token: &Secret) -> Vec<u8> {
    jwt(token.expose()).unwrap_or_else(|| [&[AS_IT_CAME], token.expose().as_bytes()].concat())
}

fn jwt(token: &str) -> Option<Vec<u8>> {
    let mut short = vec![JWT];
    let mut parts = 0;
    for part in token.split('.') {
        let bytes = URL_SAFE_NO_PAD.decode(part).ok().filter(|bytes| URL_SAFE_NO_PAD.encode(bytes) == part)?;
        short.extend_from_slice(&u32::try_from(bytes.len()).ok()?.to_be_bytes());
        short.extend_from_slice(&bytes);
        parts += 1;
    }
    (parts >= 3).then_some(short)
}

/// The token behind a short form.
pub(super) fn lengthen(short: &[u8]) -> Result<Secret, VaultError> {
    let (kind, mut rest) = short.split_first().ok_or(VaultError::Format)?;
    if *kind == AS_IT_CAME {
        return String::from_utf8(rest.to_vec()).map(Secret::new).map_err(|_| VaultError::Format);
    }
    if *kind != JWT {
        return Err(VaultError::Format);
    }
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<4>().ok_or(VaultError::Format)?;
        let length = u32::from_be_bytes(*length) as usize;
        let (part, after) = after.split_at_checked(length).ok_or(VaultError::Format)?;
        parts.push(URL_SAFE_NO_PAD.encode(part));
        rest = after;
    }
    Ok(Secret::new(parts.join(".")))
}

/// Deflates bytes. Writing into memory can't fail.
pub(super) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).unwrap_or_default()
}

/// Inflates bytes, up to a bound.
pub(super) fn inflate(bytes: &[u8]) -> Result<Vec<u8>, VaultError> {
    let mut plain = Vec::new();
    DeflateDecoder::new(bytes).take(LARGEST).read_to_end(&mut plain).map_err(|_| VaultError::Format)?;
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_comes_back_byte_for_byte() {
        let jwt = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";
        for token in [jwt, "opaque", "a.b", "", "not.base64!.x", "eyJ.e30=.x", "YR.YQ.YQ", "..", "a.b.c.d.e"] {
            assert_eq!(lengthen(&shorten(&Secret::new(token))).unwrap().expose(), token);
        }
        assert!(shorten(&Secret::new(jwt)).len() < jwt.len());
    }

    #[test]
    fn what_is_not_a_short_form_is_refused() {
        for short in [&[][..], &[2, 0], &[JWT, 0, 0, 0, 9, 1], &[JWT, 0], &[AS_IT_CAME, 0xff]] {
            assert_eq!(lengthen(short), Err(VaultError::Format));
        }
    }
}
