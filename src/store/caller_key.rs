//! Owns the bytes of a kept caller's key: a version, its end, the hash of its name, what is sealed. Does not know where they
//! are kept.

use super::record::NotARecord;
use crate::authority::ports::KeptCallerKey;
use crate::session::time::Timestamp;

const VERSION: u8 = 1;

/// The bytes that keep it.
pub fn write(kept: &KeptCallerKey) -> Vec<u8> {
    [&[VERSION], kept.ends.as_millis().to_be_bytes().as_slice(), &kept.name, &kept.sealed].concat()
}

/// Reads it.
pub fn read(bytes: &[u8]) -> Result<KeptCallerKey, NotARecord> {
    let truncated = || NotARecord::Truncated(bytes.len());
    let (version, rest) = bytes.split_first().ok_or_else(truncated)?;
    if *version != VERSION {
        return Err(NotARecord::Newer(*version));
    }
    let (ends, rest) = rest.split_first_chunk::<8>().ok_or_else(truncated)?;
    let (name, sealed) = rest.split_first_chunk::<16>().ok_or_else(truncated)?;
    let ends = Timestamp::from_millis(u64::from_be_bytes(*ends));
    Ok(KeptCallerKey { ends, name: *name, sealed: sealed.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    // The store format fixes these for ever.
    #[test]
    fn golden_bytes() {
        let kept =
            KeptCallerKey { ends: Timestamp::from_millis(7), name: *b"hash of its name", sealed: b"sealed".into() };
        assert_eq!(write(&kept), b"\x01\0\0\0\0\0\0\0\x07hash of its namesealed");
        assert_eq!(read(&write(&kept)), Ok(kept));
        assert_eq!(read(b"\x02\0\0\0\0\0\0\0\x07hash of its name"), Err(NotARecord::Newer(2)));
        assert_eq!(read(b"\x01\0"), Err(NotARecord::Truncated(2)));
    }
}
