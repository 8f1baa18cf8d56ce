//! Owns making what is kept small: JWTs are kept as their decoded parts, and everything is deflated together, what is
//! said of a user with a dictionary of what is said of many. Does not know what a token grants.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::bufread::ZlibDecoder;
use flate2::write::ZlibEncoder;
use flate2::{Compress, Compression, Decompress};

use super::VaultError;
use crate::crypto::Secret;

const AS_IT_CAME: u8 = 0;
const JWT: u8 = 1;
/// What unpacked tokens may come to at most; they were far smaller when they were packed.
const LARGEST: u64 = 4 * 1024 * 1024;

/// What many standings have in common: what is most common stands last. Bodies of version 1 are written and read with
/// exactly these bytes.
const DICTIONARY: &[u8] = include_bytes!("dictionary-1.txt");

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
    deflate_by(deflater(), bytes)
}

/// Inflates bytes, up to a bound.
pub(super) fn inflate(short: &[u8]) -> Result<Vec<u8>, VaultError> {
    inflate_by(Decompress::new(false), short)
}

/// Deflates a standing with the dictionary.
pub(super) fn deflate_standing(bytes: &[u8]) -> Vec<u8> {
    let mut deflater = deflater();
    // A new deflater takes any dictionary; what is empty would be no standing, and open nowhere.
    deflater.set_dictionary(DICTIONARY).map(|_| deflate_by(deflater, bytes)).unwrap_or_default()
}

/// Inflates what [`deflate_standing`] deflated, up to a bound.
pub(super) fn inflate_standing(short: &[u8]) -> Result<Vec<u8>, VaultError> {
    let mut inflater = Decompress::new(false);
    inflater.set_dictionary(DICTIONARY).map_err(|_| VaultError::Format)?;
    inflate_by(inflater, short)
}

/// Without the header and checksum of zlib: what is sealed is authenticated.
fn deflater() -> Compress {
    Compress::new(Compression::best(), false)
}

fn deflate_by(deflater: Compress, bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new_with_compress(Vec::new(), deflater);
    encoder.write_all(bytes).and_then(|()| encoder.finish()).unwrap_or_default()
}

fn inflate_by(inflater: Decompress, short: &[u8]) -> Result<Vec<u8>, VaultError> {
    let mut plain = Vec::with_capacity(1024);
    let decoder = ZlibDecoder::new_with_decompress(short, inflater);
    decoder.take(LARGEST + 1).read_to_end(&mut plain).map_err(|_| VaultError::Format)?;
    if plain.len() as u64 > LARGEST { Err(VaultError::Format) } else { Ok(plain) }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Bodies of version 1 are read with this dictionary for ever: another one needs another version.
    #[test]
    fn golden_dictionary() {
        let hash = crate::crypto::sha256(DICTIONARY);
        let hex = hash.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        assert_eq!(hex, "9ee90846e3b568dc0dac2b75d882ed30a3c9b82a587f8ee9b08ebcdbac722f80");
    }

    #[test]
    fn what_is_deflated_comes_back_up_to_a_bound() {
        let long = [DICTIONARY, DICTIONARY].concat();
        let random: Vec<u8> = (0..2000_u32).flat_map(|n| crate::crypto::sha256(&n.to_be_bytes())).collect();
        for plain in [&b""[..], b"x", b"https://accounts.google.com", &long, &[0; 10_000], &random] {
            assert!(inflate_standing(&deflate_standing(plain)).unwrap() == plain);
            assert!(inflate(&deflate(plain)).unwrap() == plain);
        }
        let bomb = vec![0; 5 << 20];
        assert!(inflate(&deflate(&bomb)).is_err() && inflate_standing(&deflate_standing(&bomb)).is_err());
        assert!(deflate_standing(b"https://accounts.google.com").len() < 10);
    }

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
