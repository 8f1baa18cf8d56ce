//! Owns the bytes of kept mint keys: a version, the revision, what is sealed. Does not know where they are kept.

use super::record::NotARecord;
use crate::authority::ports::KeptMintKeys;

const VERSION: u8 = 1;

/// The bytes that keep them.
pub fn write(keys: &KeptMintKeys) -> Vec<u8> {
    [&[VERSION], keys.revision.to_be_bytes().as_slice(), &keys.sealed].concat()
}

/// Reads them.
pub fn read(bytes: &[u8]) -> Result<KeptMintKeys, NotARecord> {
    let (version, rest) = bytes.split_first().ok_or(NotARecord::Truncated(0))?;
    if *version != VERSION {
        return Err(NotARecord::Newer(*version));
    }
    let (revision, sealed) = rest.split_first_chunk::<8>().ok_or(NotARecord::Truncated(bytes.len()))?;
    Ok(KeptMintKeys { revision: u64::from_be_bytes(*revision), sealed: sealed.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    // The store format fixes these for ever.
    #[test]
    fn golden_bytes() {
        let keys = KeptMintKeys { revision: 7, sealed: b"sealed".to_vec() };
        assert_eq!(write(&keys), b"\x01\0\0\0\0\0\0\0\x07sealed");
        assert_eq!(read(&write(&keys)), Ok(keys));
        assert_eq!(read(b"\x02\0\0\0\0\0\0\0\x07sealed"), Err(NotARecord::Newer(2)));
        assert_eq!(read(b"\x01\0"), Err(NotARecord::Truncated(2)));
    }
}
