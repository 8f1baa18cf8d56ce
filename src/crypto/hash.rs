//! Owns hashing and comparing. Does not know what is hashed.

use sha2::{Digest as _, Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq as _;

/// A SHA-256 digest.
pub type Digest = [u8; 32];

/// Hashes `parts` under a label that names the purpose; every part is preceded by its length, so that no two
/// different lists of parts can meet in one digest.
#[must_use]
pub fn digest(label: &str, parts: &[&[u8]]) -> Digest {
    let mut hash = Sha256::new();
    each_delimited(label, parts, |bytes| hash.update(bytes));
    hash.finalize().into()
}

/// The bare SHA-256 of some bytes, where a standard asks for it.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Digest {
    Sha256::digest(bytes).into()
}

/// The bare SHA-384 of some bytes.
#[must_use]
pub fn sha384(bytes: &[u8]) -> [u8; 48] {
    Sha384::digest(bytes).into()
}

/// The bare SHA-512 of some bytes.
#[must_use]
pub fn sha512(bytes: &[u8]) -> [u8; 64] {
    Sha512::digest(bytes).into()
}

/// Compares in time that depends on the lengths alone.
#[must_use]
pub fn equal(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

/// Feeds a label and parts to `update`, each preceded by its length as eight big-endian bytes.
pub(super) fn each_delimited(label: &str, parts: &[&[u8]], mut update: impl FnMut(&[u8])) {
    for part in std::iter::once(&label.as_bytes()).chain(parts) {
        update(&(part.len() as u64).to_be_bytes());
        update(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // security.md 53, 103: any hashed or authenticated input is length-delimited.
    #[test]
    fn moving_a_byte_between_parts_changes_the_digest() {
        assert_ne!(digest("l", &[b"ab", b"c"]), digest("l", &[b"a", b"bc"]));
        assert_ne!(digest("l", &[b"ab"]), digest("la", &[b"b"]));
    }
}
